"""What is played to legs: prompts one after another, and loops such as music on hold or a tone.

A loop of one sound is one gather for all its listeners; a list of prompts is followed leg by leg.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.player import Playback
from media.rtp import FRAME

NOT_PLAYING: Final = -1

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Finished:
    """A row heard its list to the end."""

    row: int
    token: str


@dataclass(slots=True)
class _Loop:
    """One endless sound and those who hear it."""

    windows: Samples
    """int16[length, 160]: the frame that begins at each sample, around the end."""
    source: Samples
    members: dict[int, int] = field(default_factory=dict)
    """Row to the tick at which it began."""
    rows: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    began: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def refresh(self) -> None:
        self.rows = np.fromiter(self.members.keys(), np.intp, len(self.members))
        self.began = np.fromiter(self.members.values(), np.int64, len(self.members))


class Players:
    """Players of rows."""

    def __init__(self) -> None:
        self._lists: dict[int, tuple[Playback, str]] = {}
        self._loops: dict[int, _Loop] = {}
        self._loop_of: dict[int, int] = {}

    def __contains__(self, row: int) -> bool:
        return row in self._lists or row in self._loop_of

    def __len__(self) -> int:
        return len(self._lists) + len(self._loop_of)

    def start(self, row: int, sounds: Sequence[Samples], token: str, tick: int, *, repeat: bool) -> None:
        """Play int16[m] sounds to a row, in place of what it heard."""
        self.stop(row)
        if not (repeat and len(sounds) == 1 and len(sounds[0])):
            self._lists[row] = Playback(sounds, repeat=repeat), token
            return
        key = id(sounds[0])
        loop = self._loops.get(key)
        if loop is None:
            loop = self._loops[key] = _Loop(_windows(sounds[0]), sounds[0])
        loop.members[row] = tick
        loop.refresh()
        self._loop_of[row] = key

    def stop(self, row: int) -> None:
        """Stop what is played to a row."""
        self._lists.pop(row, None)
        key = self._loop_of.pop(row, None)
        if key is None:
            return
        loop = self._loops[key]
        del loop.members[row]
        loop.refresh()
        if not loop.members:
            del self._loops[key]

    def add(self, out: Samples, place: Rows, tick: int) -> list[Finished]:
        """Add this tick's frames to what the rows hear.

        Parameters
        ----------
        out : int16[n, 160]
            What each listener hears so far.
        place : intp[capacity]
            Where in `out` each row is, negative for nowhere.
        """
        for loop in self._loops.values():
            at = place[loop.rows]
            heard = at >= 0
            frames = loop.windows[(tick - loop.began[heard]) * FRAME % len(loop.windows)]
            _add_saturated(out, at[heard], frames)
        return self._add_lists(out, place)

    def _add_lists(self, out: Samples, place: Rows) -> list[Finished]:
        finished = []
        frame = np.empty(FRAME, np.int16)
        for row, (playback, token) in self._lists.items():
            at = int(place[row])
            if at < 0:
                continue
            goes_on = playback.fill(frame)
            _add_saturated(out, np.array([at]), frame[None])
            if not goes_on:
                finished.append(Finished(row, token))
        for end in finished:
            del self._lists[end.row]
        return finished


def _windows(sound: Samples) -> Samples:
    """Every frame of an endlessly repeated sound, as a view: int16[m] -> int16[m, 160]."""
    around = np.concatenate([sound, np.resize(sound, FRAME)])
    return np.lib.stride_tricks.sliding_window_view(around, FRAME)[: len(sound)]


def _add_saturated(out: Samples, at: Rows, frames: Samples) -> None:
    total = out[at].astype(np.int32) + frames
    out[at] = np.clip(total, -32768, 32767)
