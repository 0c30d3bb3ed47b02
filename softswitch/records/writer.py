"""Writes what happens in calls: a call tells its events and never waits; a task writes them together.

    call --append--> memory --every 0.2 s, one transaction--> database
                        `-- database locked, full or gone --> spool, replayed once in order when it is back

What is in the database or in the spool survives the death of the process. Calls that were open then are closed at the
next start with cause ``node_crash``, so every call that started has exactly one record.
"""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from softswitch.records.alarm import Alarm
from softswitch.records.database import Database
from softswitch.records.errors import StorageError
from softswitch.records.events import CallEnded, CallStarted, Event
from softswitch.records.ledger import Batch, Ledger, Mend
from softswitch.records.spool import Spool

log = logging.getLogger(__name__)

Clock = Callable[[], tuple[float, float]]
"""Gives monotonic and wall seconds."""

FLUSH_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0
"""How exactly the end of a call is known after a crash."""
RETRY_SECONDS = 1.0
"""Between two attempts to reach a database that was not usable."""
MAX_PENDING = 100_000
"""Events in memory when neither the database nor the spool takes them; beyond, only starts and ends of calls."""
MAX_EVENTS = 5_000
"""Events of one call that are kept: a phone that toggles hold all day must not fill the memory."""
MAX_ENDED = 10_000
"""Ended calls that are remembered for events that come too late."""


def read_clocks() -> tuple[float, float]:
    """Monotonic and wall seconds of this machine."""
    return time.monotonic(), time.time()


class _Call:
    """A call that is being told."""

    __slots__ = ("ended", "events", "name", "number")

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.events: list[Event] = []
        self.ended = False


class RecordWriter:
    """The one writer of call events and call records of a switch."""

    def __init__(
        self,
        database: Database,
        spool: Path,
        *,
        node: str = "",
        clock: Clock = read_clocks,
        interval: float = FLUSH_SECONDS,
        heartbeat: float = HEARTBEAT_SECONDS,
        mend: Mend = lambda path: None,
    ) -> None:
        """``spool`` is a folder, better on another disk; ``node`` tells the switches of one database apart; ``mend``
        makes recordings of a switch that died whole again, from several threads."""
        self.lost = 0
        """Events that were thrown away because nothing took them."""
        self._node = node
        self._run = secrets.token_hex(8)
        self._ledger = Ledger(database, node, self._run)
        self._spool_folder = spool
        self._spool: Spool | None = None
        self._clock = clock
        self._interval = interval
        self._heartbeat = heartbeat
        self._mend = mend
        self._calls: dict[str, _Call] = {}
        self._ended: OrderedDict[str, _Call] = OrderedDict()
        self._pending: list[tuple[_Call, int, Event]] = []
        self._behind = True
        self._recovered = False
        self._retry_at = 0.0
        self._beat_at = float("-inf")
        self._turn_lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._database_alarm, self._spool_alarm = Alarm(log), Alarm(log)

    @property
    def behind(self) -> bool:
        """Whether facts wait in the spool for the database."""
        return self._behind

    @property
    def pending(self) -> int:
        """Events that are only in memory."""
        return len(self._pending)

    async def start(self) -> None:
        """Replay what an earlier run spooled, close the calls that it left open, and begin to write.

        A database that cannot be used now is no error: everything is spooled until it can.
        """
        self._spool = await asyncio.to_thread(Spool, self._spool_folder)
        await asyncio.to_thread(self._spool.reserve)
        await self.flush()
        self._task = asyncio.create_task(self._write_on(), name="record writer")

    async def close(self) -> None:
        """Write what is left, to the database or to the spool, and stop."""
        self._stop.set()
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None
        await self.flush()

    def append(self, call: str, event: Event) -> None:
        """Note an event of a call; costs a list entry, never waits and never fails."""
        known = self._calls.get(call) or self._ended.get(call)
        if known is None:
            known = self._calls[call] = _Call(call)
        if self._is_too_much(known, event):
            self.lost += 1
            return
        self._pending.append((known, known.number, event))
        known.number += 1
        if not known.ended:
            known.events.append(event)
            known.ended = isinstance(event, CallEnded)
        if not self._wake.is_set():
            self._wake.set()

    async def flush(self) -> None:
        """Write everything told so far, and as much of the spool as the database takes."""
        async with self._turn_lock:
            await self._hand_over()
            handed = self._clock()[0]
            while self._behind and self._clock()[0] >= self._retry_at and await self._catch_up():
                if self._clock()[0] - handed >= self._interval:
                    await self._hand_over()
                    handed = self._clock()[0]

    def _is_too_much(self, call: _Call, event: Event) -> bool:
        if len(self._pending) < MAX_PENDING and call.number < MAX_EVENTS:
            return False
        return not isinstance(event, CallStarted | CallEnded)

    async def _write_on(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            await self.flush()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._interval)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._patience())

    def _patience(self) -> float | None:
        """Seconds until there is something to do although nobody tells anything."""
        if self._behind:
            return RETRY_SECONDS
        return self._heartbeat if self._calls else None

    async def _hand_over(self) -> None:
        """Give what is in memory to the database, or to the spool; what neither takes stays in memory."""
        told, self._pending = self._pending, []
        batch = self._batch(told)
        if not (batch.facts or batch.beats):
            return
        if await self._write(batch) or await self._put_aside(batch):
            self._forget(told)
            return
        self._pending[:0] = told

    def _batch(self, told: list[tuple[_Call, int, Event]]) -> Batch:
        batch = Batch()
        for call, number, event in told:
            batch.add(call.name, number, event, self._run)
            if isinstance(event, CallEnded) and call.events:
                batch.stories[call.name] = call.events
        at, wall = self._clock()
        if at - self._beat_at >= self._heartbeat and (self._calls or told):
            self._beat_at = at
            batch.beats.append({"run": self._run, "node": self._node, "at": at, "wall": wall})
        return batch

    async def _write(self, batch: Batch) -> bool:
        if self._behind:
            return False
        try:
            await self._ledger.write(batch)
        except StorageError as error:
            self._fall_behind()
            self._database_alarm.ring(str(error), f"Calls go on; their records wait in {self._spool_folder}.")
            return False
        except Exception:  # a mistake of ours: the task must live, and the facts go to the spool to be looked at
            self._fall_behind()
            log.exception("A batch of %d events could not be written.", len(batch.facts))
            return False
        return True

    async def _put_aside(self, batch: Batch) -> bool:
        if self._spool is None:
            return False
        try:
            await asyncio.to_thread(self._spool.append, batch.lines(self._run))
        except StorageError as error:
            self._spool_alarm.ring(str(error), "Calls go on; their records wait in memory.")
            return False
        self._spool_alarm.clear("The spool can be written again.")
        return True

    def _forget(self, told: list[tuple[_Call, int, Event]]) -> None:
        for call, _, event in told:
            if isinstance(event, CallEnded) and self._calls.pop(call.name, None) is not None:
                call.events = []
                self._ended[call.name] = call
        while len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)

    def _fall_behind(self) -> None:
        self._behind = True
        self._retry_at = self._clock()[0] + RETRY_SECONDS

    async def _catch_up(self) -> bool:
        """Bring the oldest spooled file into the database; says whether to go on with the next."""
        if self._spool is None:
            return False
        try:
            files = await asyncio.to_thread(self._spool.files)
            if files:
                await self._replay(self._spool, files[0])
                return True
            await self._recover()
            self._behind = False
            self._database_alarm.clear("The database takes records again; none waits any more.")
            await asyncio.to_thread(self._spool.reserve)
        except StorageError as error:
            self._fall_behind()
            self._database_alarm.ring(str(error), f"It will be tried again; records wait in {self._spool_folder}.")
        return False

    async def _replay(self, spool: Spool, path: Path) -> None:
        batch = await asyncio.to_thread(lambda: Batch.read(spool.read(path)))
        try:
            await self._ledger.replay(batch)
        except StorageError:
            raise
        except Exception:  # a file that our own code cannot digest must not stop all that come after it
            log.exception("The spooled file %s cannot be replayed and is put aside.", path.name)
            await asyncio.to_thread(spool.refuse, path)
            return
        await asyncio.to_thread(spool.remove, path)
        log.info("%d spooled events of %s are in the database.", len(batch.facts), path.name)

    async def _recover(self) -> None:
        if self._recovered:
            return
        closed = await self._ledger.recover(self._mend)
        self._recovered = True
        if closed:
            log.warning("%d calls of a switch that died were closed with cause node_crash.", closed)
