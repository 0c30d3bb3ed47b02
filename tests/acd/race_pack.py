"""The race pack: callers and agents who do everything in the same millisecond, and what must hold all the same."""

import random

from acd import events
from acd.agent import Agent
from acd.commands import Command, Connect, LeaveQueue, Offer, Withdraw
from acd.engine import Engine
from acd.queue import STRATEGIES, Member, QueueSettings

BURST = 12
"""Facts in the same millisecond, at most."""


class RacePack:
    """One queue, as many callers as are waiting or talking at most, and everything at once.

    The books are kept from the orders alone: nobody is connected twice, nobody is lost, and whoever is offered to an
    agent stands before all of his priority who wait for an offer.
    """

    def __init__(self, seed: int, callers: int = 200, agents: int = 50) -> None:
        self.draw = random.Random(seed)
        self.most = callers
        self.agents = [str(1000 + number) for number in range(agents)]
        strategy = STRATEGIES[seed % len(STRATEGIES)]
        members = [Member(name, 1 + index % 2, 1 + index % 3) for index, name in enumerate(self.agents)]
        settings = QueueSettings("support", members, strategy, wrap_up=0.5, ring_timeout=3, retry_delay=1, auto_pause=9)
        staff = [Agent(name, reachable=True) for name in self.agents]
        self.engine = Engine([settings], staff, random.Random(seed))
        self.now = 0.0
        self.number = self.offers = self.events = 0
        self.waiting: dict[str, int] = {}
        """Priority by caller, in the order they joined."""
        self.ringing: dict[int, Offer] = {}
        self.talks: dict[int, Connect] = {}
        self.priorities: dict[str, int] = {}
        """Of those who talk."""
        self.ended: dict[str, int] = {}
        """Callers who are out of it, and how often."""

    def run(self, offers: int, check_every: int = 200) -> None:
        """Until so many offers were made; then everybody goes home and nobody may be left."""
        while self.offers < offers:
            self.now += self.draw.choice([0.0, 0.001, 0.001, 0.25, 1.5])
            self.take(self.engine.handle_timer(self.now))
            for _ in range(self.draw.randint(1, BURST)):
                self.tell(self.something())
                if self.events % check_every == 0:
                    self.engine.check_invariants()
        self.close()

    def something(self) -> events.Event:
        """Any fact, and often the one that collides with another."""
        draw, agent = self.draw, self.draw.choice(self.agents)
        lease = draw.choice(list(self.ringing)) if self.ringing else draw.randint(0, self.offers + 1)
        talk = draw.choice(list(self.talks.values())) if self.talks else None
        caller = draw.choice(list(self.waiting)) if self.waiting else "nobody"
        kinds = ["join"] * 9 if len(self.waiting) + len(self.talks) < self.most else []
        kinds += (
            ["answer"] * 7 + ["end"] * 6 + ["hang up"] * 2 + ["reject", "busy", "failed", "late", "again", "undone"]
        )
        match draw.choice(
            [*kinds, "pause", "unpause", "unpause", "log out", "log in", "log in", "gone", "back", "back"]
        ):
            case "join":
                self.number += 1
                return events.CallerJoined(f"c{self.number}", "support", draw.choice([0, 0, 0, 1, 5]))
            case "answer":
                return events.OfferAnswered(lease)
            case "end" if talk is not None:
                return events.ContactEnded(talk.agent, talk.caller)
            case "hang up":
                return events.CallerLeft(talk.caller if talk is not None and draw.random() < 0.3 else caller)
            case "reject":
                return events.OfferRejected(lease)
            case "busy":
                return events.OfferBusy(lease)
            case "failed":
                return events.OfferFailed(lease)
            case "late":
                return events.OfferAnswered(draw.randint(0, self.offers + 1))
            case "again" if self.waiting:
                return events.CallerJoined(caller, "support")
            case "undone" if talk is not None:
                return events.ConnectFailed(talk.lease)
            case "pause":
                return events.AgentPaused(agent)
            case "log out":
                return events.AgentLoggedOut(agent)
            case "log in":
                return events.AgentLoggedIn(agent)
            case "gone" | "back" as kind:
                return events.AgentReachable(agent, kind == "back")
        return events.AgentUnpaused(agent)

    def tell(self, event: events.Event) -> None:
        """Note the fact and take the orders."""
        self.events += 1
        match event:
            case events.CallerJoined(caller, _, priority) if caller not in self.waiting:
                self.waiting[caller] = priority
            case events.CallerLeft(caller):
                self.leave(caller)
            case events.ContactEnded(_, caller):
                self.leave(caller)
            case events.OfferRejected(lease) | events.OfferBusy(lease) | events.OfferFailed(lease):
                self.ringing.pop(lease, None)
            case events.ConnectFailed(lease) if lease in self.talks:
                self.stand_again(self.talks.pop(lease))
        self.take(self.engine.handle(event, self.now))

    def leave(self, caller: str) -> None:
        talks = [lease for lease, talk in self.talks.items() if talk.caller == caller]
        if caller in self.waiting or talks:
            self.ended[caller] = self.ended.get(caller, 0) + 1
        self.waiting.pop(caller, None)
        for lease in talks:
            del self.talks[lease]

    def stand_again(self, talk: Connect) -> None:
        """Into the place he had: callers are numbered in the order they joined."""
        priority = self.priorities.pop(talk.caller)
        self.waiting[talk.caller] = priority
        self.waiting = dict(sorted(self.waiting.items(), key=lambda item: int(item[0][1:])))

    def take(self, orders: list[Command]) -> None:
        """Keep the books, and look at the order in which callers were offered."""
        for order in orders:
            match order:
                case Offer():
                    self.check_order(order)
                    self.note_offer(order)
                case Withdraw(lease):
                    self.ringing.pop(lease, None)
                case Connect():
                    self.note_connect(order)
                case LeaveQueue(caller):
                    assert self.waiting.pop(caller, None) is not None, f"{caller} left twice"

    def note_offer(self, offer: Offer) -> None:
        self.offers += 1
        assert offer.caller in self.waiting, f"{offer.caller} is offered and does not wait"
        busy = {other.agent for other in self.ringing.values()} | {talk.agent for talk in self.talks.values()}
        assert offer.agent not in busy, f"{offer.agent} has two callers"
        self.ringing[offer.lease] = offer

    def note_connect(self, connect: Connect) -> None:
        offer = self.ringing.pop(connect.lease)
        assert (offer.agent, offer.caller) == (connect.agent, connect.caller)
        assert connect.caller not in {talk.caller for talk in self.talks.values()}, f"{connect.caller} has two agents"
        self.priorities[connect.caller] = self.waiting.pop(connect.caller)
        self.talks[connect.lease] = connect

    def check_order(self, offer: Offer) -> None:
        """First come, first served, within a priority: nobody older waits without an offer."""
        rung = {other.caller for other in self.ringing.values()}
        priority = self.waiting.get(offer.caller)
        for caller, other in self.waiting.items():
            if caller == offer.caller:
                return
            assert other != priority or caller in rung, f"{offer.caller} overtook {caller}"

    def close(self) -> None:
        """All hang up: nothing rings, nobody waits, and every caller has ended exactly once."""
        for agent in self.agents:
            self.tell(events.AgentLoggedOut(agent))
        for caller in [*self.waiting, *(talk.caller for talk in self.talks.values())]:
            self.tell(events.CallerLeft(caller))
        self.now += 60
        self.take(self.engine.handle_timer(self.now))
        self.engine.check_invariants()
        snapshot = self.engine.snapshot()
        assert not self.ringing
        assert not self.talks
        assert snapshot["queues"]["support"]["waiting"] == 0
        assert set(self.ended.values()) <= {1}
        assert len(self.ended) == self.number
        assert snapshot["queues"]["support"]["offers_made"] == self.offers
        assert self.engine.next_deadline() is None
