"""The estimated wait against waits that were really waited."""

import random

import pytest

from acd.estimate import Pace
from acd.queue import QueueSettings

from .office import Office, said


def pace_of(gaps: list[float]) -> Pace:
    pace = Pace()
    pace.restore(gaps)
    return pace


def test_an_even_pace_leaves_no_doubt_and_an_uneven_one_does() -> None:
    assert pace_of([30.0] * 5).range(3) == (90.0, 90.0)
    half = 1.2816 * 20 * (2 + 4 / 3) ** 0.5
    assert pace_of([10.0, 30.0, 50.0]).range(2) == pytest.approx((60 - half, 60 + half))
    assert pace_of([10.0, 30.0, 50.0]).range(1) == pytest.approx((30 - 1.2816 * 20 * (4 / 3) ** 0.5, 59.6), abs=0.01)
    assert pace_of([1.0, 1.0, 100.0]).range(1) == pytest.approx((0.0, 118.6), abs=0.1)


def test_an_unknown_wait_has_no_interval() -> None:
    assert pace_of([30.0, 30.0]).range(1) is None


@pytest.mark.parametrize("position", [1, 3, 8])
def test_four_of_five_waits_are_within_the_interval(position: int) -> None:
    draw = random.Random(position)
    hits, rounds = 0, 4000
    for _ in range(rounds):
        expected = pace_of([draw.gammavariate(4, 5) for _ in range(20)]).range(position)
        assert expected is not None
        hits += expected.low <= sum(draw.gammavariate(4, 5) for _ in range(position)) <= expected.high
    assert 0.76 < hits / rounds < 0.85


def test_the_error_of_the_first_wait_told_is_measured() -> None:
    office = Office(
        QueueSettings("support", ["101"], announce_wait=True, announce_first=1, wrap_up=0, ring_timeout=900)
    )
    for number in range(4):
        office.call(f"c{number}")
    for _ in range(4):
        office.wait(20)
        office.answer("101")
        office.hang_up("101")
    assert office.queue()["estimates"] == {"measured": 1, "bias": 1.0, "mean_absolute_error": 1.0}
    office.call("told")
    (told,) = (order for order in said(office.wait(1)) if order.kind == "wait")
    assert told.wait_seconds == 20.0
    assert told.wait_range == (20.0, 20.0)
    office.wait(25)
    office.answer("101")
    assert office.queue()["estimates"] == {"measured": 2, "bias": -2.0, "mean_absolute_error": 3.0}
