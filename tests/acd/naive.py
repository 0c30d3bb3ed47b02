"""A naive twin of the engine: everybody is looked at every time, nothing is kept in order.

It knows offers, misses, rests, wrap-ups, skills, several queues with weights, priorities and asked places, and three
strategies; it does not know tiers, widening and limits of time and length.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from acd.queue import QueueSettings


@dataclass(eq=False)
class NaiveAgent:
    """What there is to know about an agent."""

    name: str
    order: int
    skills: frozenset[str]
    available: bool = True
    caller: "NaiveCaller | None" = None
    talking: bool = False
    quiet_until: float | None = None
    idle_since: float = 0.0
    offered: dict[str, int] = field(default_factory=dict)

    def free(self) -> bool:
        return self.available and self.caller is None and self.quiet_until is None


@dataclass(eq=False)
class NaiveCaller:
    """What there is to know about a caller."""

    name: str
    queue: QueueSettings
    priority: int
    needs: frozenset[str]
    stands_since: float
    number: int
    agent: NaiveAgent | None = None
    rung_at: float = 0.0
    tried: list[str] = field(default_factory=list)


class Moment(NamedTuple):
    """Something is due: a phone rang long enough for the caller, or, without one, an agent was quiet long enough."""

    at: float
    set_at: float
    seat: NaiveAgent
    caller: NaiveCaller | None


class NaiveEngine:
    """The same decisions, found by looking at everybody."""

    def __init__(self, queues: list[QueueSettings], agents: dict[str, frozenset[str]]) -> None:
        self.queues = {queue.name: queue for queue in queues}
        self.agents = {name: NaiveAgent(name, index, skills) for index, (name, skills) in enumerate(agents.items())}
        self.lines: dict[str, list[NaiveCaller]] = {queue.name: [] for queue in queues}
        self.offers: list[tuple[float, str, str]] = []
        self.moments: list[Moment] = []
        self.numbers = 0
        self.now = 0.0

    # Facts

    def join(self, name: str, queue: str, priority: int, needs: frozenset[str], position: int | None) -> None:
        self.numbers += 1
        line = self.lines[queue]
        caller = NaiveCaller(name, self.queues[queue], priority, needs, self.now, self.numbers)
        index = place_of(line, priority, position)
        if position is not None and index < len(line) and line[index].priority == priority:
            caller.stands_since = line[index].stands_since
        line.insert(index, caller)
        self.match()

    def leave(self, name: str) -> None:
        caller = self.waiting(name)
        if caller is None:
            return
        self.lines[caller.queue.name].remove(caller)
        if caller.agent is not None:
            caller.agent.caller = None
        self.match()

    def answer(self, agent: str) -> None:
        seat = self.agents[agent]
        assert seat.caller is not None
        seat.talking = True
        self.lines[seat.caller.queue.name].remove(seat.caller)

    def reject(self, agent: str) -> None:
        self.miss(self.agents[agent])
        self.match()

    def hang_up(self, agent: str) -> None:
        seat = self.agents[agent]
        assert seat.caller is not None
        self.keep_quiet(seat, seat.caller.queue.wrap_up or 0.0)
        seat.caller, seat.talking, seat.idle_since = None, False, self.now
        self.match()

    def pause(self, agent: str) -> None:
        seat = self.agents[agent]
        seat.available = False
        if seat.caller is not None and not seat.talking:
            self.keep_quiet(seat, seat.caller.queue.retry_delay)
            seat.caller.agent = None
            seat.caller = None
        self.match()

    def unpause(self, agent: str) -> None:
        self.agents[agent].available = True
        self.match()

    def wait(self, until: float) -> None:
        """Do one thing after the other; of what is due at the same moment, first what was set first."""
        while due := self.next_moment(until):
            self.moments.remove(due)
            self.now, _, seat, caller = due
            if caller is None and seat.quiet_until == self.now:
                seat.quiet_until = None
            elif caller is not None and seat.caller is caller and not seat.talking and caller.rung_at == due[1]:
                self.miss(seat)
            self.match()
        self.now = until

    def next_moment(self, until: float) -> Moment | None:
        moments = [moment for moment in self.moments if moment.at <= until]
        return min(moments, key=lambda moment: (moment.at, moment.set_at), default=None)

    # What follows

    def waiting(self, name: str) -> NaiveCaller | None:
        return next((caller for line in self.lines.values() for caller in line if caller.name == name), None)

    def miss(self, seat: NaiveAgent) -> None:
        caller = seat.caller
        assert caller is not None
        caller.tried.append(seat.name)
        caller.agent = seat.caller = None
        seat.idle_since = self.now
        self.keep_quiet(seat, caller.queue.retry_delay)

    def keep_quiet(self, seat: NaiveAgent, seconds: float) -> None:
        if seconds > 0:
            seat.quiet_until = self.now + seconds
            self.moments.append(Moment(seat.quiet_until, self.now, seat, None))

    def match(self) -> None:
        """The first caller for whom anybody is free takes the best; and again."""
        while True:
            matches = [caller for line in self.lines.values() for caller in line if self.candidates(caller)]
            if not matches:
                return
            caller = min(matches, key=self.caller_key)
            seat = min(self.candidates(caller), key=lambda seat: self.agent_key(seat, caller))
            caller.agent, seat.caller, caller.rung_at = seat, caller, self.now
            self.offers.append((self.now, caller.name, seat.name))
            seat.offered[caller.queue.name] = len(self.offers)
            self.moments.append(Moment(self.now + caller.queue.ring_timeout, self.now, seat, caller))

    def candidates(self, caller: NaiveCaller) -> list[NaiveAgent]:
        if caller.agent is not None:
            return []
        names = {member.agent for member in caller.queue.members}
        return [
            seat for seat in self.agents.values() if seat.name in names and seat.free() and caller.needs <= seat.skills
        ]

    def caller_key(self, caller: NaiveCaller) -> tuple[float, ...]:
        line = self.lines[caller.queue.name]
        return (-caller.queue.weight, -caller.priority, caller.stands_since, line.index(caller))

    def agent_key(self, seat: NaiveAgent, caller: NaiveCaller) -> tuple[float, ...]:
        missed = caller.tried.count(seat.name)
        order = [member.agent for member in caller.queue.members].index(seat.name)
        if caller.queue.strategy == "round_robin":
            return (missed, seat.offered.get(caller.queue.name, 0), order)
        if caller.queue.strategy == "longest_idle":
            return (missed, seat.idle_since, order)
        return (missed, order)


def place_of(line: list[NaiveCaller], priority: int, position: int | None) -> int:
    """Before the first one of lower priority; an asked position counts only behind higher priorities."""
    for index, caller in enumerate(line):
        if caller.priority < priority:
            return index
        if position is not None and caller.priority <= priority and position <= index + 1:
            return index
    return len(line)
