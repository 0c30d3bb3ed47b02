"""`softswitch simulate`: a day of callers and agents on the live queue engine, in seconds."""

import json
import math
import statistics
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from acd.arrivals import draw_arrivals
from acd.figures import fairness
from acd.simulation import Result, Simulation
from config.errors import ConfigErrors
from config.scenario import Scenario, load_scenario
from softswitch.commands.charts import intervals_table, percent, seconds
from softswitch.commands.common import Json, Refused, configured, console

MOST_AGENTS_SHOWN = 20

NORMAL_95 = 1.96
"""Two-sided 95 % of the normal distribution."""


def simulate(
    scenario: Annotated[Path, Parameter(help="A TOML file like config/scenarios/day.toml.")],
    /,
    *,
    office: Annotated[Path | None, Parameter(name="--with", help="Take the queues of this configuration.")] = None,
    seed: Annotated[int | None, Parameter(help="Instead of the scenario's.")] = None,
    runs: Annotated[int, Parameter(help="So many days, with the seeds that follow.")] = 1,
    chart: Annotated[Path | None, Parameter(help="Write what is printed as an SVG picture, too.")] = None,
    as_json: Json = False,
) -> None:
    """Play generated callers on the live queue engine and print the key figures; one seed, one outcome."""
    play = _loaded(scenario, office)
    if runs < 1:
        raise Refused("--runs is at least 1.")
    first = play.seed if seed is None else seed
    results = [run(play, number, quiet=as_json) for number in range(first, first + runs)]
    if as_json:
        print(json.dumps({"seed": first, "runs": [result.to_dict() for result in results]}, sort_keys=True))
        return
    screen = Console(record=True) if chart is not None else console
    show_result(screen, play, results[0])
    if runs > 1:
        screen.print(_spread(results))
    if chart is not None:
        try:
            screen.save_svg(str(chart), title="softswitch simulate")
        except OSError as error:
            raise Refused(f"{chart} cannot be written: {error.strerror or error}.") from error


def _loaded(scenario: Path, office: Path | None) -> Scenario:
    try:
        return load_scenario(scenario, configured(office) if office is not None else None)
    except ConfigErrors as error:
        raise Refused(str(error)) from error


def run(play: Scenario, seed: int, quiet: bool) -> Result:
    """One day with this seed."""
    arrivals = draw_arrivals(play.streams, play.seconds, seed)
    simulation = Simulation(play.queues, play.shifts, arrivals, play.seconds, seed, interval=play.interval)
    return watched(simulation, play.seconds, f"seed {seed}", quiet)


def watched(simulation: Simulation, until: float, title: str, quiet: bool) -> Result:
    """Run it behind a progress bar, which goes away at the end."""
    if quiet:
        return simulation.run()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=until)
        return simulation.run(lambda now: progress.update(task, completed=now))


def show_result(screen: Console, play: Scenario, result: Result) -> None:
    """Queues, intervals and agents as tables."""
    screen.print(queues_table(result))
    for name, tallies in result.intervals.items():
        screen.print(intervals_table(f"Queue {name}", play.begins, result.interval, tallies))
    screen.print(_agents_table(result))
    even = fairness(result.agents.values())
    fair = "" if even is None else f", fairness {even:.3f} (Jain; 1 is even)"
    screen.print(f"Occupancy of all agents {percent(result.occupancy())}{fair}.")


def queues_table(result: Result) -> Table:
    """The key figures of each queue."""
    columns = ("queue", "offered", "abandoned", "sent on", "SL_offered", "ASA", "p90", "longest")
    table = Table(*columns, title="Queues", title_justify="left")
    for name, tally in result.queues.items():
        found = tally.to_dict()
        table.add_row(
            name, str(tally.offered), f"{tally.abandoned} ({percent(tally.abandon_rate)})",
            str(tally.flow_outs.total() + tally.blocked.total()),
            f"{percent(tally.service_level)} in {tally.threshold:g} s", seconds(tally.asa),
            seconds(found["wait_p90"]), seconds(found["longest_wait"]),
        )  # fmt: skip
    return table


def _agents_table(result: Result) -> Table:
    table = Table("agent", "offers", "answered", "per hour", "occupancy", title="Agents", title_justify="left")
    for name, work in list(result.agents.items())[:MOST_AGENTS_SHOWN]:
        per_hour: Any = work.to_dict()["answered_per_hour"]
        rate = "" if per_hour is None else f"{per_hour:.1f}"
        table.add_row(name, str(work.offers), str(work.answered), rate, percent(work.occupancy))
    if len(result.agents) > MOST_AGENTS_SHOWN:
        table.add_row("...", "", "", "", f"{len(result.agents)} agents, all of them with --json")
    return table


def _spread(results: list[Result]) -> Table:
    """The means over all runs, with half the width of their 95 % confidence interval."""
    table = Table(
        "queue", "SL_offered", "ASA", "abandoned", title=f"Means of {len(results)} runs", title_justify="left"
    )
    for name in results[0].queues:
        tallies = [result.queues[name] for result in results]
        levels = [tally.service_level for tally in tallies if tally.service_level is not None]
        waits = [tally.asa for tally in tallies if tally.asa is not None]
        rates = [tally.abandon_rate for tally in tallies if tally.abandon_rate is not None]
        table.add_row(name, _mean(levels, 100, "%"), _mean(waits, 1, "s"), _mean(rates, 100, "%"))
    return table


def _mean(values: list[float], scale: float, unit: str) -> str:
    if len(values) < 2:
        return ""
    half = NORMAL_95 * statistics.stdev(values) / math.sqrt(len(values))
    return f"{scale * statistics.fmean(values):.1f} ± {scale * half:.1f} {unit}"
