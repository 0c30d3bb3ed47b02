"""What can be wrong between the values of queues and agents: skills, steps, tiers, members."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from acd.errors import SkillError
from acd.queue import Reserve
from acd.skills import read_need
from config.document import Path
from config.errors import Finding
from config.model import Config
from config.queue_model import QueueSection
from config.scalars import closest, show


def check_queues(config: Config) -> list[Finding]:
    """Find what does not fit together in queues and agents."""
    findings: list[Finding] = [*_strangers(config), *_mobiles(config), *_breaks(config)]
    everybody = [section.skills for section in config.agents.values()]
    for number, customer in config.customers.items():
        findings += _skills(config, [(("customers", number, "requires"), customer.requires)], everybody)
    for name, queue in config.queues.items():
        path: Path = ("queues", name)
        findings += _skills(config, _expressions(path, queue), _staff(config, queue))
        findings += _steps(path, queue)
        if queue.disposition_required and not queue.dispositions:
            message = "expected dispositions beside it, no agent could ever end his wrap-up"
            findings.append(Finding((*path, "disposition_required"), message))
        findings += _tiers(path, queue)
        findings += _overflows(name, path, queue)
        findings += _reserves(path, queue)
    return findings


def _strangers(config: Config) -> Iterator[Finding]:
    """A table of an agent who has no phone."""
    for number in config.agents:
        if number not in config.phones:
            message = f"expected the number of a phone, there is no [phones.{number}]"
            yield Finding(("agents", number), message, closest(number, config.phones), True)


def _mobiles(config: Config) -> Iterator[Finding]:
    """A mobile that is no telephone behind a trunk."""
    for number, section in config.agents.items():
        if section.mobile is not None and not section.mobile.startswith("trunk:"):
            message = f'expected a number behind a trunk like "trunk:provider/+43123456789", got {show(section.mobile)}'
            yield Finding(("agents", number, "mobile"), message)


def _breaks(config: Config) -> Iterator[Finding]:
    """Two reasons for breaks with the same key."""
    taken: dict[str, str] = {}
    for name, pause in config.pauses.items():
        if pause.key is not None and pause.key in taken:
            yield Finding(("pauses", name, "key"), f'expected a key of its own, "{taken[pause.key]}" has it already')
        taken.setdefault(pause.key or "", name)


def _skills(config: Config, texts: Iterable[tuple[Path, str]], staff: list[dict[str, int]]) -> Iterator[Finding]:
    """Expressions that cannot be read, skills that no agent has, and needs that nobody of the staff meets."""
    known = {skill for section in config.agents.values() for skill in section.skills}
    for at, text in texts:
        try:
            need = read_need(text)
        except SkillError as error:
            yield Finding(at, f"{error.problem} (column {error.column} of the expression)", offset=error.column)
            continue
        unknown = next(iter(sorted(need.skills - known)), None)
        if unknown is not None:
            message = f"expected skills that an agent has, nobody in [agents] has {show(unknown)}"
            yield Finding(at, message, closest(unknown, sorted(known)), offset=text.find(unknown) + 1)
        elif staff and not any(need.met_by(levels) for levels in staff):
            yield Finding(at, f"expected what at least one agent of the queue can do, nobody meets {show(text)}")


def _staff(config: Config, queue: QueueSection) -> list[dict[str, int]]:
    """The skills of each agent of a queue."""
    sections = [config.agents.get(agent.phone) for agent in queue.agents]
    return [section.skills if section is not None else {} for section in sections]


def _expressions(path: Path, queue: QueueSection) -> Iterator[tuple[Path, str]]:
    yield (*path, "requires"), queue.requires
    yield from (((*path, "relax", index, "requires"), step.requires) for index, step in enumerate(queue.relax))


def _steps(path: Path, queue: QueueSection) -> Iterator[Finding]:
    for index, (before, step) in enumerate(pairwise(queue.relax), 1):
        if step.after <= before.after:
            message = f"expected more than the {before.after:g} seconds of the step before"
            yield Finding((*path, "relax", index, "after"), message)


def _tiers(path: Path, queue: QueueSection) -> Iterator[Finding]:
    """A queue without agents, and settings of tiers where there is only one."""
    if not queue.agents:
        yield Finding((*path, "agents"), "expected at least one agent, callers would wait for nobody")
    tiers = {agent.tier for agent in queue.agents} - {entry.tier for entry in queue.reserve}
    if queue.tier_wait is not None and len(tiers) == 1:
        yield Finding((*path, "tier_wait"), "expected agents of more than one tier beside it, no other tier can open")
    waits = queue.tier_wait is not None and queue.max_wait is not None
    last = (len(tiers) - 1) * (queue.tier_wait or 0.0)
    if waits and queue.max_wait is not None and last >= queue.max_wait:
        message = f"expected more than {last:g}, tier {max(tiers)} opens only after so many seconds of wait"
        yield Finding((*path, "max_wait"), message)


def _overflows(name: str, path: Path, queue: QueueSection) -> Iterator[Finding]:
    for index, entry in enumerate(queue.overflow):
        at: Path = (*path, "overflow", index)
        if entry.to == f"queue:{name}":
            yield Finding((*at, "to"), "expected another destination, callers would come back to the same queue")
        if entry.wait is not None and queue.max_wait is not None and entry.wait >= queue.max_wait:
            yield Finding((*at, "wait"), f"expected less than max_wait ({queue.max_wait:g}), nobody waits that long")


def _reserves(path: Path, queue: QueueSection) -> Iterator[Finding]:
    tiers = {agent.tier for agent in queue.agents}
    seen: set[int] = set()
    for index, entry in enumerate(queue.reserve):
        at: Path = (*path, "reserve", index)
        if entry.tier not in tiers:
            yield Finding((*at, "tier"), f"expected a tier of some agent, nobody is of tier {entry.tier}")
        if entry.tier in seen:
            yield Finding((*at, "tier"), f"expected each tier once, {entry.tier} is already a reserve")
        seen.add(entry.tier)
        problem = Reserve(entry.tier, entry.length, entry.wait, entry.close_length, entry.close_wait).problem
        if problem is not None:
            yield Finding(at, problem)
    if tiers and tiers <= seen:
        yield Finding((*path, "reserve"), "expected at least one agent whose tier is no reserve")
