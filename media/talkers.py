"""Who talks in a room: the loudest of its members over the last second.

Power is added up in halves of a second and judged at the end of each, so a room tells at most twice a second. Who
talks goes on talking for the listeners until another one was twice as loud as he.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import level
from media.legs import NOBODY

HALF: Final = 25
"""Ticks of half a second."""
HYSTERESIS: Final = 2.0
"""How many times louder another one must be: 3 dB."""
FLOOR: Final = 2 * HALF * 32768.0**2 * 10 ** (-50 / 10)
"""Sum of the powers of a second under which nobody talks: -50 dBov."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Watched:
    """A room whose talker somebody wants to know."""

    room: str
    rows: Rows
    """intp[k]: members that all others hear."""


class Talkers:
    """The talkers of the watched rooms.

    Parameters
    ----------
    capacity : int
        Rows.
    """

    def __init__(self, capacity: int) -> None:
        self._sums = np.zeros((2, capacity))
        """float64[2, rows]: power of this half second and of the one before, summed over ticks."""
        self._talker: dict[str, int] = {}

    def forget(self, row: int) -> None:
        """A leg is gone."""
        self._sums[:, row] = 0.0

    def listen(self, said: Samples, ears: Rows, rows: Rows) -> None:
        """Add a tick: int16[n, 160] of all ears; intp[k] ears and rows of the members of the watched rooms."""
        self._sums[0, rows] += level.power(said[ears])

    def judge(self, watched: Sequence[Watched]) -> list[tuple[str, int]]:
        """Every `HALF` ticks: the rooms in which another one talks now, and his row, `NOBODY` when it is silent."""
        loudness = self._sums.sum(axis=0)
        before, self._talker = self._talker, {one.room: self._loudest(one, loudness) for one in watched}
        self._sums[1] = self._sums[0]
        self._sums[0] = 0.0
        return [(room, row) for room, row in self._talker.items() if before.get(room, NOBODY) != row]

    def _loudest(self, watched: Watched, loudness: NDArray[np.float64]) -> int:
        if not len(watched.rows):
            return NOBODY
        row = int(watched.rows[np.argmax(loudness[watched.rows])])
        if loudness[row] < FLOOR:
            return NOBODY
        talker = self._talker.get(watched.room, NOBODY)
        talks_on = talker in watched.rows and loudness[row] < HYSTERESIS * loudness[talker]
        return talker if talks_on else row
