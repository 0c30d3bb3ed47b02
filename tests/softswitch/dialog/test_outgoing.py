"""Calls that go out: forks, CANCEL, races."""

import pytest

from softswitch.dialog.cancel import build_cancel
from softswitch.dialog.effects import Cancel, SendAck, SendRequest
from softswitch.dialog.events import Answered, Ended, Progressed, Refused
from softswitch.dialog.forks import MOST
from softswitch.dialog.session import State
from softswitch.sip.errors import BadHeader
from tests.softswitch.dialog.driver import Driver, calling, confirmed_outgoing
from tests.softswitch.dialog.messages import ANSWER, OFFER, from_peer, outgoing, reply, to_peer


def test_the_invite_goes_to_its_first_route_or_else_to_its_address() -> None:
    call = calling()
    assert call.last_request is call.session.invite
    assert str(call.all(SendRequest)[0].next_hop) == "sip:101@192.0.2.101:5060"
    assert "Allow" in call.last_request.headers
    assert "Supported" in call.last_request.headers
    call = calling(invite=to_peer(routes=("<sip:edge.test;lr>",)))
    assert call.all(SendRequest)[0].next_hop.host == "edge.test"


def test_an_invite_without_our_tag_is_a_mistake() -> None:
    invite = to_peer()
    invite.headers.set("From", "<sip:500@localhost>")
    with pytest.raises(BadHeader):
        outgoing(invite)


def test_ringing_and_early_media_are_told() -> None:
    call = calling()
    invite = call.session.invite
    call.hear(reply(invite, 100, tag=None))
    call.hear(reply(invite, 180))
    call.hear(reply(invite, 183, sdp=ANSWER))
    assert call.events == [Progressed(180, None), Progressed(183, ANSWER)]
    assert call.state is State.PROCEEDING
    assert call.session.remote_tag == "theirs"


def test_an_answer_is_acknowledged_and_told() -> None:
    call = calling()
    answer = reply(call.session.invite, 200, sdp=ANSWER)
    call.hear(answer)
    assert call.requests == ["INVITE", "ACK"]
    ack = call.all(SendAck)[0]
    assert ack.request.cseq == (20, "ACK")
    assert ack.request.to.tag == "theirs"
    assert "Via" not in ack.request.headers
    assert str(ack.next_hop) == "sip:101@192.0.2.101:5060"
    assert call.events == [Answered(ANSWER, answer)]
    assert call.session.next_deadline is None


def test_the_ack_takes_the_recorded_route() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 200, sdp=ANSWER, headers=(("Record-Route", "<sip:edge.test;lr>"),)))
    ack = call.all(SendAck)[0]
    assert ack.next_hop.host == "edge.test"
    assert ack.request.headers.get_all("Route") == ["<sip:edge.test;lr>"]


def test_a_repeated_answer_gets_the_same_ack_again_and_is_told_once() -> None:
    call = calling()
    answer = reply(call.session.invite, 200, sdp=ANSWER)
    for _ in range(3):
        call.hear(answer)
    acks = [one.request for one in call.all(SendAck)]
    assert len(acks) == 3
    assert acks[0] is acks[1] is acks[2]
    assert len(call.events) == 1


def test_an_answer_to_an_invite_without_sdp_waits_for_our_answer() -> None:
    call = calling(invite=to_peer(sdp=None))
    offer = reply(call.session.invite, 200, sdp=OFFER)
    call.hear(offer)
    call.hear(offer)
    assert call.requests == ["INVITE"]
    assert call.events == [Answered(OFFER, offer)]
    call.take(call.session.acknowledge(ANSWER, call.now))
    call.hear(offer)
    acks = [one.request for one in call.all(SendAck)]
    assert [ack.body for ack in acks] == [ANSWER, ANSWER]
    assert acks[0].headers.get("Content-Type") == "application/sdp"
    assert call.take(call.session.acknowledge(ANSWER, call.now)) == []


def test_hanging_up_before_our_answer_acknowledges_first() -> None:
    call = calling(invite=to_peer(sdp=None))
    call.hear(reply(call.session.invite, 200, sdp=OFFER))
    call.take(call.session.bye(call.now))
    assert call.requests == ["INVITE", "ACK", "BYE"]


def test_two_branches_ring_one_answers_and_the_other_answer_is_acknowledged_and_hung_up() -> None:
    call = calling()
    invite = call.session.invite
    call.hear(reply(invite, 180, tag="one"))
    call.hear(reply(invite, 180, tag="two", contact="<sip:102@192.0.2.102>"))
    call.hear(reply(invite, 200, tag="one", sdp=ANSWER))
    call.forget()
    late = reply(invite, 200, tag="two", sdp=ANSWER, contact="<sip:102@192.0.2.102>")
    call.hear(late)
    assert call.requests == ["ACK", "BYE"]
    assert [str(request.request.uri) for request in call.all(SendRequest)] == ["sip:102@192.0.2.102"]
    assert call.last_request.to.tag == "two"
    call.hear(late)
    assert call.requests == ["ACK", "BYE", "ACK"]
    call.hear(reply(call.last_request, 200))
    call.fail(call.last_request)
    assert call.events == []
    assert call.state is State.CONFIRMED
    assert call.session.remote_tag == "one"


def test_the_answer_to_the_bye_of_a_dropped_branch_does_not_close_the_call() -> None:
    call = confirmed_outgoing()
    call.hear(reply(call.session.invite, 200, tag="two"))
    dropped = call.last_request
    call.take(call.session.bye(call.now))
    assert call.last_request.cseq == dropped.cseq
    call.hear(reply(dropped, 200))
    assert call.closed == 0
    call.hear(reply(call.last_request, 200))
    assert call.closed == 1


def test_sequence_numbers_go_on_from_the_early_dialog() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.receive(from_peer("OPTIONS", 10))
    call.hear(reply(call.session.invite, 200, sdp=ANSWER))
    call.receive(from_peer("OPTIONS", 9))
    assert [status for _, status in call.statuses] == [200, 500]


def test_a_dropped_branch_may_hang_up_by_itself_without_ending_the_call() -> None:
    call = confirmed_outgoing()
    call.hear(reply(call.session.invite, 200, tag="two"))
    call.receive(from_peer("BYE", 1, from_tag="two"))
    call.receive(from_peer("INFO", 2, from_tag="two"))
    assert call.statuses == [("BYE", 200), ("INFO", 481)]
    assert call.state is State.CONFIRMED


def test_branches_without_end_are_ignored() -> None:
    call = confirmed_outgoing()
    for number in range(3 * MOST):
        call.hear(reply(call.session.invite, 200, tag=f"fork-{number}"))
    assert len(call.all(SendAck)) == MOST
    call = calling()
    for number in range(3 * MOST):
        call.hear(reply(call.session.invite, 180, tag=f"fork-{number}"))
    assert len(call.session._forks.early) == MOST


def test_a_branch_that_ended_early_is_forgotten() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180, tag="one"))
    call.hear(reply(call.session.invite, 199, tag="one"))
    assert call.session._forks.early == {}
    assert call.events == [Progressed(180, None)]


def test_the_answer_of_a_branch_has_its_own_route_set_whatever_its_ringing_had() -> None:
    call = calling()
    invite = call.session.invite
    call.hear(reply(invite, 180, headers=(("Record-Route", "<sip:old.test;lr>"),)))
    call.hear(reply(invite, 200, headers=(("Record-Route", "<sip:new.test;lr>"),)))
    assert call.all(SendAck)[0].next_hop.host == "new.test"


@pytest.mark.parametrize("status", [302, 401, 486, 503, 603])
def test_a_refusal_ends_the_session(status: int) -> None:
    call = calling()
    refusal = reply(call.session.invite, status)
    call.hear(reply(call.session.invite, 180))
    call.hear(refusal)
    assert call.ends == [Refused(status, refusal.reason, refusal)]
    assert call.requests == ["INVITE"]
    assert call.closed == 1
    assert call.session.next_deadline is None


@pytest.mark.parametrize(("cause", "status"), [("timeout", 408), ("transport", 503)])
def test_an_invite_that_fails_is_refused_by_us(cause: str, status: int) -> None:
    call = calling()
    call.fail(call.session.invite, cause)
    (refused,) = call.ends
    assert isinstance(refused, Refused)
    assert (refused.status, refused.response) == (status, None)
    assert call.closed == 1


def test_cancel_is_held_until_a_provisional_response() -> None:
    call = calling()
    call.take(call.session.cancel(call.now, "SIP;cause=200"))
    assert call.requests == ["INVITE"]
    assert call.ends == [Ended("local", "cancel", 487)]
    call.hear(reply(call.session.invite, 100, tag=None))
    call.hear(reply(call.session.invite, 180))
    assert call.requests == ["INVITE", "CANCEL"]
    assert call.all(Cancel) == [Cancel(call.session.invite, (("Reason", "SIP;cause=200"),))]
    call.hear(reply(call.session.invite, 487))
    assert len(call.ends) == 1
    assert call.closed == 1


def test_cancel_after_ringing_goes_out_at_once() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.take(call.session.cancel(call.now))
    assert call.requests == ["INVITE", "CANCEL"]


def test_cancel_crossing_200_becomes_ack_and_bye() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.take(call.session.cancel(call.now, "SIP;cause=200"))
    answer = reply(call.session.invite, 200, sdp=ANSWER)
    call.hear(answer)
    assert call.requests == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert call.last_request.headers.get("Reason") == "SIP;cause=200"
    assert call.events[1:] == [Ended("local", "cancel", 487)]
    call.hear(answer)
    assert call.requests[4:] == ["ACK"]
    call.hear(reply(call.last_request, 200))
    assert call.closed == 1


def test_cancel_before_any_response_crossing_200_becomes_ack_and_bye() -> None:
    call = calling()
    call.take(call.session.cancel(call.now))
    call.hear(reply(call.session.invite, 200, sdp=ANSWER))
    assert call.requests == ["INVITE", "ACK", "BYE"]


def test_cancel_that_came_after_the_answer_hangs_up() -> None:
    call = confirmed_outgoing()
    call.take(call.session.cancel(call.now))
    assert call.requests == ["BYE"]
    assert call.ends == [Ended("local", "cancel")]


def test_a_cancelled_invite_without_final_response_is_forgotten_after_32_seconds() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.take(call.session.cancel(call.now))
    call.advance(32)
    assert call.closed == 1
    call.hear(reply(call.session.invite, 487))
    assert call.closed == 1


def test_a_cancelled_invite_that_times_out_is_forgotten() -> None:
    call = calling()
    call.take(call.session.cancel(call.now))
    call.fail(call.session.invite)
    assert call.closed == 1
    assert call.ends == [Ended("local", "cancel", 487)]


def test_an_answer_after_everything_was_forgotten_is_still_acknowledged_and_hung_up() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.take(call.session.cancel(call.now))
    call.advance(32)
    call.forget()
    call.hear(reply(call.session.invite, 200))
    assert call.requests == ["ACK", "BYE"]
    assert call.events == []


def test_an_invite_that_rings_for_ever_is_cancelled_after_three_minutes() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.advance(170)
    call.hear(reply(call.session.invite, 180))
    call.advance(170)
    assert call.requests == ["INVITE"]
    call.advance(20)
    assert call.requests == ["INVITE", "CANCEL"]
    assert call.ends == [Ended("local", "timeout", 408)]


def test_hanging_up_before_the_answer_cancels() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.take(call.session.bye(call.now))
    assert call.requests == ["INVITE", "CANCEL"]


def test_a_peer_whose_answers_were_all_lost_may_hang_up() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180))
    call.receive(from_peer("BYE", 1, lines="Reason: SIP;cause=408\r\n"))
    assert call.statuses == [("BYE", 200)]
    assert call.requests == ["INVITE", "CANCEL"]
    assert call.ends == [Ended("remote", "bye", None, "SIP;cause=408")]
    call.receive(from_peer("BYE", 2))
    assert call.statuses == [("BYE", 200), ("BYE", 200)]
    assert call.closed == 0
    call.hear(reply(call.session.invite, 487))
    assert call.closed == 1


def test_a_bye_before_any_response_fits_nothing() -> None:
    call = calling()
    call.receive(from_peer("BYE", 1))
    assert call.statuses == [("BYE", 481)]
    assert call.state is State.CALLING


def test_an_early_dialog_takes_requests_but_no_offers() -> None:
    call = calling()
    call.hear(reply(call.session.invite, 180, tag="one"))
    call.hear(reply(call.session.invite, 180, tag="two"))
    call.receive(from_peer("OPTIONS", 1, from_tag="one"))
    call.receive(from_peer("UPDATE", 2, from_tag="one"))
    call.receive(from_peer("UPDATE", 3, from_tag="one", sdp=OFFER))
    call.receive(from_peer("INVITE", 4, from_tag="two", sdp=OFFER))
    call.receive(from_peer("INFO", 5, from_tag="three"))
    assert [status for _, status in call.statuses] == [200, 200, 491, 491, 481]


def test_the_cancel_is_made_of_the_invite_that_was_sent() -> None:
    invite = to_peer(routes=("<sip:edge.test;lr>",))
    invite.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-sent")
    cancel = build_cancel(invite, [("Reason", "SIP;cause=200")])
    assert cancel.method == "CANCEL"
    assert cancel.headers.get_all("Via") == ["SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-sent"]
    assert cancel.headers.get_all("Route") == ["<sip:edge.test;lr>"]
    assert cancel.cseq == (20, "CANCEL")
    assert (cancel.from_.tag, cancel.to.tag, cancel.call_id) == ("ours", None, "call-1")
    assert str(cancel.uri) == str(invite.uri)
    assert cancel.headers.get("Reason") == "SIP;cause=200"
    assert cancel.body == b""


def test_the_session_shows_what_the_stack_matches_on() -> None:
    session = outgoing()
    assert session.request_key == ("call-1", "ours")
    assert session.remote_tag is None
    assert session.remote_contact is None
    assert Driver(session).session.next_deadline is None
