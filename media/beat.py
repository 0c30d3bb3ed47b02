"""When the worker looks at its sockets, and how well it keeps time; decisions only, with the time as an argument.

A tick has an absolute deadline. While packets are relayed there are looks between two ticks, so that a packet waits a
third of a tick at most. A look takes no more packets than fit before the next tick: frames that players and mixes owe
to somebody leave on time however many packets came at once.
"""

from collections import deque
from typing import Any, Final

import numpy as np

TICK: Final = 0.02
"""Seconds."""
PARTS: Final = 3
"""Looks at the sockets per tick while packets are relayed: a packet waits 3.3 ms in the median, 6.7 ms at most."""
PART: Final = TICK / PARTS
LEAST: Final = PART / 8
"""Seconds before a tick in which a look does not pay any more."""
FIRST_GUESS: Final = 10e-6
"""Seconds that a packet takes, until it was measured."""
MANY: Final = 50
"""Packets of one look from which the time per packet is learned: with fewer it would be the look itself."""
KEPT: Final = 1000
"""Ticks over which percentiles are told."""


class Looks:
    """When to look at the sockets between two ticks, and for how many packets."""

    def __init__(self) -> None:
        self._looked = 0.0
        self._each = FIRST_GUESS

    def next(self, now: float, due: float) -> float:
        """When to look next; `due` when it does not pay any more before the tick."""
        at = max(self._looked + PART, now)
        return at if at < due - LEAST else due

    def most(self, now: float, due: float) -> int:
        """How many packets fit before the tick."""
        return max(int((due - now) / self._each), 1)

    def count(self, began: float, ended: float, packets: int) -> None:
        """One look, or the look that a tick begins with: so many packets took from then to then."""
        self._looked = began
        if packets >= MANY:
            self._each += ((ended - began) / packets - self._each) / 8


class Beat:
    """Counts ticks and how long they took."""

    def __init__(self) -> None:
        self.ticks = 0
        self.late = 0
        self.skipped = 0
        self._took: deque[float] = deque(maxlen=KEPT)
        self._error: deque[float] = deque(maxlen=KEPT)

    def count(self, due: float, began: float, ended: float) -> None:
        """One tick that was due, began and ended then."""
        self.ticks += 1
        self.late += began - due > TICK
        self._took.append(ended - began)
        self._error.append(began - due)

    def report(self) -> dict[str, Any]:
        """Counters and the 99th percentiles of the last `KEPT` ticks."""
        return {
            "ticks": self.ticks,
            "late_ticks": self.late,
            "skipped_ticks": self.skipped,
            "tick_p99_ms": _p99_ms(self._took),
            "start_error_p99_ms": _p99_ms(self._error),
        }


def _p99_ms(seconds: deque[float]) -> float:
    return round(float(np.percentile(seconds, 99)) * 1000, 3) if seconds else 0.0
