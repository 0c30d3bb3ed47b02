"""A media engine without sound: it keeps books of legs, rooms, players and recordings, and complains about mistakes.

It has the face of `media.client.MediaClient`. A sound lasts a second, answers take a millisecond.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from media.errors import MediaError, PortsExhausted, RecordingError, UnknownLeg, WorkerGone
from media.protocol import (
    Digit,
    MediaEvent,
    MediaSilent,
    PlaybackFinished,
    RecordingFailed,
    Role,
    Sound,
    SrtpKeys,
    WorkerLost,
)

LATENCY = 0.001
SECONDS_OF_A_SOUND = 1.0


@dataclass
class FakeLeg:
    """A row of the engine."""

    port: int
    remote: tuple[str, int] | None = None
    codec: str | None = None
    sends: bool = True
    receives: bool = True
    room: str | None = None
    muted: bool = False
    role: Role = "member"
    ear: str = ""
    playing: str | None = None
    """The token of what is playing."""
    heard: list[str] = field(default_factory=list)
    """Every token that was played."""
    sounds: list[Sound] = field(default_factory=list)
    """What is playing, or was played last."""
    echo: bool = False
    inband: bool = False
    progress: bool = False
    progress_began: int = 0
    """How often listening began."""
    digits: str = ""
    """Keys that were pressed towards this leg."""
    timer: asyncio.TimerHandle | None = None
    srtp: SrtpKeys | None = None
    comfort_noise: bool = False
    dtmf_by_info: bool = False


@dataclass
class FakeRecording:
    """A recording that runs."""

    path: Path
    left: tuple[str, ...]
    right: tuple[str, ...]
    since: float


class FakeMedia:
    """The switch's end of a media worker that is not there."""

    def __init__(self, on_event: Callable[[MediaEvent], None]) -> None:
        self.on_event = on_event
        self.loop = asyncio.get_running_loop()
        self.legs: dict[str, FakeLeg] = {}
        self.closed: dict[str, FakeLeg] = {}
        self.recordings: dict[str, FakeRecording] = {}
        self.recorded: list[FakeRecording] = []
        self.complaints: list[str] = []
        self.watched: dict[str, bool] = {}
        self.latency = LATENCY
        self.dead = False
        self.out_of_ports = False
        self.cannot_record = False
        self.slow_disk = 0.0
        """Seconds that the end of a recording waits for its disk."""
        self._next_port = 20000

    @property
    def is_gone(self) -> bool:
        return self.dead

    @property
    def leg_count(self) -> int:
        return len(self.legs)

    # legs

    async def open(self, leg: str, address: str) -> int:
        await self._answer()
        if self.out_of_ports:
            raise PortsExhausted("no free ports")
        if leg in self.legs:
            self.complaints.append(f"{leg} is opened twice")
        self._next_port += 2
        self.legs[leg] = FakeLeg(self._next_port)
        return self._next_port

    def configure(self, leg: str, **fields: Any) -> None:
        one = self._find(leg, "configure")
        if one is not None:
            one.remote = fields["remote_host"], fields["remote_port"]
            one.codec, one.sends, one.receives = fields["codec"], fields["send"], fields["receive"]
            one.srtp, one.comfort_noise = fields["srtp"], fields["comfort_noise"]
            one.dtmf_by_info = fields["dtmf_by_info"]

    async def close_leg(self, leg: str) -> dict[str, Any]:
        await self._answer()
        one = self.legs.pop(leg, None)
        if one is None:
            self.complaints.append(f"close of {leg}, which is not open")
            raise UnknownLeg(leg)
        self._silence(one)
        self.closed[leg] = one
        return {"packets_sent": 1, "packets_received": 1}

    # what a leg hears and says

    def join(
        self,
        leg: str,
        room: str,
        *,
        muted: bool = False,
        deaf: bool = False,
        gain: float = 0.0,
        role: Role = "member",
        ear: str = "",
    ) -> None:
        one = self._find(leg, "join")
        if ear:
            self._find(ear, "join")
        if one is not None:
            one.room, one.muted, one.role, one.ear = room, muted, role, ear

    def watch(self, room: str, on: bool) -> None:
        if not self.in_room(room) and not self.dead:
            self.complaints.append(f"watch of {room}, which is empty")
        self.watched[room] = on

    def leave(self, leg: str) -> None:
        one = self._find(leg, "leave")
        if one is not None:
            one.room = None

    def play(self, leg: str, sounds: Sequence[Sound], token: str, repeat: bool = False) -> None:
        one = self._find(leg, "play")
        if one is None:
            return
        self._silence(one)
        one.playing, one.sounds = token, list(sounds)
        one.heard.append(token)
        if not repeat:
            one.timer = self.loop.call_later(SECONDS_OF_A_SOUND * len(one.sounds), self._finish, leg, token)

    def stop(self, leg: str) -> None:
        one = self._find(leg, "stop")
        if one is not None:
            self._silence(one)

    def echo(self, leg: str, on: bool) -> None:
        one = self._find(leg, "echo")
        if one is not None:
            one.echo = on

    def send_digits(self, leg: str, digits: str) -> None:
        one = self._find(leg, "send_digits")
        if one is not None:
            one.digits += digits

    def detect_inband(self, leg: str, on: bool) -> None:
        one = self._find(leg, "detect_inband")
        if one is not None:
            one.inband = on

    def detect_progress(self, leg: str, on: bool) -> None:
        one = self._find(leg, "detect_progress")
        if one is not None:
            one.progress_began += on and not one.progress
            one.progress = on

    # recordings

    async def record(self, recording: str, path: str, left: Sequence[str], right: Sequence[str]) -> None:
        await self._answer()
        if self.cannot_record:
            raise RecordingError("the disk is full")
        for leg in (*left, *right):
            self._find(leg, "record")
        try:
            await asyncio.to_thread(_begin, Path(path))
        except OSError as error:
            self.on_event(RecordingFailed(recording, str(error)))
        self.recordings[recording] = FakeRecording(Path(path), tuple(left), tuple(right), self.loop.time())

    def record_change(self, recording: str, left: Sequence[str], right: Sequence[str]) -> None:
        found = self.recordings.get(recording)
        if found is None:
            self.complaints.append(f"change of {recording}, which does not run")
            return
        found.left, found.right = tuple(left), tuple(right)

    async def stop_record(self, recording: str) -> dict[str, Any]:
        await self._answer()
        found = self.recordings.pop(recording, None)
        if found is None:
            raise UnknownLeg(recording)
        self.recorded.append(found)
        seconds = self.loop.time() - found.since
        await asyncio.sleep(self.slow_disk)
        return {"seconds": seconds, "path": str(found.path), "error": None}

    async def statistics(self) -> dict[str, Any]:
        await self._answer()
        return {"legs": len(self.legs)}

    # what a test makes happen

    def press(self, leg: str, digits: str, method: str = "rfc4733") -> None:
        """A caller presses keys."""
        for digit in digits:
            self.on_event(Digit(leg, digit, 100, method))

    def fall_silent(self, leg: str) -> None:
        """No packet comes from a leg."""
        self.on_event(MediaSilent(leg, 20.0))

    def die(self) -> None:
        """The worker crashes."""
        self.dead = True
        for leg in self.legs.values():
            self._silence(leg)
        self.legs.clear()
        self.recordings.clear()
        self.on_event(WorkerLost())

    def in_room(self, room: str) -> set[str]:
        """The legs that hear each other in a room."""
        return {name for name, leg in self.legs.items() if leg.room == room}

    def _finish(self, leg: str, token: str) -> None:
        self.legs[leg].playing = None
        self.on_event(PlaybackFinished(leg, token))

    def _silence(self, leg: FakeLeg) -> None:
        leg.playing = None
        if leg.timer is not None:
            leg.timer.cancel()

    def _find(self, leg: str, do: str) -> FakeLeg | None:
        found = self.legs.get(leg)
        if found is None and not self.dead:
            self.complaints.append(f"{do} of {leg}, which is not open")
        return found

    async def _answer(self) -> None:
        await asyncio.sleep(self.latency)
        if self.dead:
            raise WorkerGone("the media worker closed its socket")


def _begin(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")


__all__ = ["FakeLeg", "FakeMedia", "FakeRecording", "MediaError"]
