"""How loud a frame is: power, level in dBm0 and in -dBov, peak.

0 dBov is a square wave that touches the int16 limits; a full-scale sine has -3.01 dBov and 3.14 dBm0 (G.711), so
dBm0 = dBov + 6.15.  Digital silence has no logarithm: its level is `FLOOR_DBOV`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR_DBOV: Final = -127.0
"""What silence is said to have (RFC 6464 section 3 ends there too)."""
DBM0_OVER_DBOV: Final = 6.15

Samples = NDArray[np.int16]
Levels = NDArray[np.float64]


def power(pcm: Samples) -> Levels:
    """Mean square of every row: int16[n, m] -> float64[n]; exact, the sum is made in integers."""
    wide = pcm.astype(np.int32)
    return np.asarray(np.einsum("nm,nm->n", wide, wide, dtype=np.int64) / pcm.shape[1], np.float64)


def peak(pcm: Samples) -> NDArray[np.int32]:
    """Largest magnitude of every row, int16[n, m] -> int32[n], 32768 for the lowest sample."""
    return np.asarray(np.maximum(pcm.max(axis=1).astype(np.int32), -pcm.min(axis=1).astype(np.int32)))


def dbov(pcm: Samples) -> Levels:
    """Level of every row in dB against the overload point, int16[n, m] -> float64[n], never under `FLOOR_DBOV`."""
    relative = np.maximum(power(pcm) / 32768.0**2, 10 ** (FLOOR_DBOV / 10))
    return np.asarray(10 * np.log10(relative), np.float64)


def dbm0(pcm: Samples) -> Levels:
    """Level of every row in dBm0, int16[n, m] -> float64[n]."""
    return dbov(pcm) + DBM0_OVER_DBOV


def audio_level(pcm: Samples) -> NDArray[np.uint8]:
    """Level of every row as RFC 6464 section 3 puts it in an RTP header: -dBov, 0 loudest to 127 silent, uint8[n]."""
    return np.clip(np.rint(-dbov(pcm)), 0, 127).astype(np.uint8)
