"""Client transaction of other requests: timers E, F, K."""

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.transaction.client_request import ClientRequest, State
from softswitch.transaction.timers import Timers
from tests.softswitch.transaction.driver import Driver
from tests.softswitch.transaction.messages import TCP, UDP, request, response

ELEVEN = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def asking(peer: Peer = UDP) -> tuple[Driver, Request]:
    options = request("OPTIONS")
    return Driver(ClientRequest(options, peer, Timers())).begin(), options


def test_an_unanswered_request_is_sent_eleven_times_then_fails_after_32_seconds() -> None:
    ask, _ = asking()
    ask.run_out()
    assert ask.send_times == ELEVEN
    assert ask.failed == [(32, "timeout")]
    assert ask.finished == [32]


def test_over_tcp_an_unanswered_request_is_sent_once_and_fails_after_32_seconds() -> None:
    ask, _ = asking(TCP)
    ask.run_out()
    assert ask.send_times == [0]
    assert ask.failed == [(32, "timeout")]


def test_after_a_provisional_response_it_is_repeated_every_four_seconds() -> None:
    ask, options = asking()
    ask.advance(0.7)
    ask.receive(response(options, 100))
    ask.run_out()
    assert ask.send_times == [0, 0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    assert ask.failed == [(32, "timeout")]


def test_a_final_response_is_told_once_and_its_repetitions_are_absorbed_for_five_seconds() -> None:
    ask, options = asking()
    ask.receive(response(options, 200))
    ask.advance(1)
    ask.receive(response(options, 200))
    ask.receive(response(options, 100))
    assert ask.transaction.state is State.COMPLETED
    ask.run_out()
    assert len(ask.delivered) == 1
    assert ask.finished == [5]
    assert ask.send_times == [0]


def test_over_tcp_a_final_response_ends_it_at_once() -> None:
    ask, options = asking(TCP)
    ask.receive(response(options, 200))
    assert ask.finished == [0]
    assert ask.transaction.terminated


def test_provisional_responses_are_all_told() -> None:
    ask, options = asking()
    for status in (100, 183, 180):
        ask.receive(response(options, status))
    assert ask.heard == [100, 183, 180]


def test_a_request_that_cannot_be_sent_fails_at_once_even_after_a_provisional_response() -> None:
    ask, options = asking()
    ask.receive(response(options, 100))
    ask.break_wire()
    assert ask.failed == [(0, "transport")]
    assert ask.finished == [0]


def test_a_broken_wire_after_the_final_response_changes_nothing() -> None:
    ask, options = asking()
    ask.receive(response(options, 200))
    ask.break_wire()
    assert not ask.failed
