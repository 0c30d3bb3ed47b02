"""Calls that come in: ringing, answering, the ACK, CANCEL."""

from random import Random
from typing import Any

import pytest

from softswitch.dialog.effects import Closed, Respond, SendRequest, Tell
from softswitch.dialog.events import Acknowledged, Ended
from softswitch.dialog.session import Session, State
from softswitch.sip.errors import BadHeader
from tests.softswitch.dialog.driver import Driver, answered, confirmed_incoming, ringing
from tests.softswitch.dialog.messages import ANSWER, CONTACT, OFFER, START, TIMERS, from_peer, incoming, reply

ELEVEN = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_ringing_carries_our_tag_contact_and_abilities() -> None:
    call = ringing()
    call.take(call.session.progress(180, call.now))
    response = call.last_response
    assert response.status == 180
    assert response.to.tag == "ours"
    assert response.headers.get("Contact") == CONTACT
    assert "UPDATE" in (response.headers.get("Allow") or "")
    assert response.headers.get("Supported")
    assert response.body == b""


def test_trying_carries_nothing_of_the_dialog() -> None:
    call = ringing()
    call.take(call.session.progress(100, call.now))
    assert call.last_response.to.tag is None
    assert "Contact" not in call.last_response.headers


def test_early_media_goes_out_with_a_183() -> None:
    call = ringing()
    call.take(call.session.progress(183, call.now, ANSWER))
    assert call.last_response.body == ANSWER
    assert call.last_response.content_type is not None
    assert call.last_response.content_type.type == "application/sdp"


def test_a_long_ringing_is_repeated_every_minute() -> None:
    call = ringing()
    call.take(call.session.progress(100, call.now))
    assert call.session.next_deadline is None
    call.take(call.session.progress(180, call.now))
    call.advance(130)
    assert call.times(Respond) == [0, 0, 60, 120]
    call.take(call.session.answer(ANSWER, call.now))
    call.receive(from_peer("ACK", 1))
    assert call.session.next_deadline is None


def test_record_routes_come_back_in_the_answer() -> None:
    invite = from_peer("INVITE", 1, to_tag=None, sdp=OFFER, routes="Record-Route: <sip:edge.test;lr>\r\n")
    call = answered(invite=invite)
    assert call.last_response.headers.get_all("Record-Route") == ["<sip:edge.test;lr>"]


def test_an_answer_is_repeated_from_t1_to_t2_until_the_ack() -> None:
    call = answered()
    call.advance(8)
    call.receive(from_peer("ACK", 1))
    call.advance(100)
    assert call.times(Respond) == [0, 0.5, 1.5, 3.5, 7.5]
    assert call.events == [Acknowledged(None)]
    assert call.state is State.CONFIRMED


def test_without_ack_the_call_is_ended_with_bye_after_32_seconds() -> None:
    call = answered()
    call.advance(32)
    assert call.times(Respond) == ELEVEN
    assert call.requests == ["BYE"]
    assert call.times(SendRequest) == [32]
    assert call.events == [Ended("local", "no_ack")]
    assert call.closed == 0
    call.hear(reply(call.last_request, 481))
    assert call.closed == 1


def test_a_late_offer_is_answered_in_the_ack() -> None:
    call = Driver(incoming(from_peer("INVITE", 1, to_tag=None)))
    call.take(call.session.answer(OFFER, call.now))
    assert call.last_response.body == OFFER
    call.receive(from_peer("ACK", 1, sdp=ANSWER))
    assert call.events == [Acknowledged(ANSWER)]


def test_an_ack_with_something_unreadable_is_still_an_ack() -> None:
    call = answered()
    call.receive(from_peer("ACK", 1, lines="Content-Type: nonsense\r\n"))
    broken = from_peer("ACK", 1, sdp=b"x")
    broken.headers.set("Content-Type", ";;;")
    assert call.events == [Acknowledged(None)]
    call = answered()
    call.receive(broken)
    assert call.events == [Acknowledged(None)]


def test_the_ack_of_a_phone_with_a_random_to_tag_counts() -> None:
    call = answered()
    call.receive(from_peer("ACK", 1, to_tag="made-up"))
    assert call.state is State.CONFIRMED


@pytest.mark.parametrize("fields", [{"from_tag": "stranger"}, {"number": 2}])
def test_an_ack_of_somebody_else_or_of_another_invite_does_not(fields: dict[str, Any]) -> None:
    call = answered()
    number = fields.pop("number", 1)
    assert call.receive(from_peer("ACK", number, **fields)) == []
    assert call.state is State.ANSWERED


def test_an_ack_is_never_answered_and_told_once() -> None:
    call = answered()
    for _ in range(3):
        call.receive(from_peer("ACK", 1))
    assert len(call.events) == 1
    assert call.statuses == [("INVITE", 200)]


def test_a_refused_call_is_over_at_once() -> None:
    call = ringing()
    call.take(call.session.refuse(486, call.now, headers=[("Retry-After", "60")]))
    response = call.last_response
    assert (response.status, response.to.tag, response.headers.get("Retry-After")) == (486, "ours", "60")
    assert call.events == [Ended("local", "refused", 486)]
    assert call.closed == 1
    assert call.session.next_deadline is None


def test_a_reason_of_our_own_may_be_given() -> None:
    call = ringing()
    call.take(call.session.refuse(403, call.now, "Not in the night"))
    assert call.last_response.reason == "Not in the night"


def test_cancel_is_answered_and_the_invite_gets_487_with_the_same_tag() -> None:
    call = ringing()
    call.take(call.session.progress(180, call.now))
    cancel = from_peer("CANCEL", 1, to_tag=None, lines='Reason: SIP;cause=200;text="Call completed elsewhere"\r\n')
    call.receive(cancel)
    assert call.statuses == [("INVITE", 180), ("CANCEL", 200), ("INVITE", 487)]
    assert {one.response.to.tag for one in call.all(Respond)} == {"ours"}
    assert call.events == [Ended("remote", "cancel", 487, 'SIP;cause=200;text="Call completed elsewhere"')]
    assert call.closed == 1


def test_cancel_crossing_our_answer_is_answered_and_changes_nothing() -> None:
    call = answered().forget()
    call.receive(from_peer("CANCEL", 1, to_tag=None))
    assert call.statuses == [("CANCEL", 200)]
    assert call.last_response.to.tag == "ours"
    assert call.events == []
    assert call.state is State.ANSWERED


def test_a_cancel_with_another_number_cancels_nothing() -> None:
    call = ringing()
    call.receive(from_peer("CANCEL", 7, to_tag=None))
    assert call.state is State.RINGING


def test_bye_before_the_answer_ends_the_invite_with_487() -> None:
    call = ringing()
    call.take(call.session.progress(180, call.now))
    call.receive(from_peer("BYE", 2))
    assert call.statuses[1:] == [("INVITE", 487), ("BYE", 200)]
    assert call.events == [Ended("remote", "bye")]
    assert call.closed == 1


def test_orders_that_come_too_late_do_nothing() -> None:
    call = ringing()
    call.receive(from_peer("CANCEL", 1, to_tag=None))
    call.forget()
    session = call.session
    late = [
        session.progress(180, call.now),
        session.answer(ANSWER, call.now),
        session.refuse(486, call.now),
        session.bye(call.now),
        session.cancel(call.now),
        session.reinvite(OFFER, call.now),
        session.answer_offer(ANSWER, call.now),
        session.refuse_offer(488, call.now),
        session.acknowledge(ANSWER, call.now),
        session.info("text/plain", b"x", call.now),
        session.handle_timer(call.now),
    ]
    assert late == [[]] * len(late)


def test_hanging_up_before_answering_refuses() -> None:
    call = ringing()
    call.take(call.session.bye(call.now, "Q.850;cause=16"))
    assert call.statuses == [("INVITE", 480)]
    assert call.last_response.headers.get("Reason") == "Q.850;cause=16"
    assert call.closed == 1


def test_hanging_up_before_the_ack_waits_for_it() -> None:
    call = answered()
    call.advance(0.25)
    call.take(call.session.bye(call.now, "Q.850;cause=16"))
    assert call.events == [Ended("local", "bye")]
    assert call.requests == []
    call.advance(0.5)
    call.receive(from_peer("ACK", 1))
    assert call.requests == ["BYE"]
    assert call.last_request.headers.get("Reason") == "Q.850;cause=16"
    assert len(call.all(Tell)) == 1


def test_hanging_up_without_any_ack_sends_bye_after_32_seconds_and_tells_one_end() -> None:
    call = answered()
    call.take(call.session.bye(call.now))
    call.advance(32)
    assert call.requests == ["BYE"]
    assert call.ends == [Ended("local", "bye")]
    call.advance(32)
    assert call.closed == 1


def test_a_peer_that_hangs_up_before_its_ack_stops_the_repetitions() -> None:
    call = answered()
    call.receive(from_peer("BYE", 2))
    call.advance(100)
    assert call.statuses == [("INVITE", 200), ("BYE", 200)]
    assert call.ends == [Ended("remote", "bye")]
    assert call.closed == 1


def test_a_second_invite_before_the_first_is_answered_is_told_to_come_back() -> None:
    call = ringing()
    call.receive(from_peer("INVITE", 2, sdp=OFFER))
    assert call.statuses == [("INVITE", 500)]
    assert 0 <= int(call.last_response.headers.get("Retry-After") or "-1") <= 10
    assert call.events == []


def test_an_update_while_ringing_may_refresh_the_target_but_offer_nothing() -> None:
    call = ringing()
    call.receive(from_peer("UPDATE", 2, contact="<sip:101@198.51.100.9>"))
    assert call.statuses == [("UPDATE", 200)]
    assert str(call.session.remote_contact) == "sip:101@198.51.100.9"
    call.receive(from_peer("UPDATE", 3, sdp=OFFER))
    assert call.statuses[-1] == ("UPDATE", 500)


def test_the_session_shows_what_the_stack_matches_on() -> None:
    session = incoming()
    assert session.request_key == ("call-1", "ours")
    assert (session.call_id, session.local_tag, session.remote_tag) == ("call-1", "ours", "theirs")
    assert str(session.remote_contact) == "sip:101@192.0.2.101:5060"
    assert session.dialog is not None
    assert session.invite.method == "INVITE"


def test_no_session_is_made_of_an_invite_without_contact() -> None:
    with pytest.raises(BadHeader):
        Session.incoming(
            from_peer("INVITE", 1, to_tag=None, contact=None), "ours", CONTACT, START, TIMERS, True, Random(1)
        )


def test_after_the_end_only_an_ack_goes_without_an_answer() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("BYE", 2))
    call.forget()
    assert call.receive(from_peer("ACK", 1)) == []
    call.receive(from_peer("BYE", 3))
    call.receive(from_peer("INFO", 4))
    assert call.statuses == [("BYE", 481), ("INFO", 481)]
    assert call.all(Closed) == []
