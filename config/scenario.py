"""What `softswitch simulate` plays: a file with queues, the callers who come and the agents who work.

The times of a scenario are times of day. Mistakes are told with file, line and column, as those of a configuration.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from acd.arrivals import Duration, Stream
from acd.queue import Member, QueueSettings
from acd.simulation import Shift
from config.build import queues
from config.calendar import TimeOfDay
from config.document import read_document
from config.errors import ConfigErrors, Finding, Mistake
from config.explain import say
from config.loader import place_mistake, read_text
from config.model import Config
from config.queue_model import QueueSection
from config.scalars import Count, Key, Many, Number, Pause, Seconds
from config.section import Section

Shape = Literal["exponential", "lognormal", "fixed"]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Missed = Annotated[float, Field(ge=0, le=1)]
MINUTE = 60.0
DAY = 24 * 60


class PlaySection(Section):
    """[scenario]: how long is played, from which time of day, with which dice."""

    begins: TimeOfDay = 0
    hours: Hours = 24.0
    seed: Annotated[int, Field(ge=0)] = 1
    interval: Annotated[float, Field(ge=1, le=1440)] = 30.0
    """Minutes of one line of the figures."""


class CallersSection(Section):
    """[callers.NAME]: people of one kind who call a queue."""

    queue: Key
    per_hour: Rate | None = None
    curve: dict[str, Rate] = Field(default_factory=dict)
    """Calls per hour from a time of day on: {"09:00" = 30, "10:00" = 51}."""
    talk: Seconds = 180.0
    talk_shape: Shape = "exponential"
    patience: Seconds | None = None
    """None: nobody gives up."""
    patience_shape: Shape = "exponential"
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0


class ShiftSection(Section):
    """[[shifts]]: agents who work from one time of day to another, every day that is played."""

    queue: Key | None = None
    """Where a number of agents without names works."""
    agents: Count | Many[Number]
    """So many agents, or the numbers of agents of the queues."""
    from_: Annotated[TimeOfDay, Field(alias="from")] = 0
    to: TimeOfDay = DAY
    answers_after: Pause = 0.0
    misses: Missed = 0.0


class ScenarioSection(Section):
    """Everything the file says."""

    scenario: PlaySection = PlaySection()
    queues: dict[Key, QueueSection] = Field(default_factory=dict)
    callers: Annotated[dict[Key, CallersSection], Field(min_length=1)]
    shifts: Many[ShiftSection] = ()


@dataclass(frozen=True)
class Scenario:
    """A play as the queue engine knows it; seconds count from its beginning."""

    queues: tuple[QueueSettings, ...]
    streams: tuple[Stream, ...]
    shifts: tuple[Shift, ...]
    begins: float
    """Seconds after midnight."""
    seconds: float
    interval: float
    seed: int


def load_scenario(path: Path, office: Config | None = None) -> Scenario:
    """Read a scenario; with `office` its queues are taken instead. Raises ConfigErrors with every mistake."""
    mistakes: list[Mistake] = []
    text = read_text(path, mistakes)
    document = read_document(str(path), text or "")
    mistakes += document.mistakes
    findings: list[Finding] = []
    section = None
    try:
        section = ScenarioSection.model_validate(document.values)
    except ValidationError as error:
        findings = say(error.errors(include_url=False), document.values, ScenarioSection)
    if section is not None:
        settings = queues(office if office is not None else Config(queues=section.queues))
        findings = list(_check(section, settings))
    if text is not None and not document.mistakes:
        mistakes += [place_mistake(finding, document.places, str(path)) for finding in findings]
    if mistakes or section is None:
        raise ConfigErrors(mistakes)
    return _build(section, settings)


def _check(section: ScenarioSection, settings: Iterable[QueueSettings]) -> Iterable[Finding]:
    names = {one.name for one in settings}
    members = {member.agent for one in settings for member in one.members}
    known = f"a queue that there is: {', '.join(sorted(names)) or 'there is none'}"
    for name, callers in section.callers.items():
        if callers.queue not in names:
            yield Finding(("callers", name, "queue"), f"expected {known}, got {callers.queue!r}")
        if (callers.per_hour is None) == (not callers.curve):
            yield Finding(("callers", name), "expected exactly one of per_hour and curve", None, True)
        for time in callers.curve:
            if _minutes(time) is None:
                yield Finding(("callers", name, "curve", time), 'expected a time of day like "09:00"', None, True)
    for index, shift in enumerate(section.shifts):
        if isinstance(shift.agents, int):
            if shift.queue not in names:
                yield Finding(("shifts", index), f"expected queue, {known}", None, True)
            continue
        for place, agent in enumerate(shift.agents):
            if agent not in members:
                yield Finding(("shifts", index, "agents", place), f"expected an agent of a queue, got {agent!r}")
    if not section.shifts and not members:
        yield Finding(("shifts",), "expected [[shifts]], or queues that have agents", None, True)


def _minutes(time: str) -> int | None:
    hours, colon, minutes = time.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(time) == 5):
        return None
    return int(hours) * 60 + int(minutes) if int(hours) < 24 and int(minutes) < 60 else None


def _build(section: ScenarioSection, settings: list[QueueSettings]) -> Scenario:
    play = section.scenario
    begins, seconds = play.begins * MINUTE, play.hours * 3600
    named: dict[str, list[Member]] = {one.name: list(one.members) for one in settings}
    shifts: list[Shift] = []
    for one in section.shifts:
        agents = one.agents if not isinstance(one.agents, int) else _hire(named, str(one.queue), one.agents)
        for agent in agents:
            shifts += _days(one, agent, begins, seconds)
    if not section.shifts:
        shifts = [Shift(agent) for agent in dict.fromkeys(member.agent for one in settings for member in one.members)]
    return Scenario(
        queues=tuple(changed(one, agents=tuple(named[one.name])) for one in settings),
        streams=tuple(_stream(name, callers, begins, seconds) for name, callers in section.callers.items()),
        shifts=tuple(shifts),
        begins=begins,
        seconds=seconds,
        interval=play.interval * MINUTE,
        seed=play.seed,
    )


def _hire(named: dict[str, list[Member]], queue: str, number: int) -> list[str]:
    """Agents of the scenario's own."""
    taken = len(named[queue])
    hired = [f"{queue}-{place}" for place in range(taken + 1, taken + number + 1)]
    named[queue] += [Member(agent) for agent in hired]
    return hired


def _days(shift: ShiftSection, agent: str, begins: float, seconds: float) -> Iterable[Shift]:
    """The shift on every day that is played, also one over midnight."""
    length = (shift.to - shift.from_) % DAY or DAY
    for day in range(-1, math.ceil((begins + seconds) / 86400)):
        start = (day * DAY + shift.from_) * MINUTE - begins
        end = start + length * MINUTE
        if end > 0 and start < seconds:
            whole = length == DAY
            if not whole or start <= 0:
                yield Shift(agent, max(0.0, start), math.inf if whole else end, shift.answers_after, shift.misses)
            if whole:
                return


def _stream(name: str, callers: CallersSection, begins: float, seconds: float) -> Stream:
    patience = Duration(math.inf if callers.patience is None else callers.patience, callers.patience_shape)
    talk = Duration(callers.talk, callers.talk_shape)
    if callers.per_hour is not None:
        return Stream(name, callers.queue, [(0.0, callers.per_hour)], talk, patience, callers.priority)
    steps = sorted(((_minutes(time) or 0) * MINUTE, rate) for time, rate in callers.curve.items())
    days = range(-1, math.ceil((begins + seconds) / 86400))
    curve = [(day * 86400 + at - begins, rate) for day in days for at, rate in steps]
    return Stream(name, callers.queue, curve, talk, patience, callers.priority)
