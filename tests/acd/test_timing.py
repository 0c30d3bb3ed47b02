"""Edge cases 28 to 35: rings, waits, rests and wrap-ups."""

import pytest

from acd import events
from acd.agent import Agent
from acd.commands import PauseAgent
from acd.queue import ABSENCES, NOBODY_AT_WORK, QueueSettings
from tests.acd.office import Office, connected, gone, offered, withdrawn

TWO = ["101", "102"]


def test_an_agent_who_does_not_answer_rings_for_the_ring_timeout_and_rests_for_the_retry_delay() -> None:
    office = Office(QueueSettings("support", agents=["101"], ring_timeout=15, retry_delay=5))
    office.call("c1")
    assert office.wait(14.9) == []
    assert withdrawn(office.wait(0.1)) == [("101", "timeout")]
    assert office.agent("101")["state"] == "resting"
    assert offered(office.wait(4.9)) == []
    assert offered(office.wait(0.1)) == ["101"]
    assert office.agent("101")["outcomes"] == {"no_answer": 1}


def test_only_misses_and_rejections_count_as_such() -> None:
    office = Office(QueueSettings("support", agents=["101"], retry_delay=1))
    office.call("c1")
    for fact in (events.OfferBusy, events.OfferFailed, events.OfferRejected):
        office.tell(fact(office.lease("101")))
        office.wait(1)
    assert office.agent("101")["outcomes"] == {"busy": 1, "unreachable": 1, "rejected": 1}


def test_edge_28_without_one_more_chance_the_maximum_wait_cuts_the_ringing() -> None:
    queue = QueueSettings("support", agents=["101"], max_wait=10, one_more_chance=False, on_timeout="phone:110")
    office = Office(queue)
    office.call("c1")
    orders = office.wait(10)
    assert withdrawn(orders) == [("101", "timeout")]
    assert gone(orders) == [("c1", "timeout", "phone:110")]
    assert office.agent("101")["outcomes"] == {"withdrawn": 1}
    assert office.agent("101")["state"] == "idle"


def test_edge_28_with_one_more_chance_the_ringing_goes_on_to_its_own_end() -> None:
    office = Office(QueueSettings("support", agents=["101"], max_wait=10, on_timeout="phone:110"))
    office.call("c1")
    assert office.wait(14) == []
    orders = office.wait(1)
    assert withdrawn(orders) == [("101", "timeout")]
    assert gone(orders) == [("c1", "timeout", "phone:110")]


def test_edge_29_wrap_up_is_a_state_with_a_time() -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=10))
    office.serve("c1")
    assert office.agent("101")["state"] == "wrap_up"
    assert offered(office.call("c2")) == []
    assert offered(office.wait(10)) == ["101"]


@pytest.mark.parametrize(
    ("agent", "queue", "seconds"), [(3.0, 10.0, 3.0), (None, 7.0, 7.0), (None, None, 10.0), (0.0, 10.0, 0.0)]
)
def test_edge_29_wrap_up_is_the_agents_else_the_queues_else_everybodys(
    agent: float | None, queue: float | None, seconds: float
) -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=queue), agents=[Agent("101", wrap_up=agent)])
    office.serve("c1")
    ends = office.agent("101")["wrap_up_until"]
    assert ends == (office.now + seconds if seconds else None)


def test_edge_29_wrap_up_holds_in_every_queue_of_the_agent() -> None:
    office = Office(QueueSettings("support", agents=["101"]), QueueSettings("sales", agents=["101"]))
    office.serve("c1", "support")
    assert offered(office.call("c2", "sales")) == []


def test_edge_29_wrap_up_starts_when_the_agent_has_handed_the_caller_on() -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=10))
    office.call("c1")
    office.answer("101")
    office.tell(events.ContactEnded("101", "c1"))
    assert office.agent("101")["state"] == "wrap_up"


def test_edge_29_after_a_call_of_his_own_there_is_a_wrap_up_only_when_it_was_work() -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=10))
    office.tell(events.AgentBusy("101", True))
    office.tell(events.AgentBusy("101", False))
    assert office.agent("101")["state"] == "idle"
    office.tell(events.AgentBusy("101", True))
    office.tell(events.AgentBusy("101", False, handled=True))
    assert office.agent("101")["state"] == "wrap_up"


def test_edge_29_after_a_miss_there_is_no_wrap_up() -> None:
    office = Office(QueueSettings("support", agents=["101"]))
    office.call("c1")
    office.wait(15)
    assert office.agent("101")["wrap_up_until"] is None


def test_edge_30_a_wrap_up_can_end_early() -> None:
    office = Office(QueueSettings("support", agents=["101"]))
    office.serve("c1")
    office.call("c2")
    assert offered(office.tell(events.WrapUpEnded("101"))) == ["101"]


def test_edge_30_a_wrap_up_can_be_extended() -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=10))
    office.serve("c1")
    office.call("c2")
    office.tell(events.WrapUpExtended("101", 20))
    assert offered(office.wait(29)) == []
    assert offered(office.wait(1)) == ["101"]


def test_edge_31_too_many_misses_in_a_row_pause_the_agent() -> None:
    office = Office(QueueSettings("support", agents=["101"], auto_pause=2, retry_delay=5))
    office.call("c1")
    office.wait(15)
    assert PauseAgent("101", "missed") in office.wait(20)
    assert office.agent("101")["status"] == "paused"
    assert offered(office.wait(600)) == []
    assert offered(office.tell(events.AgentUnpaused("101"))) == ["101"]


def test_edge_31_an_answer_starts_the_count_again() -> None:
    office = Office(QueueSettings("support", agents=["101"], auto_pause=2, wrap_up=0))
    office.call("c1")
    office.wait(20)
    office.answer("101")
    office.hang_up("101")
    office.call("c2")
    office.wait(15)
    assert office.agent("101")["status"] == "available"


def test_edge_31_misses_just_after_a_break_do_not_count() -> None:
    office = Office(QueueSettings("support", agents=["101"], auto_pause=1, auto_pause_grace=30))
    office.call("c1")
    office.wait(15)
    assert office.agent("101")["status"] == "available"
    office.wait(20)
    assert office.agent("101")["status"] == "paused"


def test_edge_32_an_answer_on_the_last_chance_connects() -> None:
    office = Office(QueueSettings("support", agents=["101"], max_wait=10))
    office.call("c1")
    office.wait(12)
    assert connected(office.answer("101")) == [("c1", "101")]
    assert office.queue()["flowed_out"] == 0


def test_edge_32_the_last_chance_brings_no_new_offers() -> None:
    office = Office(QueueSettings("support", agents=TWO, max_wait=10, on_timeout="phone:110"))
    office.call("c1")
    orders = office.wait(15)
    assert offered(orders) == []
    assert gone(orders) == [("c1", "timeout", "phone:110")]


def test_edge_33_the_last_agent_ringing_keeps_the_caller_from_leaving_an_empty_queue() -> None:
    queue = QueueSettings("support", agents=["101"], leave_empty=ABSENCES, on_empty="voicemail:own")
    office = Office(queue)
    assert gone(office.call("c1")) == []
    assert gone(office.call("c2")) == [("c2", "empty", "voicemail:own")]
    orders = office.wait(15)
    assert gone(orders) == []
    assert gone(office.tell(events.AgentLoggedOut("101"))) == [("c1", "empty", "voicemail:own")]


def test_edge_33_waiting_callers_leave_when_the_last_agent_goes() -> None:
    queue = QueueSettings("support", agents=TWO, leave_empty=NOBODY_AT_WORK, on_empty="voicemail:own")
    office = Office(queue)
    office.tell(events.AgentBusy("101", True))
    office.tell(events.AgentBusy("102", True))
    office.call("c1")
    assert gone(office.tell(events.AgentReachable("101", False))) == []
    assert gone(office.tell(events.AgentPaused("102"))) == [("c1", "empty", "voicemail:own")]


def put_into(office: Office, condition: str) -> None:
    """Bring agent 101 into the condition."""
    if condition in {"offered", "on_call", "wrap_up"}:
        office.call("other")
    if condition in {"on_call", "wrap_up"}:
        office.answer("101")
    if condition == "wrap_up":
        office.hang_up("101")
    facts: dict[str, events.Event] = {
        "logged_out": events.AgentLoggedOut("101"),
        "paused": events.AgentPaused("101"),
        "unreachable": events.AgentReachable("101", False),
        "busy": events.AgentBusy("101", True),
    }
    if condition in facts:
        office.tell(facts[condition])


@pytest.mark.parametrize("condition", ABSENCES)
@pytest.mark.parametrize("refused", ABSENCES)
def test_edge_34_a_queue_whose_agents_are_all_absent_refuses_exactly_when_told_so(condition: str, refused: str) -> None:
    queue = QueueSettings("support", agents=["101"], join_empty=[refused], on_empty="menu:closed")
    office = Office(queue)
    put_into(office, condition)
    requires = ("billing",) if condition == "incapable" else ()
    orders = office.call("c1", requires=requires)
    assert gone(orders) == ([("c1", "empty", "menu:closed")] if condition == refused else [])


def test_edge_34_one_present_agent_is_enough_to_join() -> None:
    office = Office(QueueSettings("support", agents=TWO, join_empty=NOBODY_AT_WORK))
    office.tell(events.AgentLoggedOut("101"))
    assert gone(office.call("c1")) == []


def test_edge_34_a_queue_without_members_is_empty_for_who_asks() -> None:
    assert gone(Office(QueueSettings("support", join_empty=["paused"])).call("c1")) == [("c1", "empty", None)]
    assert gone(Office(QueueSettings("support")).call("c1")) == []


def test_edge_35_a_clock_that_goes_back_stands_still_instead() -> None:
    office = Office(QueueSettings("support", agents=["101"]))
    office.now = 100.0
    office.call("c1")
    office.now = 50.0
    office.reject("101")
    assert office.queue()["longest_wait"] == 0.0
    office.now = 100.0
    assert offered(office.wait(5)) == ["101"]


def test_timers_that_are_late_happen_at_their_own_time_and_in_their_order() -> None:
    office = Office(QueueSettings("support", agents=["101"], ring_timeout=15, retry_delay=5))
    office.call("c1")
    orders = office.engine.handle_timer(36.0)
    assert [type(order).__name__ for order in orders] == ["Withdraw", "Offer", "Withdraw"]
    assert office.engine.next_deadline() == 40.0


def test_nothing_is_due_in_an_empty_office() -> None:
    office = Office(QueueSettings("support", agents=["101"], announce_position=True, periodic=("wait",), max_wait=60))
    assert office.engine.next_deadline() is None
    office.call("c1")
    office.tell(events.CallerLeft("c1"))
    assert office.engine.next_deadline() is None
