"""Who answered: a person says a short word and waits, a machine talks on. For many legs at once.

The greeting goes from the first voice to the pause after it. A short one that is followed by a pause is a person's; one
that becomes long is a machine's. This is a guess and no more. Of 225 greetings that espeak-ng spoke in three
languages, three voices and three speeds, 8 of 144 persons were taken for a machine and none of 81 machines for a
person (`tests/media/test_answer.py`); a machine that says hello and waits is taken for one, and real greetings differ
more than synthesised ones. Whoever uses it decides what a wrong guess may cost.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

PAUSE: Final = 35
"""Frames of silence after which a greeting is over: 0.7 s, and the 0.12 s that a voice is heard on."""
LONGEST_OF_A_PERSON: Final = 110
"""Frames of a greeting, 2.2 s: "Good morning, this is Anna Weber" has 1.9 s."""
UNDECIDED, HUMAN, MACHINE = range(3)

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]
Verdicts = NDArray[np.int8]


class AnswerDetector:
    """Listens to what comes first; each row has its own state.

    Parameters
    ----------
    rows : int
        How many rows there are.
    """

    def __init__(self, rows: int) -> None:
        self._frames = np.zeros(rows, np.int32)
        """Frames since the row was reset."""
        self._began = np.zeros(rows, np.int32)
        """Frame in which the greeting began, 0 for none."""
        self._pause = np.zeros(rows, np.int32)
        self._decided = np.zeros(rows, np.bool_)

    def reset(self, row: int) -> None:
        """Listen to this row from here on."""
        self._frames[row] = self._began[row] = self._pause[row] = 0
        self._decided[row] = False

    def seconds(self, row: int) -> float:
        """Seconds since the row was reset."""
        return round(float(self._frames[row]) * 0.02, 2)

    def feed(self, speaks: Flags, rows: Rows) -> tuple[Flags, Verdicts]:
        """One frame of some rows.

        Parameters
        ----------
        speaks : bool[k]
            Whether the frame holds a voice.
        rows : intp[k]
            Which row each of them belongs to, none twice.

        Returns
        -------
        bool[k], int8[k]
            Whether this is the first voice, and `HUMAN` or `MACHINE` in the frame in which that is decided.
        """
        frames, began = self._frames[rows] + 1, self._began[rows]
        first = speaks & (began == 0)
        began = np.where(first, frames, began)
        pause = np.where(speaks | (began == 0), 0, self._pause[rows] + 1)
        length = frames - began - pause + 1
        machine = (began > 0) & (length > LONGEST_OF_A_PERSON)
        human = (began > 0) & ~machine & (pause >= PAUSE)
        fresh = ~self._decided[rows]
        verdict = np.where(fresh & machine, MACHINE, np.where(fresh & human, HUMAN, UNDECIDED)).astype(np.int8)
        self._frames[rows], self._began[rows], self._pause[rows] = frames, began, pause
        self._decided[rows] |= verdict != UNDECIDED
        return first, verdict
