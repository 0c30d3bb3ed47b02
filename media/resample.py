"""Sample rate conversion through soxr: whole sounds once when they are loaded, live rows frame by frame."""

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

RATE: Final = 8000
"""Hertz of everything inside the engine that G.711 carries."""

Samples = NDArray[np.int16]


def resample(samples: Samples, source_rate: float, target_rate: float = RATE) -> Samples:
    """Whole mono sound at another rate: int16[n] -> int16[round(n * target / source)], saturated."""
    if source_rate == target_rate or not len(samples):
        return samples
    changed = soxr.resample(samples.astype(np.float32), source_rate, target_rate, quality="HQ")
    return to_int16(changed)


def to_int16(samples: NDArray[np.floating], scale: float = 1.0) -> Samples:
    """Round and saturate floating samples; a sample that is not a number becomes silence."""
    scaled = np.nan_to_num(samples * scale, nan=0.0, posinf=32767.0, neginf=-32768.0)
    return np.asarray(np.clip(np.rint(scaled), -32768, 32767), np.int16)


class Resampler:
    """Rate conversion of one stream that comes in pieces; the seams cannot be heard.

    The first output comes later than the first input by the length of the filter; `flush` gives what is still inside.
    """

    def __init__(self, source_rate: float, target_rate: float = RATE, *, quality: str = "HQ") -> None:
        self._stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32", quality=quality)

    def feed(self, samples: NDArray[np.generic]) -> NDArray[np.float32]:
        """Next piece of the stream, any length, in; float32 samples of the same scale out."""
        return np.asarray(self._stream.resample_chunk(samples.astype(np.float32)), np.float32)

    def flush(self) -> NDArray[np.float32]:
        """The end of the stream; nothing may be fed afterwards."""
        return np.asarray(self._stream.resample_chunk(np.empty(0, np.float32), last=True), np.float32)
