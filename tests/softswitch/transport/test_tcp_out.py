"""TCP connections that we open: reuse, messages that wait for the connection, and connections that cannot be made."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message, Request
from softswitch.sip.peer import Peer
from softswitch.transport import tcp
from softswitch.transport.tcp import TcpTransport


def options(number: int) -> bytes:
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


class End:
    """A transport, what came to it, and which of its connections ended."""

    def __init__(self) -> None:
        self.received: list[tuple[Message | SipError, Peer]] = []
        self.closed: list[Peer] = []

    async def start(self) -> "End":
        self.transport = await TcpTransport(self._receive, self.closed.append).listen("127.0.0.1", 0)
        return self

    @property
    def peer(self) -> Peer:
        return Peer("tcp", "127.0.0.1", self.transport.port)

    @property
    def numbers(self) -> list[str]:
        return [item.call_id for item, _ in self.received if isinstance(item, Request)]

    def _receive(self, item: Message | SipError, peer: Peer) -> None:
        self.received.append((item, peer))


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    """Two transports on the loopback."""
    near, far = await End().start(), await End().start()
    yield near, far
    await near.transport.close()
    await far.transport.close()
    await until(lambda: not near.transport._flows and not far.transport._flows)
    assert near.transport._dialling == {}
    assert near.transport._per_host == {}


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


async def test_what_is_sent_while_the_connection_is_made_arrives_in_order_over_one(ends: tuple[End, End]) -> None:
    near, far = ends
    for number in range(20):
        near.transport.send(options(number), far.peer)
    await until(lambda: len(far.received) == 20)
    assert far.numbers == [str(number) for number in range(20)]
    assert len({peer.flow for _, peer in far.received}) == 1


async def test_an_open_connection_is_used_again_and_in_both_directions(ends: tuple[End, End]) -> None:
    near, far = ends
    near.transport.send(options(1), far.peer)
    await until(lambda: len(far.received) == 1)
    back = far.received[0][1]
    far.transport.send(options(2), back)
    await until(lambda: len(near.received) == 1)
    near.transport.send(options(3), near.received[0][1])
    near.transport.send(options(4), far.peer)
    await until(lambda: len(far.received) == 3)
    assert len(near.transport._flows) == len(far.transport._flows) == 1


async def test_a_connection_that_was_closed_is_told_and_opened_anew(ends: tuple[End, End]) -> None:
    near, far = ends
    near.transport.send(options(1), far.peer)
    await until(lambda: len(far.received) == 1)
    for connection in list(far.transport._flows.values()):
        connection.abort()
    await until(lambda: len(near.closed) == 1)
    assert near.closed[0][:3] == far.peer[:3]
    near.transport.send(options(2), far.peer)
    await until(lambda: len(far.received) == 2)


async def test_a_connection_that_nobody_accepts_is_told_once(ends: tuple[End, End]) -> None:
    near, far = ends
    await far.transport.close()
    nobody = far.peer
    for number in range(3):
        near.transport.send(options(number), nobody)
    await until(lambda: bool(near.closed))
    await asyncio.sleep(0.05)
    assert near.closed == [nobody]


async def test_a_connection_too_many_is_told_like_one_that_cannot_be_made(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = ends
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 0)
    near.transport.send(options(1), far.peer)
    await until(lambda: bool(near.closed))
    assert near.closed == [far.peer]


async def test_closing_ends_a_connection_that_is_being_made(ends: tuple[End, End]) -> None:
    near, _ = ends
    near.transport.send(options(1), Peer("tcp", "192.0.2.1", 5060))
    await near.transport.close()
    near.transport._dialling.clear()
