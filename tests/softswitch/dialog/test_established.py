"""Calls that stand: hanging up, INFO, OPTIONS, and requests that do not fit."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from softswitch.dialog.effects import Closed, Respond, SendRequest
from softswitch.dialog.events import Cause, Ended, InfoReceived
from softswitch.dialog.invite_usage import MOST_INFO
from softswitch.dialog.session import State
from tests.softswitch.dialog.driver import Driver, answered, calling, confirmed_incoming, confirmed_outgoing
from tests.softswitch.dialog.messages import from_peer, reply

BOTH = pytest.mark.parametrize("stand", [confirmed_incoming, confirmed_outgoing])


@BOTH
def test_hanging_up_sends_bye_and_waits_for_its_answer(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.take(call.session.bye(call.now, "Q.850;cause=16"))
    assert call.requests == ["BYE"]
    assert call.last_request.headers.get("Reason") == "Q.850;cause=16"
    assert call.events == [Ended("local", "bye")]
    assert call.state is State.CLOSING
    call.hear(reply(call.last_request, 100))
    assert call.closed == 0
    call.hear(reply(call.last_request, 200))
    assert call.closed == 1
    assert call.session.next_deadline is None


@BOTH
@pytest.mark.parametrize("cause", ["timeout", "transport"])
def test_a_bye_that_fails_ends_the_session_as_well(stand: Callable[[], Driver], cause: str) -> None:
    call = stand()
    call.take(call.session.bye(call.now))
    call.fail(call.last_request, cause)
    assert call.closed == 1
    call.fail(call.last_request, cause)
    assert call.closed == 1


@BOTH
def test_a_bye_without_any_word_of_its_transaction_is_given_up_after_32_seconds(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.take(call.session.bye(call.now))
    call.advance(31.9)
    assert call.closed == 0
    call.advance(0.1)
    assert call.closed == 1


@BOTH
def test_the_peer_hangs_up(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.receive(from_peer("BYE", 2, lines="Reason: Q.850;cause=16\r\n"))
    assert call.statuses == [("BYE", 200)]
    assert call.events == [Ended("remote", "bye", None, "Q.850;cause=16")]
    assert call.closed == 1


@BOTH
def test_two_byes_cross(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.take(call.session.bye(call.now))
    call.receive(from_peer("BYE", 2))
    assert call.statuses == [("BYE", 200)]
    assert call.ends == [Ended("local", "bye")]
    call.hear(reply(call.last_request, 481))
    assert call.closed == 1


@BOTH
def test_hanging_up_twice_is_hanging_up_once(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.take(call.session.bye(call.now))
    assert call.take(call.session.bye(call.now)) == []


@BOTH
@pytest.mark.parametrize("fields", [{"from_tag": "stranger"}, {"from_tag": None}])
def test_a_request_with_a_strange_tag_ends_nothing(stand: Callable[[], Driver], fields: dict[str, Any]) -> None:
    call = stand()
    call.receive(from_peer("BYE", 2, **fields))
    assert call.statuses == [("BYE", 481)]
    assert call.state is State.CONFIRMED


def test_a_lower_number_is_answered_500_and_does_nothing() -> None:
    call = confirmed_incoming()
    call.receive(from_peer("INFO", 5, lines="Content-Type: text/plain\r\n"))
    call.forget()
    call.receive(from_peer("BYE", 4))
    assert call.statuses == [("BYE", 500)]
    assert call.state is State.CONFIRMED


@BOTH
def test_a_method_that_we_do_not_serve_is_told_what_we_do(stand: Callable[[], Driver]) -> None:
    call = stand()
    for number, method in enumerate(("SUBSCRIBE", "MESSAGE", "NOTIFY", "PRACK", "PUBLISH"), 2):
        call.receive(from_peer(method, number))
    assert {status for _, status in call.statuses} == {405}
    assert call.last_response.headers.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER"


@BOTH
def test_an_extension_that_we_do_not_know_is_named(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.receive(from_peer("INFO", 2, lines="Require: 199, 100rel\r\nRequire: gizmo\r\n"))
    assert call.statuses == [("INFO", 420)]
    assert call.last_response.headers.get("Unsupported") == "100rel, gizmo"
    assert call.events == []


@BOTH
def test_info_is_answered_and_told(stand: Callable[[], Driver]) -> None:
    call = stand()
    request = from_peer("INFO", 2, lines="Content-Type: application/dtmf-relay\r\n")
    request.body = b"Signal=5\r\nDuration=160\r\n"
    call.receive(request)
    assert call.statuses == [("INFO", 200)]
    assert call.events == [InfoReceived("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")]


@BOTH
def test_options_tell_what_we_can_do(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.receive(from_peer("OPTIONS", 2))
    headers = call.last_response.headers
    assert call.statuses == [("OPTIONS", 200)]
    assert headers.get("Accept") == "application/sdp"
    assert "INFO" in (headers.get("Allow") or "")


@BOTH
def test_our_info_is_sent_inside_the_dialog(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.take(call.session.info("application/dtmf-relay", b"Signal=1\r\n", call.now))
    info = call.last_request
    assert (info.method, info.body) == ("INFO", b"Signal=1\r\n")
    assert info.to.tag == "theirs"
    call.hear(reply(info, 415))
    assert call.events == []
    assert call.state is State.CONFIRMED


@BOTH
def test_infos_are_sent_one_after_another_in_their_order_and_not_too_many(stand: Callable[[], Driver]) -> None:
    call = stand()
    for number in range(MOST_INFO + 10):
        call.take(call.session.info("application/dtmf-relay", b"%d" % number, call.now))
    bodies = []
    for status in itertools.cycle((200, 415)):
        info = call.last_request
        if not bodies or info.body != bodies[-1]:
            bodies.append(info.body)
            call.hear(reply(info, status))
            continue
        break
    assert bodies == [b"%d" % number for number in range(MOST_INFO + 1)]
    call.take(call.session.info("application/dtmf-relay", b"last", call.now))
    assert call.last_request.body == b"last"
    assert call.state is State.CONFIRMED


@BOTH
def test_an_info_that_cannot_be_sent_does_not_hold_up_the_next(stand: Callable[[], Driver]) -> None:
    call = stand()
    for body in (b"1", b"2"):
        call.take(call.session.info("application/dtmf-relay", body, call.now))
    call.take(call.session.request_failed(call.last_request, "transport", call.now))
    assert call.last_request.body == b"2"


@BOTH
@pytest.mark.parametrize(("status", "cause"), [(481, "error"), (408, "timeout")])
def test_a_peer_that_does_not_know_the_call_any_more_ends_it_with_bye(
    stand: Callable[[], Driver], status: int, cause: Cause
) -> None:
    call = stand()
    call.take(call.session.info("text/plain", b"x", call.now))
    call.hear(reply(call.last_request, status))
    assert call.requests == ["INFO", "BYE"]
    assert call.events == [Ended("local", cause, status)]


@BOTH
def test_a_peer_that_does_not_answer_any_more_is_hung_up(stand: Callable[[], Driver]) -> None:
    call = stand()
    call.take(call.session.info("text/plain", b"x", call.now))
    call.fail(call.last_request)
    assert call.requests == ["INFO", "BYE"]
    assert call.events == [Ended("local", "timeout", 408)]


def test_an_info_that_could_not_be_sent_does_not_end_the_call() -> None:
    call = confirmed_outgoing()
    call.take(call.session.info("text/plain", b"x", call.now))
    call.fail(call.last_request, "transport")
    assert call.events == []


def test_our_numbers_go_on_from_the_invite() -> None:
    call = confirmed_outgoing()
    call.take(call.session.info("text/plain", b"x", call.now))
    call.take(call.session.bye(call.now))
    assert [one.request.cseq.number for one in call.all(SendRequest)] == [21, 22]


def test_an_answer_to_some_other_bye_does_not_close_ours() -> None:
    call = confirmed_outgoing()
    call.take(call.session.bye(call.now))
    other = call.last_request.copy()
    other.headers.set("CSeq", "99 BYE")
    call.hear(reply(other, 200))
    assert call.closed == 0


def test_a_session_that_hangs_up_takes_no_more_requests() -> None:
    call = answered()
    call.take(call.session.bye(call.now))
    call.forget()
    call.receive(from_peer("INFO", 2))
    call.receive(from_peer("INVITE", 3))
    assert [status for _, status in call.statuses] == [481, 481]
    call.receive(from_peer("BYE", 4))
    assert call.statuses[-1] == ("BYE", 200)
    assert call.closed == 1


def test_strange_responses_do_nothing() -> None:
    call: Driver = calling()
    invite = call.session.invite
    call.forget()
    for method in ("OPTIONS", "CANCEL", "INFO", "BYE", "NONSENSE"):
        other = invite.copy()
        other.method = method
        other.headers.set("CSeq", f"20 {method}")
        for status in (100, 200, 481, 408):
            call.hear(reply(other, status))
    stray = invite.copy()
    stray.headers.set("CSeq", "77 INVITE")
    call.hear(reply(stray, 200))
    assert call.effects == []
    assert not call.all(Respond)
    assert not call.all(Closed)
