"""How long callers are patient, from calls of which most were answered before their patience ended.

Who was answered after 10 seconds would have waited at least 10; how long is not known (his patience is censored). The
estimate of Kaplan and Meier (1958) uses what is known of everybody.
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Survival:
    """Share of callers who wait longer than a time: a falling staircase."""

    times: tuple[float, ...]
    """Seconds at which somebody hung up, rising."""
    shares: tuple[float, ...]
    """Share who wait longer than each of them."""

    @classmethod
    def estimate(cls, waits: Iterable[tuple[float, bool]]) -> "Survival":
        """From (seconds waited, whether he hung up then). At equal times hang-ups come before answers."""
        ordered = sorted(waits, key=lambda wait: (wait[0], not wait[1]))
        times: list[float] = []
        shares: list[float] = []
        share = 1.0
        for index, (seconds, hung_up) in enumerate(ordered):
            if not hung_up:
                continue
            share *= 1 - 1 / (len(ordered) - index)
            if times and times[-1] == seconds:
                shares[-1] = share
            else:
                times.append(seconds)
                shares.append(share)
        return cls(tuple(times), tuple(shares))

    def beyond(self, seconds: float) -> float:
        """Share who wait longer than this."""
        index = bisect_right(self.times, seconds)
        return self.shares[index - 1] if index else 1.0

    def draw(self, rng: random.Random, beyond: float = 0.0) -> float:
        """The patience of a caller who has waited `beyond` seconds already; infinite beyond what anybody has shown."""
        left = self.beyond(beyond)
        if left <= 0:
            return math.inf
        level = rng.random() * left
        # the shares fall: the first that is not above the level
        index = bisect_left(self.shares, -level, key=lambda share: -share)
        return self.times[index] if index < len(self.times) else math.inf


def mean_patience(waits: Iterable[tuple[float, bool]]) -> float | None:
    """Mean of exponential patience, most likely in the light of the same facts; None when nobody hung up."""
    known = list(waits)
    left = sum(hung_up for _, hung_up in known)
    return math.fsum(seconds for seconds, _ in known) / left if left else None
