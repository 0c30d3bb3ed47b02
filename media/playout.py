"""The jitter buffer of one coded leg: payloads of any length wait here in the order in which they are to be decoded.

It follows the policy of `media.jitter`, which does the same for all G.711 legs at once: a stream begins
`START_FRAMES` deep, one that ran dry becomes deeper with the next packet, a packet that comes after its successors
makes it deeper at the next review, a long calm makes it shallower.
Times are positions of the 8 kHz clock that do not wrap.
"""

from enum import Enum
from typing import Final

from media.jitter import CALM_AHEAD, CALM_HASTE, CALM_REVIEWS, DEPTH, MOST_GROWTH, PAUSE_FRAMES, START_FRAMES, TOO_OLD
from media.rtp import FRAME

MOST_WAITING: Final = 64
"""Payloads that may wait; a sender of more is out of his mind."""


class Gap(Enum):
    """What is to be heard instead of a payload."""

    LOST = 1
    """A frame that should be here is not: make up for it."""
    PAUSE = 2
    """Nothing is said now."""


class Playout:
    """Payloads of one leg that wait for their tick."""

    def __init__(self) -> None:
        self.late = 0
        """Packets that came after their turn."""
        self._waiting: dict[int, bytes] = {}
        self._position = 0
        self._started = False
        self._held = 0
        self._missing = 0
        self._lowest = DEPTH
        self._calm = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def position(self) -> int:
        """Where what is played next lies on the clock of 8 kHz."""
        return self._position

    def restart(self) -> None:
        """Forget the stream; its next packet begins another."""
        self._waiting.clear()
        self._started = False

    def put(self, position: int, payload: bytes) -> None:
        """Place a payload at its position of the 8 kHz clock."""
        ahead = self._ahead(position)
        if not self._started or not -TOO_OLD <= ahead < DEPTH:
            self._begin(position)
            ahead = START_FRAMES
        if -min(self._missing, MOST_GROWTH) <= ahead < 0:
            self._position, ahead = position, 0
        self._lowest = min(self._lowest, ahead)
        if ahead < 0:
            self.late += 1
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting = {at: kept for at, kept in self._waiting.items() if at >= self._position}
        if len(self._waiting) < MOST_WAITING:
            self._waiting[position] = payload

    def take(self) -> bytes | Gap:
        """The payload whose turn it is; `advance` says how long it lasted. A lost frame lasts 20 ms."""
        if not self._started:
            return Gap.PAUSE
        if self._held:
            self._held -= 1
            return Gap.LOST
        position = self._next_position()
        if position is not None:
            self._position, self._missing = position, 0
            return self._waiting.pop(position)
        self._missing += 1
        if self._missing >= PAUSE_FRAMES:
            self.restart()
            return Gap.PAUSE
        self._position += FRAME
        return Gap.LOST

    def advance(self, samples: int) -> None:
        """The payload that was taken lasts so many samples of 8 kHz."""
        self._position += samples

    def review(self) -> None:
        """Once a second: deepen a stream with late packets, make one shallower that was calm for long."""
        lowest, self._lowest = self._lowest, DEPTH
        if not self._started:
            return
        if lowest < 0:
            self._held += min(-lowest, MOST_GROWTH)
        self._calm = self._calm + 1 if CALM_AHEAD <= lowest < DEPTH else 0
        if self._calm and self._calm >= CALM_REVIEWS - CALM_HASTE * (lowest - CALM_AHEAD):
            self._calm = 0
            self._skip()

    def _ahead(self, position: int) -> int:
        """Frames from what is played next to a position; less than half a frame counts as none."""
        return (position - self._position + FRAME // 2 - 1) // FRAME + self._held

    def _next_position(self) -> int | None:
        """Where the payload that is due lies: here, or less than half a frame off when a sender shifts its clock."""
        if self._position in self._waiting:
            return self._position
        near = [at for at in self._waiting if abs(at - self._position) < FRAME // 2]
        return min(near, default=None)

    def _begin(self, position: int) -> None:
        self._waiting.clear()
        self._started = True
        self._position = position - START_FRAMES * FRAME
        self._held = self._missing = self._calm = 0

    def _skip(self) -> None:
        """Leave out one frame."""
        due = self._next_position()
        if due is not None:
            del self._waiting[due]
        self._position += FRAME
