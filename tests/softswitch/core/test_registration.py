"""Our registration elsewhere, with a clock turned by hand."""

from random import Random

import pytest

from softswitch.core.registration import BASE, LONGEST, Registration, Standing
from softswitch.sip.digest import challenge
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.proof import Account

CONTACT = "<sip:alice@192.0.2.10:5060>"


def made(expires: int = 600) -> Registration:
    return Registration(Account("alice", "secret"), "example.com", CONTACT, expires, Random(1))


def answer(request: Request, status: int, *headers: tuple[str, str]) -> Response:
    return respond(request, status, to_tag="t", headers=headers)


def sent(request: Request | None) -> Request:
    assert request is not None
    return request


def test_it_registers_with_credentials_and_refreshes_in_time() -> None:
    registration = made()
    first = sent(registration.handle_timer(100.0))
    assert (first.method, str(first.uri), first.expires) == ("REGISTER", "sip:example.com", 600)
    assert "Authorization" not in first.headers
    assert registration.next_deadline is None
    second = sent(registration.receive_response(answer(first, 401, ("WWW-Authenticate", challenge("r", "n"))), 100.1))
    assert second.cseq.number == first.cseq.number + 1
    assert second.call_id == first.call_id
    assert "Authorization" in second.headers
    granted = answer(second, 200, ("Contact", f"{CONTACT};expires=300"), ("Expires", "900"))
    assert registration.receive_response(granted, 100.2) is None
    assert registration.standing is Standing.REGISTERED
    assert registration.expires_at == pytest.approx(400.2)
    assert registration.next_deadline == pytest.approx(100.2 + 240)
    assert registration.handle_timer(340.0) is None
    third = sent(registration.handle_timer(340.2))
    assert "Authorization" in third.headers  # known by now: no second way
    leaving = registration.leave()
    assert leaving.expires == 0


def test_a_wrong_password_is_sent_once_and_tried_again_later_and_later() -> None:
    registration, now, waits = made(), 0.0, []
    for _ in range(9):
        request = sent(registration.handle_timer(now))
        again = registration.receive_response(answer(request, 401, ("WWW-Authenticate", challenge("r", f"{now}"))), now)
        assert registration.receive_response(answer(sent(again), 403), now) is None
        assert registration.standing is Standing.FAILED
        assert "403" in registration.trouble
        assert registration.next_deadline is not None
        waits.append(registration.next_deadline - now)
        now = registration.next_deadline
    assert BASE / 2 <= waits[0] <= BASE
    assert all(BASE * 2**step / 2 <= wait <= BASE * 2**step for step, wait in enumerate(waits[:6]))
    assert LONGEST / 2 <= waits[-1] <= LONGEST


def test_a_registrar_that_wants_longer_times_gets_them() -> None:
    registration = made(120)
    first = sent(registration.handle_timer(0.0))
    second = sent(registration.receive_response(answer(first, 423, ("Min-Expires", "1800")), 0.0))
    assert second.expires == 1800
    assert registration.receive_response(answer(second, 423, ("Min-Expires", "60")), 0.0) is None
    assert registration.standing is Standing.FAILED


def test_challenges_without_end_are_a_failure() -> None:
    registration = made()
    request, count = registration.handle_timer(0.0), 0
    while request is not None:
        count += 1
        stale = challenge("r", f"n{count}", stale=True)
        request = registration.receive_response(answer(request, 401, ("WWW-Authenticate", stale)), 0.0)
    assert count == 5
    assert registration.standing is Standing.FAILED


@pytest.mark.parametrize(("cause", "words"), [("timeout", "does not answer"), ("transport", "cannot be reached")])
def test_silence_is_a_failure_with_a_reason(cause: str, words: str) -> None:
    registration = made()
    registration.handle_timer(5.0)
    registration.request_failed(cause, 37.0)
    assert words in registration.trouble
    assert registration.next_deadline is not None
    assert registration.handle_timer(registration.next_deadline) is not None


def test_retry_after_is_kept_to_and_bounded() -> None:
    for asked, least, most in (("120", 120.0, 120.0), ("999999999", LONGEST, LONGEST), ("soon", BASE / 2, BASE)):
        registration = made()
        request = sent(registration.handle_timer(0.0))
        registration.receive_response(answer(request, 503, ("Retry-After", asked)), 0.0)
        assert registration.next_deadline is not None
        assert least <= registration.next_deadline <= most


def test_an_answer_that_comes_late_changes_nothing() -> None:
    registration = made()
    request = sent(registration.handle_timer(0.0))
    registration.receive_response(answer(request, 200), 0.0)
    before = registration.next_deadline
    assert registration.receive_response(answer(request, 403), 1.0) is None
    assert (registration.standing, registration.next_deadline) == (Standing.REGISTERED, before)
