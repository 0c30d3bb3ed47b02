"""Edge cases 43, 44, 47 and 48: every caller is counted once, under the right name."""

import pytest

from acd import events
from acd.engine import Engine
from acd.errors import InvariantError
from acd.queue import QueueSettings
from tests.acd.office import Office, gone

ONE = QueueSettings("support", agents=["101"], wrap_up=0, max_wait=60, max_length=2, on_timeout="queue:sales")


def balance(office: Office, queue: str = "support") -> tuple[object, ...]:
    """Offered, answered, abandoned, flowed out, waiting."""
    row = office.queue(queue)
    return row["offered"], row["answered"], row["abandoned"], row["flowed_out"], row["waiting"]


def test_edge_43_offered_is_answered_and_abandoned_and_flowed_out_and_waiting() -> None:
    office = Office(ONE)
    office.call("c1")
    assert balance(office) == (1, 0, 0, 0, 1)
    office.answer("101")
    assert balance(office) == (1, 1, 0, 0, 0)
    office.call("c2")
    office.call("c3")
    assert balance(office) == (3, 1, 0, 0, 2)
    office.call("c4")
    assert balance(office) == (3, 1, 0, 0, 2)
    office.tell(events.CallerLeft("c2"))
    assert balance(office) == (3, 1, 1, 0, 1)
    office.wait(60)
    assert balance(office) == (3, 1, 1, 1, 0)
    assert office.queue()["blocked"] == {"full": 1}


def test_edge_43_books_that_do_not_balance_are_an_error() -> None:
    engine = Engine([ONE])
    engine.handle(events.CallerJoined("c1", "support"), 0.0)
    engine._floor.lines["support"].counts.offered += 1
    with pytest.raises(InvariantError, match="support: 2 offered, 1 accounted for"):
        engine.check_invariants()


def test_edge_44_a_call_that_ends_in_every_way_at_once_is_counted_once() -> None:
    office = Office(ONE)
    office.call("c1")
    lease = office.lease("101")
    office.answer("101")
    for fact in (
        events.OfferAnswered(lease),
        events.CallerLeft("c1"),
        events.CallerLeft("c1"),
        events.ContactEnded("101", "c1"),
        events.OfferRejected(lease),
        events.ConnectFailed(lease),
    ):
        office.tell(fact)
    assert balance(office) == (1, 1, 0, 0, 0)
    assert office.queue()["offers"] == {"answered": 1}
    assert office.agent("101")["answered_today"] == 1


def test_edge_47_a_hang_up_within_the_short_threshold_is_counted_apart() -> None:
    office = Office(QueueSettings("support", short_abandon=5))
    for caller, wait in (("c1", 4.0), ("c2", 1.0), ("c3", 0.5)):
        office.call(caller)
        office.wait(wait)
    office.tell(events.CallerLeft("c1"))
    office.tell(events.CallerLeft("c3"))
    office.wait(4)
    office.tell(events.CallerLeft("c2"))
    assert office.queue()["abandoned"] == 3
    assert office.queue()["short_abandoned"] == 1


def test_edge_47_the_threshold_itself_is_still_short() -> None:
    office = Office(QueueSettings("support", short_abandon=5))
    office.call("c1")
    office.wait(5)
    office.tell(events.CallerLeft("c1"))
    assert office.queue()["short_abandoned"] == 1


def test_edge_48_leaving_by_timeout_or_an_empty_queue_is_not_abandoning() -> None:
    office = Office(ONE, QueueSettings("sales", agents=["102"], leave_empty=["logged_out"]))
    office.tell(events.AgentBusy("101", True))
    office.call("c1")
    office.wait(60)
    office.tell(events.AgentBusy("102", True))
    office.call("c2", "sales")
    office.tell(events.AgentLoggedOut("102"))
    assert office.queue()["flow_outs"] == {"timeout": 1}
    assert office.queue("sales")["flow_outs"] == {"empty": 1}
    assert office.queue()["abandoned"] == office.queue("sales")["abandoned"] == 0


def test_answers_within_the_service_level_are_counted() -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=0, service_level=20, ring_timeout=100))
    office.call("c1")
    office.wait(20)
    office.answer("101")
    office.call("c2")
    office.wait(21)
    office.hang_up("101")
    office.answer("101")
    assert (office.queue()["answered"], office.queue()["in_time"]) == (2, 1)
    assert office.queue()["answered_wait"] == 41.0


def test_a_full_queue_sends_to_its_destination_and_does_not_count_as_offered() -> None:
    office = Office(QueueSettings("support", max_length=1, on_full="phone:110"))
    office.call("c1")
    assert gone(office.call("c2")) == [("c2", "full", "phone:110")]
    assert balance(office) == (1, 0, 0, 0, 1)


def test_a_closed_queue_takes_nobody() -> None:
    office = Office(QueueSettings("support", open=False, on_closed="voicemail:101"))
    assert gone(office.call("c1")) == [("c1", "closed", "voicemail:101")]
    assert office.queue()["blocked"] == {"closed": 1}


def test_a_queue_that_does_not_exist_takes_nobody() -> None:
    assert gone(Office(ONE).call("c1", "nowhere")) == [("c1", "closed", None)]


def test_overflow_from_queue_to_queue_flows_out_of_one_and_into_the_other() -> None:
    office = Office(ONE, QueueSettings("sales", agents=["102"]))
    office.tell(events.AgentBusy("101", True))
    office.call("c1")
    assert gone(office.wait(60)) == [("c1", "timeout", "queue:sales")]
    office.call("c1", "sales")
    office.answer("102")
    assert balance(office) == (1, 0, 0, 1, 0)
    assert balance(office, "sales") == (1, 1, 0, 0, 0)


def test_joining_another_queue_while_waiting_leaves_the_first() -> None:
    office = Office(ONE, QueueSettings("sales"))
    office.tell(events.AgentBusy("101", True))
    office.call("c1")
    assert gone(office.call("c1", "sales")) == [("c1", "moved", "queue:sales")]
    assert balance(office) == (1, 0, 0, 1, 0)
    assert office.line("sales") == ["c1"]


def test_a_talking_caller_who_is_sent_to_another_queue_ends_the_talk_first() -> None:
    office = Office(ONE, QueueSettings("sales", agents=["102"]))
    office.call("c1")
    office.answer("101")
    office.wait(30)
    office.call("c1", "sales")
    assert office.agent("101")["talk_today"] == 30.0
    assert office.agent("101")["state"] == "idle"
    assert office.line("sales") == ["c1"]
