"""How all legs of a worker fare just now: a few numbers, made from arrays once a second."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media import quality
from media.legs import Legs
from media.measures import Measures
from media.receiver import CLOCK, Receiver

UNHEARD_FOR: Final = 3.0
"""Seconds without a packet that is due, after which a leg counts as not received."""
BUFFER_DELAY_MS: Final = 60.0

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]


class Survey:
    """Looks at every leg once a second.

    The scores are those of the last second, so that trouble shows while it lasts and not diluted by the hour before.
    """

    def __init__(self, legs: Legs, receiver: Receiver, measures: Measures) -> None:
        self._legs = legs
        self._receiver = receiver
        self._measures = measures
        capacity = legs.capacity
        self._received = np.zeros(capacity, np.int64)
        self._expected = np.zeros(capacity, np.int64)
        self._late = np.zeros(capacity, np.int64)
        self._frames = np.zeros(capacity, np.int64)
        self._report: dict[str, Any] = _report_of_nobody()

    def report(self) -> dict[str, Any]:
        """The numbers of the last review."""
        return dict(self._report) if len(self._legs) else _report_of_nobody()

    def review(self, now: float) -> None:
        """Look at every leg."""
        legs, measures = self._legs, self._measures
        rows = legs.rows
        if not len(rows):
            return
        received = self._since(self._received, rows, self._receiver.reception.received[rows])
        expected = self._since(self._expected, rows, self._receiver.reception.expected(rows))
        late = self._since(self._late, rows, self._receiver.jitter.late[rows])
        decoded = self._since(self._frames, rows, measures.frames[rows]) > 0
        waits = legs.receives[rows] & (now - legs.waiting_since[rows] >= UNHEARD_FOR)
        self._report = {
            "receiving": int(np.count_nonzero(received)),
            "decoded": int(np.count_nonzero(decoded)),
            "not_received": int(np.count_nonzero(waits)),
            "only_silence": int(np.count_nonzero(decoded & measures.only_silence(rows))),
            **self._scores(rows, received, expected, late),
        }

    def _since(self, before: Longs, rows: Rows, counter: Longs) -> Longs:
        """By how much a counter grew; a smaller one is that of another leg on the row."""
        grown = np.where(counter >= before[rows], counter - before[rows], counter)
        before[rows] = counter
        return grown

    def _scores(self, rows: Rows, received: Longs, expected: Longs, late: Longs) -> dict[str, float | None]:
        heard = expected > 0
        if not heard.any():
            return dict.fromkeys(("loss_percent", "jitter_p95_ms", "mos_mean", "mos_p5"))
        expected, received = expected[heard], received[heard]
        lost = np.maximum(expected - received, 0)
        unheard = np.minimum(100 * (lost + late[heard]) / expected, 100)
        scores = quality.mos(quality.r_factor(unheard, BUFFER_DELAY_MS))
        jitter = self._receiver.meter.jitter[rows[heard]] * 1000 / CLOCK
        return {
            "loss_percent": round(float(100 * lost.sum() / expected.sum()), 3),
            "jitter_p95_ms": round(float(np.percentile(jitter, 95)), 3),
            "mos_mean": round(float(scores.mean()), 3),
            "mos_p5": round(float(np.percentile(scores, 5)), 3),
        }


def _report_of_nobody() -> dict[str, Any]:
    counts = dict.fromkeys(("receiving", "decoded", "not_received", "only_silence"), 0)
    return counts | dict.fromkeys(("loss_percent", "jitter_p95_ms", "mos_mean", "mos_p5"))
