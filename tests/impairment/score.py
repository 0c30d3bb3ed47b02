"""How good speech still is: PESQ narrowband (ITU-T P.862, as MOS-LQO by P.862.1) of what was heard."""

import numpy as np
from numpy.typing import NDArray
from pesq import pesq

RATE = 8000


def place_of(said: NDArray[np.int16], heard: NDArray[np.int16]) -> int:
    """Where in `heard` the sound `said` begins: the place at which they correlate most."""
    size = len(heard) + len(said)
    product = np.fft.rfft(heard.astype(np.float64), size) * np.conj(np.fft.rfft(said.astype(np.float64), size))
    correlation = np.fft.irfft(product, size)[: max(len(heard) - len(said), 0) + 1]
    return int(np.argmax(correlation))


def score(said: NDArray[np.int16], heard: NDArray[np.int16]) -> float:
    """From 1.0 (bad) to 4.5 (as it was said); `heard` may begin before and end after what was said."""
    if len(heard) < len(said):
        raise ValueError(f"heard {len(heard)} samples of {len(said)}")
    begin = place_of(said, heard)
    return float(pesq(RATE, said, heard[begin : begin + len(said)], "nb"))
