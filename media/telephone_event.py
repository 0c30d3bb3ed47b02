"""Telephone events (RFC 4733): digits that travel as RTP packets of their own.

Received, an event is counted once: at its first packet with the E bit, or when its packets cease before one came.
Sent, it is refreshed every 20 ms, its end is said three times, and audio pauses meanwhile.
"""

import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from media.errors import BadCommand
from media.rtp import FRAME

KEYS: Final = "0123456789*#ABCD"
"""Event codes 0 to 15 (RFC 4733 section 3.2)."""
END: Final = 0x80
VOLUME: Final = 10
"""-10 dBm0."""
ENDS: Final = 3
"""How often an end is said (RFC 4733 section 2.5.1.4)."""
GIVE_UP: Final = 0.12
"""Seconds without a packet after which an event without an end is over."""
TICKS: Final = 5
"""Length of a digit that we send, in ticks of 20 ms."""
PAUSE_TICKS: Final = 4
"""Pause after it, the repeated ends not counted."""
MOST_WAITING: Final = 64
"""Digits that may wait to be sent on one leg."""

_PAYLOAD: Final = struct.Struct("!BBH")


@dataclass(slots=True)
class Event:
    """The payload of one event packet."""

    code: int
    ended: bool
    duration: int
    """Ticks of the 8 kHz clock so far."""

    def __bytes__(self) -> bytes:
        return _PAYLOAD.pack(self.code, (END if self.ended else 0) | VOLUME, min(self.duration, 0xFFFF))


def parse_event(payload: bytes) -> Event | None:
    """The event of a payload; None when it is cut off."""
    if len(payload) < _PAYLOAD.size:
        return None
    code, flags, duration = _PAYLOAD.unpack_from(payload)
    return Event(code, bool(flags & END), duration)


@dataclass(slots=True)
class Pressed:
    """A key that was pressed and let go."""

    key: str
    duration_ms: int


@dataclass(slots=True)
class EventReceiver:
    """Counts the digits of one leg."""

    _current: tuple[int, int] | None = None
    _last: tuple[int, int] | None = None
    _duration: int = 0
    _heard_at: float = 0.0

    def receive(self, event: Event, timestamp: int, now: float) -> list[Pressed]:
        """One event packet; the digits that it completes."""
        identity = (timestamp, event.code)
        if event.code >= len(KEYS) or identity == self._last:
            return []
        done = self._finish() if self._current not in (None, identity) else []
        self._current = identity
        self._duration = max(event.duration, self._duration)
        self._heard_at = now
        if event.ended:
            done += self._finish()
        return done

    def handle_timer(self, now: float) -> list[Pressed]:
        """A digit whose ends were all lost."""
        if self._current is None or now - self._heard_at < GIVE_UP:
            return []
        return self._finish()

    @property
    def waiting(self) -> bool:
        """Whether an event has begun and not ended."""
        return self._current is not None

    def _finish(self) -> list[Pressed]:
        if self._current is None:
            return []
        pressed = Pressed(KEYS[self._current[1]], self._duration // 8)
        self._last, self._current, self._duration = self._current, None, 0
        return [pressed]


@dataclass(slots=True)
class EventSender:
    """Sends the digits of one leg, one packet per tick at most."""

    payload_type: int
    waiting: deque[str] = field(default_factory=deque)
    _code: int = -1
    _tick: int = 0
    timestamp: int = 0

    def press(self, digits: str) -> None:
        """Queue digits."""
        wrong = [digit for digit in digits if digit not in KEYS]
        if wrong:
            raise BadCommand(f"{wrong[0]!r} is no key of a telephone")
        if len(self.waiting) + len(digits) > MOST_WAITING:
            raise BadCommand(f"more than {MOST_WAITING} digits wait to be sent")
        self.waiting.extend(digits)

    @property
    def idle(self) -> bool:
        """Whether everything was sent."""
        return self._code < 0 and not self.waiting

    def next_packet(self, clock: int) -> tuple[bytes, int, bool] | None:
        """Payload, timestamp and marker of this tick's packet, None in a pause; `clock` is the leg's timestamp now."""
        if self._code < 0:
            self._code, self._tick, self.timestamp = KEYS.index(self.waiting.popleft()), 0, clock
        self._tick += 1
        tick = self._tick
        if tick <= TICKS + ENDS - 1:
            event = Event(self._code, tick >= TICKS, min(tick, TICKS) * FRAME)
            return bytes(event), self.timestamp, tick == 1
        if tick >= TICKS + ENDS - 1 + PAUSE_TICKS:
            self._code = -1
        return None
