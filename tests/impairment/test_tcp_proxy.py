"""Streams through the proxy on loopback."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.impairment.port import Address
from tests.impairment.ports import LOOPBACK
from tests.impairment.tcp_proxy import TcpProxy, cut

DATA = bytes(range(256)) * 20


class Echo:
    """A server that sends back what comes, and remembers the sizes of what it read."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.resets = 0
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while data := await reader.read(65536):
                self.sizes.append(len(data))
                writer.write(data)
        except ConnectionResetError:
            self.resets += 1
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, Address]]:
    kept = Echo()
    server = await asyncio.start_server(kept.serve, LOOPBACK, 0)
    yield kept, server.sockets[0].getsockname()
    await until(lambda: kept.open == 0)
    server.close()
    await server.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def connected(proxy: TcpProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("pieces", [0, 1, 7, None])
async def test_everything_comes_back_whatever_the_pieces(echo: tuple[Echo, Address], pieces: int | None) -> None:
    async with TcpProxy(echo[1], pieces=pieces) as proxy, connected(proxy) as (reader, writer):
        writer.write(DATA)
        assert await reader.readexactly(len(DATA)) == DATA
        writer.write_eof()
        assert await reader.read() == b""


async def test_byte_by_byte_the_target_reads_in_more_pieces_than_were_sent(echo: tuple[Echo, Address]) -> None:
    async with TcpProxy(echo[1], pieces=1) as proxy, connected(proxy) as (reader, writer):
        writer.write(DATA[:200])
        await reader.readexactly(200)
    assert len(echo[0].sizes) > 20


async def test_a_delay_is_waited_for_both_ways(echo: tuple[Echo, Address]) -> None:
    async with TcpProxy(echo[1], delay=0.1) as proxy, connected(proxy) as (reader, writer):
        began = asyncio.get_running_loop().time()
        writer.write(b"slow")
        await reader.readexactly(4)
        assert 0.2 <= asyncio.get_running_loop().time() - began < 1


async def test_a_stalled_connection_loses_nothing(echo: tuple[Echo, Address]) -> None:
    async with TcpProxy(echo[1]) as proxy, connected(proxy) as (reader, writer):
        proxy.stall()
        writer.write(b"held")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        proxy.go_on()
        assert await reader.readexactly(4) == b"held"


async def test_drop_cuts_the_connections_on_both_sides(echo: tuple[Echo, Address]) -> None:
    async with TcpProxy(echo[1]) as proxy, connected(proxy) as (reader, writer):
        writer.write(b"hello")
        await reader.readexactly(5)
        proxy.drop()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        await until(lambda: echo[0].open == 0 and proxy.connections == 0)
        async with connected(proxy) as (again, more):
            more.write(b"again")
            assert await again.readexactly(5) == b"again"


async def test_leaving_in_the_middle_of_a_stall_closes_everything(echo: tuple[Echo, Address]) -> None:
    async with TcpProxy(echo[1]) as proxy, connected(proxy) as (_, writer):
        proxy.stall()
        writer.write(DATA)
        await asyncio.sleep(0.05)
    assert proxy.connections == 0


async def test_there_is_room_for_so_many_clients_and_no_more(echo: tuple[Echo, Address]) -> None:
    async with TcpProxy(echo[1], most_clients=1) as proxy, connected(proxy) as (reader, writer):
        writer.write(b"first")
        await reader.readexactly(5)
        async with connected(proxy) as (late, _):
            assert await late.read() == b""
        assert proxy.refused == 1


async def test_a_client_of_a_target_that_does_not_listen_is_turned_away() -> None:
    with socket.create_server((LOOPBACK, 0)) as unused:
        address = unused.getsockname()
    async with TcpProxy(address) as proxy, connected(proxy) as (reader, _):
        assert await reader.read() == b""
        assert proxy.refused == 1


@pytest.mark.parametrize("pieces", [0, 1, 100, None])
def test_pieces_put_together_are_what_was_cut(pieces: int | None) -> None:
    assert b"".join(cut(DATA, pieces, random.Random(1))) == DATA
