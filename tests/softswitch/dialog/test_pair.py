"""Two sessions talk to each other: whole calls, races and losses as stories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.dialog.events import Acknowledged, Answered, Ended, OfferAnswered, Offered, Progressed
from softswitch.dialog.session import State
from softswitch.sip.message import Message, Request, Response
from tests.softswitch.dialog.messages import ANSWER, OFFER
from tests.softswitch.dialog.pair import CALLED, CALLER, Pair

HOLD = OFFER + b"a=sendonly\r\n"


def called(pair: Pair) -> Pair:
    pair.order(CALLER, lambda session, now: session.start(now))
    pair.settle()
    return pair


def standing(pair: Pair) -> Pair:
    called(pair)
    pair.order(CALLED, lambda session, now: session.progress(180, now))
    pair.order(CALLED, lambda session, now: session.answer(ANSWER, now))
    pair.settle()
    return pair


def states(pair: Pair) -> list[State]:
    return [session.state for session in pair.sessions if session is not None]


def test_a_whole_call() -> None:
    pair = standing(Pair())
    assert states(pair) == [State.CONFIRMED, State.CONFIRMED]
    pair.order(CALLED, lambda session, now: session.bye(now))
    pair.settle()
    assert pair.closed == [1, 1]
    assert [type(event) for event in pair.events[CALLER]] == [Progressed, Answered, Ended]
    assert pair.events[CALLER][-1] == Ended("remote", "bye")
    assert pair.events[CALLED] == [Acknowledged(None), Ended("local", "bye")]
    assert [what for _, what in pair.sent] == ["INVITE", "180", "200", "ACK", "BYE", "200"]


def test_a_whole_call_cancelled() -> None:
    pair = called(Pair())
    pair.order(CALLED, lambda session, now: session.progress(180, now))
    pair.settle()
    pair.order(CALLER, lambda session, now: session.cancel(now, "SIP;cause=200"))
    pair.settle()
    assert pair.events[CALLED] == [Ended("remote", "cancel", 487, "SIP;cause=200")]
    assert pair.closed == [1, 1]


def test_cancel_and_answer_pass_each_other_on_the_wire() -> None:
    pair = called(Pair())
    pair.order(CALLED, lambda session, now: session.progress(180, now))
    pair.settle()
    pair.order(CALLED, lambda session, now: session.answer(ANSWER, now))
    pair.order(CALLER, lambda session, now: session.cancel(now))
    pair.settle()
    assert [what for _, what in pair.sent] == ["INVITE", "180", "200", "CANCEL", "ACK", "BYE", "200", "200"]
    assert [event for event in pair.events[CALLER] if isinstance(event, Ended)] == [Ended("local", "cancel", 487)]
    assert pair.events[CALLED][-1] == Ended("remote", "bye")
    assert pair.closed == [1, 1]


def test_both_hold_at_the_same_moment_and_both_come_through() -> None:
    pair = standing(Pair())
    pair.order(CALLER, lambda session, now: session.reinvite(HOLD, now))
    pair.order(CALLED, lambda session, now: session.reinvite(HOLD, now))
    pair.settle()
    assert [what for _, what in pair.sent[-4:]] == ["INVITE", "INVITE", "491", "491"]
    for _ in range(8):
        pair.advance(1)
        for side in (CALLER, CALLED):
            pair.order(side, lambda session, now: session.answer_offer(ANSWER, now))
        pair.settle()
    for side in (CALLER, CALLED):
        assert pair.events[side].count(OfferAnswered(ANSWER)) == 1
        assert pair.events[side].count(Offered(HOLD)) == 1
    assert states(pair) == [State.CONFIRMED, State.CONFIRMED]


def test_both_hang_up_at_the_same_moment() -> None:
    pair = standing(Pair())
    for side in (CALLER, CALLED):
        pair.order(side, lambda session, now: session.bye(now))
    pair.settle()
    assert pair.closed == [1, 1]
    assert pair.events[CALLER][-1] == pair.events[CALLED][-1] == Ended("local", "bye")


def is_ack(message: Message) -> bool:
    return isinstance(message, Request) and message.method == "ACK"


def is_success(message: Message) -> bool:
    return isinstance(message, Response) and message.status == 200 and message.cseq.method == "INVITE"


@given(lost=st.sets(st.integers(0, 12)))
def test_a_call_stands_as_long_as_one_ack_gets_through(lost: set[int]) -> None:
    count = iter(range(1_000_000))
    pair = standing(Pair(lambda message: (is_ack(message) or is_success(message)) and next(count) in lost))
    pair.advance(100)
    ends = [[event for event in told if isinstance(event, Ended)] for told in pair.events]
    if pair.closed[CALLED]:
        assert ends == [[Ended("remote", "bye")], [Ended("local", "no_ack")]]
        assert pair.closed[CALLER]
        return
    assert ends == [[], []]
    assert states(pair) == [State.CONFIRMED, State.CONFIRMED]
    assert [type(event) for event in pair.events[CALLED]] == [Acknowledged]


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_lost_ack_ends_the_call_after_32_seconds(first: int) -> None:
    pair = standing(Pair(is_ack))
    assert states(pair) == [State.CONFIRMED, State.ANSWERED]
    pair.advance(first)
    pair.advance(32 - first)
    assert pair.events[CALLED] == [Ended("local", "no_ack")]
    assert pair.events[CALLER][-1] == Ended("remote", "bye")
    assert pair.closed == [1, 1]
    assert [what for _, what in pair.sent].count("ACK") == 11
