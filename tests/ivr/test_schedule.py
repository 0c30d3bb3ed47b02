"""Opening hours, for every minute that matters."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.errors import ScheduleError
from ivr.schedule import (
    Hours,
    PartOfDay,
    Schedule,
    always_open,
    known_countries,
    parse_days,
    parse_hours,
    public_holidays,
)

VIENNA = ZoneInfo("Europe/Vienna")


def daily(text: str, zone: str = "Europe/Vienna", **more: object) -> Schedule:
    return Schedule(ZoneInfo(zone), (parse_hours(text),) * 7, **more)  # type: ignore[arg-type]


def office(**more: object) -> Schedule:
    week = (parse_hours("09:00-18:00"),) * 5 + ((), ())
    return Schedule(VIENNA, week, **more)  # type: ignore[arg-type]


def at(text: str, zone: str = "Europe/Vienna") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


# The days on which clocks change in 2026: zone, local day, the moment in UTC, minutes east of Greenwich before and
# after, and how many minutes the day has. Written down by hand, so that nothing is compared with itself.
CHANGES = [
    ("Europe/Vienna", "2026-03-29", "2026-03-29T01:00", 60, 120, 1380),
    ("Europe/Vienna", "2026-10-25", "2026-10-25T01:00", 120, 60, 1500),
    ("America/New_York", "2026-03-08", "2026-03-08T07:00", -300, -240, 1380),
    ("America/New_York", "2026-11-01", "2026-11-01T06:00", -240, -300, 1500),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T15:00", 660, 630, 1470),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T15:30", 630, 660, 1410),
]


def minutes_of(day: str, change: str, before: int, after: int) -> list[tuple[datetime, str]]:
    """Give every minute of a local day: the moment in UTC and what the clock on the wall shows."""
    moment = datetime.fromisoformat(change).replace(tzinfo=UTC)
    first = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(minutes=before)
    last = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1) - timedelta(minutes=after)
    found = []
    while first < last:
        offset = before if first < moment else after
        found.append((first, (first + timedelta(minutes=offset)).strftime("%H:%M")))
        first += timedelta(minutes=1)
    return found


@pytest.mark.parametrize(("zone", "day", "change", "before", "after", "length"), CHANGES)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("00:00", "24:00"),
        ("09:00", "18:00"),
        ("01:30", "03:30"),
        ("02:00", "02:30"),
        ("01:45", "02:15"),
        ("22:00", "06:00"),
    ],
)
def test_every_minute_of_the_days_on_which_clocks_change(
    zone: str, day: str, change: str, before: int, after: int, length: int, start: str, end: str
) -> None:
    schedule = daily(f"{start}-{end}", zone)
    minutes = minutes_of(day, change, before, after)
    assert len(minutes) == length
    for moment, clock in minutes:
        expected = start <= clock < end if start < end else clock >= start or clock < end
        assert schedule.is_open(moment) == expected, (moment, clock)


@pytest.mark.parametrize(("zone", "day", "change", "before", "after", "length"), CHANGES)
def test_every_minute_of_those_days_has_the_part_of_the_day_that_the_clock_shows(
    zone: str, day: str, change: str, before: int, after: int, length: int
) -> None:
    schedule = always_open(ZoneInfo(zone))
    for moment, clock in minutes_of(day, change, before, after):
        expected = "morning" if "05:00" <= clock < "12:00" else "day" if "12:00" <= clock < "18:00" else None
        expected = expected or ("evening" if "18:00" <= clock < "23:00" else "night")
        assert schedule.part_of_day(moment) == expected


@pytest.mark.parametrize(("zone", "day", "change", "before", "after", "length"), CHANGES)
def test_edge_36_a_holiday_on_such_a_day_closes_all_of_it_but_the_shift_of_the_evening_before(
    zone: str, day: str, change: str, before: int, after: int, length: int
) -> None:
    schedule = daily("22:00-06:00", zone, holidays=frozenset({date.fromisoformat(day)}))
    for moment, clock in minutes_of(day, change, before, after):
        assert schedule.is_open(moment) == (clock < "06:00"), (moment, clock)
        assert schedule.is_holiday(moment)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "open_minutes"),
    [
        ("Europe/Vienna", "2026-03-29", "01:00-04:00", 120),
        ("Europe/Vienna", "2026-10-25", "01:00-04:00", 240),
        ("America/New_York", "2026-03-08", "02:00-03:00", 0),
        ("America/New_York", "2026-11-01", "01:00-02:00", 120),
        ("Australia/Lord_Howe", "2026-04-05", "01:30-02:00", 60),
        ("Australia/Lord_Howe", "2026-10-04", "02:00-03:00", 30),
    ],
)
def test_edge_36_an_hour_shown_twice_is_open_twice_and_one_left_out_never(
    zone: str, day: str, hours: str, open_minutes: int
) -> None:
    schedule = daily(hours, zone)
    noon = at(f"{day}T12:00", zone).astimezone(UTC)
    moments = [noon + timedelta(minutes=minute) for minute in range(-13 * 60, 0)]
    assert sum(schedule.is_open(moment) for moment in moments) == open_minutes


def test_edge_36_an_office_is_open_from_the_first_minute_and_closed_from_the_last() -> None:
    schedule = office()
    assert not schedule.is_open(at("2026-11-23T08:59:59"))
    assert schedule.is_open(at("2026-11-23T09:00"))
    assert schedule.is_open(at("2026-11-23T17:59:59.999999"))
    assert not schedule.is_open(at("2026-11-23T18:00"))
    assert not schedule.is_open(at("2026-11-22T12:00"))


def test_the_place_of_the_office_counts_and_not_that_of_the_switch() -> None:
    assert office().is_open(datetime(2026, 11, 23, 8, 30, tzinfo=UTC))
    assert not office().is_open(datetime(2026, 11, 23, 17, 30, tzinfo=UTC))


def test_edge_36_a_night_shift_of_friday_ends_on_saturday_morning() -> None:
    week = (parse_hours("22:00-06:00"),) * 5 + ((), ())
    schedule = Schedule(VIENNA, week)
    assert schedule.is_open(at("2026-11-28T05:59"))
    assert not schedule.is_open(at("2026-11-28T06:00"))
    assert not schedule.is_open(at("2026-11-28T23:00"))
    assert not schedule.is_open(at("2026-11-23T05:00"))


def test_a_holiday_of_the_list_of_every_year_and_of_the_country_closes_the_office() -> None:
    schedule = office(holidays=frozenset({date(2026, 11, 23)}), yearly=frozenset({(12, 24)}), country="AT")
    assert not schedule.is_open(at("2026-11-23T10:00"))
    assert not schedule.is_open(at("2026-12-24T10:00"))
    assert not schedule.is_open(at("2030-12-24T10:00"))
    assert not schedule.is_open(at("2026-10-26T10:00"))
    assert schedule.is_holiday(at("2026-10-26T23:59"))
    assert not schedule.is_holiday(at("2026-10-27T00:00"))
    assert schedule.is_open(at("2026-11-24T10:00"))


def test_a_special_day_wins_over_the_week_and_over_holidays() -> None:
    special = {date(2026, 10, 26): parse_hours("10:00-12:00"), date(2026, 11, 24): ()}
    schedule = office(country="AT", special=special)
    assert schedule.is_open(at("2026-10-26T11:00"))
    assert not schedule.is_open(at("2026-10-26T13:00"))
    assert not schedule.is_holiday(at("2026-10-26T11:00"))
    assert not schedule.is_open(at("2026-11-24T11:00"))


def test_the_twenty_ninth_of_february_is_a_day_like_others() -> None:
    schedule = office(yearly=frozenset({(2, 29)}))
    assert not schedule.is_open(at("2028-02-29T10:00"))
    assert schedule.is_open(at("2028-02-28T10:00"))
    assert schedule.is_open(at("2027-03-01T10:00"))


def test_an_emergency_switch_wins_over_everything() -> None:
    assert office(force=True).is_open(at("2026-11-22T03:00"))
    assert not office(force=False).is_open(at("2026-11-23T12:00"))


def test_parts_of_the_day_begin_where_the_owner_says() -> None:
    schedule = office(morning=4 * 60, day=10 * 60, evening=17 * 60, night=22 * 60)
    parts = [schedule.part_of_day(at(f"2026-11-23T{hour:02}:00")) for hour in (3, 4, 9, 10, 16, 17, 21, 22, 0)]
    assert parts == [
        PartOfDay.NIGHT, PartOfDay.MORNING, PartOfDay.MORNING, PartOfDay.DAY, PartOfDay.DAY,
        PartOfDay.EVENING, PartOfDay.EVENING, PartOfDay.NIGHT, PartOfDay.NIGHT,
    ]  # fmt: skip


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ScheduleError, match="time zone"):
        office().is_open(datetime(2026, 11, 23, 12))


def test_impossible_schedules_are_refused() -> None:
    with pytest.raises(ScheduleError, match="seven days"):
        Schedule(VIENNA, ())
    with pytest.raises(ScheduleError, match="follow each other"):
        office(morning=13 * 60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:00-18:00", [(540, 1080)]),
        ("9:00 - 18:00", [(540, 1080)]),
        ("09:00-13:00, 14:00-18:00", [(540, 780), (840, 1080)]),
        ("22:00-06:00", [(1320, 1800)]),
        ("00:00-24:00", [(0, 1440)]),
        ("00:00-00:00", [(0, 1440)]),
        ("closed", []),
        ("Closed", []),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, expected: list[tuple[int, int]]) -> None:
    assert [(hours.start, hours.end) for hours in parse_hours(text)] == expected


@pytest.mark.parametrize(
    "text", ["", "9-18", "09:00", "09:60-18:00", "24:00-25:00", "25:00-26:00", "09:00-18:00,", "09:00–18:00"]
)
def test_hours_that_cannot_be_understood_are_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_hours(text)


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_hours_are_written_as_they_are_read(start: int, length: int) -> None:
    hours = Hours(start, start + length)
    assert Hours.parse(str(hours)) == hours


@given(st.text(max_size=20))
def test_any_text_is_hours_or_is_refused(text: str) -> None:
    try:
        found = parse_hours(text)
    except ScheduleError:
        return
    assert all(0 <= hours.start < hours.end <= 2880 for hours in found)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", (0,)),
        ("Mon-Fri", (0, 1, 2, 3, 4)),
        ("sat-mon", (5, 6, 0)),
        ("sun-sun", (6,)),
        ("mon-sun", tuple(range(7))),
    ],
)
def test_days_may_be_a_stretch_of_the_week(text: str, days: tuple[int, ...]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "-fri", "mon-fri-sat", "1"])
def test_days_that_cannot_be_understood_are_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_days(text)


def test_public_holidays_are_known_for_the_countries_of_our_languages() -> None:
    assert {"GB", "US", "RU", "GR", "RO", "CN", "AT", "DE"} <= set(known_countries())
    assert date(2026, 1, 7) in public_holidays("RU", None, 2026)
    assert date(2026, 11, 15) not in public_holidays("AT", None, 2026)
    assert date(2026, 8, 15) in public_holidays("DE", "SL", 2026)
    with pytest.raises(ScheduleError):
        public_holidays("AT", "nowhere", 2026)
