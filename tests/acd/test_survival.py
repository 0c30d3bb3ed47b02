"""Kaplan-Meier against a published example and against the truth behind censored calls."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.survival import Survival, mean_patience


def test_the_published_example() -> None:
    """Leukaemia patients of Freireich (1963), treated: the table of every textbook."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = Survival.estimate([*((t, True) for t in ended), *((t, False) for t in censored)])
    assert list(found.times) == [6, 7, 10, 13, 16, 22, 23]
    expected = (0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448)
    assert [round(share, 3) for share in found.shares] == list(expected)
    assert (found.beyond(5.9), round(found.beyond(6), 3), round(found.beyond(100), 3)) == (1.0, 0.857, 0.448)


def test_patience_is_found_behind_answers() -> None:
    draw = random.Random(1)
    calls = [(draw.expovariate(1 / 120), draw.expovariate(1 / 40)) for _ in range(20_000)]
    waits = [(min(patience, answer), patience < answer) for patience, answer in calls]
    found = Survival.estimate(waits)
    for seconds in (20, 60, 120):
        assert found.beyond(seconds) == pytest.approx(math.exp(-seconds / 120), abs=0.02)
    assert mean_patience(waits) == pytest.approx(120, rel=0.03)
    naive = sum(hung_up and wait <= 60 for wait, hung_up in waits) / len(waits)
    assert naive < 0.25  # counting answered callers as patient would be far off: the truth is 0.39


def test_who_has_waited_is_drawn_from_those_who_waited_longer() -> None:
    found = Survival.estimate([(10, True), (20, True), (30, True), (40, False)])
    draw = random.Random(1)
    drawn = [found.draw(draw, beyond=15) for _ in range(3000)]
    assert set(drawn) == {20, 30, math.inf}
    assert drawn.count(20) / 3000 == pytest.approx(1 / 3, abs=0.03)


def test_nobody_hung_up() -> None:
    assert Survival.estimate([(10, False)]).draw(random.Random(1)) == math.inf
    assert mean_patience([(10, False)]) is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.booleans()), max_size=40), st.integers(0, 5))
def test_the_staircase_falls_and_is_never_left(waits: list[tuple[float, bool]], seed: int) -> None:
    found = Survival.estimate(waits)
    assert list(found.times) == sorted(set(found.times))
    assert all(0 <= later <= share <= 1 for share, later in zip(found.shares, found.shares[1:], strict=False))
    beyond = waits[0][0] if waits else 0.0
    assert found.draw(random.Random(seed), beyond) > beyond
