"""Callers as they come: drawn from an intraday curve, or as they were recorded."""

import heapq
import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

HOUR = 3600.0

Shape = Literal["exponential", "lognormal", "fixed"]

LOGNORMAL_SIGMA = 0.8
"""Of handle times: the coefficient of variation is 0.95, the bulk short with a long tail."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One caller, with everything that is his own and not the switch's. Times are seconds."""

    at: float
    caller: str
    queue: str
    talk: float
    """How long he talks once he is connected."""
    patience: float = math.inf
    """After so much waiting he hangs up."""
    priority: int = 0
    requires: tuple[str, ...] = ()
    """Skills, as in CallerJoined."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A time that differs from caller to caller."""

    mean: float
    """Seconds; infinite for who never gives up."""
    shape: Shape = "exponential"

    def draw(self, rng: random.Random) -> float:
        """One caller's."""
        if self.shape == "fixed" or math.isinf(self.mean):
            return self.mean
        if self.shape == "lognormal":
            return rng.lognormvariate(math.log(self.mean) - LOGNORMAL_SIGMA**2 / 2, LOGNORMAL_SIGMA)
        return rng.expovariate(1 / self.mean)


@dataclass(frozen=True, slots=True)
class Stream:
    """Callers of one kind who come by chance: a Poisson process whose rate follows a curve."""

    name: str
    """The callers are numbered under it."""
    queue: str
    curve: Sequence[tuple[float, float]]
    """(from second, calls per hour), in the order of time; the rate holds until the next."""
    talk: Duration
    patience: Duration = field(default_factory=lambda: Duration(math.inf))
    priority: int = 0
    requires: tuple[str, ...] = ()

    def rate(self, at: float) -> float:
        """Calls per hour at this second."""
        index = bisect_right(self.curve, at, key=lambda step: step[0]) - 1
        return self.curve[index][1] if index >= 0 else 0.0


def draw_arrivals(streams: Iterable[Stream], until: float, seed: int) -> Iterator[Arrival]:
    """All callers before `until`, in the order of time; every stream draws from a generator of its own."""
    return heapq.merge(*(_draw(stream, until, seed) for stream in streams), key=lambda arrival: arrival.at)


def _draw(stream: Stream, until: float, seed: int) -> Iterator[Arrival]:
    """By thinning: calls come at the highest rate of the curve, and those beyond its present rate are left out."""
    rng = random.Random(f"{seed}/{stream.name}")  # noqa: S311 - plays callers, guards no secret
    highest = max((rate for _, rate in stream.curve), default=0.0)
    if highest <= 0:
        return
    at, number = 0.0, 0
    while True:
        at += rng.expovariate(highest / HOUR)
        if at >= until:
            return
        if rng.random() * highest >= stream.rate(at):
            continue
        number += 1
        talk, patience = stream.talk.draw(rng), stream.patience.draw(rng)
        yield Arrival(at, f"{stream.name}-{number}", stream.queue, talk, patience, stream.priority, stream.requires)
