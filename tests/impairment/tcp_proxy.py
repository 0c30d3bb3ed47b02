"""A bad network over TCP: what was sent comes later and in other pieces, stalls, or the connection is cut.

async with TcpProxy(("127.0.0.1", 5060), pieces=1, delay=0.01) as proxy:
    ...  clients connect to proxy.address; every byte comes by itself
    proxy.stall()       # nothing passes until proxy.go_on()
    proxy.drop()        # all connections are reset
"""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from tests.impairment.port import Address
from tests.impairment.ports import LOOPBACK, free_tcp_port

LARGEST = 65536
PATIENCE = 5.0
"""Seconds to wait for a connection to the target, and for tasks that end."""


def cut(data: bytes, pieces: int | None, chance: random.Random) -> Iterator[bytes]:
    """Cut data into pieces of so many bytes, or of random sizes from 1 to 64 for `None`; 0 leaves it whole."""
    while data:
        size = chance.randint(1, 64) if pieces is None else pieces or len(data)
        yield data[:size]
        data = data[size:]


class TcpProxy:
    """Forwards both ways between clients and one target; one connection to the target per client."""

    def __init__(
        self,
        target: Address,
        *,
        delay: float = 0.0,
        pieces: int | None = 0,
        seed: int = 0,
        most_clients: int = 32,
    ) -> None:
        self.target = target
        self.delay = delay
        """Seconds that each read takes to come through."""
        self.pieces = pieces
        """Bytes written at once: 1 is byte by byte, None random, 0 as it came."""
        self.refused = 0
        """Connections of clients for whom there was no room, or whom the target did not want."""
        self._random = random.Random(seed)
        self._most_clients = most_clients
        self._clients: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._may_pass = asyncio.Event()
        self._may_pass.set()

    @property
    def address(self) -> Address:
        """Where clients connect to."""
        host, port = self._server.sockets[0].getsockname()
        return host, port

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def connections(self) -> int:
        return len(self._clients)

    def stall(self) -> None:
        """Nothing passes, and nothing is read, until `go_on`."""
        self._may_pass.clear()

    def go_on(self) -> None:
        self._may_pass.set()

    def drop(self) -> None:
        """Reset every connection at once, on both sides."""
        for writer in self._writers:
            writer.transport.abort()
        for task in self._clients:
            task.cancel()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, free_tcp_port())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.drop()
        if self._clients:
            await asyncio.wait(set(self._clients), timeout=PATIENCE)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= self._most_clients:
            self.refused += 1
            await self._end(writer)
            return
        self._clients.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._writers.discard(writer)
            self._clients.discard(task)
            await self._end(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            self.refused += 1
            return
        self._writers.add(far_writer)
        try:
            await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        finally:
            self._writers.discard(far_writer)
            await self._end(far_writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction until its end, which is passed on too; a reset connection ends both."""
        with contextlib.suppress(OSError):
            while data := await reader.read(LARGEST):
                await asyncio.sleep(self.delay)
                for piece in cut(data, self.pieces, self._random):
                    await self._may_pass.wait()
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
            writer.write_eof()
            return
        writer.transport.abort()

    @staticmethod
    async def _end(writer: asyncio.StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await writer.wait_closed()
