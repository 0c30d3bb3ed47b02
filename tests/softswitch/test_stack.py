"""Two stacks on a virtual wire: every timer by a clock that is turned by hand, every loss by pattern."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from softswitch.dialog import events as told
from softswitch.dialog.session import Session
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri
from softswitch.stack import Stack
from softswitch.transport.resolver import literal_peer
from tests.softswitch.wire import HandClock, MemoryTransport, Packet, Wire, lose

HERE, THERE = Peer("udp", "192.0.2.1", 5060), Peer("udp", "192.0.2.2", 5060)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"


class Core:
    """Answers everything, takes every call, and keeps what it was told."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.sessions: list[Session] = []
        self.heard: list[object] = []
        self.bug = False

    def answer(self, request: Request, peer: Peer) -> Response:
        if self.bug:
            raise RuntimeError("a bug")
        return respond(request, 200, to_tag="core")

    def admit(self, request: Request, peer: Peer) -> object:
        return "somebody"

    def is_ours(self, uri: Uri) -> bool:
        return True

    def begin(self, session: Session, origin: Any, peer: Peer) -> None:
        self.sessions.append(session)
        self.stack.listen(session, self.heard.append)


class Side:
    """One stack with its transport."""

    def __init__(self, net: "Net", place: Peer, seed: int) -> None:
        self.place = place
        self.stack = Stack(net.clock, lambda when: None, rng=random.Random(seed), locate=literal_peer)
        self.transport = MemoryTransport(net.wire, place.transport, place.host, place.port)
        self.stack.add_transport(self.transport)
        self.stream = self.transport
        """Its second way out, when it has one."""
        self.core = Core(self.stack)
        self.stack.core = self.core
        self.heard: list[object] = []
        net.wire.plug(place, self._receive)

    def _receive(self, data: bytes, source: Peer) -> None:
        if self.place.transport == "udp":
            self.stack.receive_datagram(data, source)
        else:
            self.stack.receive(parse(data), source)

    def dial(self, other: "Side", *headers: tuple[str, str]) -> Session:
        contact = self.stack.contact(other.place, "switch")
        lines = [
            ("Max-Forwards", "70"), ("From", "<sip:switch@192.0.2.1>;tag=mine"), ("To", "<sip:101@192.0.2.2>"),
            ("Call-ID", "call-1"), ("CSeq", "1 INVITE"), ("Contact", contact), *headers,
            ("Content-Type", "application/sdp"),
        ]  # fmt: skip
        uri = f"sip:101@{other.place.host}:{other.place.port}"
        invite = Request("INVITE", uri, lines, OFFER)
        return self.stack.dial(invite, other.place, self.heard.append, symmetric=False)

    def order(self, session: Session, act: Callable[[Session, float], Any]) -> None:
        self.stack.perform(session, act)

    def heard_of(self, kind: type) -> list[Any]:
        return [one for one in (*self.heard, *self.core.heard) if isinstance(one, kind)]


class Net:
    """Two sides and the time between them."""

    def __init__(self, transport: str = "udp") -> None:
        self.clock = HandClock()
        self.wire = Wire(self.clock)
        self.near = Side(self, HERE._replace(transport=transport), 1)
        self.far = Side(self, THERE._replace(transport=transport), 2)
        self.began = self.clock.now

    def turn(self, seconds: float) -> None:
        """Let time pass; every timer at its moment, every packet at once."""
        until = self.clock.now + seconds
        self.wire.deliver()
        while True:
            due = [side.stack.handle_timers() for side in (self.near, self.far)]
            self.wire.deliver()
            following = min((one for one in due if one is not None and one <= until), default=None)
            if following is None:
                break
            self.clock.now = max(self.clock.now, following)
        self.clock.now = until

    def times(self, kind: str) -> list[float]:
        """When packets of a kind were sent, from the beginning."""
        return [round(packet.at - self.began, 3) for packet in self.wire.sent(kind)]

    def talk(self) -> tuple[Session, Session]:
        """A call that is answered and acknowledged; both sessions."""
        mine = self.near.dial(self.far)
        self.wire.deliver()
        theirs = self.far.core.sessions[-1]
        self.far.order(theirs, lambda session, now: session.answer(OFFER, now))
        self.wire.deliver()
        return mine, theirs

    def check_nothing_is_left(self) -> None:
        """All timers run out; no book holds anything."""
        self.turn(300.0)
        for side in (self.near, self.far):
            stack = side.stack
            books = {
                "usages": stack._usages._by_local, "by remote": stack._usages._by_remote,
                "sessions": stack._usages._by_session,
                "users": stack._traffic._users, "invites": stack._traffic._invites, "servers": stack.table._servers,
                "clients": stack.table._clients, "deadlines": stack._deadlines._armed, "heap": stack._deadlines._heap,
            }  # fmt: skip
            assert {name: book for name, book in books.items() if book} == {}
            assert stack.counters.bugs == 0


@pytest.fixture
def net() -> Any:
    net = Net()
    yield net
    net.check_nothing_is_left()


def hang_up(session: Session, now: float) -> Any:
    return session.bye(now)


def pass_by(net: Net) -> list[str]:
    return [packet.kind for packet in net.wire.log]


# whole calls


def test_a_call_that_loses_nothing_needs_seven_messages(net: Net) -> None:
    mine, _ = net.talk()
    net.turn(1.0)
    net.near.order(mine, hang_up)
    net.turn(1.0)
    assert pass_by(net) == ["INVITE", "100 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
    assert [one.by for one in net.far.heard_of(told.Ended)] == ["remote"]


def test_an_unanswered_invite_is_sent_seven_times_then_fails_after_32_seconds(net: Net) -> None:
    net.wire.lose = lambda packet: True
    net.near.dial(net.far)
    net.turn(31.9)
    assert net.near.heard == []
    net.turn(0.2)
    assert net.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert [one.status for one in net.near.heard_of(told.Refused)] == [408]


def test_over_a_connection_the_invite_is_sent_once() -> None:
    net = Net("tcp")
    net.wire.lose = lambda packet: True
    net.near.dial(net.far)
    net.turn(33.0)
    assert net.times("INVITE") == [0]
    assert [one.status for one in net.near.heard_of(told.Refused)] == [408]
    net.check_nothing_is_left()


def test_a_lost_100_costs_a_repetition_that_is_no_second_call(net: Net) -> None:
    net.wire.lose = lose("100 INVITE", 1)
    mine = net.near.dial(net.far)
    net.turn(0.6)
    assert net.times("INVITE") == [0, 0.5]
    assert len(net.far.core.sessions) == 1
    net.far.order(net.far.core.sessions[0], lambda session, now: session.refuse(486, now))
    net.turn(1.0)
    assert [one.status for one in net.near.heard_of(told.Refused)] == [486]
    assert mine.next_deadline is None


def test_a_lost_200_is_repeated_until_the_ack_comes(net: Net) -> None:
    net.wire.lose = lose("200 INVITE", 1, 2)
    mine, _ = net.talk()
    net.turn(2.0)
    assert net.times("200 INVITE") == [0, 0.5, 1.5]
    assert len(net.wire.sent("ACK")) == 1
    net.near.order(mine, hang_up)


def test_a_lost_ack_is_sent_again_for_the_repeated_200(net: Net) -> None:
    net.wire.lose = lose("ACK", 1, 2)
    mine, _ = net.talk()
    net.turn(10.0)
    assert net.times("ACK") == [0, 0.5, 1.5]
    assert len(net.far.heard_of(told.Acknowledged)) == 1
    net.near.order(mine, hang_up)


def test_when_every_ack_is_lost_the_call_ends_after_32_seconds(net: Net) -> None:
    net.wire.lose = lose("ACK")
    net.talk()
    net.turn(31.9)
    assert net.far.heard_of(told.Ended) == []
    net.turn(0.2)
    assert [one.cause for one in net.far.heard_of(told.Ended)] == ["no_ack"]
    assert net.times("200 INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert [one.by for one in net.near.heard_of(told.Ended)] == ["remote"]


def test_a_lost_refusal_is_repeated_until_its_ack(net: Net) -> None:
    net.wire.lose = lose("486 INVITE", 1, 2)
    net.near.dial(net.far)
    net.wire.deliver()
    net.far.order(net.far.core.sessions[0], lambda session, now: session.refuse(486, now))
    net.turn(10.0)
    assert net.times("486 INVITE") == [0, 0.5, 1.5]
    assert len(net.wire.sent("ACK")) == 1


def test_a_refusal_that_nobody_acknowledges_is_given_up(net: Net) -> None:
    net.wire.lose = lose("ACK")
    net.near.dial(net.far)
    net.wire.deliver()
    net.far.order(net.far.core.sessions[0], lambda session, now: session.refuse(486, now))
    net.turn(40.0)
    assert len(net.wire.sent("486 INVITE")) == 11


def test_a_lost_bye_is_sent_eleven_times(net: Net) -> None:
    mine, _ = net.talk()
    net.wire.lose = lose("BYE")
    net.near.order(mine, hang_up)
    net.turn(40.0)
    assert net.times("BYE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert net.near.stack.session_count() == 0
    theirs = net.far.core.sessions[0]
    net.wire.lose = lambda packet: False
    net.far.order(theirs, hang_up)  # the far side still believes in the call
    net.turn(1.0)
    assert net.wire.sent("481 BYE")


def test_both_hang_up_in_the_same_moment(net: Net) -> None:
    mine, theirs = net.talk()
    net.near.order(mine, hang_up)
    net.far.order(theirs, hang_up)
    net.turn(1.0)
    assert [packet.kind for packet in net.wire.log[-4:]] == ["BYE", "BYE", "200 BYE", "200 BYE"]


# CANCEL


def test_a_cancel_is_held_until_something_is_heard(net: Net) -> None:
    net.wire.lose = lose("100 INVITE", 1)
    mine = net.near.dial(net.far)
    net.wire.deliver()
    net.near.order(mine, lambda session, now: session.cancel(now))
    net.wire.deliver()
    assert net.wire.sent("CANCEL") == []
    net.turn(0.6)
    assert pass_by(net)[-4:] == ["CANCEL", "200 CANCEL", "487 INVITE", "ACK"]


def test_a_cancel_that_crosses_the_answer_ends_in_ack_and_bye(net: Net) -> None:
    mine = net.near.dial(net.far)
    net.wire.deliver()
    net.far.order(net.far.core.sessions[0], lambda session, now: session.answer(OFFER, now))
    net.near.order(mine, lambda session, now: session.cancel(now))
    net.turn(1.0)
    assert pass_by(net)[2:] == ["200 INVITE", "CANCEL", "ACK", "BYE", "200 CANCEL", "200 BYE"]
    assert net.near.heard_of(told.Answered) == []


def test_a_cancel_that_nobody_answers_leaves_nothing_after_32_seconds(net: Net) -> None:
    mine = net.near.dial(net.far)
    net.wire.deliver()
    net.wire.lose = lambda packet: True
    net.near.order(mine, lambda session, now: session.cancel(now))
    net.turn(40.0)
    assert len(net.near.stack.table) == 0
    net.wire.lose = lambda packet: False
    net.far.order(net.far.core.sessions[0], lambda session, now: session.refuse(480, now))


# offers within a call


def test_two_reinvites_that_cross_are_both_491_and_are_tried_again(net: Net) -> None:
    mine, theirs = net.talk()
    net.near.order(mine, lambda session, now: session.reinvite(OFFER, now))
    net.far.order(theirs, lambda session, now: session.reinvite(OFFER, now))
    net.turn(0.0)
    assert len(net.wire.sent("491 INVITE")) == 2
    second = next(one for one in _turn_until_invite(net) if one.source == net.far.place)
    waited = second.at - net.began
    assert waited <= 2.0, "the side that does not own the Call-ID tries first"
    net.near.order(mine, lambda session, now: session.answer_offer(OFFER, now))
    net.turn(5.0)
    retried = net.wire.sent("INVITE", net.near.place)[-1]
    assert 2.1 <= retried.at - net.began <= 4.0
    net.far.order(theirs, lambda session, now: session.answer_offer(OFFER, now))
    net.turn(1.0)
    assert len(net.near.heard_of(told.OfferAnswered)) == 1
    assert len(net.far.heard_of(told.OfferAnswered)) == 1
    net.near.order(mine, hang_up)


def _turn_until_invite(net: Net) -> list[Packet]:
    known = len(net.wire.sent("INVITE"))
    for _ in range(100):
        net.turn(0.05)
        fresh = net.wire.sent("INVITE")[known:]
        if fresh:
            return fresh
    raise AssertionError("no re-INVITE came")


def test_a_lower_number_is_500_and_changes_nothing(net: Net) -> None:
    mine, _ = net.talk()
    assert mine.dialog is not None
    mine.dialog.local_seq = 0
    net.near.order(mine, lambda session, now: session.info("application/dtmf", b"1", now))
    net.wire.deliver()
    mine.dialog.local_seq = 5
    net.near.order(mine, hang_up)
    net.turn(1.0)
    kinds = pass_by(net)
    assert "200 BYE" in kinds


# requests outside of calls


class User:
    """Keeps what became of its request."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.failures: list[str] = []

    def receive_response(self, response: Response, now: float) -> list[object]:
        self.statuses.append(response.status)
        return []

    def request_failed(self, request: Request, cause: str, now: float) -> list[object]:
        self.failures.append(cause)
        return []


def options(call_id: str = "options-1") -> Request:
    lines = [
        ("Max-Forwards", "70"), ("From", "<sip:a@192.0.2.1>;tag=a"), ("To", "<sip:b@192.0.2.2>"),
        ("Call-ID", call_id), ("CSeq", "1 OPTIONS"),
    ]  # fmt: skip
    return Request("OPTIONS", "sip:b@192.0.2.2", lines)


def test_a_request_is_answered_once_though_its_answer_is_lost_twice(net: Net) -> None:
    net.wire.lose = lose("200 OPTIONS", 1, 2)
    user = User()
    net.near.stack.request(options(), net.far.place, user)
    net.turn(10.0)
    assert user.statuses == [200]
    assert net.times("OPTIONS") == [0, 0.5, 1.5]


def test_a_request_that_nobody_answers_fails_after_32_seconds(net: Net) -> None:
    net.wire.lose = lambda packet: True
    user = User()
    net.near.stack.request(options(), net.far.place, user)
    net.turn(33.0)
    assert user.failures == ["timeout"]
    assert len(net.times("OPTIONS")) == 11


def test_a_request_over_a_wire_that_is_cut_fails_at_once(net: Net) -> None:
    net.near.transport.broken = True
    user = User()
    net.near.stack.request(options(), net.far.place, user)
    assert user.failures == ["transport"]
    assert net.near.stack.counters.send_errors == 1


def test_a_request_without_a_transport_for_it_fails_at_once(net: Net) -> None:
    user = User()
    net.near.stack.request(options(), Peer("tls", "192.0.2.2", 5061), user)
    net.near.stack.request(options("two"), Peer("udp", "2001:db8::1", 5060), user)
    assert user.failures == ["transport", "transport"]


def test_an_answer_that_cannot_be_sent_leaves_no_transaction() -> None:
    net = Net("tcp")
    user = User()
    net.near.stack.request(options(), net.far.place, user)
    net.far.transport.broken = True
    net.wire.deliver()
    assert len(net.far.stack.table) == 0
    net.turn(40.0)
    assert user.failures == ["timeout"]
    net.check_nothing_is_left()


def test_a_connection_that_breaks_fails_what_waits_for_it_and_nothing_else() -> None:
    net = Net("tcp")
    net.wire.lose = lambda packet: True
    user, other = User(), User()
    net.near.stack.request(options(), net.far.place, user)
    net.near.stack.request(options("two"), net.far.place._replace(port=5070), other)
    net.near.stack.transport_failed(net.far.place._replace(flow=7))
    assert (user.failures, other.failures) == (["transport"], [])
    net.check_nothing_is_left()


def test_a_call_fails_at_once_when_its_connection_cannot_be_made() -> None:
    net = Net("tcp")
    net.wire.lose = lambda packet: True
    net.near.dial(net.far)
    net.near.stack.transport_failed(net.far.place)
    assert [one.status for one in net.near.heard_of(told.Refused)] == [503]
    net.check_nothing_is_left()


# what must not hurt


def test_a_bug_in_the_core_is_logged_answered_and_leaves_nothing(net: Net) -> None:
    net.far.core.bug = True
    user = User()
    with capture_logs() as log:
        net.near.stack.request(options(), net.far.place, user)
        net.turn(1.0)
    assert [line["event"] for line in log] == ["bug"]
    assert user.statuses == [500]
    assert net.far.stack.counters.bugs == 1
    net.far.stack.counters.bugs = 0


def test_a_bug_in_a_timer_does_not_stop_the_others(net: Net) -> None:
    net.wire.lose = lambda packet: True
    broken, sane = User(), User()
    broken.request_failed = lambda request, cause, now: 1 / 0  # type: ignore[method-assign,assignment]
    net.near.stack.request(options("one"), net.far.place, broken)
    net.near.stack.request(options("two"), net.far.place, sane)
    with capture_logs() as log:
        net.turn(40.0)
    assert "bug" in [line["event"] for line in log]
    assert sane.failures == ["timeout"]
    net.near.stack.counters.bugs = 0


def test_responses_that_belong_to_nothing_are_counted_and_dropped(net: Net) -> None:
    text = (
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    )
    net.far.stack.receive_datagram(text.encode(), net.near.place)
    assert net.far.stack.counters.unmatched_responses == 1
    assert net.wire.log == []


def test_keep_alives_are_not_counted(net: Net) -> None:
    for data in (b"\r\n\r\n", b"\r\n", b"\0", b"\0\0\0\0", b""):
        net.far.stack.receive_datagram(data, net.near.place)
    assert net.far.stack.counters.received == 0


def test_when_the_table_is_full_new_requests_are_503_and_old_ones_go_on(net: Net) -> None:
    mine, _ = net.talk()
    net.far.stack.table.limit = net.far.stack.table.server_count
    user = User()
    net.near.stack.request(options(), net.far.place, user)
    net.wire.deliver()
    assert user.statuses == [503]
    net.far.stack.table.limit = 1000
    net.near.order(mine, hang_up)


def test_more_calls_than_there_is_room_for_are_503(net: Net) -> None:
    net.far.stack._max_sessions = 0
    net.near.dial(net.far)
    net.turn(1.0)
    (refused,) = net.near.heard_of(told.Refused)
    assert refused.status == 503
    assert refused.response.headers.get("Retry-After")


def test_without_a_core_everything_is_503(net: Net) -> None:
    net.far.stack.core = None
    user = User()
    net.near.stack.request(options(), net.far.place, user)
    net.near.dial(net.far)
    net.turn(1.0)
    assert user.statuses == [503]
    assert [one.status for one in net.near.heard_of(told.Refused)] == [503]


def test_a_forked_call_keeps_the_first_answer_and_hangs_up_the_second(net: Net) -> None:
    net.far.stack.core = None
    net.wire.unplug(net.far.place)
    got: list[bytes] = []
    net.wire.plug(net.far.place, lambda data, source: got.append(data))
    mine = net.near.dial(net.far)
    net.wire.deliver()
    invite = parse(got[0])
    assert isinstance(invite, Request)
    for tag in ("one", "two"):
        answer = respond(
            invite, 200, to_tag=tag, headers=[("Contact", f"<sip:{tag}@192.0.2.2:5060>")], body=OFFER,
            content_type="application/sdp",
        )  # fmt: skip
        net.wire.send(answer.to_bytes(), net.far.place, net.near.place)
        net.wire.deliver()
    sent = [parse(data) for data in got[1:]]
    assert [(one.method, one.to.tag) for one in sent if isinstance(one, Request)] == [
        ("ACK", "one"), ("ACK", "two"), ("BYE", "two"),
    ]  # fmt: skip
    assert len(net.near.heard_of(told.Answered)) == 1
    net.near.order(mine, hang_up)


@pytest.mark.parametrize("seed", range(20))
def test_calls_survive_any_loss_of_a_third_and_leave_nothing(seed: int) -> None:
    net = Net()
    dice = random.Random(seed)
    net.wire.lose = lambda packet: dice.random() < 0.33
    mine = net.near.dial(net.far)
    net.turn(dice.random() * 5)
    if net.far.core.sessions and dice.random() < 0.7:
        net.far.order(net.far.core.sessions[0], lambda session, now: session.answer(OFFER, now))
    net.turn(dice.random() * 40)
    net.near.order(mine, hang_up)
    net.turn(dice.random() * 40)
    for session in net.far.core.sessions:
        net.far.order(session, hang_up)
    net.check_nothing_is_left()
    assert len(net.far.core.sessions) <= 1
    ends = net.near.heard_of(told.Ended) + net.near.heard_of(told.Refused)
    assert len([one for one in net.near.heard if isinstance(one, (told.Ended, told.Refused))]) == 1, ends


LARGE = ("Subject", "x" * 1300)


@pytest.fixture
def both() -> Net:
    """Two sides that speak UDP and TCP."""
    net = Net()
    for side in (net.near, net.far):
        place = side.place._replace(transport="tcp")
        side.stream = MemoryTransport(net.wire, place.transport, place.host, place.port)
        side.stack.add_transport(side.stream)
        net.wire.plug(place, lambda data, source, stack=side.stack: stack.receive(parse(data), source))
    return net


def test_a_request_too_large_for_a_datagram_goes_by_tcp(both: Net) -> None:
    both.near.dial(both.far, LARGE)
    both.wire.deliver()
    (invite,) = both.wire.sent("INVITE")
    assert invite.target == both.far.place._replace(transport="tcp")
    assert b"\r\nVia: SIP/2.0/TCP " in invite.data
    assert len(both.far.core.sessions) == 1
    both.turn(2)
    assert len(both.wire.sent("INVITE")) == 1  # a connection loses nothing


def test_a_large_request_goes_by_udp_where_no_tcp_is_taken_and_the_next_one_at_once(both: Net) -> None:
    place = both.far.place._replace(transport="tcp")
    both.wire.unplug(place)
    both.near.dial(both.far, LARGE)
    both.wire.deliver()
    both.near.stack.transport_failed(place)  # what a transport tells when it cannot connect
    both.wire.deliver()
    assert [one.target.transport for one in both.wire.sent("INVITE")] == ["tcp", "udp"]
    assert both.wire.sent("INVITE")[1].data.count(b"\r\nVia: ") == 1
    assert len(both.far.core.sessions) == 1
    both.turn(0.1)
    assert len(both.near.stack.table) == 1  # nothing of the first attempt is left
    both.near.dial(both.far, LARGE, ("X-Call", "2"))
    both.wire.deliver()
    assert both.wire.sent("INVITE")[-1].target.transport == "udp"


def test_a_large_request_goes_by_udp_when_the_connection_breaks_at_once(both: Net) -> None:
    both.near.stream.broken = True
    both.near.dial(both.far, LARGE)
    both.wire.deliver()
    assert [one.target.transport for one in both.wire.sent("INVITE")] == ["udp"]
    assert len(both.far.core.sessions) == 1


def test_without_tcp_of_ours_a_large_request_goes_by_udp() -> None:
    net = Net()
    net.near.dial(net.far, LARGE)
    net.wire.deliver()
    assert [one.target.transport for one in net.wire.sent("INVITE")] == ["udp"]
