"""INVITE server transaction: timers G, H, I, L and the states of RFC 6026."""

import pytest

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.transaction.server_invite import ServerInvite, State
from softswitch.transaction.timers import Timers
from tests.softswitch.transaction.driver import Driver
from tests.softswitch.transaction.messages import TCP, UDP, ack, request, response

ELEVEN = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def called(peer: Peer = UDP) -> tuple[Driver, Request]:
    invite = request("INVITE")
    return Driver(ServerInvite(invite, peer, Timers())).begin(), invite


def test_the_invite_is_handed_up_once_and_nothing_is_sent_by_the_machine_itself() -> None:
    call, invite = called()
    call.receive(invite)
    assert [message for _, message in call.delivered] == [invite]
    assert not call.sent
    assert call.transaction.next_deadline is None


def test_a_repeated_invite_brings_the_last_provisional_response_again() -> None:
    call, invite = called()
    trying, ringing = response(invite, 100), response(invite, 180)
    call.respond(trying)
    call.receive(invite)
    call.respond(ringing)
    call.receive(invite)
    assert [message for _, message in call.sent] == [trying, trying, ringing, ringing]


def test_a_refusal_without_ack_is_sent_eleven_times_and_given_up_after_32_seconds() -> None:
    call, invite = called()
    call.respond(response(invite, 486))
    call.run_out()
    assert call.send_times == ELEVEN
    assert call.failed == [(32, "timeout")]
    assert call.finished == [32]


def test_over_tcp_a_refusal_is_sent_once_and_given_up_after_32_seconds_without_ack() -> None:
    call, invite = called(TCP)
    call.respond(response(invite, 486))
    call.run_out()
    assert call.send_times == [0]
    assert call.failed == [(32, "timeout")]


def test_the_ack_stops_the_refusal_and_its_repetitions_are_absorbed_for_five_seconds() -> None:
    call, invite = called()
    call.respond(response(invite, 486))
    call.advance(1)
    call.receive(ack(invite))
    call.receive(ack(invite))
    call.receive(invite)
    assert call.transaction.state is State.CONFIRMED
    call.run_out()
    assert call.send_times == [0, 0.5]
    assert call.finished == [6]
    assert not call.failed
    assert len(call.delivered) == 1


def test_over_tcp_the_ack_of_a_refusal_ends_it_at_once() -> None:
    call, invite = called(TCP)
    call.respond(response(invite, 486))
    call.advance(1)
    call.receive(ack(invite))
    assert call.finished == [1]


def test_a_repeated_invite_brings_the_refusal_again() -> None:
    call, invite = called()
    call.respond(response(invite, 486))
    call.advance(0.25)
    call.receive(invite)
    assert call.send_times == [0, 0.25]


@pytest.mark.parametrize("peer", [UDP, TCP])
def test_an_accepted_invite_is_recognised_for_32_seconds_and_never_makes_a_second_call(peer: Peer) -> None:
    call, invite = called(peer)
    call.respond(response(invite, 200))
    for _ in range(6):
        call.advance(5)
        call.receive(invite)
    call.run_out()
    assert len(call.delivered) == 1
    assert call.send_times == [0]
    assert call.finished == [32]


def test_the_user_repeats_its_2xx_through_the_accepted_transaction() -> None:
    call, invite = called()
    answer = response(invite, 200)
    call.respond(answer)
    call.advance(0.5)
    call.respond(answer)
    assert call.send_times == [0, 0.5]
    call.run_out()
    assert call.finished == [32]


def test_an_ack_with_the_branch_of_an_accepted_invite_is_handed_up() -> None:
    call, invite = called()
    call.respond(response(invite, 200))
    confirm = ack(invite)
    call.receive(confirm)
    assert call.delivered[-1][1] is confirm


def test_a_refusal_after_the_answer_is_not_sent() -> None:
    call, invite = called()
    call.respond(response(invite, 200))
    call.respond(response(invite, 487))
    call.respond(response(invite, 180))
    assert call.sent_kinds == ["200"]


def test_nothing_is_sent_after_a_refusal_but_the_refusal() -> None:
    call, invite = called()
    call.respond(response(invite, 486))
    call.respond(response(invite, 200))
    call.respond(response(invite, 180))
    assert call.sent_kinds == ["486"]


def test_an_ack_before_any_answer_is_ignored() -> None:
    call, invite = called()
    call.receive(ack(invite))
    assert call.transaction.state is State.PROCEEDING
    assert len(call.delivered) == 1


@pytest.mark.parametrize("status", [180, 486, 200])
def test_a_transport_error_is_told_and_the_next_repetition_may_get_through(status: int) -> None:
    call, invite = called()
    call.respond(response(invite, status))
    before = call.transaction.state
    call.break_wire()
    assert call.failed == [(0, "transport")]
    assert call.transaction.state is before
    assert not call.finished
