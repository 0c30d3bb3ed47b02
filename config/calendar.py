"""The single values of opening hours: days, hours, dates, time zones, countries."""

from datetime import date
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator
from pydantic.types import Strict

from config.scalars import closest, wrong
from ivr.errors import ScheduleError
from ivr.schedule import DAYS, Hours, known_countries, parse_days, parse_hours


def _check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise wrong('a time zone like "Europe/Vienna"', name, closest(name, available_timezones()))
    return name


def _to_day(value: Any) -> Any:
    """Read one day's hours: a text, or a list of texts."""
    if isinstance(value, tuple) and all(isinstance(hours, Hours) for hours in value):
        return value
    texts = [value] if isinstance(value, str) else value
    expected = 'hours like "09:00-18:00", "09:00-13:00, 14:00-18:00" or "closed"'
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise wrong(expected, value)
    try:
        return tuple(hours for text in texts for hours in parse_hours(text))
    except ScheduleError:
        raise wrong(expected, value) from None


def _to_date(value: Any) -> Any:
    """Read a holiday: a date, or a text like "12-25" for one of every year."""
    if type(value) is date:
        return value
    if isinstance(value, str):
        if len(value) == 5:
            try:
                date.fromisoformat(f"2000-{value}")
            except ValueError:
                raise wrong('a date like 2026-12-25, or "12-25" for every year', value) from None
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise wrong('a date like 2026-12-25, or "12-25" for every year', value)


def _check_days(text: str) -> str:
    try:
        parse_days(text)
    except ScheduleError:
        raise wrong('a day or days like "mon" or "mon-fri"', text, closest(text[:3], DAYS)) from None
    return text.lower()


def _to_time(value: Any) -> Any:
    """Read a time of day as minutes after midnight."""
    if type(value) is int:
        return value
    try:
        return Hours.parse(f"{value}-24:00").start
    except ScheduleError:
        raise wrong('a time of day like "05:00"', value) from None


def _check_country(code: str) -> str:
    if code not in known_countries():
        raise wrong('a country in two capital letters like "AT"', code, closest(code.upper(), known_countries()))
    return code


Timezone = Annotated[str, AfterValidator(_check_timezone)]
Country = Annotated[str, AfterValidator(_check_country)]
Day = Annotated[tuple[Hours, ...], BeforeValidator(_to_day)]
Days = Annotated[str, AfterValidator(_check_days)]
DayOff = Annotated[date | str, BeforeValidator(_to_date)]
TimeOfDay = Annotated[int, BeforeValidator(_to_time)]
IsoDate = Annotated[date, BeforeValidator(_to_date), Strict()]
