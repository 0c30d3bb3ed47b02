"""Agents whom a caller prefers, his manager and the one he talked to last; and his place when he is cut off."""

from collections.abc import Sequence

import pytest

from acd import events
from acd.commands import Explain
from acd.memory import REMEMBERED, Memory
from acd.queue import STRATEGIES, Member, QueueSettings

from .office import Office, offered

AGENTS = ("101", "102", "103", "104")


def support(agents: Sequence[Member | str] = AGENTS, **more: object) -> QueueSettings:
    return QueueSettings("support", agents, wrap_up=0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_preferred_agent_is_offered_first_whatever_the_strategy(strategy: str) -> None:
    office = Office(support(strategy=strategy))
    assert offered(office.call("c1", preferred=("103",)))[0] == "103"


def test_a_preferred_agent_of_a_tier_that_is_not_open_is_offered_all_the_same() -> None:
    members = [Member("101", 1), Member("102", 2), Member("103", 3)]
    office = Office(support(members, tier_wait=60))
    assert offered(office.call("c1", preferred=("103",))) == ["103"]


def test_several_are_asked_in_the_order_of_preference_and_then_everybody() -> None:
    office = Office(support(strategy="sequential", ring_timeout=10))
    rung = offered(office.call("c1", preferred=("104", "999", "102")))
    rung += offered(office.wait(30))
    assert rung == ["104", "102", "101", "103"]


def test_without_a_wait_for_him_a_busy_preferred_agent_is_passed_over() -> None:
    office = Office(support(strategy="sequential"))
    office.tell(events.AgentBusy("103", True))
    assert offered(office.call("c1", preferred=("103",))) == ["101"]


def test_a_caller_waits_for_his_busy_manager_so_long_and_then_for_anybody() -> None:
    office = Office(support(strategy="sequential", preferred_wait=20, ring_timeout=60), explain=True)
    office.tell(events.AgentBusy("103", True))
    orders = office.call("c1", preferred=("103",))
    assert offered(orders) == []
    (explained,) = (order.record for order in orders if isinstance(order, Explain))
    held = "held for 103"
    assert [candidate.verdict for candidate in explained.candidates] == [held, held, "busy", held]
    assert offered(office.call("c2")) == ["101"]
    assert offered(office.wait(19.9)) == []
    assert offered(office.wait(0.1)) == ["102"]


def test_a_manager_who_gets_free_meanwhile_has_his_caller() -> None:
    office = Office(support(strategy="sequential", preferred_wait=20))
    office.tell(events.AgentBusy("103", True))
    office.call("c1", preferred=("103",))
    office.wait(5)
    assert offered(office.tell(events.AgentBusy("103", False))) == ["103"]


@pytest.mark.parametrize("fact", [events.AgentPaused("103"), events.AgentReachable("103", False)])
def test_nobody_waits_for_a_manager_who_is_not_at_work(fact: events.Event) -> None:
    office = Office(support(strategy="sequential", preferred_wait=20))
    office.tell(events.AgentBusy("103", True))
    office.call("c1", preferred=("103",))
    assert offered(office.tell(fact)) == ["101"]
    assert offered(office.call("c2", preferred=("103",))) == ["102"]


def test_a_manager_who_does_not_answer_is_not_waited_for_any_longer() -> None:
    office = Office(support(strategy="sequential", preferred_wait=60, ring_timeout=10))
    assert offered(office.call("c1", preferred=("103",))) == ["103"]
    assert offered(office.wait(10)) == ["101"]


def test_a_customer_who_calls_again_prefers_the_agent_he_talked_to_last() -> None:
    office = Office(support(strategy="sequential", last_agent=3600))
    office.tell(events.AgentBusy("101", True))
    office.tell(events.AgentBusy("102", True))
    assert offered(office.call("c1", customer="+431")) == ["103"]
    office.answer("103")
    office.wait(60)
    office.hang_up("103")
    office.tell(events.AgentBusy("101", False))
    assert offered(office.call("c2", customer="+432")) == ["101"]
    assert offered(office.call("c3", customer="+431")) == ["103"]


def test_a_personal_manager_comes_before_the_last_agent() -> None:
    office = Office(support(strategy="sequential", last_agent=3600))
    office.call("c1", customer="+431", preferred=("104",))
    office.answer("104")
    office.hang_up("104")
    office.tell(events.AgentBusy("103", True))
    assert offered(office.call("c2", customer="+431", preferred=("103",))) == ["104"]


def test_a_last_talk_too_long_ago_means_nothing() -> None:
    office = Office(support(strategy="sequential", last_agent=100))
    office.call("c1", customer="+431", preferred=("103",))
    office.answer("103")
    office.hang_up("103")
    office.wait(101)
    assert offered(office.call("c2", customer="+431")) == ["101"]


def test_a_customer_who_was_cut_off_has_his_place_back() -> None:
    office = Office(support((), keep_place=120))
    for number in range(4):
        office.call(f"c{number}", customer=f"+43{number}")
        office.wait(10)
    office.tell(events.CallerLeft("c1"))
    office.wait(100)
    office.call("new", customer="+439")
    office.call("back", customer="+431")
    assert office.line() == ["c0", "back", "c2", "c3", "new"]
    assert office.queue()["callers"][1]["wait"] == 130.0  # type: ignore[index]
    assert (office.queue()["offered"], office.queue()["abandoned"]) == (6, 1)


def test_a_place_is_kept_for_a_while_once_and_for_him_alone() -> None:
    office = Office(support((), keep_place=60))
    for caller in ("c1", "c2"):
        office.call(caller, customer=caller)
    office.tell(events.CallerLeft("c1"))
    office.call("stranger", customer="other")
    office.call("unknown")
    office.call("back", customer="c1")
    office.call("again", customer="c1")
    assert office.line() == ["back", "c2", "stranger", "unknown", "again"]
    office.tell(events.CallerLeft("c2"))
    office.wait(61)
    office.call("too late", customer="c2")
    assert office.line()[-1] == "too late"


def test_callers_who_ask_for_the_kept_place_meanwhile_do_not_collide_with_it() -> None:
    office = Office(support((), keep_place=60))
    for caller in ("c1", "c2", "c3"):
        office.call(caller, customer=caller)
    office.tell(events.CallerLeft("c2"))
    office.call("asks", position=2)
    office.call("back", customer="c2")
    assert office.line() == ["c1", "back", "asks", "c3"]


def test_what_is_remembered_is_bounded() -> None:
    memory = Memory()
    for number in range(REMEMBERED + 10):
        memory.note_talk(f"+{number}", "101", float(number))
    assert len(memory.talks) == REMEMBERED
    assert memory.last_agent("+9", 1e9, 1e5) is None
    assert memory.last_agent("+10", 1e9, 1e5) == "101"
