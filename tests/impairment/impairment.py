"""What a bad network does to a datagram: decided here, without sockets, clocks or chance that is not seeded.

    line = Impairment(loss=0.05, delay=0.02, jitter=0.01, seed=1)
    for leaves_at, copy in line.decide(datagram, now): ...

Loss is random (`loss`), in bursts (Gilbert-Elliott: `burst_begin` is p, `burst_end` is r), or both.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

Departure = tuple[float, bytes]
"""When a copy leaves, and what it is."""
FURTHEST = 4
"""A normal jitter is cut off at this many standard deviations."""


@dataclass
class Counters:
    """What was done so far; every datagram is `seen`, and either `lost` or passed on."""

    seen: int = 0
    lost: int = 0
    lost_in_bursts: int = 0
    """Those of `lost` that fell into a burst."""
    reordered: int = 0
    duplicated: int = 0
    corrupted: int = 0


@dataclass
class Impairment:
    """One direction of a bad network."""

    loss: float = 0.0
    """Probability that a datagram is lost, each by itself."""
    burst_begin: float = 0.0
    """Probability per datagram that a burst begins in which everything is lost (Gilbert-Elliott's p)."""
    burst_end: float = 1.0
    """Probability per datagram that the burst is over (r): a burst has 1/r datagrams in the mean."""
    delay: float = 0.0
    """Seconds that every datagram takes."""
    jitter: float = 0.0
    """Seconds: the most that is added (uniform), or the standard deviation around `delay` (normal)."""
    jitter_shape: Literal["uniform", "normal"] = "uniform"
    reorder: float = 0.0
    """Probability that a datagram is held back, so that others overtake it; jitter alone never reorders."""
    reorder_by: float = 0.05
    """Seconds that a reordered datagram is held back."""
    duplicate: float = 0.0
    """Probability that a datagram leaves twice."""
    corrupt: float = 0.0
    """Probability that one to three bits of a datagram are flipped."""
    seed: int = 0
    counters: Counters = field(default_factory=Counters, init=False, compare=False)
    _random: random.Random = field(init=False, repr=False, compare=False)
    _in_burst: bool = field(default=False, init=False, repr=False, compare=False)
    _last_departure: float = field(default=float("-inf"), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("loss", "burst_begin", "burst_end", "reorder", "duplicate", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, not {getattr(self, name)}")
        for name in ("delay", "jitter", "reorder_by"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a time of at least 0 s, not {getattr(self, name)}")
        self._random = random.Random(self.seed)

    def decide(self, datagram: bytes, now: float) -> list[Departure]:
        """Which copies of a datagram leave when; none when it is lost."""
        self.counters.seen += 1
        if self._is_lost():
            self.counters.lost += 1
            return []
        if self._happens(self.corrupt):
            self.counters.corrupted += 1
            datagram = self._flip_bits(datagram)
        departures = [(self._departure(now), datagram)]
        if self._happens(self.duplicate):
            self.counters.duplicated += 1
            departures.append((self._departure(now), datagram))
        return departures

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def _is_lost(self) -> bool:
        if self._in_burst:
            self._in_burst = not self._happens(self.burst_end)
        elif self._happens(self.burst_begin):
            self._in_burst = True
        if self._in_burst:
            self.counters.lost_in_bursts += 1
            return True
        return self._happens(self.loss)

    def _flip_bits(self, datagram: bytes) -> bytes:
        if not datagram:
            return datagram
        flipped = bytearray(datagram)
        for bit in self._random.sample(range(8 * len(datagram)), k=self._random.randint(1, 3)):
            flipped[bit // 8] ^= 1 << bit % 8
        return bytes(flipped)

    def _departure(self, now: float) -> float:
        """A queue keeps its order, so nothing leaves before what came earlier, except past what is held back."""
        at = max(now + max(0.0, self.delay + self._extra()), self._last_departure)
        if self._happens(self.reorder):
            self.counters.reordered += 1
            return at + self.reorder_by
        self._last_departure = at
        return at

    def _extra(self) -> float:
        if not self.jitter:
            return 0.0
        if self.jitter_shape == "uniform":
            return self._random.uniform(0, self.jitter)
        furthest = FURTHEST * self.jitter
        return min(max(self._random.gauss(0, self.jitter), -furthest), furthest)
