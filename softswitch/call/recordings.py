"""Recordings of conversations: the caller on the left channel, whoever he talks to on the right one."""

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from media.errors import MediaError, RecordingError
from media.wav import repair
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.leg import Leg

log = structlog.get_logger("call.recordings")

UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class Recording:
    """One that is being written."""

    def __init__(self, call: "Call", leg: "Leg", name: str) -> None:
        self._call = call
        self._media = leg.media
        self.name = name

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


class Recordings:
    """Names and starts recordings under one folder: `2026/11/23/CALL.wav`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mend(self, path: str) -> float | None:
        """Make a recording that a crash cut off a whole file: its seconds; None when there is nothing to mend.

        Safe to be called from any thread.
        """
        try:
            return repair(str(self.folder / path)).seconds
        except RecordingError as error:
            log.warning("recording not recovered", error=str(error))
            return None

    def forget(self, before: float) -> None:
        """Delete recordings that were last written before a wall time, and the folders that this empties."""
        for path in self.folder.rglob("*.wav"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
        for folder in sorted((path for path in self.folder.rglob("*") if path.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()

    async def start(self, call: "Call", caller: "Leg", other: "Leg") -> Recording | None:
        """Record a conversation; None, and an alarm in the log, when it cannot be written. The call goes on."""
        day = datetime.fromtimestamp(call.exchange.wall(), call.exchange.zone).strftime("%Y/%m/%d")
        name = f"{UNSAFE.sub('_', call.id)}-{UNSAFE.sub('_', other.name.rpartition('-')[2])}"
        relative = f"{day}/{name}.wav"
        path = self.folder / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            await caller.media.record(name, str(path), [caller.name], [other.name])
        except (OSError, MediaError) as error:
            log.error("this call is not recorded", call=call.id, error=str(error))
            return None
        call.journal.note(fact.RecordingStarted, recording=name, path=relative)
        return Recording(call, caller, name)
