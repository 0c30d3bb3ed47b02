"""Legs whose sound is listened to for call progress, and what is told of it."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.answer import HUMAN, MACHINE, AnswerDetector
from media.legs import Legs
from media.measures import Measures
from media.progress import ProgressDetector
from media.protocol import CallProgress

_VERDICTS: Final = {HUMAN: "human", MACHINE: "machine"}

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]


class Listening:
    """The rows that are listened to."""

    def __init__(self, legs: Legs, measures: Measures) -> None:
        self._legs = legs
        self._measures = measures
        self._progress = ProgressDetector(legs.capacity)
        self._answer = AnswerDetector(legs.capacity)
        self._rows: set[int] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: int) -> bool:
        return row in self._rows

    def begin(self, row: int) -> None:
        """Listen to a row, from the beginning."""
        self._rows.add(row)
        self._progress.reset(row)
        self._answer.reset(row)

    def end(self, row: int) -> None:
        """Listen no more."""
        self._rows.discard(row)

    def feed(self, said: Samples, place: Rows, tick: int) -> Iterator[CallProgress]:
        """Listen to the frame of this tick: int16[e, 160] by ear, intp[capacity] the ear of each row."""
        rows = np.fromiter(self._rows, np.intp, len(self._rows))
        names = self._legs.names
        for heard in self._progress.feed(said[place[rows]], rows):
            yield CallProgress(names[heard.row], heard.kind, heard.seconds)
        first, verdict = self._answer.feed(self._measures.speaks(rows, tick), rows)
        for row in rows[first].tolist():
            yield CallProgress(names[row], "voice", self._answer.seconds(row))
        for at in np.flatnonzero(verdict).tolist():
            row = int(rows[at])
            yield CallProgress(names[row], _VERDICTS[int(verdict[at])], self._answer.seconds(row))
