"""Opening hours, holidays and the parts of the day, in the local time of one place.

A stretch of hours belongs to the day it begins on: "22:00-06:00" on Monday ends on Tuesday morning, also when that
Tuesday is a holiday, and does not happen at all when Monday is one. Clock changes need no rule of their own: the
local clock on the wall decides, whether it shows an hour twice or leaves one out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from ivr.errors import ScheduleError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_OF_DAY = 24 * 60
_HOURS = re.compile(r"(\d\d?):(\d\d) ?- ?(\d\d?):(\d\d)")
_ONE_DAY = timedelta(days=1)


class PartOfDay(StrEnum):
    """What one wishes a caller: good morning, day, evening, night."""

    MORNING = "morning"
    DAY = "day"
    EVENING = "evening"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Hours:
    """One stretch of time that begins on some day, in minutes after midnight; the last minute is not part of it."""

    start: int
    """0 to 1439."""
    end: int
    """1 to 2880; more than 1440 runs into the next day."""

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Read "09:00-18:00"; an end at or before the start is on the next day ("22:00-06:00")."""
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ScheduleError(f'expected hours like "09:00-18:00", got {text!r}')
        first, first_minute, last, last_minute = (int(number) for number in found.groups())
        start, end = first * 60 + first_minute, last * 60 + last_minute
        if first_minute > 59 or last_minute > 59 or start >= MINUTES_OF_DAY or end > MINUTES_OF_DAY:
            raise ScheduleError(f"expected times from 00:00 to 24:00, got {text!r}")
        return cls(start, end if end > start else end + MINUTES_OF_DAY)

    def __str__(self) -> str:
        end = self.end if self.end <= MINUTES_OF_DAY else self.end - MINUTES_OF_DAY
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


def parse_hours(text: str) -> tuple[Hours, ...]:
    """Read one day: "09:00-13:00, 14:00-18:00", or "closed"."""
    if text.strip().lower() == "closed":
        return ()
    return tuple(Hours.parse(part) for part in text.split(","))


def parse_days(text: str) -> tuple[int, ...]:
    """Read the days of the week "mon", "mon-fri", "sat-mon" as 0 (Monday) to 6."""
    first, dash, last = text.strip().lower().partition("-")
    last = last if dash else first
    if first not in DAYS or last not in DAYS:
        raise ScheduleError(f'expected a day or days like "mon" or "mon-fri", got {text!r}')
    start, end = DAYS.index(first), DAYS.index(last)
    return tuple(day % 7 for day in range(start, end + 1 + (7 if end < start else 0)))


@dataclass(frozen=True)
class Schedule:
    """When an office is open."""

    zone: ZoneInfo
    """The place whose clock counts."""
    week: tuple[tuple[Hours, ...], ...]
    """Seven days from Monday, each with its stretches."""
    holidays: frozenset[date] = frozenset()
    """Closed on these dates."""
    yearly: frozenset[tuple[int, int]] = frozenset()
    """Closed on these (month, day) of every year."""
    country: str | None = None
    """Closed on the public holidays of this country (two letters)."""
    subdivision: str | None = None
    """And of this state or province of it."""
    special: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)
    """Dates with hours of their own; they win over holidays and over the week."""
    force: bool | None = None
    """True: open, False: closed, whatever the clock says. The switch for emergencies."""
    morning: int = 5 * 60
    """The minute of the day the morning begins with."""
    day: int = 12 * 60
    """The minute the day begins with."""
    evening: int = 18 * 60
    """The minute the evening begins with."""
    night: int = 23 * 60
    """The minute the night begins with."""

    def __post_init__(self) -> None:
        if len(self.week) != len(DAYS):
            raise ScheduleError(f"a week has seven days, not {len(self.week)}")
        if not 0 <= self.morning < self.day < self.evening < self.night <= MINUTES_OF_DAY:
            raise ScheduleError("morning, day, evening and night must follow each other")

    def is_open(self, moment: datetime) -> bool:
        """Say whether the office is open at a moment that knows its time zone."""
        if self.force is not None:
            return self.force
        local = _local(moment, self.zone)
        minute = local.hour * 60 + local.minute
        today = local.date()
        if any(hours.start <= minute < hours.end for hours in self.hours_of(today)):
            return True
        return any(minute + MINUTES_OF_DAY < hours.end for hours in self.hours_of(today - _ONE_DAY))

    def hours_of(self, day: date) -> tuple[Hours, ...]:
        """Give the stretches that begin on a date."""
        if day in self.special:
            return self.special[day]
        return () if self._is_day_off(day) else self.week[day.weekday()]

    def is_holiday(self, moment: datetime) -> bool:
        """Say whether the local date is a holiday without hours of its own."""
        day = _local(moment, self.zone).date()
        return day not in self.special and self._is_day_off(day)

    def part_of_day(self, moment: datetime) -> PartOfDay:
        """Say what one wishes a caller at this moment."""
        local = _local(moment, self.zone)
        minute = local.hour * 60 + local.minute
        if self.morning <= minute < self.day:
            return PartOfDay.MORNING
        if self.day <= minute < self.evening:
            return PartOfDay.DAY
        if self.evening <= minute < self.night:
            return PartOfDay.EVENING
        return PartOfDay.NIGHT

    def _is_day_off(self, day: date) -> bool:
        if day in self.holidays or (day.month, day.day) in self.yearly:
            return True
        return self.country is not None and day in public_holidays(self.country, self.subdivision, day.year)


def always_open(zone: ZoneInfo) -> Schedule:
    """Make the schedule of a place that never closes."""
    return Schedule(zone, ((Hours(0, MINUTES_OF_DAY),),) * len(DAYS))


UTC_CLOCK = always_open(ZoneInfo("UTC"))
"""For parts of the day where no place is known."""


@lru_cache(maxsize=256)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Give the public holidays of a country, or of a state or province of it, in one year."""
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=year)
    except NotImplementedError as error:
        raise ScheduleError(f"the public holidays of {subdivision or country!r} are not known") from error
    return frozenset(found)


def known_countries() -> Iterable[str]:
    """Give the two-letter codes of all countries whose public holidays are known."""
    return holidays.list_supported_countries()


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    if moment.tzinfo is None:
        raise ScheduleError("a moment without a time zone cannot be compared with opening hours")
    return moment.astimezone(UTC).astimezone(zone)
