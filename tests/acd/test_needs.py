"""Skills with levels in a queue: who is offered whom, and how a queue asks for less as time goes by."""

import pytest

from acd import events
from acd.agent import Agent
from acd.commands import Explain
from acd.errors import SkillError
from acd.queue import QueueSettings, Relaxed

from .office import Office, offered

ROMANIAN = "language.ro >= 3 and (billing or vip)"
STAFF = [
    Agent("101", {"language.ro": 2, "billing": 1}),
    Agent("102", {"language.ro": 4}),
    Agent("103", {"language.ro": 3, "vip": 1}),
]


def office(**more: object) -> Office:
    settings = QueueSettings("support", ["101", "102", "103"], strategy="sequential", **more)  # type: ignore[arg-type]
    return Office(settings, agents=STAFF, explain=True)


def test_a_queue_offers_only_agents_who_meet_its_expression() -> None:
    house = office(requires=ROMANIAN)
    assert offered(house.call("c1")) == ["103"]
    assert offered(house.call("c2")) == []


def test_a_caller_may_ask_for_more_than_his_queue() -> None:
    house = office(requires="language.ro")
    assert offered(house.call("c1", requires=("language.ro >= 4",))) == ["102"]
    assert offered(house.call("c2")) == ["101"]


def test_the_explanation_names_the_expressions_that_do_not_hold() -> None:
    house = office(requires="language.ro >= 3")
    (explained,) = (order for order in house.call("c1", requires=("vip",)) if isinstance(order, Explain))
    verdicts = {candidate.agent: candidate.verdict for candidate in explained.record.candidates}
    assert verdicts == {"101": "lacks language.ro >= 3, vip", "102": "lacks vip", "103": "chosen"}


def test_a_queue_asks_for_less_step_by_step() -> None:
    house = office(requires=ROMANIAN, relax=[Relaxed(30, "language.ro >= 3"), Relaxed(60)], ring_timeout=300)
    assert offered(house.call("c1")) == ["103"]
    assert offered(house.call("c2")) == []
    assert offered(house.wait(29.9)) == []
    assert offered(house.wait(0.1)) == ["102"]
    assert offered(house.call("c3")) == []
    assert offered(house.wait(59.9)) == []
    assert offered(house.wait(0.1)) == ["101"]


def test_a_caller_who_waited_elsewhere_begins_at_the_step_of_his_wait() -> None:
    house = office(requires="vip", relax=[Relaxed(30, "billing"), Relaxed(60)])
    house.wait(100)
    assert offered(house.call("c1", since=60.0)) == ["101"]
    assert offered(house.call("c2", since=0.0)) == ["102"]


def test_what_a_caller_asks_himself_never_relaxes() -> None:
    house = office(requires="vip", relax=[Relaxed(10)])
    assert offered(house.call("c1", requires=("language.ro > 3",))) == []
    assert offered(house.wait(10)) == ["102"]


def test_an_agent_who_learns_something_is_found_after_a_reload() -> None:
    house = office(requires="chinese")
    assert offered(house.call("c1")) == []
    learned = (Agent("101", {"chinese": 1}), *STAFF[1:])
    assert offered(house.tell(events.SettingsChanged(tuple(house.queues), learned))) == ["101"]


def test_a_queue_that_asks_for_something_else_from_now_on_keeps_the_place() -> None:
    house = office(requires="chinese")
    house.call("c1")
    house.call("c2", requires=("vip",))
    other = QueueSettings("support", ["101", "102", "103"], strategy="sequential", requires="language.ro >= 3")
    assert offered(house.tell(events.SettingsChanged((other,), tuple(STAFF)))) == ["102", "103"]
    assert house.line() == ["c1", "c2"]


def test_an_expression_that_cannot_be_read_changes_nothing() -> None:
    house = office()
    with pytest.raises(SkillError, match="column 11"):
        house.call("c1", requires=("billing or",))
    assert house.line() == []
    with pytest.raises(SkillError, match="column 1"):
        QueueSettings("support", requires=")")
