"""How long recordings are kept, and which of them for ever."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from media.retention import Rule
from softswitch.call.recordings import Recordings, stem

log = structlog.get_logger("call.retention")


class Holds(Protocol):
    """Whoever knows which calls are held."""

    async def hold(self, call: str, reason: str, now: float) -> bool: ...
    async def lift(self, call: str) -> bool: ...
    async def calls(self) -> frozenset[str]: ...


class Retention:
    """Removes what need not be kept any more. Nothing is removed between a hold and its end."""

    def __init__(self, recordings: Recordings, holds: Holds) -> None:
        self._recordings = recordings
        self._holds = holds
        self._removing = asyncio.Lock()

    async def sweep(self, rules: Sequence[Rule], now: float) -> int:
        """Remove recordings, `now` being wall time; how many they were. Raises MediaError and StorageError."""
        if all(rule.seconds is None and rule.size is None for rule in rules):
            return 0
        archive = self._recordings.archive
        async with archive.turn, self._removing:  # in this order: a hold waits for no conversion
            held = [stem(call) for call in await self._holds.calls()]
            removed = await archive.do(
                "forget", folder=str(archive.folder), rules=[list(rule) for rule in rules], held=held, now=now
            )
        if removed["files"]:
            log.info("recordings removed", files=removed["files"], megabytes=removed["size"] // 1_000_000)
        return int(removed["files"])

    async def hold(self, call: str, reason: str, now: float) -> bool:
        """Keep the record and the recordings of a call; False when there is no such call. Raises StorageError."""
        async with self._removing:
            return await self._holds.hold(call, reason, now)

    async def lift(self, call: str) -> bool:
        """End that; False when it was not held. Raises StorageError."""
        return await self._holds.lift(call)
