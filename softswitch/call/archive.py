"""Has recordings kept in their final form after the call, by a process of the lowest priority, one after the other.

What waits is written in the names of the files (`media.wish`), so nothing is forgotten: not what a full line leaves
out, nor what a crash interrupts. It is found again by a look through the folder.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from media.errors import MediaError, RecordingBusy, WorkerGone, from_code
from media.wish import read_name

log = structlog.get_logger("call.archive")

MOST = 10_000  # files in line, more than recordings that can be running
LOOK_EVERY = 600.0  # seconds between looks through the folder
LOOK_SOON = 10.0  # seconds until the next look when something was left to do
STOP_WITHIN = 2.0  # seconds for the process to end by itself; what it does may be done again
LONGEST_LINE = 16 << 20
GONE = "the process that keeps recordings ended"


class Archive:
    """The line of recordings that wait, and the process that works on them."""

    def __init__(self, folder: Path, is_running: Callable[[str], bool] = lambda name: False) -> None:
        """`is_running` knows by its stem whether a recording is being made just now."""
        self.folder = folder
        self.kept = 0
        """Recordings that were turned into their final form."""
        self.trouble: str | None = None
        """What was wrong with the last recording that could not be kept; None when all could."""
        self._is_running = is_running
        self._line: deque[Path] = deque()
        self._wake = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._number = 0
        self.turn = asyncio.Lock()
        """Held by whoever has the process do something."""
        self._left_over = False
        self._refused: set[Path] = set()

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

    def put(self, path: Path) -> None:
        """A recording is complete; a name that wishes for nothing else is left as it is."""
        if read_name(path.name) is None:
            return
        if len(self._line) >= MOST:
            self._left_over = True
        else:
            self._line.append(path)
        self._wake.set()

    async def run(self) -> None:
        """Work for ever; what an earlier life of the switch left comes first."""
        clock = asyncio.get_running_loop().time
        while True:
            looked = clock()
            await self._look()
            await self._work()
            while (patience := looked + (LOOK_SOON if self._left_over else LOOK_EVERY) - clock()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), patience)
                await self._work()

    async def close(self) -> None:
        """End the process, in the middle of its work if need be: nothing is lost by that."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _look(self) -> None:
        """Put into the line what waits in the folder."""
        self._left_over = False
        try:
            found = await self.ask("waiting", folder=str(self.folder), most=MOST)
        except MediaError as error:
            log.error("recordings not looked through", error=str(error))
            self._left_over = True
            return
        self._left_over = len(found["paths"]) >= MOST  # and more behind them
        known = set(self._line)
        for path in map(Path, found["paths"]):
            if path not in known and not self._is_running(path.name.partition(".")[0]):
                self.put(path)

    async def _work(self) -> None:
        """Keep what is in line."""
        self._wake.clear()
        while self._line:
            path = self._line.popleft()
            if path.exists():
                await self._keep(path)

    async def _keep(self, path: Path) -> None:
        try:
            await self.ask("keep", path=str(path))
        except RecordingBusy:
            self._left_over = True
        except MediaError as error:
            self._left_over = self._left_over or isinstance(error, WorkerGone)
            if path not in self._refused:
                self._refused.add(path)
                log.error("recording not kept", recording=str(path), error=str(error))
            self.trouble = str(error)
        else:
            self.kept += 1
            self.trouble = None
            self._refused.discard(path)

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Have the process do something; one thing at a time. Raises MediaError."""
        async with self.turn:
            return await self.do(do, **fields)

    async def do(self, do: str, **fields: Any) -> dict[str, Any]:
        """The same, for whoever has the turn. Raises MediaError."""
        process = await self._started()
        self._number += 1
        if process.stdin is None or process.stdout is None:
            raise WorkerGone(GONE)
        try:
            process.stdin.write(json.dumps({"id": self._number, "do": do, **fields}).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        except OSError as error:
            raise WorkerGone(GONE) from error
        if not line:
            await process.wait()
            raise WorkerGone(GONE)
        answer = json.loads(line)
        if "error" in answer:
            refusal = answer["error"]
            raise from_code(refusal["code"], refusal["text"])
        ok: dict[str, Any] = answer["ok"]
        return ok

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "media.archivist",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
            )  # fmt: skip
        return self._process
