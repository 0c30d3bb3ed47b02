"""The promise of an answer within some seconds, counted down aloud, and the ledger of promises that were broken."""

from acd import events
from acd.commands import Announce, PromiseBroken
from acd.queue import QueueSettings

from .office import Office, said

PROMISING = QueueSettings("support", ["101"], promise=18, ring_timeout=300, wrap_up=0)


def seconds(orders: list[Announce]) -> list[float | None]:
    return [order.wait_seconds for order in orders if order.kind == "countdown"]


def test_edge_42_every_second_is_said_at_its_own_time_from_18_to_1() -> None:
    office = Office(PROMISING)
    assert seconds(said(office.call("c1"))) == [18]
    for left in range(17, 0, -1):
        assert said(office.wait(0.99)) == []
        assert seconds(said(office.wait(0.01))) == [left]
    assert office.wait(0.999) == []
    assert office.wait(0.002) == [PromiseBroken("c1", "support", 18)]
    assert office.wait(100) == []


def test_edge_42_the_count_keeps_real_time_when_timers_are_late() -> None:
    office = Office(PROMISING)
    office.call("c1")
    orders = office.engine.handle_timer(4.6)
    assert seconds(said(orders)) == [17, 16, 15, 14]
    assert office.engine.next_deadline() == 5.0


def test_edge_42_the_count_stops_at_the_answer_and_the_promise_is_kept() -> None:
    office = Office(PROMISING)
    office.call("c1")
    office.wait(7.5)
    assert said(office.answer("101")) == []
    assert office.wait(60) == []
    assert (office.queue()["promises"], office.queue()["promises_broken"]) == (1, 0)


def test_who_hangs_up_in_time_was_not_disappointed() -> None:
    office = Office(PROMISING)
    office.call("c1")
    office.wait(10)
    office.tell(events.CallerLeft("c1"))
    assert office.wait(60) == []
    assert office.queue()["promises_broken"] == 0


def test_a_promise_goes_on_after_an_agent_who_was_gone_before_the_bridge() -> None:
    office = Office(PROMISING)
    office.call("c1")
    office.wait(5.5)
    office.answer("101")
    assert seconds(said(office.tell(events.ConnectFailed(office.talks["101"].lease)))) == [13]
    office.wait(12.5)
    assert office.queue()["promises_broken"] == 1
    assert office.queue()["promises"] == 1


def test_other_announcements_begin_when_the_count_is_over() -> None:
    office = Office(
        QueueSettings("support", promise=18, announce_position=True, announce_first=10, periodic=("wait",)),
    )
    office.call("c1")
    kinds = {order.kind for order in said(office.wait(27))}
    assert kinds == {"countdown"}
    assert [order.kind for order in said(office.wait(1))] == ["position"]
