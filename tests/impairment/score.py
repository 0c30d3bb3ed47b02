"""How good speech still is: PESQ narrowband (ITU-T P.862, as MOS-LQO by P.862.1) of what was heard."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pesq import pesq  # type: ignore[import-untyped]

RATE = 8000

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Score:
    """How one saying was heard."""

    mos: float
    """From 1.0 (bad) to 4.5 (as it was said)."""
    place: int
    """At which sample it was heard best."""


def place_of(said: Samples, heard: Samples) -> int:
    """Where in `heard` the sound `said` begins: the place at which they correlate most."""
    size = len(heard) + len(said)
    product = np.fft.rfft(heard.astype(np.float64), size) * np.conj(np.fft.rfft(said.astype(np.float64), size))
    correlation = np.fft.irfft(product, size)[: max(len(heard) - len(said), 0) + 1]
    return int(np.argmax(correlation))


def score(said: Samples, heard: Samples) -> Score:
    """Score one saying; `heard` may begin before it and end after it."""
    if len(heard) < len(said):
        raise ValueError(f"heard {len(heard)} samples of {len(said)}")
    place = place_of(said, heard)
    return Score(float(pesq(RATE, said, heard[place : place + len(said)], "nb")), place)


def scores(said: Samples, heard: Samples, times: int, slack: int) -> list[Score]:
    """Score each of so many sayings, one after the other; each is looked for up to `slack` samples from its place."""
    found = []
    for begin in range(0, times * len(said), len(said)):
        first = max(0, begin - slack)
        one = score(said, heard[first : begin + len(said) + slack])
        found.append(Score(one.mos, first + one.place))
    return found
