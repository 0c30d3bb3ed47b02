"""Everything the engine knows at one moment, and the small changes everything else is made of."""

import random
from collections import OrderedDict
from dataclasses import dataclass, field

from acd.agent import PauseReason, Seat
from acd.alarm import Alarms
from acd.caller import Caller
from acd.commands import Announce, Command, Withdraw, WithdrawReason
from acd.lease import Lease
from acd.line import Line
from acd.memory import Memory

REMEMBERED_LEASES = 4096
"""Ended leases of which the end is remembered, for answers that cross a withdrawal."""


@dataclass(slots=True)
class Floor:
    """Lines, seats, callers, leases and alarms, and what the present event has stirred up."""

    seed: int
    """From the random generator that was handed in; every queue draws from its own."""
    explains: bool
    wrap_up: float
    """Seconds of work after a call where neither agent nor queue say."""
    now: float
    lines: dict[str, Line] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    leases: dict[int, Lease] = field(default_factory=dict)
    """Offers that are out, and talks that came of them."""
    ended: OrderedDict[int, Withdraw] = field(default_factory=OrderedDict)
    """What to say when one of these is answered after all."""
    pauses: dict[str, PauseReason] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    alarms: Alarms = field(default_factory=Alarms)
    joined: int = 0
    offered: int = 0
    orders: list[Command] = field(default_factory=list)
    sayings: list[Announce] = field(default_factory=list)
    """Announcements come last and only for those who still wait then."""
    freed: dict[str, Seat] = field(default_factory=dict)
    seeking: dict[str, Caller] = field(default_factory=dict)
    """Callers who should look for an agent again."""
    emptied: dict[str, Line] = field(default_factory=dict)
    """Lines in which a member changed, with leave_empty set."""

    def line_rng(self, queue: str) -> random.Random:
        """The queue's own generator, the same in every run with the same seed."""
        return random.Random(f"{self.seed}/{queue}")  # noqa: S311 - shares out calls, guards no secret

    def next_caller_rank(self) -> int:
        """Numbers callers by their arrival."""
        self.joined += 1
        return self.joined

    def next_lease(self) -> int:
        """Numbers offers."""
        self.offered += 1
        return self.offered

    def refresh(self, seat: Seat) -> None:
        """Something about the agent changed: put him into the free lists of his queues, or take him out."""
        seat.observe(self.now)
        free = seat.free
        for queue, post in seat.posts.items():
            line = self.lines[queue]
            if free:
                line.set_free(post, self.now)
            else:
                line.set_taken(post)
            if line.settings.leave_empty:
                self._recount_presence(line, seat)
            if not seat.at_work and line.free and (line.settings.tier_wait is not None or line.settings.preferred_wait):
                self.stir(line)
        if free:
            self.freed[seat.agent.id] = seat
        else:
            self.freed.pop(seat.agent.id, None)

    def stir(self, line: Line) -> None:
        """Let everybody of this line look again who may be offered to one more agent."""
        self.seeking.update((caller.id, caller) for same in line.wanting.values() for caller in same)

    def _recount_presence(self, line: Line, seat: Seat) -> None:
        post = seat.posts[line.settings.name]
        present = seat.conditions().isdisjoint(line.settings.leave_empty)
        line.present += present - post.present
        post.present = present
        if not present:
            self.emptied[line.settings.name] = line

    def reconsider(self, caller: Caller) -> None:
        """Whether the caller may be offered to one more agent."""
        line = caller.line
        if caller.talk is not None or caller.overdue or caller.away:
            line.unwant(caller)
            return
        if caller.width is None or len(caller.offers) < caller.width:
            line.want(caller)
            return
        line.unwant(caller)

    def remember_end(self, lease: Lease, reason: WithdrawReason) -> None:
        """A later answer to this lease gets this withdrawal."""
        self.ended[lease.id] = Withdraw(lease.id, reason, lease.seat.agent.id, lease.caller.id)
        if len(self.ended) > REMEMBERED_LEASES:
            self.ended.popitem(last=False)

    def take_orders(self) -> list[Command]:
        """What is to be done, decisions first."""
        orders = self.orders
        if self.sayings:
            orders = [*orders, *(saying for saying in self.sayings if self._still_waits(saying.caller))]
            self.sayings = []
        self.orders = []
        return orders

    def _still_waits(self, caller_id: str) -> bool:
        caller = self.callers.get(caller_id)
        return caller is not None and caller.talk is None
