"""Recordings of conversations: the caller on the left channel, whoever he talks to on the right one."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from media.errors import MediaError, RecordingError
from media.wav import repair
from media.wish import locate
from softswitch.call.archive import Archive
from softswitch.call.policy import Recorded
from softswitch.call.store import Store
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Exchange
    from softswitch.call.leg import Leg

log = structlog.get_logger("call.recordings")

UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def stem(text: str) -> str:
    """A text as a part of the name of a file."""
    return UNSAFE.sub("_", text)


class Recording:
    """One that is being written."""

    def __init__(self, owner: "Recordings", call: "Call", leg: "Leg", other: "Leg", path: Path) -> None:
        self._owner = owner
        self._call = call
        self._media = leg.media
        self._legs = leg.name, other.name
        self._path = path
        self.name = path.name.partition(".")[0]
        self.is_paused = False
        self._barging: list[str] = []

    def pause(self, by: str) -> None:
        """Hear nobody: the file goes on as silence, so everything after it keeps its place in time."""
        if not self.is_paused:
            self.is_paused = True
            self._media.record_change(self.name, [], [])
            self._call.journal.note(fact.RecordingPaused, recording=self.name, by=by)

    def resume(self, by: str) -> None:
        """Hear both parties again."""
        if self.is_paused:
            self.is_paused = False
            self._hear()
            self._call.journal.note(fact.RecordingResumed, recording=self.name, by=by)

    def add(self, barging: Sequence[str]) -> None:
        """Legs of supervisors who speak to both parties: they are heard beside the called one, on the right."""
        self._barging = list(barging)
        if not self.is_paused:
            self._hear()

    def _hear(self) -> None:
        caller, other = self._legs
        self._media.record_change(self.name, [caller], [other, *self._barging])

    async def stop(self, reason: str = "ended") -> None:
        """Finish the file."""
        try:
            report = await self._media.stop_record(self.name)
        except MediaError as error:
            log.error("recording not finished", call=self._call.id, error=str(error))
            reason = "media_lost"
        else:
            reason = "disk_full" if report.get("error") else reason
        self._call.journal.note(fact.RecordingStopped, recording=self.name, reason=reason)
        self._owner.finished(self.name, self._path)


class Recordings:
    """Names and starts recordings under one folder: `2026/11/23/CALL.wav`, `queues/support/2026/11/23/CALL.wav`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: set[str] = set()
        """Names of the recordings that are being made."""
        self.unwritten: set[str] = set()
        """Names of those among them that cannot be written just now."""
        self.archive = Archive(folder, self.running.__contains__)
        self.store = Store(folder)

    def mend(self, path: str) -> float | None:
        """Make a recording that a crash cut off a whole file: its seconds; None when there is nothing to mend.

        Safe to be called from any thread.
        """
        found = locate(self.folder, path)
        try:
            return repair(str(found or self.folder / path)).seconds
        except RecordingError as error:
            log.warning("recording not recovered", error=str(error))
            return None

    @staticmethod
    def day(exchange: "Exchange") -> str:
        """The folder of today."""
        return datetime.fromtimestamp(exchange.wall(), exchange.zone).strftime("%Y/%m/%d")

    async def start(self, call: "Call", caller: "Leg", other: "Leg", recorded: Recorded) -> Recording | None:
        """Record a conversation; None when that cannot be begun."""
        day = self.day(call.exchange)
        name = f"{stem(call.id)}-{stem(other.name.rpartition('-')[2])}"
        folder = f"{recorded.folder}/{day}" if recorded.folder else day
        path = self.folder / folder / recorded.wish.written(name)
        self.running.add(name)
        try:
            trouble = await self.trouble(path.parent, recorded)
            if trouble is None and (caller.ended or other.ended):
                self.running.discard(name)
                return None
            if trouble is None:
                await caller.media.record(name, str(path), [caller.name], [other.name])
        except MediaError as error:
            trouble = str(error)
        if trouble is not None:
            self.running.discard(name)
            log.warning("this call is not recorded", call=call.id, error=trouble)
            call.journal.note(fact.RecordingRefused, reason=trouble)
            return None
        call.journal.note(fact.RecordingStarted, recording=name, path=f"{folder}/{recorded.wish.kept(name)}")
        return Recording(self, call, caller, other, path)

    async def trouble(self, folder: Path, recorded: Recorded) -> str | None:
        """Why a recording cannot begin. The disk is asked only where that matters or when it was in trouble lately.

        Asking takes time, in which the first words would be lost; the media worker makes the folder by itself, tells
        when it cannot write, and tries again.
        """
        if recorded.unwritable == "go_on" and self.store.trouble is None:
            return None
        return await self.store.check(folder)

    def status(self) -> dict[str, Any]:
        """What is to be known about recordings."""
        archive = self.archive
        failing = f"{len(self.unwritten)} recordings cannot be written." if self.unwritten else None
        return {
            "running": len(self.running), "unwritten": len(self.unwritten), "waiting": archive.waiting,
            "kept": archive.kept, "trouble": self.store.trouble or failing or archive.trouble,
        }  # fmt: skip

    def failed(self, name: str) -> None:
        """A recording that is running cannot be written."""
        if name in self.running:
            self.unwritten.add(name)

    def resumed(self, name: str) -> None:
        """It can be written again."""
        self.unwritten.discard(name)

    def finished(self, name: str, path: Path) -> None:
        """A recording is over and its file complete, or given up."""
        self.running.discard(name)
        self.unwritten.discard(name)
        self.archive.put(path)
