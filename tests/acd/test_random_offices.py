"""Random offices: whatever happens in whatever order, the books balance and nobody is stuck."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from acd import events
from acd.agent import Agent, PauseReason
from acd.commands import Announce, Command, Offer
from acd.engine import Engine
from acd.queue import ABSENCES, STRATEGIES, Member, Overflow, QueueSettings, Relaxed, Reserve
from tests.acd.office import Office

AGENTS = [str(101 + index) for index in range(7)]
SKILLS = ["billing", "romanian"]
QUEUES = ["support", "sales", "night"]


def random_queue(name: str, draw: random.Random) -> QueueSettings:
    """Any combination of settings."""
    members = [
        Member(agent, draw.choice([1, 1, 2, 3]), draw.choice([0, 1, 5]))
        for agent in draw.sample(AGENTS, draw.choice([0, 1, 2, 4, 6, 7]))
    ]
    return QueueSettings(
        name,
        agents=members,
        strategy=draw.choice(STRATEGIES),
        within=draw.choice(STRATEGIES[:-1]),
        measure=draw.choice(["occupancy", "calls", "talk_time"]),
        progressive=draw.choice([None, None, 3.0]),
        tier_wait=draw.choice([None, None, 8.0]),
        weight=draw.choice([0, 0, 1]),
        overflows=draw.choice([(), (), (Overflow("queue:sales", length=3), Overflow("phone:102", wait=9.0))]),
        reserves=draw.choice([(), (Reserve(3, 3, 8.0, least=4.0),), (Reserve(1, length=2), Reserve(2, wait=5.0))]),
        priority_age=draw.choice([None, 10.0]),
        last_agent=draw.choice([None, 60.0]),
        preferred_wait=draw.choice([0.0, 6.0]),
        keep_place=draw.choice([None, 20.0]),
        requires=draw.choice(["", "", "billing >= 2 or romanian"]),
        relax=draw.choice([(), (Relaxed(6.0, "billing or romanian"), Relaxed(12.0))]),
        open=draw.random() < 0.95,
        ring_timeout=draw.choice([5.0, 15.0]),
        retry_delay=draw.choice([0.0, 5.0]),
        wrap_up=draw.choice([0.0, 10.0, None]),
        auto_pause=draw.choice([None, None, 3]),
        auto_pause_on=draw.choice([("no_answer",), ("rejected", "busy")]),
        promise=draw.choice([None, 7.0]),
        callback_attempts=draw.choice([1, 3]),
        callback_delay=draw.choice([0.0, 12.0]),
        dispositions=("sold", "lost"),
        disposition_required=draw.random() < 0.2,
        max_wait=draw.choice([None, 20.0, 60.0]),
        one_more_chance=draw.random() < 0.5,
        max_length=draw.choice([None, None, 4]),
        join_empty=draw.sample(ABSENCES, draw.choice([0, 0, 0, 3])),
        leave_empty=draw.sample(ABSENCES, draw.choice([0, 0, 0, 3])),
        on_timeout="phone:101",
        announce_position=draw.random() < 0.5,
        announce_wait=draw.random() < 0.5,
        periodic=draw.choice([(), ("wait", "thanks")]),
    )


def random_settings(draw: random.Random) -> events.SettingsChanged:
    """Any queues and agents."""
    agents = tuple(
        Agent(
            name,
            {skill: draw.randint(0, 3) for skill in SKILLS[: draw.randint(0, 2)]},
            draw.choice([None, 0.0, 4.0]),
            reachable=True,
        )
        for name in draw.sample(AGENTS, draw.randint(0, len(AGENTS)))
    )
    return events.SettingsChanged(
        tuple(random_queue(name, draw) for name in QUEUES[: draw.choice([1, 3, 3, 3])]),
        agents,
        pauses=draw.choice([(), (PauseReason("lunch", 20.0, 2),)]),
    )


def random_fact(office: Office, draw: random.Random, number: int) -> events.Event:
    """Something that may happen, or come too late, or about somebody unknown."""
    agent = draw.choice([*AGENTS, "999"])
    caller = f"c{draw.randint(max(0, number - 12), number)}"
    lease = draw.choice([*office.ringing, draw.randint(0, number + 1)])
    talk = draw.choice([*office.talks.values(), None])
    kind = draw.choices(range(len(WEIGHTS)), WEIGHTS)[0]
    facts: list[events.Event] = [
        events.CallerJoined(
            f"c{number}",
            draw.choice([*QUEUES * 5, "nowhere"]),
            draw.choice([0, 0, 0, 1, 5]),
            draw.choice([None, None, 1, 3]),
            tuple(draw.sample(SKILLS, draw.choice([0, 0, 1, 2]))),
            customer=draw.choice(["", "+431", "+432", "+433"]),
            preferred=tuple(draw.sample(AGENTS, draw.choice([0, 0, 1, 2]))),
        ),
        events.CallerJoined(caller, draw.choice(QUEUES), since=office.now - draw.choice([0.0, 30.0])),
        events.CallerLeft(caller),
        events.CallerMoved(caller, "menu:main"),
        events.OfferAnswered(lease),
        events.OfferRejected(lease),
        events.OfferBusy(lease),
        events.OfferFailed(lease),
        events.OfferRinging(lease),
        events.ConnectFailed(talk.lease if talk else lease),
        events.ContactEnded(talk.agent if talk else agent, talk.caller if talk else caller),
        events.AgentReachable(agent, draw.random() < 0.8),
        events.AgentBusy(agent, draw.random() < 0.3, draw.random() < 0.5),
        events.AgentPaused(agent, draw.choice(["lunch", "training"])),
        events.AgentUnpaused(agent),
        events.AgentLoggedIn(agent),
        events.AgentLoggedOut(agent),
        events.WrapUpEnded(agent),
        events.WrapUpExtended(agent, 5.0),
        events.DayStarted(),
        events.CallerSteppedOut(caller),
        events.CallerSteppedBack(caller),
        events.CallbackAccepted(caller, "+431"),
        events.CallbackFailed(talk.caller if talk else caller),
        events.CallbackCancelled(caller),
        events.DispositionGiven(agent, draw.choice(["sold", "lost", "nonsense"])),
    ]
    return facts[kind]


WEIGHTS = [30, 2, 6, 1, 20, 6, 2, 2, 3, 3, 20, 6, 6, 3, 6, 6, 2, 3, 1, 0.3, 3, 4, 3, 3, 1, 8]


def live(seed: int, steps: int, explain: bool = False) -> Office:
    """A random office lives through that many facts, with time passing between them."""
    draw = random.Random(seed)
    first = random_settings(draw)
    office = Office(*first.queues, agents=first.agents, seed=seed, explain=explain)
    for number in range(steps):
        office.wait(draw.choice([0.0, 0.0, 0.0, 0.5, 2.0, 7.0]))
        change = draw.random() < 0.01
        office.tell(random_settings(draw) if change else random_fact(office, draw, number))
    office.wait(0)
    return office


@pytest.mark.parametrize("seed", range(40))
def test_the_books_balance_after_every_event_of_a_random_office(seed: int) -> None:
    live(seed, 250, explain=seed % 4 == 0)


@pytest.mark.parametrize("seed", range(5))
def test_after_everything_has_happened_every_office_comes_to_rest(seed: int) -> None:
    office = live(seed, 150)
    for agent in AGENTS:
        office.tell(events.AgentLoggedOut(agent))
    for caller in {f"c{number}" for number in range(150)}:
        office.tell(events.CallbackCancelled(caller))
        office.tell(events.CallerLeft(caller))
    for agent in list(office.talks):
        office.hang_up(agent)
    office.wait(3600.0)
    assert not office.ringing
    assert office.engine.next_deadline() is None
    assert not office.engine._floor.callers
    assert not office.engine._floor.leases


@pytest.mark.parametrize("seed", range(100, 110))
def test_the_same_facts_and_the_same_seed_give_the_same_orders_however_late_the_timers_are(seed: int) -> None:
    office = live(seed, 200)
    first = Engine(office.queues, office.agents, random.Random(seed))
    again = [order for event, now in office.facts for order in first.handle(event, now)]
    again += first.handle_timer(office.now)
    assert decisions(again) == decisions(office.log)


def decisions(orders: list[Command]) -> list[Command]:
    """All but announcements, which step back behind the decisions of the same call."""
    return [order for order in orders if not isinstance(order, Announce)]


def test_another_seed_gives_another_order_of_random_agents() -> None:
    queue = QueueSettings("support", agents=AGENTS, strategy="random", wrap_up=0)
    rung = [
        [order.agent for order in run_calls(Office(queue, seed=seed)).log if isinstance(order, Offer)]
        for seed in (1, 1, 2)
    ]
    assert rung[0] == rung[1] != rung[2]


def run_calls(office: Office) -> Office:
    for number in range(20):
        office.serve(f"c{number}")
    return office


class OfficeMachine(RuleBasedStateMachine):
    """Hypothesis chooses what happens next, and shrinks what goes wrong."""

    @initialize(seed=st.integers(0, 10_000))
    def open_office(self, seed: int) -> None:
        draw = random.Random(seed)
        first = random_settings(draw)
        self.office = Office(*first.queues, agents=first.agents, seed=seed)
        self.number = 0

    @rule(
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from([0, 0, 1, 9]),
        position=st.sampled_from([None, None, 1, 2, 100]),
        requires=st.sampled_from([(), (), ("billing",), ("billing >= 2", "romanian")]),
        customer=st.sampled_from(["", "+431", "+432"]),
        preferred=st.sampled_from([(), (), ("101",), ("103", "102")]),
    )
    def join(
        self,
        queue: str,
        priority: int,
        position: int | None,
        requires: tuple[str, ...],
        customer: str,
        preferred: tuple[str, ...],
    ) -> None:
        self.number += 1
        joined = events.CallerJoined(f"c{self.number}", queue, priority, position, requires)
        self.office.tell(replace(joined, customer=customer, preferred=preferred))

    @rule(back=st.integers(0, 10), kind=st.sampled_from(["SteppedOut", "SteppedBack"]))
    def step_out_or_back(self, back: int, kind: str) -> None:
        self.office.tell(getattr(events, f"Caller{kind}")(f"c{self.number - back}"))

    @rule(back=st.integers(0, 10), kind=st.sampled_from(["Accepted", "Accepted", "Failed", "Cancelled"]))
    def call_back(self, back: int, kind: str) -> None:
        caller = f"c{self.number - back}"
        accepted = events.CallbackAccepted(caller, "+431")
        self.office.tell(accepted if kind == "Accepted" else getattr(events, f"Callback{kind}")(caller))

    @rule(back=st.integers(0, 10), leaves=st.booleans())
    def leave(self, back: int, leaves: bool) -> None:
        caller = f"c{self.number - back}"
        self.office.tell(events.CallerLeft(caller) if leaves else events.CallerMoved(caller, "menu:main"))

    @precondition(lambda self: self.office.ringing)
    @rule(data=st.data(), kind=st.sampled_from(["Answered", "Answered", "Answered", "Rejected", "Busy", "Failed"]))
    def become_of_an_offer(self, data: st.DataObject, kind: str) -> None:
        lease = data.draw(st.sampled_from(sorted(self.office.ringing)))
        self.office.tell(getattr(events, f"Offer{kind}")(lease))

    @rule(lease=st.integers(1, 60), kind=st.sampled_from(["Answered", "Rejected", "Ringing"]))
    def come_too_late(self, lease: int, kind: str) -> None:
        self.office.tell(getattr(events, f"Offer{kind}")(lease))

    @precondition(lambda self: self.office.talks)
    @rule(data=st.data(), failed=st.sampled_from([False, False, True]))
    def end_a_talk(self, data: st.DataObject, failed: bool) -> None:
        agent = data.draw(st.sampled_from(sorted(self.office.talks)))
        talk = self.office.talks[agent]
        self.office.tell(events.ConnectFailed(talk.lease) if failed else events.ContactEnded(agent, talk.caller))

    @rule(agent=st.sampled_from(AGENTS), kind=st.sampled_from(["LoggedIn", "LoggedOut", "Paused", "Unpaused"]))
    def choose_a_status(self, agent: str, kind: str) -> None:
        self.office.tell(getattr(events, f"Agent{kind}")(agent))

    @rule(agent=st.sampled_from(AGENTS))
    def say_what_became_of_it(self, agent: str) -> None:
        self.office.tell(events.DispositionGiven(agent, "sold"))

    @rule(agent=st.sampled_from(AGENTS), reachable=st.sampled_from([True, True, False]))
    def register(self, agent: str, reachable: bool) -> None:
        self.office.tell(events.AgentReachable(agent, reachable))

    @rule(agent=st.sampled_from(AGENTS), busy=st.sampled_from([True, False, False]), handled=st.booleans())
    def use_the_phone(self, agent: str, busy: bool, handled: bool) -> None:
        self.office.tell(events.AgentBusy(agent, busy, handled))

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 5.0, 20.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.office.wait(seconds)

    @rule(seed=st.integers(0, 10_000))
    def change_settings(self, seed: int) -> None:
        self.office.tell(random_settings(random.Random(seed)))

    @rule(seed=st.integers(0, 10_000))
    def change_one_queue(self, seed: int) -> None:
        draw = random.Random(seed)
        queues = [replace(random_queue(queue.name, draw), open=True) for queue in self.office.queues]
        self.office.tell(events.SettingsChanged(tuple(queues), tuple(self.office.agents)))


STEPS = 80


def walk(examples: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    walks = settings(max_examples=examples, stateful_step_count=STEPS, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(OfficeMachine, settings=walks)


def test_hypothesis_finds_no_order_of_events_that_breaks_an_invariant() -> None:
    walk(60)


@pytest.mark.load
def test_hypothesis_finds_no_such_order_in_a_hundred_thousand_events() -> None:
    walk(100_000 // STEPS + 1)


@pytest.mark.load
def test_five_hundred_random_offices_of_250_facts_each() -> None:
    for seed in range(10_000, 10_500):
        live(seed, 250)
