"""`softswitch forecast`: agents for a load by Erlang B, C and A and on the live engine, beside what really happened."""

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from acd.figures import Tally
from acd.staffing import Demand, Staffing, staff
from acd.survival import mean_patience
from config.model import Config
from softswitch.commands.charts import percent, seconds
from softswitch.commands.common import DEFAULT, Json, Refused, Where, configured, console
from softswitch.commands.history import moment, visits
from softswitch.records.visits import Visit

MINUTE = 60.0


@dataclass(frozen=True)
class Interval:
    """One interval of a queue as it was, beside what was to be expected of it."""

    queue: str
    begins: float
    """Seconds since 1970."""
    staffing: Staffing
    real: Tally

    @property
    def error(self) -> float | None:
        """Service level by Erlang A (by C when nobody hung up) less the real one, from -1 to 1."""
        expected = self.staffing.erlang_a or self.staffing.erlang_c
        real = self.real.service_level
        return None if real is None else expected.service_level - real

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "queue": self.queue, "begins": self.begins, **self.staffing.to_dict(),
            "real": self.real.to_dict(), "error": self.error,
        }  # fmt: skip


def forecast(
    path: Where = DEFAULT,
    /,
    *,
    calls: Annotated[float | None, Parameter(help="Calls in the interval; without it the recorded ones count.")] = None,
    handle: Annotated[float | None, Parameter(help="Mean of talk and wrap-up in seconds.")] = None,
    patience: Annotated[float | None, Parameter(help="Seconds until a caller hangs up, in the mean.")] = None,
    agents: Annotated[int | None, Parameter(help="So many are there; without it as many as needed, or worked.")] = None,
    threshold: Annotated[float, Parameter(help="Seconds within which an answer is in time.")] = 20.0,
    target: Annotated[float, Parameter(help="Share to be answered in time.")] = 0.8,
    interval: Annotated[float, Parameter(help="Minutes.")] = 60.0,
    since: Annotated[str, Parameter(help="Of the recorded calls: 2026-11-23, or 24h, 7d.")] = "7d",
    queue: Annotated[str | None, Parameter(help="Of the recorded calls: only this queue.")] = None,
    seed: Annotated[int, Parameter(help="Of the simulation.")] = 1,
    as_json: Json = False,
) -> None:
    """Say how many agents a load needs and what to expect of those there are, from figures or from recorded calls."""
    if interval <= 0 or not 0 <= target < 1:
        raise Refused("--interval is above 0 minutes, and --target a share from 0 to below 1, like 0.8.")
    if calls is not None:
        demand = Demand(calls, interval * MINUTE, 180.0 if handle is None else handle, patience, threshold, target)
        try:
            found = staff(demand, agents, seed)
        except ValueError as error:
            raise Refused(f"This cannot be foretold: {error}.") from error
        if as_json:
            print(json.dumps(found.to_dict(), sort_keys=True))
            return
        _show_one(found)
        return
    config = configured(path)
    past = [one for one in asyncio.run(visits(config, moment(since))) if queue in (None, one.queue)]
    rows = list(compare(config, past, interval * MINUTE, target, agents, seed))
    if as_json:
        print(json.dumps({"intervals": [row.to_dict() for row in rows]}, sort_keys=True))
        return
    _show_past(rows)


def compare(
    config: Config, past: Iterable[Visit], interval: float, target: float, agents: int | None, seed: int
) -> Iterable[Interval]:
    """Every interval in which somebody called, beside what the formulas and the engine make of its load."""
    by_queue: dict[str, list[Visit]] = defaultdict(list)
    for visit in past:
        if visit.outcome not in ("full", "closed") and visit.queue in config.queues:
            by_queue[visit.queue].append(visit)
    for name, visits_of_queue in by_queue.items():
        settings = config.queues[name]
        patience = mean_patience((visit.wait, visit.outcome == "abandoned") for visit in visits_of_queue)
        answered = [visit for visit in visits_of_queue if visit.agent is not None]
        if not answered:
            continue
        talk = math.fsum(visit.talk for visit in answered) / len(answered)
        grains: dict[float, list[Visit]] = defaultdict(list)
        for visit in visits_of_queue:
            grains[visit.joined // interval * interval].append(visit)
        for begins, grain in sorted(grains.items()):
            there = agents if agents is not None else len({one.agent for one in grain if one.agent is not None})
            demand = Demand(len(grain), interval, talk + settings.wrap_up, patience, settings.service_level, target)
            yield Interval(name, begins, staff(demand, there, seed), tally_of(grain, settings.service_level))


def tally_of(past: Sequence[Visit], threshold: float) -> Tally:
    """The key figures of what was recorded."""
    tally = Tally(threshold)
    for visit in past:
        tally.offered += 1
        tally.talk += visit.talk
        if visit.outcome == "answered":
            tally.answer(visit.wait)
        elif visit.outcome == "abandoned":
            tally.abandon(visit.wait)
        else:
            tally.flow_out(visit.outcome, visit.wait)
    return tally


def _show_one(found: Staffing) -> None:
    demand = found.demand
    console.print(
        f"{demand.calls:g} calls in {demand.seconds / MINUTE:g} minutes, {demand.handle:g} s each: "
        f"{demand.load:.2f} erlangs; {found.agents} agents."
    )
    columns = ("", f"need for {demand.target:.0%}", "P(wait)", f"in {demand.threshold:g} s", "ASA", "abandoned")
    table = Table(*columns, "occupancy")
    for name, needed, one in (
        ("Erlang C", found.needed_c, found.erlang_c),
        ("Erlang A", found.needed_a, found.erlang_a),
    ):
        if one is not None:
            asa = "grows" if math.isinf(one.asa) else seconds(one.asa)
            table.add_row(
                name, str(needed), percent(one.waits), percent(one.service_level), asa,
                percent(one.abandoned), percent(one.occupancy),
            )  # fmt: skip
    played = found.simulated
    if played is not None:
        waited = sum(wait > 0 for wait in played.waits) / len(played.waits) if played.waits else None
        table.add_row(
            "simulated", "", percent(waited), percent(played.service_level), seconds(played.asa),
            percent(played.abandon_rate), "",
        )  # fmt: skip
    console.print(table)
    console.print(f"Erlang B: {found.lines} lines turn away at most {percent(demand.blocking)} of these calls.")


def _show_past(rows: Sequence[Interval]) -> None:
    columns = ("from", "calls", "erl", "agents", "need", "SL: C", "A", "sim", "real", "error", "ab: A", "real")
    for name in dict.fromkeys(row.queue for row in rows):
        table = Table(*columns, title=f"Queue {name}", title_justify="left")
        mine = [row for row in rows if row.queue == name]
        for row in mine:
            found, real = row.staffing, row.real
            need = found.needed_c if found.needed_a is None else found.needed_a
            played = found.simulated.service_level if found.simulated is not None else None
            by_a = found.erlang_a
            table.add_row(
                datetime.fromtimestamp(row.begins).astimezone().strftime("%a %d %H:%M"), str(real.offered),
                f"{found.demand.load:.1f}", str(found.agents), str(need), _points(found.erlang_c.service_level),
                _points(None if by_a is None else by_a.service_level), _points(played), _points(real.service_level),
                _points(row.error, signed=True), _points(None if by_a is None else by_a.abandoned),
                _points(real.abandon_rate),
            )  # fmt: skip
        console.print(table)
        errors = [row.error for row in mine if row.error is not None]
        if errors:
            bias, size = math.fsum(errors) / len(errors), math.fsum(map(abs, errors)) / len(errors)
            console.print(f"Error in points of service level: mean {100 * bias:+.1f}, mean size {100 * size:.1f}.")
    console.print(f"{len(rows)} intervals. Without --agents those count who answered in the interval.")


def _points(value: float | None, signed: bool = False) -> str:
    return "" if value is None else f"{100 * value:+.0f}" if signed else f"{100 * value:.0f}"
