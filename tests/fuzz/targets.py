"""What is fuzzed: each target takes octets and raises when something does not hold that must hold for any octets."""

import random
from collections.abc import Callable
from contextlib import suppress

from softswitch.core.authenticator import Authenticator
from softswitch.core.user_agent import inspect
from softswitch.sip.digest import Nonces, build_credentials, choose, hash_a1, verify
from softswitch.sip.errors import SipError
from softswitch.sip.fields import Challenge, Credentials
from softswitch.sip.message import Request, Response, respond, stamp_via
from softswitch.sip.negotiate import LocalMedia, accept_answer, answer_offer, make_offer
from softswitch.sip.parser import Ping, StreamParser, parse
from softswitch.sip.peer import Peer
from softswitch.sip.sdp import Sdp
from softswitch.stack import Stack
from tests.softswitch.dialog import test_every_input as dialogs
from tests.softswitch.transaction import test_every_input as transactions

PEER = Peer("udp", "192.0.2.1", 5060)
LOCAL = LocalMedia("192.0.2.2", 4000, ("PCMA", "PCMU", "G722"), srtp="preferred")
MAX_ANSWER = 65_535
MAX_GROWTH = 4096
"""Octets that an answer may have more than its request."""


def parser(data: bytes) -> None:
    """A datagram is a message or a `SipError`; what we write of it is read again as the same."""
    try:
        message = parse(data)
    except SipError:
        return
    again = parse(message.to_bytes())
    assert again.start_line == message.start_line
    assert _without_length(again) == _without_length(message)
    assert again.body == message.body
    if isinstance(message, Request):
        _serve(message)


def _without_length(message: Request | Response) -> list[tuple[str, str]]:
    """The headers but Content-Length, which is written anew."""
    return [line for line in message.headers.lines if line[0] != "Content-Length"]


def _serve(request: Request) -> None:
    with suppress(SipError):
        stamp_via(request, PEER)
        inspect(request)
        answer = respond(request, 404, to_tag="x")
        assert isinstance(parse(answer.to_bytes()), Response)
    for name in ("routes", "record_routes", "contacts", "vias", "expires", "max_forwards", "content_type"):
        with suppress(SipError):
            getattr(request, name)


def stream(data: bytes) -> None:
    """A stream gives the same messages whole and in pieces."""
    whole = [_shape(one) for one in StreamParser().feed(data)]
    pieces, splitter, size = [], StreamParser(), 1 + len(data) % 7
    for start in range(0, len(data), size):
        pieces += [_shape(one) for one in splitter.feed(data[start : start + size])]
    assert pieces == whole, (pieces, whole)


def _shape(event: object) -> str:
    if isinstance(event, Request | Response):
        return event.to_bytes().decode("utf-8", "replace")
    return repr(event) if isinstance(event, Ping) else type(event).__name__


def sdp(data: bytes) -> None:
    """A description is read or refused; answers to it can be read, and fit it."""
    with suppress(SipError):
        Sdp.parse(data)
    with suppress(SipError):
        answer, _ = answer_offer(data, LOCAL)
        assert len(Sdp.parse(answer).media) == len(Sdp.parse(data).media)
        accept_answer(make_offer(LOCAL), answer, LOCAL)
    with suppress(SipError):
        accept_answer(make_offer(LOCAL), data, LOCAL)


def digest(data: bytes) -> None:
    """Credentials are right only for who knows the password; challenges are answered or not understood."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(SipError):
        credentials = Credentials.parse(text)
        str(credentials)
        assert not verify(credentials, "INVITE", hash_a1("101", "localhost", "unguessable-" + "x" * 32))
    with suppress(SipError):
        found = choose((Challenge.parse(text),))
        if found is not None:
            proof = build_credentials(found, "101", "secret", "INVITE", "sip:x", 1, "c")
            Credentials.parse(str(proof))
    with suppress(SipError):
        head = "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:101@localhost>;tag=a\r\n"
        tail = "To: <sip:x>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\nAuthorization: "
        message = parse(f"{head}{tail}{text}\r\n\r\n".encode("utf-8", "surrogateescape"))
        assert isinstance(message, Request)
        authenticator = Authenticator({"101": "unguessable"}, "localhost", Nonces(b"s" * 32), random.Random(1))
        assert type(authenticator.check(message, 1000.0)).__name__ != "Authorized"


class _Out:
    """A transport that remembers what it was given."""

    name, host, port = "udp", "192.0.2.2", 5060

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes, peer: Peer) -> None:
        self.sent.append(data)


def stack(data: bytes) -> None:
    """A datagram to a stack without a core: no bug, nothing but answers, and these not much longer than it."""
    out = _Out()
    whole = Stack(lambda: 1000.0, lambda when: None, rng=random.Random(1))
    whole.add_transport(out)
    whole.receive_datagram(data, PEER)
    assert whole.counters.bugs == 0
    for one in out.sent:
        assert one.startswith(b"SIP/2.0 ")  # a request without From is refused by an answer without From
        assert len(one) <= min(len(data) + MAX_GROWTH, MAX_ANSWER)


def sessions(data: bytes) -> None:
    """A walk over a session, as Hypothesis reads it out of the octets."""
    for walk in _walks(dialogs):
        walk(data)


def transaction(data: bytes) -> None:
    """A walk over the transactions, likewise."""
    for walk in _walks(transactions):
        walk(data)


def _walks(module: object) -> list[Callable[[bytes], object]]:
    tests = [getattr(module, name) for name in dir(module) if name.startswith("test_")]
    return [one.hypothesis.fuzz_one_input for one in tests if hasattr(one, "hypothesis")]


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (parser, stream, sdp, digest, stack, sessions, transaction)
}
