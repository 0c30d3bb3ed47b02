"""One end of a conversation in a test: a UDP socket with a mailbox."""

import asyncio
from types import TracebackType
from typing import Self

from tests.impairment.port import Address, Port
from tests.impairment.ports import open_udp

PATIENCE = 5.0


class Endpoint:
    """Remembers what came and from where; `echoes` sends it back."""

    def __init__(self, *, echoes: bool = False) -> None:
        self._echoes = echoes
        self._mailbox: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(10_000)

    async def __aenter__(self) -> Self:
        self._port = Port(open_udp(), self._receive)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._port.close()

    @property
    def address(self) -> Address:
        return self._port.address

    def send(self, datagram: bytes, to: Address) -> None:
        self._port.send(datagram, to)

    async def receive(self) -> tuple[bytes, Address]:
        async with asyncio.timeout(PATIENCE):
            return await self._mailbox.get()

    async def is_left_alone(self, seconds: float = 0.1) -> bool:
        """Whether nothing comes for a while."""
        await asyncio.sleep(seconds)
        return self._mailbox.empty()

    def _receive(self, datagram: bytes, source: Address) -> None:
        self._mailbox.put_nowait((datagram, source))
        if self._echoes:
            self.send(datagram, source)
