"""INVITE client transaction: timers A, B, D, M and the ACK of refusals."""

from typing import Any

import pytest

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.transaction.client_invite import ClientInvite, State, build_ack
from softswitch.transaction.timers import Timers
from tests.softswitch.transaction.driver import Driver
from tests.softswitch.transaction.messages import TCP, UDP, request, response

TIMERS = Timers()


def calling(peer: Peer = UDP, **fields: Any) -> tuple[Driver, Request]:
    invite = request("INVITE", **fields)
    return Driver(ClientInvite(invite, peer, TIMERS)).begin(), invite


def test_an_unanswered_invite_is_sent_seven_times_then_fails_after_32_seconds() -> None:
    call, invite = calling()
    call.run_out()
    assert call.send_times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert all(message is invite for _, message in call.sent)
    assert call.failed == [(32, "timeout")]
    assert call.finished == [32]


def test_over_tcp_an_unanswered_invite_is_sent_once_and_fails_after_32_seconds() -> None:
    call, _ = calling(TCP)
    call.run_out()
    assert call.send_times == [0]
    assert call.failed == [(32, "timeout")]


def test_a_provisional_response_stops_the_repetitions_and_the_time_out() -> None:
    call, invite = calling()
    call.advance(0.6)
    call.receive(response(invite, 100))
    call.receive(response(invite, 180))
    assert call.transaction.next_deadline is None
    call.advance(600)
    assert call.send_times == [0, 0.5]
    assert call.heard == [100, 180]
    assert not call.failed


def test_every_repetition_of_a_refusal_is_acknowledged_and_told_once() -> None:
    call, invite = calling()
    busy = response(invite, 486)
    call.receive(busy)
    for _ in range(3):
        call.advance(4)
        call.receive(busy)
    assert call.sent_kinds == ["INVITE", "ACK", "ACK", "ACK", "ACK"]
    assert call.heard == [486]


def test_a_refused_invite_is_remembered_for_32_seconds_over_udp() -> None:
    call, invite = calling()
    call.advance(1)
    call.receive(response(invite, 404))
    call.run_out()
    assert call.finished == [33]
    assert not call.failed


def test_a_refused_invite_is_forgotten_at_once_over_tcp() -> None:
    call, invite = calling(TCP)
    call.receive(response(invite, 404))
    assert call.finished == [0]
    assert call.transaction.next_deadline is None
    assert call.sent_kinds == ["INVITE", "ACK"]


def test_a_refusal_after_ringing_is_acknowledged() -> None:
    call, invite = calling()
    call.receive(response(invite, 180))
    call.receive(response(invite, 603))
    assert call.transaction.state is State.COMPLETED
    assert call.sent_kinds == ["INVITE", "ACK"]


def test_an_ack_that_cannot_be_sent_ends_the_transaction() -> None:
    call, invite = calling()
    call.receive(response(invite, 500))
    call.break_wire()
    assert call.failed == [(0, "transport")]
    assert call.finished == [0]


def test_an_invite_that_cannot_be_sent_fails_at_once() -> None:
    call, _ = calling()
    call.break_wire()
    assert call.failed == [(0, "transport")]
    assert call.finished == [0]
    assert call.transaction.next_deadline is None


def test_a_broken_wire_while_ringing_changes_nothing() -> None:
    call, invite = calling()
    call.receive(response(invite, 180))
    call.break_wire()
    assert call.transaction.state is State.PROCEEDING
    assert not call.failed


@pytest.mark.parametrize("peer", [UDP, TCP])
def test_every_forked_2xx_is_passed_up_for_32_seconds(peer: Peer) -> None:
    call, invite = calling(peer)
    call.receive(response(invite, 180, "one"))
    call.receive(response(invite, 200, "one"))
    call.advance(1)
    call.receive(response(invite, 200, "two"))
    call.receive(response(invite, 200, "one"))
    call.run_out()
    assert call.heard == [180, 200, 200, 200]
    assert [message.to.tag for _, message in call.delivered] == ["one", "one", "two", "one"]
    assert call.finished == [32]
    assert call.send_times == [0]


def test_only_2xx_count_once_one_was_received() -> None:
    call, invite = calling()
    call.receive(response(invite, 200))
    call.receive(response(invite, 180))
    call.receive(response(invite, 486))
    assert call.heard == [200]
    assert call.send_times == [0]


def test_a_cancelled_invite_without_final_response_is_given_up_after_32_seconds() -> None:
    call, invite = calling()
    call.receive(response(invite, 180))
    call.advance(20)
    call.cancelled()
    call.receive(response(invite, 180))
    call.run_out()
    assert call.failed == [(52, "timeout")]
    assert call.finished == [52]


def test_a_cancelled_invite_that_is_refused_ends_as_any_other() -> None:
    call, invite = calling()
    call.receive(response(invite, 180))
    call.cancelled()
    call.advance(1)
    call.receive(response(invite, 487))
    call.run_out()
    assert not call.failed
    assert call.finished == [33]


def test_after_a_stall_nothing_is_repeated_in_a_burst() -> None:
    call, _ = calling()
    call.stall(20)
    assert call.send_times == [0, 20]
    call.stall(20)
    assert call.send_times == [0, 20]
    assert call.failed == [(40, "timeout")]


def test_the_ack_of_a_refusal_goes_the_way_of_its_invite() -> None:
    invite = request(lines="Route: <sip:edge.test;lr>\r\nRoute: <sip:core.test;lr>\r\n", number=7)
    built = build_ack(invite, response(invite, 486, "busy"))
    assert built.method == "ACK"
    assert str(built.uri) == str(invite.uri)
    assert built.headers.get_all("Via") == [invite.headers.get("Via")]
    assert built.headers.get_all("Route") == ["<sip:edge.test;lr>", "<sip:core.test;lr>"]
    assert built.to.tag == "busy"
    assert built.from_.tag == "phone"
    assert (built.cseq.number, built.cseq.method) == (7, "ACK")
    assert built.call_id == invite.call_id
    assert built.max_forwards == 70
