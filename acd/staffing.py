"""What a load needs, and what a number of agents does with it: by Erlang's formulas and on the live engine."""

import math
from dataclasses import dataclass
from typing import Any

from acd.arrivals import Duration, Stream, draw_arrivals
from acd.erlang import Forecast, agents_for, forecast_a, forecast_c, lines_for, load_of
from acd.figures import Tally
from acd.queue import QueueSettings
from acd.simulation import Shift, Simulation

SIMULATED_CALLS = 4000
"""Enough for about a point of service level."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The calls of one interval. Times are seconds."""

    calls: float
    seconds: float
    handle: float
    """Mean of talk, hold and wrap-up."""
    patience: float | None
    """Mean; None: nobody hangs up."""
    threshold: float = 20.0
    target: float = 0.8
    """Share to be answered within the threshold."""
    blocking: float = 0.01
    """Share of calls that may find every line taken."""

    @property
    def load(self) -> float:
        """Erlangs."""
        return load_of(self.calls, self.handle, self.seconds)


@dataclass(frozen=True, slots=True)
class Staffing:
    """What is needed, and what comes of the agents there are."""

    demand: Demand
    lines: int
    """By Erlang B, for the agents' calls."""
    needed_c: int
    """Agents by Erlang C."""
    needed_a: int | None
    """Agents by Erlang A."""
    agents: int
    erlang_c: Forecast
    erlang_a: Forecast | None
    simulated: Tally | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        demand = self.demand
        return {
            "calls": demand.calls,
            "seconds": demand.seconds,
            "handle": demand.handle,
            "patience": demand.patience,
            "threshold": demand.threshold,
            "target": demand.target,
            "load": demand.load,
            "lines": self.lines,
            "needed": {"erlang_c": self.needed_c, "erlang_a": self.needed_a},
            "agents": self.agents,
            "erlang_c": _plain(self.erlang_c),
            "erlang_a": None if self.erlang_a is None else _plain(self.erlang_a),
            "simulation": None if self.simulated is None else self.simulated.to_dict(),
        }


def staff(demand: Demand, agents: int | None = None, seed: int | None = 1) -> Staffing:
    """Look at this demand with so many agents, or with as many as are needed; without a seed nothing is simulated."""
    load, handle, patience = demand.load, demand.handle, demand.patience
    needed_c = agents_for(load, handle, demand.threshold, demand.target)
    needed_a = agents_for(load, handle, demand.threshold, demand.target, patience) if patience is not None else None
    present = agents if agents is not None else needed_a if needed_a is not None else needed_c
    return Staffing(
        demand=demand,
        lines=lines_for(load, demand.blocking),
        needed_c=needed_c,
        needed_a=needed_a,
        agents=present,
        erlang_c=forecast_c(load, present, handle, demand.threshold),
        erlang_a=forecast_a(load, present, handle, patience, demand.threshold) if patience is not None else None,
        simulated=_simulate(demand, present, seed) if seed is not None and demand.calls > 0 else None,
    )


def _simulate(demand: Demand, agents: int, seed: int) -> Tally:
    """The same house on the live engine, for as long as so many calls take."""
    names = [str(number) for number in range(1, agents + 1)]
    queue = QueueSettings("queue", names, "longest_idle", wrap_up=0, service_level=demand.threshold)
    per_hour = demand.calls / demand.seconds * 3600
    patience = Duration(math.inf if demand.patience is None else demand.patience)
    stream = Stream("caller", "queue", [(0.0, per_hour)], Duration(demand.handle), patience)
    until = SIMULATED_CALLS / per_hour * 3600
    simulation = Simulation([queue], map(Shift, names), draw_arrivals([stream], until, seed), until, seed)
    return simulation.run().queues["queue"]


def _plain(found: Forecast) -> dict[str, Any]:
    return {
        "waits": found.waits,
        "service_level": found.service_level,
        "asa": None if math.isinf(found.asa) else found.asa,
        "abandoned": found.abandoned,
        "occupancy": found.occupancy,
    }
