"""Changing a call that stands: re-INVITE and UPDATE, glare, late offers."""

from collections.abc import Callable
from random import Random

import pytest

from softswitch.dialog.acceptance import MOST as MOST_WAITING
from softswitch.dialog.effects import Cancel, Respond, SendAck, SendRequest
from softswitch.dialog.events import Acknowledged, Cause, Ended, OfferAnswered, Offered, OfferRefused, OfferWithdrawn
from softswitch.dialog.renegotiation import MOST_GLARES
from softswitch.dialog.session import State
from softswitch.sip.errors import BadHeader
from tests.softswitch.dialog.driver import Driver, answered, confirmed_incoming, confirmed_outgoing
from tests.softswitch.dialog.messages import ANSWER, CONTACT, OFFER, from_peer, incoming, outgoing, reply

HOLD = OFFER + b"a=sendonly\r\n"
BOTH = pytest.mark.parametrize("stand", [confirmed_incoming, confirmed_outgoing])


def offering(stand: Callable[[], Driver] = confirmed_outgoing, sdp: bytes | None = HOLD) -> Driver:
    call: Driver = stand()
    call.take(call.session.reinvite(sdp, call.now))
    return call


@BOTH
def test_our_offer_is_accepted(stand: Callable[[], Driver]) -> None:
    call = offering(stand)
    reinvite = call.last_request
    assert (reinvite.method, reinvite.body, reinvite.headers.get("Contact")) == ("INVITE", HOLD, CONTACT)
    assert reinvite.to.tag == "theirs"
    call.hear(reply(reinvite, 100))
    answer = reply(reinvite, 200, sdp=ANSWER, contact="<sip:101@198.51.100.5>")
    call.hear(answer)
    call.hear(answer)
    assert call.requests == ["INVITE", "ACK", "ACK"]
    acks = [one.request for one in call.all(SendAck)]
    assert acks[0] is acks[1]
    assert acks[0].cseq.number == reinvite.cseq.number
    assert str(acks[0].uri) == "sip:101@198.51.100.5"
    assert call.events == [OfferAnswered(ANSWER)]
    assert str(call.session.remote_contact) == "sip:101@198.51.100.5"


def test_a_broken_contact_in_the_answer_leaves_the_target() -> None:
    call = offering()
    call.hear(reply(call.last_request, 200, sdp=ANSWER, contact="<tel:1>"))
    assert str(call.session.remote_contact) == "sip:101@192.0.2.101:5060"
    assert call.requests == ["INVITE", "ACK"]


@BOTH
def test_our_offer_is_refused_and_the_call_goes_on(stand: Callable[[], Driver]) -> None:
    call = offering(stand)
    call.hear(reply(call.last_request, 488))
    assert call.events == [OfferRefused(488)]
    assert call.state is State.CONFIRMED
    assert call.requests == ["INVITE"]
    assert call.session.next_deadline is None


def test_an_offer_that_cannot_be_sent_is_refused_and_the_call_goes_on() -> None:
    call = offering()
    call.fail(call.last_request, "transport")
    assert call.events == [OfferRefused(503)]
    assert call.state is State.CONFIRMED


@pytest.mark.parametrize(("status", "cause"), [(481, "error"), (408, "timeout")])
def test_an_offer_to_a_peer_that_is_gone_ends_the_call(status: int, cause: Cause) -> None:
    call = offering()
    call.hear(reply(call.last_request, status))
    assert call.requests == ["INVITE", "BYE"]
    assert call.events == [Ended("local", cause, status)]
    call = offering()
    call.fail(call.last_request)
    assert call.ends == [Ended("local", "timeout", 408)]


def test_an_offer_that_only_rings_is_cancelled_after_three_minutes() -> None:
    call = offering()
    call.hear(reply(call.last_request, 180))
    call.advance(200)
    assert call.all(Cancel) == [Cancel(call.last_request)]
    call.hear(reply(call.last_request, 487))
    assert call.events == [OfferRefused(487)]


def test_asking_for_the_peers_offer_waits_with_the_ack() -> None:
    call = offering(sdp=None)
    reinvite = call.last_request
    assert (reinvite.body, reinvite.headers.get("Content-Type")) == (b"", None)
    offer = reply(reinvite, 200, sdp=OFFER)
    call.hear(offer)
    call.hear(offer)
    assert call.requests == ["INVITE"]
    assert call.events == [OfferAnswered(OFFER)]
    call.receive(from_peer("INVITE", 5, sdp=OFFER))
    assert call.statuses == [("INVITE", 491)]
    call.take(call.session.acknowledge(ANSWER, call.now))
    call.hear(offer)
    assert [one.request.body for one in call.all(SendAck)] == [ANSWER, ANSWER]


def test_the_ack_of_the_call_is_still_repeated_after_a_re_invite() -> None:
    call = Driver(outgoing())
    first = reply(call.session.invite, 200, sdp=ANSWER)
    call.hear(first)
    call.take(call.session.reinvite(HOLD, call.now))
    call.hear(reply(call.last_request, 200, sdp=ANSWER))
    call.forget()
    call.hear(first)
    assert [one.request.cseq.number for one in call.all(SendAck)] == [20]


@BOTH
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_peers_offer_is_told_and_answered(stand: Callable[[], Driver], method: str) -> None:
    call = stand()
    call.receive(from_peer(method, 5, sdp=HOLD, contact="<sip:101@198.51.100.5>"))
    assert call.events == [Offered(HOLD)]
    assert call.all(Respond) == []
    assert str(call.session.remote_contact) == "sip:101@192.0.2.101:5060"
    call.take(call.session.answer_offer(ANSWER, call.now))
    assert call.statuses == [(method, 200)]
    assert call.last_response.body == ANSWER
    assert call.last_response.headers.get("Contact") == CONTACT
    assert str(call.session.remote_contact) == "sip:101@198.51.100.5"
    assert call.take(call.session.answer_offer(ANSWER, call.now)) == []


def test_the_answer_to_a_re_invite_is_repeated_until_its_ack() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=HOLD))
    call.take(call.session.answer_offer(ANSWER, call.now))
    call.advance(1.6)
    call.receive(from_peer("ACK", 2))
    call.advance(50)
    assert call.times(Respond) == [0, 0.5, 1.5]
    assert call.events == [Offered(HOLD), Acknowledged(None)]


def test_a_re_invite_without_ack_ends_the_call() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=HOLD))
    call.take(call.session.answer_offer(ANSWER, call.now))
    call.advance(32)
    assert call.requests == ["BYE"]
    assert call.ends == [Ended("local", "no_ack")]


def test_an_update_needs_no_ack() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("UPDATE", 2, sdp=HOLD))
    call.take(call.session.answer_offer(ANSWER, call.now))
    assert call.session.next_deadline is None


def test_an_update_without_offer_only_refreshes_the_target() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("UPDATE", 2, contact="<sip:101@198.51.100.5>"))
    assert call.statuses == [("UPDATE", 200)]
    assert call.events == []
    assert str(call.session.remote_contact) == "sip:101@198.51.100.5"


def test_only_re_invite_and_update_refresh_the_target() -> None:
    call = confirmed_incoming()
    for number, method in enumerate(("INFO", "OPTIONS"), 2):
        call.receive(from_peer(method, number, contact="<sip:101@198.51.100.5>"))
    assert str(call.session.remote_contact) == "sip:101@192.0.2.101:5060"


def test_the_peers_offer_is_refused_and_all_stays_as_it_was() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=HOLD, contact="<sip:101@198.51.100.5>"))
    call.take(call.session.refuse_offer(488, call.now, headers=[("Warning", '304 switch "no"')]))
    assert call.statuses == [("INVITE", 488)]
    assert call.last_response.headers.get("Warning") == '304 switch "no"'
    assert str(call.session.remote_contact) == "sip:101@192.0.2.101:5060"
    assert call.session.next_deadline is None


def test_an_empty_re_invite_asks_for_our_offer_and_its_ack_brings_the_answer() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2))
    call.take(call.session.answer_offer(OFFER, call.now))
    call.receive(from_peer("ACK", 2, sdp=ANSWER))
    assert call.events == [Offered(None), Acknowledged(ANSWER)]
    assert call.last_response.body == OFFER


def test_a_re_invite_right_behind_a_lost_ack_is_served() -> None:
    call = answered()
    call.receive(from_peer("INVITE", 2, sdp=HOLD))
    assert call.events == [Offered(HOLD)]
    call.take(call.session.answer_offer(ANSWER, call.now))
    call.receive(from_peer("ACK", 2))
    assert call.session.next_deadline is not None
    call.receive(from_peer("ACK", 1))
    assert call.state is State.CONFIRMED


def test_a_re_invite_overtaking_the_ack_with_the_answer_must_come_back() -> None:
    call = Driver(incoming(from_peer("INVITE", 1, to_tag=None)))
    call.take(call.session.answer(OFFER, call.now))
    call.receive(from_peer("INVITE", 2, sdp=HOLD))
    assert call.statuses == [("INVITE", 200), ("INVITE", 491)]


@BOTH
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_two_offers_cross_and_the_peers_gets_491(stand: Callable[[], Driver], method: str) -> None:
    call = offering(stand)
    call.receive(from_peer(method, 5, sdp=OFFER))
    assert call.statuses == [(method, 491)]
    assert call.events == []


@pytest.mark.parametrize(
    ("stand", "earliest", "latest"), [(confirmed_outgoing, 2.1, 4.0), (confirmed_incoming, 0.0, 2.0)]
)
def test_after_491_the_offer_is_sent_again_by_itself(
    stand: Callable[[], Driver], earliest: float, latest: float
) -> None:
    for seed in range(30):
        call = stand()
        call.session._changes._rng = Random(seed)  # type: ignore[union-attr]
        call.take(call.session.reinvite(HOLD, call.now))
        first = call.last_request
        call.hear(reply(first, 491))
        assert call.events == []
        deadline = call.session.next_deadline
        assert deadline is not None
        assert earliest <= round(deadline - call.now, 6) <= latest
        call.advance(4)
        second = call.last_request
        assert (second.method, second.body) == ("INVITE", HOLD)
        assert second.cseq.number == first.cseq.number + 1
        call.hear(reply(second, 200, sdp=ANSWER))
        assert call.events == [OfferAnswered(ANSWER)]


def test_the_peer_may_offer_while_we_wait_after_glare() -> None:
    call = offering()
    call.hear(reply(call.last_request, 491))
    call.receive(from_peer("INVITE", 1, sdp=OFFER))
    assert call.events == [Offered(OFFER)]
    call.advance(5)
    assert call.requests == ["INVITE"]
    call.take(call.session.answer_offer(ANSWER, call.now))
    assert call.requests == ["INVITE"]
    call.receive(from_peer("ACK", 1))
    assert call.requests == ["INVITE", "INVITE"]


def test_glare_without_end_is_a_refusal() -> None:
    call = offering()
    for _ in range(MOST_GLARES):
        call.hear(reply(call.last_request, 491))
        call.advance(5)
    assert call.events == []
    call.hear(reply(call.last_request, 491))
    assert call.events == [OfferRefused(491)]
    assert call.session.next_deadline is None


def test_a_newer_offer_replaces_the_one_that_waits() -> None:
    call = offering()
    call.take(call.session.reinvite(ANSWER, call.now))
    call.take(call.session.reinvite(OFFER, call.now))
    assert call.requests == ["INVITE"]
    call.hear(reply(call.last_request, 200, sdp=ANSWER))
    assert call.requests == ["INVITE", "ACK", "INVITE"]
    assert call.last_request.body == OFFER
    call.hear(reply(call.last_request, 488))
    assert call.requests == ["INVITE", "ACK", "INVITE"]


def test_our_offer_waits_for_the_ack_of_the_call() -> None:
    call = answered()
    call.take(call.session.reinvite(HOLD, call.now))
    assert call.requests == []
    call.receive(from_peer("ACK", 1))
    assert call.requests == ["INVITE"]


def test_an_offer_before_the_answer_is_no_offer() -> None:
    call = Driver(incoming())
    assert call.take(call.session.reinvite(HOLD, call.now)) == []


def test_a_second_offer_before_the_first_is_answered_must_come_back() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=OFFER))
    call.receive(from_peer("INVITE", 3, sdp=OFFER))
    call.receive(from_peer("UPDATE", 4, sdp=OFFER))
    assert call.statuses == [("INVITE", 500), ("UPDATE", 500)]
    for one in call.all(Respond):
        assert 0 <= int(one.response.headers.get("Retry-After") or "-1") <= 10
    assert call.events == [Offered(OFFER)]


def test_the_peer_cancels_its_re_invite() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=OFFER))
    call.receive(from_peer("CANCEL", 9))
    call.receive(from_peer("CANCEL", 2))
    assert call.statuses == [("CANCEL", 200), ("CANCEL", 200), ("INVITE", 487)]
    assert call.events == [Offered(OFFER), OfferWithdrawn()]
    assert call.take(call.session.answer_offer(ANSWER, call.now)) == []
    assert call.state is State.CONFIRMED


def test_the_peer_hangs_up_with_a_re_invite_open() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=OFFER))
    call.receive(from_peer("BYE", 3))
    assert call.statuses == [("BYE", 200), ("INVITE", 487)]
    assert call.ends == [Ended("remote", "bye")]
    assert call.closed == 1


def test_we_hang_up_with_both_kinds_open() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INVITE", 2, sdp=OFFER))
    call.take(call.session.bye(call.now))
    assert call.statuses == [("INVITE", 487)]
    assert call.requests == ["BYE"]
    call = offering()
    reinvite = call.last_request
    call.take(call.session.bye(call.now))
    assert call.requests == ["INVITE", "BYE"]
    answer = reply(reinvite, 200, sdp=ANSWER)
    call.hear(answer)
    call.hear(answer)
    assert call.requests == ["INVITE", "BYE", "ACK", "ACK"]
    call.hear(reply(reinvite, 404))
    assert len(call.events) == 1


def test_a_body_that_is_no_session_description_is_refused() -> None:
    call = confirmed_incoming()
    request = from_peer("INVITE", 2, sdp=b"<xml/>")
    request.headers.set("Content-Type", "application/xml")
    call.receive(request)
    assert call.statuses == [("INVITE", 415)]
    assert call.last_response.headers.get("Accept") == "application/sdp"


def test_an_offer_with_a_contact_that_is_no_address_is_refused_before_anybody_is_asked() -> None:
    call = confirmed_incoming()
    with pytest.raises(BadHeader):
        call.receive(from_peer("INVITE", 2, sdp=OFFER, contact="<tel:1>"))
    assert call.events == []
    call.receive(from_peer("INVITE", 3, sdp=OFFER))
    assert call.events == [Offered(OFFER)]


def test_hanging_up_waits_for_the_ack_of_the_call_and_not_of_a_re_invite() -> None:
    call = answered()
    call.receive(from_peer("INVITE", 2, sdp=HOLD))
    call.take(call.session.answer_offer(ANSWER, call.now))
    call.take(call.session.bye(call.now))
    call.receive(from_peer("ACK", 2))
    assert call.requests == []
    call.receive(from_peer("ACK", 1))
    assert call.requests == ["BYE"]


def test_answers_that_nobody_acknowledges_are_bounded() -> None:
    call = answered()
    for number in range(2, 2 * MOST_WAITING):
        call.receive(from_peer("INVITE", number, sdp=OFFER))
        call.take(call.session.answer_offer(ANSWER, call.now))
    assert [status for _, status in call.statuses].count(200) == MOST_WAITING
    assert call.statuses[-1] == ("INVITE", 500)


def test_an_end_takes_waiting_offers_with_it() -> None:
    call = offering()
    call.hear(reply(call.last_request, 491))
    call.take(call.session.bye(call.now))
    call.hear(reply(call.last_request, 200))
    call.advance(100)
    assert call.requests == ["INVITE", "BYE"]
    assert [one.request.method for one in call.all(SendRequest)] == ["INVITE", "BYE"]
