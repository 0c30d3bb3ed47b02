"""How good a call sounds: interarrival jitter (RFC 3550) and the E-model (ITU-T G.107) with its mean opinion score."""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

BASIC_RATING: Final = 93.2
"""R of a connection with nothing wrong with it: the default values of G.107 table 2, simultaneous impairments
included.
"""
G711_IMPAIRMENT: Final = 0.0
"""Equipment impairment Ie of G.711 (G.113 table I.1)."""
G711_ROBUSTNESS: Final = 25.1
"""Packet loss robustness Bpl of G.711 with the concealment of its Appendix I (G.113 table I.2)."""
MOST_BURSTY: Final = 8.0
"""Burst ratio beyond which the E-model is not asked."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Ticks = NDArray[np.uint32]


class JitterMeter:
    """Interarrival jitter of many streams, the estimator of RFC 3550 section 6.4.1 and appendix A.8.

    Times are in units of the RTP clock, 8 to the millisecond for G.711, and wrap at 32 bits.
    """

    def __init__(self, rows: int) -> None:
        self.jitter = np.zeros(rows)
        """Present estimate by row, in RTP clock units, float64[rows]."""
        self._transit = np.zeros(rows, np.uint32)
        self._started = np.zeros(rows, np.bool_)

    def reset(self, row: int) -> None:
        """A new stream begins on this row, for instance because its SSRC changed."""
        self.jitter[row] = 0
        self._started[row] = False

    def update(self, rows: Rows, arrival: Ticks, timestamp: Ticks) -> None:
        """Take packets in the order they came.

        Parameters
        ----------
        rows : intp[k]
            Stream of each packet; a row may occur several times.
        arrival, timestamp : uint32[k]
            When each packet came and the timestamp it carries.
        """
        while len(rows):
            _, first = np.unique(rows, return_index=True)
            self.update_once(rows[first], arrival[first] - timestamp[first])
            if len(first) == len(rows):
                return
            rest = np.ones(len(rows), np.bool_)
            rest[first] = False
            rows, arrival, timestamp = rows[rest], arrival[rest], timestamp[rest]

    def update_once(self, rows: Rows, transit: Ticks) -> None:
        """One packet per row, uint32[k] of arrival minus timestamp: D is the change of transit, J += (|D| - J) / 16."""
        change = np.abs((transit - self._transit[rows]).view(np.int32).astype(np.float64))
        smoothed = self.jitter[rows] + (change - self.jitter[rows]) / 16
        self.jitter[rows] = np.where(self._started[rows], smoothed, 0.0)
        self._transit[rows] = transit
        self._started[rows] = True


def r_factor(
    loss_percent: ArrayLike,
    delay_ms: ArrayLike = 0.0,
    *,
    burst_ratio: ArrayLike = 1.0,
    impairment: float = G711_IMPAIRMENT,
    robustness: float = G711_ROBUSTNESS,
) -> Floats:
    """Transmission rating R, 0 to 93.2, of the E-model.

    Parameters
    ----------
    loss_percent : float[n]
        Packets that were not there when they had to be played, lost and too late alike, 0 to 100.
    delay_ms : float[n]
        One way from mouth to ear: half the round trip, the jitter buffer and the packet time.
    burst_ratio : float[n]
        1 for losses at random, above 1 when they come together (G.107 section 7.5).
    """
    loss, ratio = np.asarray(loss_percent, np.float64), np.asarray(burst_ratio, np.float64)
    equipment = impairment + (95 - impairment) * loss / (loss / ratio + robustness)
    return np.clip(BASIC_RATING - delay_impairment(delay_ms) - equipment, 0, 100)


def delay_impairment(delay_ms: ArrayLike) -> Floats:
    """Idd of G.107 section 7.4: what the absolute delay of an echo-free connection costs, 0 up to 100 ms."""
    delay = np.maximum(np.asarray(delay_ms, np.float64), 100.0)
    x = np.log2(delay / 100)
    return np.asarray(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2), np.float64)


def burst_ratio(lost: int, bursts: int, expected: int) -> float:
    """How much longer losses hold on than they would at random (G.107 section 7.5): 1 at random, up to `MOST_BURSTY`.

    The mean length of a run of lost packets over the mean length that independent losses have, 1 / (1 - loss).
    """
    if not 0 < bursts <= lost < expected:
        return 1.0
    return min(max(lost / bursts * (1 - lost / expected), 1.0), MOST_BURSTY)


def rate(loss_percent: float, delay_ms: float, burst_ratio: float = 1.0) -> tuple[float, float]:
    """R and mean opinion score of one G.711 leg, in plain numbers: forty times cheaper than arrays of one."""
    x = math.log2(max(delay_ms, 100.0) / 100)
    delayed = 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    equipment = G711_IMPAIRMENT + (95 - G711_IMPAIRMENT) * loss_percent / (loss_percent / burst_ratio + G711_ROBUSTNESS)
    r = min(max(BASIC_RATING - delayed - equipment, 0.0), 100.0)
    return r, min(max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0), 4.5)


def mos(rating: ArrayLike) -> Floats:
    """Mean opinion score, 1 to 4.5, that a rating R stands for (G.107 annex B)."""
    r = np.clip(np.asarray(rating, np.float64), 0, 100)
    return np.clip(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1, 4.5)
