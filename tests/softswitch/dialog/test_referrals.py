"""REFER inside a call, and the NOTIFYs that tell what became of it."""

from collections.abc import Callable

import pytest

from softswitch.dialog.events import Ended, Referred
from softswitch.dialog.session import State
from tests.softswitch.dialog.driver import Driver, confirmed_incoming, confirmed_outgoing
from tests.softswitch.dialog.messages import from_peer, reply

BOTH = pytest.mark.parametrize("stand", [confirmed_incoming, confirmed_outgoing])


def refer(call: Driver, number: int = 2, lines: str = "") -> None:
    call.receive(from_peer("REFER", number, lines=f"Refer-To: <sip:3@example.com>\r\n{lines}"))


def accept(call: Driver) -> None:
    call.take(call.session.answer_refer(202, call.now))


def notify(call: Driver, status: int) -> None:
    call.take(call.session.notify_referral(status, call.now))


def told(call: Driver) -> list[str]:
    """The bodies of all NOTIFYs so far."""
    sent = [one for one in call.effects if getattr(one, "request", None) is not None]
    return [
        one.request.body.decode().strip()  # type: ignore[union-attr]
        for one in sent
        if one.request.method == "NOTIFY" and hasattr(one, "next_hop")  # type: ignore[union-attr]
    ]


@BOTH
def test_a_refer_is_told_and_answered_and_its_first_notify_follows_at_once(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call)
    assert [type(event) for event in call.events] == [Referred]
    assert call.statuses == []
    accept(call)
    assert call.statuses == [("REFER", 202)]
    assert call.last_response.headers.get("Contact")
    assert call.last_request.method == "NOTIFY"
    headers = call.last_request.headers
    assert headers.get("Event") == "refer"
    assert (headers.get("Subscription-State") or "").startswith("active;expires=")
    assert told(call) == ["SIP/2.0 100 Trying"]


@BOTH
def test_one_notify_at_a_time_and_the_newest_that_waits_and_the_last_ends_it(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call)
    accept(call)
    first = call.last_request
    notify(call, 180)
    notify(call, 183)
    assert told(call) == ["SIP/2.0 100 Trying"]
    call.hear(reply(first, 200))
    assert told(call) == ["SIP/2.0 100 Trying", "SIP/2.0 183 Session Progress"]
    notify(call, 486)
    notify(call, 180)
    call.hear(reply(call.last_request, 200))
    assert told(call)[2:] == ["SIP/2.0 486 Busy Here"]
    assert call.last_request.headers.get("Subscription-State") == "terminated;reason=noresource"
    call.hear(reply(call.last_request, 200))
    notify(call, 200)
    assert len(told(call)) == 3


@BOTH
def test_a_second_refer_waits_for_the_end_of_the_first_and_its_notifys_name_it(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call, 2)
    refer(call, 3)
    assert call.statuses == [("REFER", 491)]
    accept(call)
    refer(call, 4)
    assert call.statuses[1:] == [("REFER", 202), ("REFER", 491)]
    call.hear(reply(call.last_request, 200))
    notify(call, 200)
    call.hear(reply(call.last_request, 200))
    refer(call, 5)
    accept(call)
    assert call.last_request.headers.get("Event") == "refer;id=5"


@BOTH
def test_who_wants_no_notify_gets_none(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call, lines="Refer-Sub: false\r\nRequire: norefersub\r\n")
    accept(call)
    notify(call, 200)
    assert call.last_response.headers.get("Refer-Sub") == "false"
    assert told(call) == []


@BOTH
@pytest.mark.parametrize("status", [481, 408, 489, None])
def test_a_notify_that_nobody_takes_ends_the_subscription_and_not_the_call(
    stand: Callable[[], Driver], status: int | None
) -> None:
    call = stand()
    refer(call)
    accept(call)
    if status is None:
        call.fail(call.last_request)
    else:
        call.hear(reply(call.last_request, status))
    notify(call, 200)
    assert told(call) == ["SIP/2.0 100 Trying"]
    assert call.state is State.CONFIRMED
    assert call.ends == []


@BOTH
def test_the_last_word_goes_out_before_the_bye(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call)
    accept(call)
    notify(call, 200)
    assert told(call) == ["SIP/2.0 100 Trying"]
    call.take(call.session.bye(call.now))
    assert call.requests == ["NOTIFY", "NOTIFY", "BYE"]
    assert told(call)[-1] == "SIP/2.0 200 OK"


@BOTH
def test_the_peers_bye_ends_everything(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call)
    call.receive(from_peer("BYE", 3))
    assert call.statuses == [("BYE", 200), ("REFER", 487)]
    assert isinstance(call.events[-1], Ended)
    refer(call, 4)
    assert call.statuses[-1] == ("REFER", 481)
    accept(call)
    notify(call, 200)
    assert told(call) == []


@BOTH
def test_a_refer_that_is_refused_leaves_the_call_as_it_was(stand: Callable[[], Driver]) -> None:
    call = stand()
    refer(call)
    call.take(call.session.answer_refer(404, call.now))
    assert call.statuses == [("REFER", 404)]
    assert told(call) == []
    refer(call, 3)
    accept(call)
    assert told(call) == ["SIP/2.0 100 Trying"]
