"""What can be wrong between the values of queues and agents: skills, steps, tiers, members."""

from collections.abc import Iterator
from itertools import pairwise

from acd.errors import SkillError
from acd.skills import Need, read_need
from config.document import Path
from config.errors import Finding
from config.model import Config
from config.queue_model import QueueSection
from config.scalars import closest, show


def check_queues(config: Config) -> list[Finding]:
    """Find what does not fit together in queues and agents."""
    findings: list[Finding] = list(_strangers(config))
    for name, queue in config.queues.items():
        path: Path = ("queues", name)
        findings += _skills(config, path, queue)
        findings += _steps(path, queue)
    return findings


def _strangers(config: Config) -> Iterator[Finding]:
    """A table of an agent who has no phone."""
    for number in config.agents:
        if number not in config.phones:
            message = f"expected the number of a phone, there is no [phones.{number}]"
            yield Finding(("agents", number), message, closest(number, config.phones), True)


def _skills(config: Config, path: Path, queue: QueueSection) -> Iterator[Finding]:
    """Expressions that cannot be read, skills that no agent of the queue has, and needs that nobody meets."""
    known = {skill for section in config.agents.values() for skill in section.skills}
    for at, text in _expressions(path, queue):
        try:
            need = read_need(text)
        except SkillError as error:
            yield Finding(at, f"{error.problem} (column {error.column} of the expression)", offset=error.column)
            continue
        unknown = next(iter(sorted(need.skills - known)), None)
        if unknown is not None:
            message = f"expected skills that an agent has, nobody in [agents] has {show(unknown)}"
            yield Finding(at, message, closest(unknown, sorted(known)), offset=text.find(unknown) + 1)
        elif not _anybody(config, queue, need):
            yield Finding(at, f"expected what at least one agent of the queue can do, nobody meets {show(text)}")


def _anybody(config: Config, queue: QueueSection, need: Need) -> bool:
    nothing: dict[str, int] = {}
    staff = [config.agents.get(agent.phone) for agent in queue.agents]
    return not staff or any(need.met_by(section.skills if section else nothing) for section in staff)


def _expressions(path: Path, queue: QueueSection) -> Iterator[tuple[Path, str]]:
    yield (*path, "requires"), queue.requires
    yield from (((*path, "relax", index, "requires"), step.requires) for index, step in enumerate(queue.relax))


def _steps(path: Path, queue: QueueSection) -> Iterator[Finding]:
    for index, (before, step) in enumerate(pairwise(queue.relax), 1):
        if step.after <= before.after:
            message = f"expected more than the {before.after:g} seconds of the step before"
            yield Finding((*path, "relax", index, "after"), message)
