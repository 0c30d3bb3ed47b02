"""Erlang B, C and A against published values and against twins that follow one caller through the line."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from acd.erlang import agents_for, erlang_b, erlang_c, forecast_a, forecast_c, lines_for, load_of


def test_the_published_value_of_erlang_c() -> None:
    found = forecast_c(10, 14, 180, 20)
    assert round(found.waits, 4) == 0.1741
    assert round(found.service_level, 4) == 0.8884
    assert found.asa == pytest.approx(0.1741 * 180 / 4, abs=0.01)
    assert found.occupancy == pytest.approx(10 / 14)


@pytest.mark.parametrize(("agents", "service_level", "abandoned"), [(5, 0.89, 0.033), (4, 0.71, 0.085)])
def test_the_seeds_case(agents: int, service_level: float, abandoned: float) -> None:
    """51 calls in the busiest hour, 180 s, patience 120 s: the service level by Erlang C, who hangs up by Erlang A."""
    load = load_of(51, 180)
    assert forecast_c(load, agents, 180, 20).service_level == pytest.approx(service_level, abs=0.005)
    assert forecast_a(load, agents, 180, 120, 20).abandoned == pytest.approx(abandoned, abs=0.0006)


@pytest.mark.parametrize(("load", "lines", "blocked"), [(1, 1, 0.5), (10, 18, 0.0071), (50, 64, 0.0084), (2, 0, 1.0)])
def test_erlang_b_of_the_tables(load: float, lines: int, blocked: float) -> None:
    assert erlang_b(load, lines) == pytest.approx(blocked, abs=0.0001)


def test_lines_and_agents_are_the_fewest() -> None:
    assert lines_for(10, 0.01) == 18
    assert erlang_b(10, 17) > 0.01
    assert agents_for(10, 180, 20, 0.8) == 14
    assert forecast_c(10, 13, 180, 20).service_level < 0.8
    assert agents_for(load_of(51, 180), 180, 20, 0.8, patience=120) == 4
    assert agents_for(0, 180, 20, 0.8) == 0


def test_agents_who_cannot_keep_up() -> None:
    assert erlang_c(5, 5) == 1.0
    assert forecast_c(6, 5, 180, 20).asa == math.inf
    assert forecast_c(6, 5, 180, 20).service_level == 0.0
    overloaded = forecast_a(50, 10, 180, 60, 20)
    assert overloaded.abandoned == pytest.approx(0.8, abs=0.001)  # ten agents serve ten erlangs
    assert overloaded.occupancy == pytest.approx(1.0, abs=0.001)


def test_erlang_a_becomes_erlang_c_for_the_patient() -> None:
    patient, endless = forecast_a(10, 14, 180, 1e9, 20), forecast_c(10, 14, 180, 20)
    assert patient.service_level == pytest.approx(endless.service_level, abs=1e-6)
    assert patient.asa == pytest.approx(endless.asa, rel=1e-4)


def test_a_large_house_overflows_nothing() -> None:
    found = forecast_a(2000, 1900, 180, 120, 20)
    assert 0.05 < found.abandoned < 0.06
    assert found.abandoned == pytest.approx(1 - found.occupancy * 1900 / 2000)


def follow_one_caller(load: float, agents: int, handle: float, patience: float, until: float) -> tuple[float, float]:
    """Shares answered within `until` seconds and ever, by small steps through the line of one caller."""
    serve, leave = agents / handle, 1 / patience
    weights = [1.0]
    for k in range(1, agents + 400):
        weights.append(weights[-1] * load / (min(k, agents) + max(0, k - agents) * handle * leave))
    shares = [one / sum(weights) for one in weights]
    answered = sum(shares[:agents])
    ahead = shares[agents:]  # by how many callers wait before him
    step, time, in_time = 0.05, 0.0, 0.0
    while time < 20 * patience:
        gone = [(serve + place * leave) * step * share for place, share in enumerate(ahead)]
        ahead = [
            share - gone[place] - leave * step * share + (gone[place + 1] if place + 1 < len(gone) else 0.0)
            for place, share in enumerate(ahead)
        ][: max(20, 3 * agents)]
        answered += gone[0]
        time += step
        if in_time == 0.0 and time >= until:
            in_time = answered
        if sum(ahead) < 1e-6:
            break
    return in_time or answered, answered


@pytest.mark.parametrize(("load", "agents", "patience"), [(2.55, 4, 120), (2.55, 3, 30), (6, 4, 60)])
def test_erlang_a_against_one_caller_in_small_steps(load: float, agents: int, patience: float) -> None:
    found = forecast_a(load, agents, 180, patience, 20)
    in_time, answered = follow_one_caller(load, agents, 180, patience, 20)
    assert found.service_level == pytest.approx(in_time, abs=0.002)
    assert 1 - found.abandoned == pytest.approx(answered, abs=0.002)


@settings(deadline=None)
@example(7.0, 1, 1.0, 176.0, 0.0)  # the share with a free agent is below 1e-308
@example(0.5, 1, 1.0, 1.0, 88.0)  # a threshold far behind the last caller who is answered
@given(st.floats(0.01, 300), st.integers(1, 400), st.floats(1, 3600), st.floats(1, 3600), st.floats(0, 300))
def test_forecasts_make_sense(load: float, agents: int, handle: float, patience: float, threshold: float) -> None:
    found = forecast_a(load, agents, handle, patience, threshold)
    assert 0 <= found.waits <= 1
    assert 0 <= found.abandoned <= 1
    assert found.service_level <= 1 - found.abandoned + 1e-6
    assert 0 <= found.occupancy <= 1 + 1e-9
    more = forecast_a(load, agents + 1, handle, patience, threshold)
    assert more.abandoned <= found.abandoned + 1e-9
    # Little's law: all who wait, answered or not, are `patience * abandoned` seconds in line in the mean
    assert found.asa * (1 - found.abandoned) <= patience * found.abandoned * (1 + 1e-3) + 1e-6


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="erlangs"):
        erlang_b(-1, 3)
    with pytest.raises(ValueError, match="service level"):
        agents_for(1, 180, 20, 1.0)
    with pytest.raises(ValueError, match="patience"):
        forecast_a(1, 2, 180, 0, 20)
    with pytest.raises(ValueError, match="blocked"):
        lines_for(3, 0)
