"""The live engine on a virtual clock: against Erlang's formulas, against its own books, and twice the same."""

import json
import math
from statistics import fmean

import pytest

from acd.agent import Agent
from acd.arrivals import Arrival, Duration, Stream, draw_arrivals
from acd.erlang import forecast_a, forecast_c
from acd.queue import STRATEGIES, QueueSettings
from acd.simulation import Result, Shift, Simulation

HOUR = 3600.0


def play(calls: float, agents: int, hours: float, seed: int, patience: float = math.inf) -> Result:
    """A house as Erlang imagined it."""
    names = [str(number) for number in range(agents)]
    queue = QueueSettings("support", agents=names, strategy="longest_idle", wrap_up=0)
    stream = Stream("caller", "support", [(0.0, calls)], Duration(180), Duration(patience))
    arrivals = draw_arrivals([stream], hours * HOUR, seed)
    return Simulation([queue], map(Shift, names), arrivals, hours * HOUR, seed).run()


def over_seeds(calls: float, agents: int, hours: float, patience: float = math.inf) -> tuple[float, float]:
    """Mean service level and abandon rate of 20 seeds."""
    tallies = [play(calls, agents, hours, seed, patience).queues["support"] for seed in range(1, 21)]
    return fmean(one.service_level or 0 for one in tallies), fmean(one.abandon_rate or 0 for one in tallies)


def test_it_agrees_with_erlang_c() -> None:
    service_level, abandoned = over_seeds(200, 14, hours=40)
    assert service_level == pytest.approx(forecast_c(10, 14, 180, 20).service_level, abs=0.01)
    assert abandoned == 0


@pytest.mark.parametrize(("calls", "agents", "hours"), [(200, 11, 20), (51, 5, 40), (51, 4, 40)])
def test_it_agrees_with_erlang_a(calls: float, agents: int, hours: float) -> None:
    expected = forecast_a(calls * 180 / HOUR, agents, 180, 120, 20)
    service_level, abandoned = over_seeds(calls, agents, hours, patience=120)
    assert service_level == pytest.approx(expected.service_level, abs=0.01)
    assert abandoned == pytest.approx(expected.abandoned, abs=0.01)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_seed_is_one_run_to_the_last_byte(strategy: str) -> None:
    def once(seed: int) -> str:
        names = [str(number) for number in range(6)]
        queue = QueueSettings("support", agents=names, strategy=strategy, max_wait=90, max_length=5, progressive=4)
        stream = Stream("caller", "support", [(0.0, 90), (HOUR, 150)], Duration(120, "lognormal"), Duration(60))
        shifts = [Shift(name, 60.0 * index, 2 * HOUR, 5.0, 0.1) for index, name in enumerate(names)]
        simulation = Simulation([queue], shifts, draw_arrivals([stream], 2 * HOUR, seed), 2 * HOUR, seed)
        result = simulation.run()
        simulation.engine.check_invariants()
        return json.dumps(result.to_dict(), sort_keys=True)

    assert once(3) == once(3)
    assert once(3) != once(4)


def test_its_figures_are_those_of_the_engines_own_books() -> None:
    names = [str(number) for number in range(5)]
    queue = QueueSettings("support", agents=names, max_wait=60, max_length=4, wrap_up=15, on_timeout="queue:second")
    second = QueueSettings("second", agents=names, wrap_up=15)
    stream = Stream("caller", "support", [(0.0, 120)], Duration(150), Duration(90))
    shifts = [Shift(name, answers_after=4.0, misses=0.05) for name in names]
    simulation = Simulation([queue, second], shifts, draw_arrivals([stream], 4 * HOUR, 1), 4 * HOUR, 1)
    result, books = simulation.run(), simulation.engine.snapshot()["queues"]
    for name, tally in result.queues.items():
        book = books[name]
        assert (tally.offered, tally.answered, tally.in_time) == (book["offered"], book["answered"], book["in_time"])
        assert (tally.abandoned, dict(tally.flow_outs)) == (book["abandoned"], book["flow_outs"])
        assert (tally.waiting, dict(tally.blocked)) == (book["waiting"], book["blocked"])
        assert tally.answered_wait == pytest.approx(book["answered_wait"])
        assert sum(one.offered for one in result.intervals[name]) == tally.offered
    assert result.queues["support"].blocked["full"] > 0
    assert result.queues["second"].offered == result.queues["support"].flow_outs["timeout"] > 0
    assert sum(work.offers for work in result.agents.values()) == sum(book["offers_made"] for book in books.values())


def test_agents_work_in_their_shifts_only() -> None:
    queue = QueueSettings("support", agents=["early", "late"], wrap_up=10)
    arrivals = [Arrival(at, f"c{at}", "support", talk=30) for at in (50.0, 150.0, 195.0, 350.0)]
    shifts = [Shift("early", 100, 200), Shift("late", 300, 400)]
    result = Simulation([queue], shifts, arrivals, 500, agents=[Agent("late", wrap_up=0)]).run()
    early, late = result.agents["early"], result.agents["late"]
    assert (early.answered, late.answered) == (3, 1)
    assert (early.talk, early.wrap_up, early.staffed) == (90, 30, 135)  # the third call is done at 235
    assert (late.talk, late.wrap_up, late.staffed) == (30, 0, 100)
    assert result.queues["support"].answered_wait == 50


def test_who_has_no_patience_left_is_abandoned_with_his_wait() -> None:
    queue = QueueSettings("support", agents=["a"])
    arrivals = [Arrival(0, "first", "support", talk=100), Arrival(10, "second", "support", talk=9, patience=25)]
    tally = Simulation([queue], [Shift("a")], arrivals, 300).run().queues["support"]
    assert (tally.answered, tally.abandoned, tally.abandoned_wait, tally.waiting) == (1, 1, 25, 0)
    assert tally.service_level == 0.5
