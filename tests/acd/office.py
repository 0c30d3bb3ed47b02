"""An office of agents around an engine, with a clock turned by hand and books of its own.

The books are kept from the orders alone, as the rest of the switch would see them, and everything is checked after
every event: no agent in two offers, no caller with two agents, every lease ended once, the engine's own invariants.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from acd import events
from acd.agent import Agent
from acd.commands import Announce, Command, Connect, Explain, LeaveQueue, Offer, Withdraw
from acd.engine import Engine
from acd.queue import QueueSettings


class Office:
    """Agents are within reach from the start, unless said otherwise; a very large office is not looked through after
    every event when not `careful`."""

    def __init__(
        self,
        *queues: QueueSettings,
        agents: Iterable[Agent] = (),
        seed: int = 1,
        explain: bool = False,
        reachable: bool = True,
        careful: bool = True,
    ) -> None:
        named = {agent.id: agent for agent in agents}
        for queue in queues:
            for member in queue.members:
                named.setdefault(member.agent, Agent(member.agent))
        self.agents = [replace(agent, reachable=reachable) for agent in named.values()]
        self.engine = Engine(queues, self.agents, random.Random(seed), explain)
        self.queues = list(queues)
        self.careful = careful
        self.now = 0.0
        self.facts: list[tuple[events.Event, float]] = []
        self.log: list[Command] = []
        self.ringing: dict[int, Offer] = {}
        self.talks: dict[str, Connect] = {}
        self.left: dict[str, LeaveQueue] = {}

    # Turning the world

    def tell(self, event: events.Event) -> list[Command]:
        """Tell the engine a fact, now."""
        self.facts.append((event, self.now))
        self._note_fact(event)
        return self._take(self.engine.handle(event, self.now))

    def wait(self, seconds: float) -> list[Command]:
        """Let time pass, with every deadline met to the dot."""
        until = self.now + seconds
        orders: list[Command] = []
        while (due := self.engine.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            orders += self._take(self.engine.handle_timer(self.now))
        self.now = until
        return orders

    def call(self, caller: str, queue: str = "support", **asks: object) -> list[Command]:
        """A caller joins."""
        return self.tell(events.CallerJoined(caller, queue, **asks))  # type: ignore[arg-type]

    def answer(self, agent: str) -> list[Command]:
        """The agent who is rung picks up."""
        return self.tell(events.OfferAnswered(self.lease(agent)))

    def reject(self, agent: str) -> list[Command]:
        """The agent who is rung presses reject."""
        return self.tell(events.OfferRejected(self.lease(agent)))

    def hang_up(self, agent: str) -> list[Command]:
        """The agent's talk is over."""
        return self.tell(events.ContactEnded(agent, self.talks[agent].caller))

    def serve(self, caller: str, queue: str = "support", talk: float = 5.0) -> list[str]:
        """A whole call: joined, answered by the first who is rung, over. Returns who was rung."""
        rung = offered(self.call(caller, queue))
        self.answer(rung[0])
        self.wait(talk)
        self.hang_up(rung[0])
        return rung

    # Looking at it

    def lease(self, agent: str) -> int:
        """The number of the offer that rings this agent."""
        return next(number for number, offer in self.ringing.items() if offer.agent == agent)

    def rung(self) -> set[str]:
        """Who is being rung."""
        return {offer.agent for offer in self.ringing.values()}

    def queue(self, name: str = "support") -> dict[str, object]:
        """The queue as a supervisor sees it."""
        queue: dict[str, object] = self.engine.snapshot(self.now)["queues"][name]
        return queue

    def agent(self, name: str) -> dict[str, object]:
        """The agent as a supervisor sees him."""
        agent: dict[str, object] = self.engine.snapshot(self.now)["agents"][name]
        return agent

    def line(self, name: str = "support") -> list[str]:
        """Who waits, the next one first."""
        return [caller["caller"] for caller in self.queue(name)["callers"]]  # type: ignore[attr-defined]

    # The books

    def _note_fact(self, event: events.Event) -> None:
        if isinstance(event, events.OfferRejected | events.OfferBusy | events.OfferFailed):
            self.ringing.pop(event.lease, None)
        if isinstance(event, events.ContactEnded):
            talk = self.talks.get(event.agent)
            if talk is not None and talk.caller == event.caller:
                del self.talks[event.agent]
        if isinstance(event, events.CallerLeft | events.CallerJoined):
            self._end_talk_of(event.caller)
        if isinstance(event, events.CallbackFailed):
            called = [agent for agent, talk in self.talks.items() if talk.caller == event.caller and talk.callback]
            for agent in called:
                del self.talks[agent]
        if isinstance(event, events.ConnectFailed):
            self.ringing.pop(event.lease, None)
            self.talks = {agent: talk for agent, talk in self.talks.items() if talk.lease != event.lease}

    def _end_talk_of(self, caller: str) -> None:
        self.talks = {agent: talk for agent, talk in self.talks.items() if talk.caller != caller}

    def _take(self, orders: list[Command]) -> list[Command]:
        self.log += orders
        for order in orders:
            match order:
                case Offer():
                    self._note_offer(order)
                case Withdraw():
                    self.ringing.pop(order.lease, None)
                case Connect():
                    self._note_connect(order)
                case LeaveQueue():
                    self.left[order.caller] = order
                case Explain():
                    check_decision(order)
                case Announce():
                    assert order.caller not in {talk.caller for talk in self.talks.values()}
        if self.careful:
            self.engine.check_invariants()
        return orders

    def _note_offer(self, offer: Offer) -> None:
        assert offer.agent not in self.rung(), f"{offer.agent} is in two offers"
        assert offer.agent not in self.talks, f"{offer.agent} is offered a call while he talks"
        assert offer.caller not in {talk.caller for talk in self.talks.values()}, f"{offer.caller} talks already"
        assert offer.lease not in self.ringing
        self.ringing[offer.lease] = offer

    def _note_connect(self, connect: Connect) -> None:
        assert connect.lease in self.ringing, "a withdrawn offer was connected"
        assert self.ringing.pop(connect.lease).agent == connect.agent
        assert connect.caller not in {talk.caller for talk in self.talks.values()}, "a caller with two agents"
        assert connect.agent not in self.talks, "an agent with two callers"
        self.talks[connect.agent] = connect


def check_decision(order: Explain) -> None:
    """Those chosen have the smallest keys of those who could be chosen."""
    record = order.record
    keys = {candidate.agent: candidate.key for candidate in record.candidates}
    chosen = [keys[agent] for agent in record.chosen]
    behind = [candidate.key for candidate in record.candidates if candidate.verdict == "behind"]
    assert None not in chosen
    assert None not in behind
    if chosen and behind:
        assert max(key for key in chosen if key) < min(key for key in behind if key)
    verdicts = Counter(candidate.verdict for candidate in record.candidates)
    assert verdicts["chosen"] == len(record.chosen)


def offered(orders: Iterable[Command]) -> list[str]:
    """The agents rung by these orders."""
    return [order.agent for order in orders if isinstance(order, Offer)]


def withdrawn(orders: Iterable[Command]) -> list[tuple[str, str]]:
    """The agents no longer rung by these orders, and why."""
    return [(order.agent, order.reason) for order in orders if isinstance(order, Withdraw)]


def connected(orders: Iterable[Command]) -> list[tuple[str, str]]:
    """Callers and agents brought together by these orders."""
    return [(order.caller, order.agent) for order in orders if isinstance(order, Connect)]


def gone(orders: Iterable[Command]) -> list[tuple[str, str, str | None]]:
    """Callers who were sent on by these orders: who, why, where to."""
    return [(order.caller, order.outcome, order.destination) for order in orders if isinstance(order, LeaveQueue)]


def said(orders: Iterable[Command]) -> list[Announce]:
    """Announcements among these orders."""
    return [order for order in orders if isinstance(order, Announce)]
