"""The sliding hour of an agent, and the pace of a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.estimate import Pace
from acd.occupancy import BUCKET, BUCKETS, Occupancy


def test_an_agent_who_was_never_staffed_is_not_occupied() -> None:
    occupancy = Occupancy(0.0)
    occupancy.advance(1000.0)
    assert occupancy.ratio == 0.0


def test_half_the_time_is_half_occupied() -> None:
    occupancy = Occupancy(0.0)
    occupancy.change(handling=False, staffing=True, now=0.0)
    occupancy.change(handling=True, staffing=True, now=300.0)
    occupancy.change(handling=False, staffing=True, now=600.0)
    assert occupancy.ratio == pytest.approx(0.5)
    assert occupancy.established


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    occupancy = Occupancy(0.0)
    occupancy.change(handling=True, staffing=True, now=0.0)
    occupancy.change(handling=False, staffing=True, now=600.0)
    occupancy.advance(3600.0 + 600.0)
    assert occupancy.ratio == 0.0


def test_the_memory_of_a_very_long_talk_is_an_hour() -> None:
    occupancy = Occupancy(0.0)
    occupancy.change(handling=True, staffing=True, now=0.0)
    occupancy.advance(1e6)
    assert len(occupancy._minutes) <= BUCKETS + 1
    assert occupancy.ratio == pytest.approx(1.0)


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.floats(0.1, 900.0)),
        min_size=1,
        max_size=60,
    )
)
def test_the_ratio_equals_that_of_a_naive_sum_over_the_window(steps: list[tuple[bool, bool, float]]) -> None:
    occupancy, now = Occupancy(0.0), 0.0
    spans: list[tuple[bool, bool, float, float]] = []
    for handling, staffing, seconds in steps:
        occupancy.change(handling, staffing or handling, now)
        spans.append((handling, staffing or handling, now, now + seconds))
        now += seconds
    occupancy.advance(now)
    begin = (now // BUCKET - BUCKETS + 1) * BUCKET
    handled = sum(max(0.0, end - max(start, begin)) for busy, _, start, end in spans if busy)
    staffed = sum(max(0.0, end - max(start, begin)) for _, there, start, end in spans if there)
    assert occupancy.staffed == pytest.approx(staffed, abs=1e-6)
    assert occupancy.handled == pytest.approx(handled, abs=1e-6)


def test_the_pace_of_a_line_is_unknown_at_first() -> None:
    pace = Pace()
    pace.line_formed(0.0)
    pace.answered(1, 10.0)
    pace.answered(1, 20.0)
    assert pace.wait(1) is None
    pace.answered(1, 30.0)
    assert pace.wait(3) == 30.0


def test_time_without_a_line_says_nothing_about_its_pace() -> None:
    pace = Pace()
    for start in (0.0, 1000.0, 2000.0):
        pace.line_formed(start)
        pace.answered(0, start + 10.0)
        pace.answered(0, start + 500.0)
    assert pace.wait(1) == 10.0


def test_a_line_that_dissolves_without_an_answer_says_nothing() -> None:
    pace = Pace()
    for start in (0.0, 100.0, 200.0):
        pace.line_formed(start)
        pace.line_gone()
        pace.answered(0, start + 50.0)
    assert pace.wait(1) is None
