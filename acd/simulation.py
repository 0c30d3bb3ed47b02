"""The queue engine on a virtual clock: the engine that takes live calls, with callers and agents who are played.

Nothing here decides who talks to whom. The simulation tells the engine what callers and agents do and carries out its
orders at once; what time brings is told at its own time. The same arrivals, settings and seed give the same run.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from acd import commands, events
from acd.agent import Agent
from acd.arrivals import Arrival
from acd.engine import Engine
from acd.figures import Tally, Work, fairness
from acd.queue import QueueSettings

PROGRESS_EVERY = 500
"""Steps between two reports."""

ENGINE_WRAP_UP = 10.0
"""For agents and queues that say nothing."""


@dataclass(frozen=True, slots=True)
class Shift:
    """When somebody works, and how he takes calls. Times are seconds from the beginning."""

    agent: str
    begins: float = 0.0
    ends: float = math.inf
    answers_after: float = 0.0
    """Mean time that the phone rings before he answers, exponential; 0 is at once."""
    misses: float = 0.0
    """Share of the offers that he lets ring out."""


@dataclass(slots=True)
class Result:
    """What came of a run."""

    until: float
    interval: float
    queues: dict[str, Tally]
    intervals: dict[str, list[Tally]]
    """For every queue, the callers by the interval of their arrival."""
    agents: dict[str, Work]

    def occupancy(self, agents: Iterable[str] | None = None) -> float | None:
        """Of all agents, or of these, together."""
        works = [self.agents[name] for name in (self.agents if agents is None else agents)]
        staffed = math.fsum(work.staffed for work in works)
        return math.fsum(work.handle for work in works) / staffed if staffed else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "seconds": self.until,
            "interval": self.interval,
            "queues": {name: tally.to_dict() for name, tally in self.queues.items()},
            "intervals": {name: [tally.to_dict() for tally in tallies] for name, tallies in self.intervals.items()},
            "agents": {name: work.to_dict() for name, work in self.agents.items()},
            "occupancy": self.occupancy(),
            "fairness": fairness(self.agents.values()),
        }


@dataclass(slots=True)
class _Visit:
    """A caller in a queue."""

    arrival: Arrival
    queue: str
    since: float
    tallies: tuple[Tally, Tally]
    """Of the queue, and of the interval in which he came."""


@dataclass(slots=True)
class _Desk:
    """An agent in the play."""

    shift: Shift
    rng: random.Random
    wrap_up: float | None
    work: Work = field(default_factory=Work)
    logged_in_at: float | None = None
    busy_until: float = 0.0


class Simulation:
    """One run."""

    def __init__(
        self,
        queues: Sequence[QueueSettings],
        shifts: Iterable[Shift],
        arrivals: Iterable[Arrival],
        until: float,
        seed: int = 0,
        agents: Iterable[Agent] = (),
        interval: float = 1800.0,
    ) -> None:
        """`agents` tells skills and wrap-up of those who have any; `interval` is the grain of the figures."""
        self._arrivals: Iterator[Arrival] = iter(arrivals)
        self._until, self._interval = until, interval
        self._settings = {settings.name: settings for settings in queues}
        known = {agent.id: agent for agent in agents}
        self._desks: dict[str, _Desk] = {}
        self._due: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._order = count()
        for shift in shifts:
            self._open_desk(shift, known.get(shift.agent), seed)
        at_home = [_at_home(known.get(name) or Agent(name)) for name in self._desks]
        self.engine = Engine(queues, at_home, random.Random(seed), wrap_up=ENGINE_WRAP_UP)  # noqa: S311
        self._visits: dict[str, _Visit] = {}
        self._ringing: set[int] = set()
        self._now = 0.0
        self._orders: deque[commands.Command] = deque()
        intervals = max(1, math.ceil(until / interval))
        self._tallies = {name: Tally(one.service_level) for name, one in self._settings.items()}
        self._by_interval = {
            name: [Tally(one.service_level) for _ in range(intervals)] for name, one in self._settings.items()
        }

    def run(self, progress: Callable[[float], None] | None = None) -> Result:
        """Play it to the end. `progress` is told the time now and then."""
        arrival = next(self._arrivals, None)
        for step in count():
            if progress is not None and step % PROGRESS_EVERY == 0:
                progress(self._now)
            comes = math.inf if arrival is None else arrival.at
            due = self._due[0][0] if self._due else math.inf
            deadline = self.engine.next_deadline()
            alarm = math.inf if deadline is None else deadline
            at = min(comes, due, alarm)
            if at >= self._until:
                break
            self._now = max(at, self._now)
            if due <= at:
                _, _, act, argument = heapq.heappop(self._due)
                act(argument)
            elif comes <= at and arrival is not None:
                self._join(arrival, arrival.queue)
                arrival = next(self._arrivals, None)
            else:
                self._obey(self.engine.handle_timer(self._now))
        return self._result()

    def _open_desk(self, shift: Shift, agent: Agent | None, seed: int) -> None:
        if shift.agent not in self._desks:
            rng = random.Random(f"{seed}/agent/{shift.agent}")  # noqa: S311 - plays agents, guards no secret
            self._desks[shift.agent] = _Desk(shift, rng, agent.wrap_up if agent is not None else None)
        self._later(shift.begins, self._begin_shift, shift)
        if not math.isinf(shift.ends):
            self._later(shift.ends, self._end_shift, shift)

    def _later(self, at: float, act: Callable[[Any], None], argument: object) -> None:
        heapq.heappush(self._due, (at, next(self._order), act, argument))

    def _tell(self, event: events.Event) -> None:
        self._obey(self.engine.handle(event, self._now))

    def _obey(self, orders: Iterable[commands.Command]) -> None:
        """Carry out the orders, and those that come of them, in their order."""
        idle = not self._orders
        self._orders.extend(orders)
        if not idle:
            return
        while self._orders:
            order = self._orders[0]
            match order:
                case commands.Offer():
                    self._ring(order)
                case commands.Withdraw():
                    self._ringing.discard(order.lease)
                case commands.Connect():
                    self._talk(order)
                case commands.LeaveQueue():
                    self._leave(order)
                case commands.PauseAgent():
                    self._tell(events.AgentUnpaused(order.agent))
            self._orders.popleft()

    # Agents

    def _begin_shift(self, shift: Shift) -> None:
        desk = self._desks[shift.agent]
        desk.shift, desk.logged_in_at = shift, self._now
        self._tell(events.AgentReachable(shift.agent, reachable=True))
        self._tell(events.AgentLoggedIn(shift.agent))

    def _end_shift(self, shift: Shift) -> None:
        desk = self._desks[shift.agent]
        self._tell(events.AgentLoggedOut(shift.agent))
        self._book_shift(desk, max(self._now, desk.busy_until))

    def _book_shift(self, desk: _Desk, end: float) -> None:
        if desk.logged_in_at is not None:
            desk.work.staffed += end - desk.logged_in_at
            desk.logged_in_at = None

    def _ring(self, offer: commands.Offer) -> None:
        desk = self._desks[offer.agent]
        desk.work.offers += 1
        self._ringing.add(offer.lease)
        shift = desk.shift
        if shift.misses and desk.rng.random() < shift.misses:
            return
        after = desk.rng.expovariate(1 / shift.answers_after) if shift.answers_after else 0.0
        if after < offer.ring_timeout:
            self._later(self._now + after, self._pick_up, offer.lease)

    def _pick_up(self, lease: int) -> None:
        if lease in self._ringing:
            self._ringing.discard(lease)
            self._tell(events.OfferAnswered(lease))

    def _talk(self, connect: commands.Connect) -> None:
        visit = self._visits.pop(connect.caller)
        for tally in visit.tallies:
            tally.answer(self._now - visit.since)
            tally.talk += visit.arrival.talk
        desk = self._desks[connect.agent]
        ends = self._now + visit.arrival.talk
        agent_wrap_up, queue_wrap_up = desk.wrap_up, self._settings[connect.queue].wrap_up
        wrap_up = next(one for one in (agent_wrap_up, queue_wrap_up, ENGINE_WRAP_UP) if one is not None)
        desk.work.answered += 1
        desk.work.talk += min(ends, self._until) - self._now
        desk.work.wrap_up += max(0.0, min(ends + wrap_up, self._until) - min(ends, self._until))
        desk.busy_until = min(ends + wrap_up, self._until)
        self._later(ends, self._end_talk, (connect.agent, connect.caller))

    def _end_talk(self, who: tuple[str, str]) -> None:
        self._tell(events.ContactEnded(*who))

    # Callers

    def _join(self, arrival: Arrival, queue: str) -> None:
        tallies = self._tallies[queue], self._by_interval[queue][int(self._now // self._interval)]
        for tally in tallies:
            tally.offered += 1
        self._visits[arrival.caller] = _Visit(arrival, queue, self._now, tallies)
        self._tell(events.CallerJoined(arrival.caller, queue, arrival.priority, requires=arrival.requires))
        patience = arrival.patience - (self._now - arrival.at)
        if arrival.caller in self._visits and self._visits[arrival.caller].queue == queue and not math.isinf(patience):
            self._later(self._now + patience, self._give_up, arrival.caller)

    def _give_up(self, caller: str) -> None:
        visit = self._visits.get(caller)
        if visit is None or self._now < visit.arrival.at + visit.arrival.patience:
            return
        del self._visits[caller]
        for tally in visit.tallies:
            tally.abandon(self._now - visit.since)
        self._tell(events.CallerLeft(caller))

    def _leave(self, order: commands.LeaveQueue) -> None:
        visit = self._visits.pop(order.caller)
        for tally in visit.tallies:
            if self._now == visit.since and order.outcome in ("full", "empty", "closed"):
                tally.offered -= 1
                tally.blocked[order.outcome] += 1
            else:
                tally.flow_out(order.outcome, self._now - visit.since)
        kind, _, name = (order.destination or "").partition(":")
        if kind == "queue" and name in self._settings:
            self._later(self._now, lambda arrival: self._join(arrival, name), visit.arrival)

    def _result(self) -> Result:
        for desk in self._desks.values():
            self._book_shift(desk, self._until)
        works = {name: desk.work for name, desk in self._desks.items()}
        return Result(self._until, self._interval, self._tallies, self._by_interval, works)


def _at_home(agent: Agent) -> Agent:
    """Nobody works before his shift."""
    return replace(agent, logged_in=False, reachable=False)
