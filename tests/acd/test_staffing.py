"""Staffing of an interval: the formulas and the live engine side by side."""

import pytest

from acd.staffing import Demand, staff


def test_the_published_value() -> None:
    found = staff(Demand(calls=200, seconds=3600, handle=180, patience=None), agents=14, seed=None)
    assert (round(found.erlang_c.waits, 4), round(found.erlang_c.service_level, 4)) == (0.1741, 0.8884)
    assert (found.needed_c, found.needed_a, found.erlang_a, found.simulated) == (14, None, None, None)


@pytest.mark.parametrize(("agents", "service_level", "abandoned"), [(5, 0.89, 0.033), (4, 0.71, 0.085)])
def test_the_seeds_case(agents: int, service_level: float, abandoned: float) -> None:
    found = staff(Demand(calls=51, seconds=3600, handle=180, patience=120), agents)
    assert found.erlang_a is not None
    assert found.simulated is not None
    assert found.erlang_c.service_level == pytest.approx(service_level, abs=0.005)
    assert found.erlang_a.abandoned == pytest.approx(abandoned, abs=0.0006)
    assert found.simulated.abandon_rate == pytest.approx(abandoned, abs=0.015)
    assert found.simulated.service_level == pytest.approx(found.erlang_a.service_level, abs=0.03)


def test_as_many_agents_as_are_needed_and_none_for_nobody() -> None:
    assert staff(Demand(51, 3600, 180, 120), seed=None).agents == 4
    quiet = staff(Demand(0, 3600, 180, 120))
    assert (quiet.agents, quiet.simulated) == (0, None)
