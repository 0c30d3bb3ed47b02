"""The key figures of a run of the queue engine: what became of callers, and what agents did.

Callers are counted in the interval of their arrival, so that in every interval
offered = answered + abandoned + flowed out + waiting. The service level is SL_offered: answered within the threshold,
over all who entered the queue.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """What became of the callers of one queue, or of one interval of it. Times are seconds."""

    threshold: float = 20.0
    """An answer within so many seconds is in time."""
    offered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    flow_outs: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)
    answered_wait: float = 0.0
    abandoned_wait: float = 0.0
    talk: float = 0.0
    waits: list[float] = field(default_factory=list)
    """Of all who have left the queue."""

    def answer(self, wait: float) -> None:
        """Somebody was connected to an agent."""
        self.answered += 1
        self.in_time += wait <= self.threshold
        self.answered_wait += wait
        self.waits.append(wait)

    def abandon(self, wait: float) -> None:
        """Somebody hung up while waiting."""
        self.abandoned += 1
        self.abandoned_wait += wait
        self.waits.append(wait)

    def flow_out(self, outcome: str, wait: float) -> None:
        """Somebody left alive without an agent."""
        self.flow_outs[outcome] += 1
        self.waits.append(wait)

    @property
    def waiting(self) -> int:
        """Who has not left yet."""
        return self.offered - self.answered - self.abandoned - self.flow_outs.total()

    @property
    def service_level(self) -> float | None:
        """SL_offered; None when nobody came."""
        return share(self.in_time, self.offered)

    @property
    def asa(self) -> float | None:
        """Mean wait of those who were answered."""
        return share(self.answered_wait, self.answered)

    @property
    def abandon_rate(self) -> float | None:
        """Share of the offered who hung up while waiting."""
        return share(self.abandoned, self.offered)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "offered": self.offered,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "flow_outs": dict(sorted(self.flow_outs.items())),
            "blocked": dict(sorted(self.blocked.items())),
            "waiting": self.waiting,
            "threshold": self.threshold,
            "service_level": self.service_level,
            "asa": self.asa,
            "abandon_rate": self.abandon_rate,
            "time_to_abandon": share(self.abandoned_wait, self.abandoned),
            "wait_p50": percentile(self.waits, 0.5),
            "wait_p90": percentile(self.waits, 0.9),
            "longest_wait": max(self.waits, default=None),
        }


@dataclass(slots=True)
class Work:
    """What one agent did. Times are seconds."""

    offers: int = 0
    answered: int = 0
    talk: float = 0.0
    wrap_up: float = 0.0
    staffed: float = 0.0
    """Logged in, or still busy with a call after the end of the shift."""

    @property
    def handle(self) -> float:
        """Talk and wrap-up."""
        return self.talk + self.wrap_up

    @property
    def occupancy(self) -> float | None:
        """Handle time over staffed time."""
        return share(self.handle, self.staffed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "offers": self.offers,
            "answered": self.answered,
            "talk": self.talk,
            "wrap_up": self.wrap_up,
            "staffed": self.staffed,
            "occupancy": self.occupancy,
            "answered_per_hour": share(self.answered * 3600.0, self.staffed),
        }


def fairness(works: Iterable[Work]) -> float | None:
    """Jain's index of the calls per staffed hour: 1 when all have the same, 1/n when one has everything.

    Source: Jain, Chiu and Hawe, DEC-TR-301 (1984).
    """
    rates = [work.answered / work.staffed for work in works if work.staffed > 0]
    squares = math.fsum(rate * rate for rate in rates)
    return math.fsum(rates) ** 2 / (len(rates) * squares) if squares else None


def share(part: float, whole: float) -> float | None:
    """part / whole, or None when there is no whole."""
    return part / whole if whole else None


def percentile(values: list[float], quantile: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(quantile * len(values)) - 1)]
