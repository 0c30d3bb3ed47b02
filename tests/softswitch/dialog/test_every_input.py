"""Long random walks over a session: whatever is ordered and whatever arrives, it stays in order and ends."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.dialog.effects import Cancel, Closed, Effect, Respond, SendAck, SendRequest, Tell
from softswitch.dialog.events import Ended, Refused
from softswitch.dialog.session import State
from softswitch.sip.errors import SipError
from softswitch.sip.message import Request
from softswitch.sip.parser import parse
from tests.softswitch.dialog.driver import Driver
from tests.softswitch.dialog.messages import ANSWER, OFFER, START, from_peer, incoming, outgoing, reply, to_peer

STATUSES = (100, 180, 183, 199, 200, 202, 302, 401, 408, 481, 486, 487, 488, 491, 500, 603)
METHODS = ("INVITE", "UPDATE", "BYE", "INFO", "OPTIONS", "ACK", "CANCEL", "REFER", "PRACK", "XYZZY")
TAGS = ("theirs", "theirs", "theirs", "fork", None)
CONTACTS = ("<sip:101@192.0.2.101>", "<sip:102@192.0.2.102>", None, "<tel:1>")
BODIES = (None, OFFER)


@dataclass
class Walk:
    """A session with everything that was said to it."""

    driver: Driver
    received: list[Request] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)
    number: int = 1

    def take(self, effects: list[Effect]) -> None:
        """Look at what the session asks for."""
        self.driver.take(effects)
        for effect in effects:
            match effect:
                case SendRequest(request) | SendAck(request):
                    assert "Via" not in request.headers
                    assert isinstance(parse(with_via(request).to_bytes()), Request)
                    if isinstance(effect, SendRequest):
                        self.sent.append(request)
                case Respond(request, response):
                    assert any(request is one for one in self.received)
                    assert request.method != "ACK"
                    assert response.cseq == request.cseq
                    assert response.status == 100 or response.to.tag is not None
                case Cancel(invite):
                    assert any(invite is one for one in self.sent)

    def run(self, what: Callable[[], list[Effect]]) -> None:
        """Do one thing; only an error of the message itself may come out."""
        with suppress(SipError):
            self.take(what())
        self.check()

    def check(self) -> None:
        """What must hold after every step."""
        driver = self.driver
        deadline = driver.session.next_deadline
        assert deadline is None or deadline > driver.now
        assert driver.closed <= 1
        assert len(driver.ends) <= 1
        assert (driver.closed == 1) == (driver.state is State.TERMINATED)
        if driver.state is State.TERMINATED:
            assert deadline is None
            assert len(driver.ends) == 1
        ends = [place for place, one in enumerate(driver.effects) if isinstance(one, Closed)]
        tells = [place for place, one in enumerate(driver.effects) if isinstance(one, Tell)]
        assert not ends or not tells or tells[-1] < ends[0]
        if driver.ends:
            assert isinstance(driver.events[-1], Ended | Refused)


def with_via(request: Request) -> Request:
    sent = request.copy()
    sent.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-walk")
    return sent


def orders(walk: Walk, choice: int) -> None:
    session, now = walk.driver.session, walk.driver.now
    every: list[Callable[[], list[Effect]]] = [
        lambda: session.progress(100, now),
        lambda: session.progress(183, now, ANSWER),
        lambda: session.answer(ANSWER, now),
        lambda: session.answer(ANSWER, now),
        lambda: session.refuse(486, now),
        lambda: session.cancel(now, "SIP;cause=200"),
        lambda: session.reinvite(OFFER, now),
        lambda: session.reinvite(None, now),
        lambda: session.answer_offer(ANSWER, now),
        lambda: session.refuse_offer(488, now),
        lambda: session.acknowledge(ANSWER, now),
        lambda: session.bye(now, "Q.850;cause=16"),
        lambda: session.info("text/plain", b"x", now),
    ]
    walk.run(every[choice % len(every)])


def peer_request(walk: Walk, method: str, step: int, tag: str | None, contact: str | None, sdp: bytes | None) -> None:
    if method in ("ACK", "CANCEL"):
        known = [one for one in walk.received if one.method == "INVITE"]
        number = known[-1].cseq.number if known else 1
    else:
        number = max(0, walk.number + step)
        walk.number = max(walk.number, number)
    request = from_peer(method, number, from_tag=tag, contact=contact, sdp=sdp)
    walk.received.append(request)
    now = walk.driver.now
    walk.run(lambda: walk.driver.session.receive(request, now))


def peer_response(walk: Walk, which: int, status: int, tag: str | None, contact: str | None, sdp: bytes | None) -> None:
    if not walk.sent:
        return
    request = walk.sent[which % len(walk.sent)]
    now = walk.driver.now
    if status == 408 and which % 2:
        cause = "timeout" if sdp else "transport"
        walk.run(lambda: walk.driver.session.request_failed(request, cause, now))
        return
    response = reply(request, status, tag=tag, contact=contact, sdp=sdp)
    walk.run(lambda: walk.driver.session.receive_response(response, now))


def advance(walk: Walk, seconds: float) -> None:
    until = walk.driver.now + seconds
    session = walk.driver.session
    while (deadline := session.next_deadline) is not None and deadline <= until:
        walk.driver.now = deadline
        walk.run(lambda: session.handle_timer(walk.driver.now))
    walk.driver.now = until


STEPS = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 100)),
    st.tuples(
        st.just("request"),
        st.sampled_from(METHODS),
        st.sampled_from([-1, 0, 1, 1, 1, 5]),
        st.sampled_from(TAGS),
        st.sampled_from(CONTACTS),
        st.sampled_from(BODIES),
    ),
    st.tuples(
        st.just("response"),
        st.integers(0, 100),
        st.sampled_from(STATUSES),
        st.sampled_from(TAGS),
        st.sampled_from(CONTACTS),
        st.sampled_from(BODIES),
    ),
    st.tuples(st.just("time"), st.sampled_from([0.0, 0.1, 0.5, 2.0, 10.0, 40.0, 200.0])),
)
ACTIONS: dict[str, Callable[..., None]] = {
    "order": orders,
    "request": peer_request,
    "response": peer_response,
    "time": advance,
}


def begin(kind: str) -> Walk:
    if kind == "called":
        session = incoming()
        return Walk(Driver(session), received=[session.invite])
    if kind == "called without offer":
        session = incoming(from_peer("INVITE", 1, to_tag=None))
        return Walk(Driver(session), received=[session.invite])
    session = outgoing(to_peer(OFFER if kind == "calling" else None))
    walk = Walk(Driver(session), number=0)
    walk.take(session.start(START))
    return walk


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["called", "called without offer", "calling", "calling without offer"]),
    steps=st.lists(STEPS, max_size=30),
)
def test_whatever_happens_a_session_stays_in_order_and_ends(kind: str, steps: list[tuple[object, ...]]) -> None:
    walk = begin(kind)
    for name, *arguments in steps:
        ACTIONS[str(name)](walk, *arguments)
    finish(walk)
    check_answers(walk)
    check_numbers(walk)


def finish(walk: Walk) -> None:
    """Hang up and let the wire fall silent."""
    session = walk.driver.session
    walk.run(lambda: session.bye(walk.driver.now))
    if session.state is State.CANCELLING:
        walk.run(lambda: session.request_failed(session.invite, "timeout", walk.driver.now))
    advance(walk, 300)
    assert session.state is State.TERMINATED
    assert walk.driver.closed == 1


def check_answers(walk: Walk) -> None:
    """Every request has had at most one final response, and all that were not broken have had one."""
    for request in walk.received:
        given = [one.response for one in walk.driver.all(Respond) if one.request is request]
        finals = {id(response): response for response in given if response.status >= 200}
        assert len(finals) <= 1
        if request.method != "ACK" and all(contact.uri.is_sip for contact in request.contacts):
            assert finals


def check_numbers(walk: Walk) -> None:
    """CSeq numbers of one dialog only grow, and no ACK goes out for an INVITE that was not ours."""
    by_tag: dict[str | None, list[int]] = {}
    for request in walk.sent:
        if request.to.tag is not None:
            by_tag.setdefault(request.to.tag, []).append(request.cseq.number)
    for numbers in by_tag.values():
        assert numbers == sorted(set(numbers))
    invites = {request.cseq.number for request in walk.sent if request.method == "INVITE"}
    assert {one.request.cseq.number for one in walk.driver.all(SendAck)} <= invites
