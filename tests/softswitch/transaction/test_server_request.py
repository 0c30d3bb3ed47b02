"""Server transaction of other requests: timer J."""

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.transaction.server_request import ServerRequest, State
from softswitch.transaction.timers import Timers
from tests.softswitch.transaction.driver import Driver
from tests.softswitch.transaction.messages import TCP, UDP, request, response


def asked(peer: Peer = UDP) -> tuple[Driver, Request]:
    register = request("REGISTER", uri="sip:localhost")
    return Driver(ServerRequest(register, peer, Timers())).begin(), register


def test_the_request_is_handed_up_once_and_its_repetitions_wait_for_the_answer() -> None:
    ask, register = asked()
    ask.receive(register)
    assert [message for _, message in ask.delivered] == [register]
    assert not ask.sent


def test_a_repeated_request_brings_the_answer_again_for_32_seconds() -> None:
    ask, register = asked()
    ask.advance(1)
    answer = response(register, 200)
    ask.respond(answer)
    ask.advance(10)
    ask.receive(register)
    ask.run_out()
    assert ask.sent == [(1, answer), (11, answer)]
    assert ask.finished == [33]
    assert len(ask.delivered) == 1


def test_over_tcp_the_answer_ends_it_at_once() -> None:
    ask, register = asked(TCP)
    ask.respond(response(register, 200))
    assert ask.finished == [0]
    assert ask.transaction.next_deadline is None


def test_a_provisional_answer_is_repeated_until_the_final_one() -> None:
    ask, register = asked()
    ask.respond(response(register, 100))
    ask.receive(register)
    ask.respond(response(register, 401))
    ask.receive(register)
    assert ask.sent_kinds == ["100", "100", "401", "401"]


def test_only_the_first_final_answer_counts() -> None:
    ask, register = asked()
    ask.respond(response(register, 200))
    ask.respond(response(register, 500))
    assert ask.sent_kinds == ["200"]
    assert ask.transaction.state is State.COMPLETED


def test_an_answer_that_cannot_be_sent_ends_it() -> None:
    ask, register = asked()
    ask.respond(response(register, 200))
    ask.break_wire()
    assert ask.failed == [(0, "transport")]
    assert ask.finished == [0]
