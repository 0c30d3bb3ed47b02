"""One demonstration from the first process to the last: set up, watched, summed up, and cleared away.

The temporary folder and every process are gone afterwards, however it ends; Ctrl-C ends the minute early.
"""

import asyncio
import contextlib
import importlib.util
import json
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from softswitch import settings
from softswitch.api.control import ControlError, ask
from softswitch.demo import voices
from softswitch.demo.board import Board
from softswitch.demo.child import Child
from softswitch.demo.errors import DemoError
from softswitch.demo.office import AGENTS, CALLERS, QUEUE, VISITORS, Office
from softswitch.demo.screen import Screen
from softswitch.demo.summary import Summary, summarise
from softswitch.records.database import Database
from softswitch.records.errors import StorageError
from softswitch.records.record import CallRecord
from softswitch.records.store import RecordStore

POLL = 0.5  # seconds between two looks at the status
LAST_CALLS = 8.0
"""Seconds before the end in which nobody calls any more; a quarter of the whole at most."""
START_WITHIN = 30.0
HANG_UP_WITHIN = 3.0
SHORTEST, LONGEST = 5.0, 3600.0
MAX_RECORDS = 10_000
NEEDED = {"baresip": "baresip-python", "pyVoIP": "pyVoIP"}
"""Modules of the phones and the packages that bring them."""


class Performance:
    """A demonstration while it goes on."""

    def __init__(self, console: Console, seconds: float, seed: int) -> None:
        self._console = console
        self._seconds = seconds
        self._seed = seed
        self._switch: Child | None = None
        self._phones: list[Child] = []
        self._enough = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None

    async def run(self) -> Summary:
        """All of it. Raises DemoError."""
        self._heed_signals()
        folder = Path(tempfile.mkdtemp(prefix="softswitch-demo-"))
        try:
            office = Office(folder)
            await self._set_up(office)
            status, elapsed = await self._watch(office)
            with self._busy("The last calls are hung up ..."):
                await self._stop(office)
                return await self._sum_up(office, status, elapsed)
        except asyncio.CancelledError:
            raise DemoError("The demonstration was ended before it began.") from None
        finally:
            await self._stop(None)
            shutil.rmtree(folder, ignore_errors=True)

    def _busy(self, sentence: str) -> contextlib.AbstractContextManager[object]:
        """Say on a terminal why there is nothing to see."""
        return self._console.status(sentence) if self._console.is_terminal else contextlib.nullcontext()

    def _heed_signals(self) -> None:
        """Ctrl-C and its like end the set-up, and later the minute; while things are cleared away they are ignored."""
        self._task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt)

    def _interrupt(self) -> None:
        self._enough.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    # ---- set up -------------------------------------------------------------------------------------------------

    async def _set_up(self, office: Office) -> None:
        """Start the switch, then everybody's phones. Raises DemoError."""
        with self._busy("The switch and its phones are starting ..."):
            office.write()
            self._switch = await Child.start("switch", "softswitch.demo.switch", str(office.file), office.folder)
            said = voices.sentences(AGENTS, (*CALLERS, *VISITORS))
            spoken = await voices.record(office.folder, said)
            await self._switch.ready(START_WITHIN)
            for module, order in self._orders(office, spoken):
                name = f"phone of {order['number']}" if "number" in order else "phones"
                self._phones.append(await Child.start(name, module, json.dumps(order), office.folder))
            await asyncio.gather(*(phone.ready(START_WITHIN) for phone in self._phones))
        self._task = None

    def _orders(self, office: Office, spoken: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
        """What each process of phones is told."""
        calling = self._seconds - min(LAST_CALLS, self._seconds / 4)
        common = {"server_port": office.sip_port, "seed": self._seed, "calling": calling}
        ports = office.phones_rtp
        orders: list[tuple[str, dict[str, Any]]] = [
            ("softswitch.demo.baresip_phones", {
                **common, "agents": AGENTS, "callers": CALLERS, "voices": spoken, "sip_port": office.phones_sip,
                "rtp_ports": f"{ports.start}-{ports.stop - 1}",
            }),
        ]  # fmt: skip
        for number, rtp in office.visitors_rtp.items():
            orders.append(("softswitch.demo.pyvoip_caller", {
                **common, "number": number, "voice": spoken[number], "sip_port": office.visitors_sip[number],
                "rtp_ports": (rtp.start, rtp.stop - 1),
            }))  # fmt: skip
        return orders

    # ---- watch --------------------------------------------------------------------------------------------------

    async def _watch(self, office: Office) -> tuple[dict[str, Any], float]:
        """Show what happens until time is up: the last status and how long it took. Raises DemoError."""
        board = Board(office.names, office.queues)
        screen = Screen(board, self._console, self._seconds, len(CALLERS) + len(VISITORS))
        began = time.monotonic()
        live = Live(console=self._console, screen=True, auto_refresh=False)
        with live if self._console.is_terminal else contextlib.nullcontext():
            while True:
                now = time.monotonic()
                status = await self._status(office)
                screen.tell(now - began, board.update(status, now))
                if self._console.is_terminal:
                    live.update(screen.draw(now - began, now), refresh=True)
                left = self._seconds - (time.monotonic() - began)
                if left <= 0 or self._enough.is_set():
                    return status, time.monotonic() - began
                await self._pause(min(POLL, left))

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._enough.wait()

    async def _status(self, office: Office) -> dict[str, Any]:
        for child in (self._switch, *self._phones):
            if child is not None and child.has_ended:
                raise child.failure()
        try:
            return await ask(settings.control_socket(office.data), "status")
        except ControlError as error:
            raise DemoError(str(error)) from error

    # ---- clear away ---------------------------------------------------------------------------------------------

    async def _stop(self, office: Office | None) -> None:
        """End the phones, give their last calls a moment to end, then end the switch."""
        self._task = None
        await asyncio.gather(*(phone.stop() for phone in self._phones))
        if office is not None:
            await self._last_calls(office)
        if self._switch is not None:
            await self._switch.stop()
        self._phones, self._switch = [], None

    async def _last_calls(self, office: Office) -> None:
        with contextlib.suppress(TimeoutError, ControlError):
            async with asyncio.timeout(HANG_UP_WITHIN):
                while (await ask(settings.control_socket(office.data), "calls"))["calls"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    async def _sum_up(self, office: Office, status: dict[str, Any], elapsed: float) -> Summary:
        """Read the records. Raises DemoError."""
        summary = summarise(
            status, await _records(office.data), sorted(office.data.glob("recordings/**/*.wav")),
            seconds=elapsed, service_threshold=QUEUE["service_level"], short_abandon=QUEUE["short_abandon"],
        )  # fmt: skip
        if not summary.offered and not self._enough.is_set():
            raise DemoError(f"Not one call reached a queue within {elapsed:.0f} s.")
        return summary


async def _records(data: Path) -> list[CallRecord]:
    try:
        database = await Database.open(data, exclusive=False)
        try:
            return await RecordStore(database).query(limit=MAX_RECORDS)
        finally:
            await database.close()
    except StorageError as error:
        raise DemoError(str(error)) from error


def perform(console: Console, seconds: float, seed: int) -> Summary:
    """Run a demonstration on a console. Raises DemoError."""
    if not SHORTEST <= seconds <= LONGEST:
        raise DemoError(f"--seconds takes {SHORTEST:.0f} to {LONGEST:.0f}.")
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise DemoError(
            f"The phones of the demonstration are not installed ({', '.join(missing)}): pip install '.[dev]'"
        )
    return asyncio.run(Performance(console, seconds, seed).run())
