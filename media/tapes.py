"""Recordings as the tick sees them: two channels of half a second each, filled for all recordings together.

Every tick adds one frame to the channels of all recordings with a few array operations; a full block goes to the
recording's own writer. Recordings that began at different times hand over in different ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import BadCommand, UnknownLeg
from media.recorder import Recorder
from media.rtp import FRAME

FRAMES: Final = 25
"""Frames of a block: 0.5 s."""
MOST: Final = 2048
"""Recordings at a time."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]


@dataclass(slots=True)
class Tape:
    """One recording."""

    name: str
    recorder: Recorder
    left: tuple[int, ...]
    right: tuple[int, ...]
    """Rows whose sound goes to each channel."""
    began: int
    """Tick from which its blocks are counted."""
    slot: int


class Tapes:
    """The recordings that run."""

    def __init__(self) -> None:
        self._tapes: dict[str, Tape] = {}
        self._slots = list(range(MOST - 1, -1, -1))
        self._blocks = np.zeros((MOST, 2, FRAMES * FRAME), np.int16)
        self._due: list[list[Tape]] = [[] for _ in range(FRAMES)]
        self._fed = -1

    def __len__(self) -> int:
        return len(self._tapes)

    def __contains__(self, name: str) -> bool:
        return name in self._tapes

    @property
    def names(self) -> list[str]:
        """Names of the recordings."""
        return list(self._tapes)

    def start(self, name: str, recorder: Recorder, tick: int) -> Tape:
        """Begin to fill a recording."""
        if name in self._tapes:
            raise BadCommand(f"the recording {name!r} runs already")
        if not self._slots:
            raise BadCommand(f"no more than {MOST} recordings at a time")
        tape = self._tapes[name] = Tape(name, recorder, (), (), tick, self._slots.pop())
        self._blocks[tape.slot] = 0
        self._due[(tick - 1) % FRAMES].append(tape)
        return tape

    def change(self, name: str, left: Sequence[int], right: Sequence[int]) -> None:
        """Put other rows on the channels."""
        tape = self.tape(name)
        tape.left, tape.right = tuple(left), tuple(right)

    def drop(self, row: int) -> None:
        """Take a row off all channels: its leg is gone."""
        for tape in self._tapes.values():
            tape.left = tuple(other for other in tape.left if other != row)
            tape.right = tuple(other for other in tape.right if other != row)

    def stop(self, name: str) -> Recorder:
        """Hand over what the block holds and forget the recording; its recorder is still to be finished."""
        tape = self.tape(name)
        self._hand_over(tape, (self._fed - tape.began + 1) % FRAMES)
        del self._tapes[name]
        self._due[(tape.began - 1) % FRAMES].remove(tape)
        self._slots.append(tape.slot)
        return tape.recorder

    def tape(self, name: str) -> Tape:
        """A recording that runs."""
        if name not in self._tapes:
            raise UnknownLeg(f"no recording {name!r} runs")
        return self._tapes[name]

    def find(self, recorder: Recorder) -> str | None:
        """The name of the recording that a writer belongs to."""
        return next((name for name, tape in self._tapes.items() if tape.recorder is recorder), None)

    @property
    def rows(self) -> set[int]:
        """Rows that some recording hears."""
        return {row for tape in self._tapes.values() for row in (*tape.left, *tape.right)}

    def plan(self, place: Rows) -> "TapePlan":
        """Which frames go where, as arrays that hold until a leg or a recording changes."""
        if not self._tapes:
            return _BLANK
        pairs = sorted(
            (tape.slot * 2 + channel, int(place[row]))
            for tape in self._tapes.values()
            for channel, rows in enumerate((tape.left, tape.right))
            for row in rows
            if place[row] >= 0
        )
        slots = np.array([slot for slot, _ in pairs], np.intp)
        sources = np.array([source for _, source in pairs], np.intp)
        return TapePlan(*np.unique(slots, return_index=True), sources, self._began())

    def feed(self, pcm: Samples, plan: "TapePlan", tick: int) -> None:
        """Add a frame of int16[n, 160] sound to every recording; hand over the blocks that are full."""
        if len(plan.sources):
            frames = pcm[plan.sources]
            if len(plan.first) < len(plan.sources):
                total = np.add.reduceat(frames.astype(np.int32), plan.first, axis=0)
                frames = np.clip(total, -32768, 32767).astype(np.int16)
            blocks = self._blocks.reshape(MOST * 2, FRAMES, FRAME)
            blocks[plan.channels, (tick - plan.began[plan.channels // 2]) % FRAMES] = frames
        self._fed = tick
        for tape in self._due[tick % FRAMES]:
            if tick >= tape.began:
                self._hand_over(tape, FRAMES)

    def skip(self, ticks: int) -> None:
        """Let so many ticks pass without sound, so that recordings keep step with the clock."""
        for tape in self._tapes.values():
            if tape.began > self._fed:
                continue  # it began after them
            position = (self._fed - tape.began + 1) % FRAMES + ticks
            if position >= FRAMES:
                self._hand_over(tape, FRAMES)
                silent = (position // FRAMES - 1) * FRAMES * FRAME
                if silent:
                    tape.recorder.append(np.broadcast_to(np.int16(0), (2, silent)))
            self._due[(tape.began - 1) % FRAMES].remove(tape)
            tape.began -= ticks
            self._due[(tape.began - 1) % FRAMES].append(tape)

    def _hand_over(self, tape: Tape, count: int) -> None:
        block = self._blocks[tape.slot]
        if count:
            tape.recorder.append(block[:, : count * FRAME])
        block[:] = 0

    def _began(self) -> NDArray[np.int64]:
        began = np.zeros(MOST, np.int64)
        for tape in self._tapes.values():
            began[tape.slot] = tape.began
        return began


@dataclass(slots=True)
class TapePlan:
    """Where the frames of a tick go."""

    channels: Rows
    """intp[c]: slot * 2 + channel, those that hear anybody."""
    first: Rows
    """intp[c]: where in `sources` each channel begins."""
    sources: Rows
    """intp[s]: rows of the sound array, by channel."""
    began: NDArray[np.int64]
    """int64[MOST]: first tick of each slot."""


_BLANK: Final = TapePlan(*(np.empty(0, np.intp),) * 3, np.zeros(MOST, np.int64))
