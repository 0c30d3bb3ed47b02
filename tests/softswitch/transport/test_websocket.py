"""WebSocket framing (RFC 6455, RFC 7118), without a socket: what is taken, what is answered, and what ends it."""

import asyncio
import struct

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from softswitch.sip.errors import SipError
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.transport.tcp import TcpTransport
from softswitch.transport.websocket import WebSocketFraming

OPTIONS = (
    b"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
)


class Browser:
    """The other end."""

    def __init__(self, framing: WebSocketFraming, subprotocols: tuple[str, ...] = ("sip",), origin: str | None = None):
        self.framing = framing
        self.socket = ClientProtocol(
            parse_uri("ws://example.com/"),
            origin=Origin(origin) if origin else None,
            subprotocols=[Subprotocol(one) for one in subprotocols],
        )
        self.socket.send_request(self.socket.connect())
        self.send(*self.socket.data_to_send())
        (self.answer,) = (event for event in self.hear() if isinstance(event, Response))

    def send(self, *pieces: bytes) -> list[object]:
        found: list[object] = []
        for piece in pieces:
            found += self.framing.feed(piece)
        return found

    def hear(self, data: bytes = b"") -> list[object]:
        self.socket.receive_data(self.framing.replies() + data)
        return list(self.socket.events_received())

    def say(self, data: bytes, *, text: bool = True, fin: bool = True) -> list[object]:
        (self.socket.send_text if text else self.socket.send_binary)(data, fin)
        return self.send(*self.socket.data_to_send())


def opened() -> Browser:
    browser = Browser(WebSocketFraming())
    assert browser.answer.status_code == 101
    return browser


def masked(first: int, length: bytes, payload: bytes = b"") -> bytes:
    """A frame of a client with a mask of zeros."""
    return bytes([first]) + length + b"\0\0\0\0" + payload


@pytest.mark.parametrize("text", [True, False])
def test_each_websocket_message_is_one_sip_message(text: bool) -> None:
    browser = opened()
    assert browser.answer.headers["Sec-WebSocket-Protocol"] == "sip"
    assert "Sec-WebSocket-Extensions" not in browser.answer.headers
    (request,) = browser.say(OPTIONS, text=text)
    assert isinstance(request, Request)
    assert request.via.transport == "WS"


def test_a_message_may_come_octet_by_octet_and_in_fragments() -> None:
    browser = opened()
    assert browser.say(OPTIONS[:40], fin=False) == []
    assert browser.framing.pending
    browser.socket.send_continuation(OPTIONS[40:], True)
    data = b"".join(browser.socket.data_to_send())
    found = browser.send(*(data[at : at + 1] for at in range(len(data))))
    assert [type(one) for one in found] == [Request]
    assert not browser.framing.pending


def test_what_is_sent_is_text_unless_it_is_no_text() -> None:
    browser = opened()
    sent = browser.hear(browser.framing.frame(OPTIONS) + browser.framing.frame(b"\xff\xfe"))
    assert [(one.opcode, one.data) for one in sent if isinstance(one, Frame)] == [
        (Opcode.TEXT, OPTIONS),
        (Opcode.BINARY, b"\xff\xfe"),
    ]


def test_keep_alives_of_both_kinds_are_answered() -> None:
    browser = opened()
    browser.socket.send_ping(b"x")
    assert browser.send(*browser.socket.data_to_send()) == []
    assert browser.say(b"\r\n\r\n") == []
    heard = [event for event in browser.hear() if isinstance(event, Frame)]
    assert [(one.opcode, one.data) for one in heard] == [(Opcode.PONG, b"x"), (Opcode.TEXT, b"\r\n")]


def test_a_probe_is_a_ping_that_a_browser_answers() -> None:
    browser = opened()
    browser.hear(browser.framing.probe())
    assert browser.send(*browser.socket.data_to_send()) == []
    assert not browser.framing.broken


@pytest.mark.parametrize("subprotocols", [(), ("chat",)])
def test_without_the_subprotocol_there_is_no_websocket(subprotocols: tuple[str, ...]) -> None:
    browser = Browser(WebSocketFraming(), subprotocols)
    assert browser.answer.status_code == 400
    assert browser.framing.broken
    with pytest.raises(OSError, match="not open"):
        browser.framing.frame(OPTIONS)


@pytest.mark.parametrize(
    ("origin", "status"), [("https://phones.example", 101), ("https://evil.example", 403), (None, 101)]
)
def test_pages_that_are_not_listed_may_not_connect(origin: str | None, status: int) -> None:
    browser = Browser(WebSocketFraming(["https://phones.example"]), origin=origin)
    assert browser.answer.status_code == status
    assert browser.framing.broken == (status != 101)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x03abc", 1002),  # not masked
        (masked(0xC1, b"\x83", b"abc"), 1002),  # compressed, which was not agreed
        (masked(0x83, b"\x80"), 1002),  # an operation code that is none
        (masked(0x80, b"\x80"), 1002),  # a continuation of nothing
        (masked(0x09, b"\x80"), 1002),  # a ping in fragments
        (masked(0x81, b"\xff" + struct.pack("!Q", 2**63 - 1)), 1009),
        (masked(0x81, b"\xfe" + struct.pack("!H", 65535), b"x" * 65535) + masked(0x81, b"\x82", b"\xc3\x28"), 1007),
        (masked(0x01, b"\xfe" + struct.pack("!H", 65535), b"x" * 65535) + masked(0x80, b"\x81", b"x"), 1009),
        (masked(0x88, b"\x80"), 1005),  # he closes
    ],
)
def test_a_frame_that_may_not_be_ends_the_websocket(frame: bytes, code: int) -> None:
    browser = opened()
    found = browser.send(frame)
    assert all(isinstance(one, SipError) for one in found)
    browser.hear()
    browser.socket.receive_eof()
    assert browser.socket.close_code == code
    assert browser.framing.broken
    assert browser.send(masked(0x81, b"\x83", b"abc")) == []


def test_what_is_no_sip_is_an_error_of_its_own_and_nothing_more() -> None:
    browser = opened()
    (error,) = browser.say(b"hello")
    assert isinstance(error, SipError)
    assert browser.say(b"") == []
    assert len(browser.say(OPTIONS)) == 1


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", OPTIONS, b"\0" * 9000 + b"\n"])
def test_what_asks_for_no_websocket_is_let_go(data: bytes) -> None:
    framing = WebSocketFraming()
    assert framing.feed(data) == []
    assert framing.broken


@pytest.mark.parametrize("answers", [True, False])
async def test_who_is_silent_is_asked_and_who_does_not_answer_is_let_go(
    monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    monkeypatch.setattr(WebSocketFraming, "idle", 0.05)
    received: list[object] = []
    closed: list[Peer] = []
    transport = TcpTransport(
        lambda item, peer: received.append(item), closed.append, 1.0, name="ws", framing=WebSocketFraming
    )
    await transport.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", transport.port)
    socket = ClientProtocol(parse_uri("ws://example.com/"), subprotocols=[Subprotocol("sip")])
    socket.send_request(socket.connect())
    pings = 0
    async with asyncio.timeout(10):
        while pings < 3 and not (closed and not answers):
            for piece in socket.data_to_send():
                writer.write(piece)
            socket.receive_data(await reader.read(4096) or b"")
            for event in socket.events_received():
                if isinstance(event, Response):
                    socket.send_text(OPTIONS)
                pings += isinstance(event, Frame) and event.opcode is Opcode.PING
            if pings and not answers:
                socket.data_to_send()  # the pong is thrown away
                assert await reader.read(4096) == b""
                break
    assert len(received) == 1
    assert bool(closed) != answers
    writer.close()
    await transport.close()
