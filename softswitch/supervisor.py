"""Starts and watches the processes of a switch: the media workers and the switch itself.

A process that dies is back within a second and takes no other with it. A process that refuses to start because of
its surroundings (a port that is taken, a broken configuration) is not tried again: its one sentence is the answer.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from config.model import Config
from softswitch import settings
from softswitch.api.control import ControlError, ask
from softswitch.process import REFUSED
from softswitch.records.errors import StorageError
from softswitch.records.lock import FolderLock

log = structlog.get_logger("supervisor")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds before a process is started again
STEADY = 10.0  # seconds after which a process counts as well again
STOP_WITHIN = 15.0  # seconds for a process to end by itself
READY_WITHIN = 30.0


class Child:
    """One process that is started again when it dies."""

    def __init__(
        self, name: str, command: Sequence[str], *, steady: float = STEADY, stop_within: float = STOP_WITHIN
    ) -> None:
        self.name = name
        self.refused = False
        self._steady = steady
        self._stop_within = stop_within
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep it running until `stop`, or until it refuses."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL
            )
            if self._stopping.is_set():  # meanwhile
                process.terminate()
            code = await process.wait()
            steady = time.monotonic() - started > self._steady
            if self._stopping.is_set() or code == 0:
                return
            if code == REFUSED and not steady:  # after a long life it is what Python says of an exception
                self.refused = True
                return
            pause = FIRST_PAUSE if steady else min(2 * pause, LONGEST_PAUSE)
            log.error("a process died and is started again", process=self.name, code=code)
            await asyncio.sleep(pause)

    def send(self, number: int) -> None:
        """Send a signal."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self) -> None:
        """End it: politely, then not."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_within):
                await process.wait()
        except TimeoutError:
            log.error("a process did not end and was killed", process=self.name)
            self.send(signal.SIGKILL)
            await process.wait()


def children(config: Config, path: Path) -> tuple[list[Child], Child]:
    """The media workers and the switch of a configuration."""
    workers = [_media_worker(config, number) for number in range(1, settings.media_workers(config) + 1)]
    return workers, Child("switch", [sys.executable, "-m", "softswitch.switch", str(path)])


def _media_worker(config: Config, number: int) -> Child:
    socket, ports = settings.media_socket(settings.data_folder(config), number), settings.media_ports(config, number)
    command = [
        sys.executable, "-m", "media.worker", "--socket", str(socket),
        "--ports", f"{ports.first}-{ports.last}", "--backend", config.media.backend,
        "--silent-after", str(config.media.silence_timeout), "--codecs", ",".join(config.media.codecs),
    ]  # fmt: skip
    return Child(f"media {number}", command)


async def supervise(config: Config, path: Path, announce: "asyncio.Event | None" = None) -> int:
    """Run a switch until SIGTERM or SIGINT: 0, or 1 when it refused to start. Raises StorageError."""
    data = settings.data_folder(config)
    _prepare(data)
    workers, switch = children(config, path)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, switch.send, signal.SIGHUP)
    tasks = [loop.create_task(child.run()) for child in (*workers, switch)]
    told = loop.create_task(_announce(data, announce)) if announce is not None else None
    wanted = loop.create_task(stopping.wait())
    await asyncio.wait([*tasks, wanted], return_when=asyncio.FIRST_COMPLETED)
    wanted.cancel()
    if told is not None:
        told.cancel()
    await switch.stop()
    await asyncio.gather(*(worker.stop() for worker in workers))
    await asyncio.gather(*tasks)
    return 1 if switch.refused or any(worker.refused for worker in workers) else 0


def _prepare(data: Path) -> None:
    """Make the data folder and see that no other switch works in it, before two processes complain of it."""
    try:
        (data / "run").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The data folder {data} cannot be made: {error.strerror}.") from error
    FolderLock(data).release()


async def _announce(data: Path, ready: asyncio.Event) -> None:
    """Set `ready` when the switch answers on its control socket."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            await ask(settings.control_socket(data), "status")
        except ControlError:
            await asyncio.sleep(0.1)
            continue
        ready.set()
        return
