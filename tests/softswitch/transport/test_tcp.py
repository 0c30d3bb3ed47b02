"""TCP connections over the loopback: what closes them, what does not, and who is told."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message, Request
from softswitch.sip.peer import Peer
from softswitch.transport import tcp
from softswitch.transport.tcp import TcpTransport

HURRY = 0.4
"""Seconds for a whole message in these tests."""
OPTIONS = (
    b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


class Server:
    """A transport and what it handed on."""

    def __init__(self) -> None:
        self.received: list[Message | SipError] = []
        self.closed: list[Peer] = []

    async def start(self) -> None:
        self.transport = await TcpTransport(self._receive, self.closed.append, HURRY).listen("127.0.0.1", 0)

    def _receive(self, item: Message | SipError, peer: Peer) -> None:
        self.received.append(item)

    async def until(self, messages: int) -> None:
        async with asyncio.timeout(10):
            while len(self.received) < messages:
                await asyncio.sleep(0.005)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A listening transport that wants a message to be whole after `HURRY`."""
    server = Server()
    await server.start()
    yield server
    await server.transport.close()


class Client:
    """A connection that counts how long it lasted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.began = time.monotonic()

    async def lasts(self) -> float:
        """Seconds until the server closed it, whatever it sent before."""
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                await self.reader.read()
        return time.monotonic() - self.began


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """A connection to the server."""
    client = Client(*await asyncio.open_connection("127.0.0.1", server.transport.port))
    yield client
    client.writer.close()


async def drip(client: Client, data: bytes, every: float) -> None:
    """One octet at a time, until the connection is closed."""
    try:
        for octet in data:
            client.writer.write(bytes([octet]))
            await client.writer.drain()
            await asyncio.sleep(every)
    except ConnectionError:
        return


async def test_messages_may_come_in_single_octets_and_several_at_once(server: Server, client: Client) -> None:
    await drip(client, OPTIONS, 0)
    await server.until(1)
    client.writer.write(OPTIONS * 50)
    await server.until(51)
    assert all(isinstance(one, Request) for one in server.received)


async def test_a_connection_without_a_message_is_closed(server: Server, client: Client) -> None:
    assert HURRY * 0.9 < await client.lasts() < 5
    assert len(server.closed) == 1


async def test_octets_that_drip_do_not_put_the_end_off(server: Server, client: Client) -> None:
    dripping = asyncio.create_task(drip(client, OPTIONS[:-2] * 100, HURRY / 20))
    lasted = await client.lasts()
    dripping.cancel()
    assert lasted < 10 * HURRY + 1, "it would have gone on for minutes"
    assert server.received == []


async def test_keep_alives_alone_do_not_put_the_end_off(client: Client) -> None:
    dripping = asyncio.create_task(drip(client, b"\r\n\r\n" * 1000, HURRY / 20))
    lasted = await client.lasts()
    dripping.cancel()
    assert lasted < 10 * HURRY + 1


async def test_a_second_message_must_be_whole_in_time_too(server: Server, client: Client) -> None:
    client.writer.write(OPTIONS)
    await server.until(1)
    dripping = asyncio.create_task(drip(client, OPTIONS[:-2] * 100, HURRY / 20))
    lasted = await client.lasts()
    dripping.cancel()
    assert lasted < 10 * HURRY + 1
    assert len(server.received) == 1


async def test_whoever_has_said_something_may_be_silent(server: Server, client: Client) -> None:
    client.writer.write(OPTIONS)
    await server.until(1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.read(), 3 * HURRY)
    client.writer.write(OPTIONS + b"\r\n\r\n")
    await server.until(2)
    assert await client.reader.readexactly(2) == b"\r\n"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.read(), 3 * HURRY)
    assert server.closed == []


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"x" * 70_000, bytes(70_000)],
    ids=["tls", "http", "long-line", "zeros"],
)
async def test_garbage_closes_the_connection_at_once(server: Server, client: Client, garbage: bytes) -> None:
    client.writer.write(garbage)
    assert await client.lasts() < 10
    await server.until(1)
    assert isinstance(server.received[0], SipError)


@pytest.mark.parametrize("length", ["4294967295", "-1", "1000000000", "0x10", "9" * 400, "0\r\nContent-Length: 5"])
async def test_a_length_that_is_not_to_be_believed_closes_the_connection(
    server: Server, client: Client, length: str
) -> None:
    client.writer.write(OPTIONS.replace(b"Content-Length: 0", b"Content-Length: " + length.encode()))
    assert await client.lasts() < 10
    assert [type(one).__name__ for one in server.received] == ["BadRequest"]


async def test_connections_of_one_address_are_bounded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_PER_ADDRESS", 3)
    several = [Client(*await asyncio.open_connection("127.0.0.1", server.transport.port)) for _ in range(6)]
    for client in several:
        client.writer.write(OPTIONS)
    await server.until(3)
    assert sorted([one async for one in _outcomes(several)]) == ["closed"] * 3 + ["open"] * 3


async def _outcomes(clients: list[Client]) -> AsyncIterator[str]:
    for client in clients:
        try:
            await asyncio.wait_for(client.reader.read(), HURRY / 2)
        except TimeoutError:
            yield "open"
        except ConnectionError:
            yield "closed"
        else:
            yield "closed"
        client.writer.close()


async def test_connections_that_are_reset_at_once_leave_nothing_behind(server: Server) -> None:
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.transport.port)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.sendall(OPTIONS[:50])
        await asyncio.sleep(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.transport.port)
    writer.write(OPTIONS)
    await server.until(1)
    assert len(server.transport._flows) == 1
    writer.close()
    assert not await reader.read(1)


async def test_a_peer_that_does_not_read_is_dropped(server: Server, client: Client) -> None:
    client.writer.write(OPTIONS)
    await server.until(1)
    peer = Peer("tcp", *client.writer.get_extra_info("sockname")[:2])
    sent = 0
    async with asyncio.timeout(10):
        while not server.closed:
            server.transport.send(bytes(65535), peer)
            sent += 1
            await asyncio.sleep(0)
    assert sent < 1000, "megabytes were kept for somebody who does not read"


async def test_a_connection_that_cannot_be_made_is_told(server: Server) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        peer = Peer("tcp", *unused.getsockname())
    server.transport.send(OPTIONS, peer)
    async with asyncio.timeout(10):
        while not server.closed:
            await asyncio.sleep(0.01)
    assert server.closed == [peer]


async def test_a_keep_alive_in_two_pieces_is_no_message_that_never_ends(server: Server, client: Client) -> None:
    client.writer.write(OPTIONS)
    await server.until(messages=1)
    client.writer.write(b"\r\n\r")
    await asyncio.sleep(HURRY / 4)
    client.writer.write(b"\n")
    assert await client.reader.readexactly(2) == b"\r\n"
    await asyncio.sleep(HURRY * 1.5)
    client.writer.write(OPTIONS)
    await server.until(messages=2)
