"""The seven strategies: in which order free agents are offered a call.

Whatever the strategy, agents are compared by the tuple (missed, tier, *strategy key, order) and the smallest is
offered first. missed counts how often this caller was offered to the agent in vain, tier and order come from the
settings. The docstring of each strategy publishes its part of the tuple.
"""

import math
import random
from collections.abc import Callable, Iterable
from statistics import median

from acd.explain import Key
from acd.occupancy import BUCKET
from acd.post import Post
from acd.queue import QueueSettings


class Strategy:
    """Key: (). With nothing else to go by: the configured order."""

    rings_all = False
    """Offers to everybody of the open tier at once."""
    draws_lots = False
    """Those who were passed over draw again."""

    def key(self, post: Post, now: float) -> Key:
        """Place of a free agent in the order, as of now. It may not change while he stays free, but by `age`."""
        del post, now
        return ()

    def age(self, now: float) -> int:
        """When this number changes, every key is made anew."""
        del now
        return 0

    def prepare(self, posts: Iterable[Post], now: float) -> None:
        """Look at all members, before every key is made anew."""

    def welcome(self, post: Post, posts: Iterable[Post]) -> None:
        """The agent is free for the first time today."""

    def chose(self, post: Post) -> None:
        """The agent was offered a call."""


class Sequential(Strategy):
    """Key: (). Always from the top of the configured order; the caller remembers whom he tried."""


class RingAll(Strategy):
    """Key: (). Every free agent of the open tier at once, named in configured order."""

    rings_all = True


class RoundRobin(Strategy):
    """Key: (offered,): number of the agent's last offer in this queue, answered or not; 0 when he had none."""

    def key(self, post: Post, now: float) -> Key:
        del now
        return (post.offered,)


class LongestIdle(Strategy):
    """Key: (idle since,): end of his last call or of the last offer he missed, in any queue."""

    def key(self, post: Post, now: float) -> Key:
        del now
        return (post.seat.idle_since,)


class LeastOccupied(Strategy):
    """Key: (occupancy, idle since): handled over staffed seconds of the last 60 minutes.

    Taken when the agent gets free, and again with every minute. Who was staffed for less than 5 minutes of them has
    the median of those who were, if there are any.
    """

    def __init__(self) -> None:
        self._median: float | None = None

    def key(self, post: Post, now: float) -> Key:
        occupancy = post.seat.occupancy
        occupancy.advance(now)
        ratio = occupancy.ratio
        if not occupancy.established and self._median is not None:
            ratio = self._median
        return (ratio, post.seat.idle_since)

    def age(self, now: float) -> int:
        return int(now // BUCKET)

    def prepare(self, posts: Iterable[Post], now: float) -> None:
        seats = [post.seat for post in posts]
        for seat in seats:
            seat.occupancy.advance(now)
        ratios = [seat.occupancy.ratio for seat in seats if seat.at_work and seat.occupancy.established]
        self._median = median(ratios) if ratios else None


class LeastHandled(Strategy):
    """Key: (calls, idle since) or (talk seconds, idle since): what he handled today, in all queues.

    Who comes later than others today is given a head start: the smallest number of calls, or the median of the talk
    time, of those who are at work.
    """

    def __init__(self, measure: str) -> None:
        self._by_calls = measure == "calls"

    def key(self, post: Post, now: float) -> Key:
        del now
        return (self._handled(post) + (post.head_start or 0.0), post.seat.idle_since)

    def welcome(self, post: Post, posts: Iterable[Post]) -> None:
        others = [
            self._handled(other) + other.head_start
            for other in posts
            if other is not post and other.head_start is not None and other.seat.at_work
        ]
        start = (min(others) if self._by_calls else median(others)) if others else 0.0
        post.head_start = max(0.0, start - self._handled(post))

    def _handled(self, post: Post) -> float:
        return post.seat.answered_today if self._by_calls else post.seat.talk_today


class Random(Strategy):
    """Key: (lot,): every choice is independent, with chances in proportion to the weights of the free.

    A lot is the present lot number plus an exponential draw of rate weight. The smallest lot wins and becomes the
    present number; for the others the exponential law has no memory, so nothing needs to be drawn again, but for those
    who were passed over with a smaller lot. Weight 0 is only offered when nobody with a weight is free.
    """

    draws_lots = True

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._present = 0.0

    def key(self, post: Post, now: float) -> Key:
        del now
        weight = post.member.weight
        draw = self._rng.expovariate(1.0)
        post.draw = self._present + draw / weight if weight > 0 else math.inf
        return (post.draw, draw)

    def chose(self, post: Post) -> None:
        if not math.isinf(post.draw):
            self._present = max(self._present, post.draw)


class Priority(Strategy):
    """Key: that of the strategy named by `within`. The tier, compared before it, is the agent's priority."""


PLAIN: dict[str, Callable[[], Strategy]] = {
    "ring_all": RingAll,
    "round_robin": RoundRobin,
    "longest_idle": LongestIdle,
    "sequential": Sequential,
}


def make_strategy(settings: QueueSettings, rng: random.Random) -> Strategy:
    """Build the strategy that the settings name."""
    name = settings.within if settings.strategy == "priority" else settings.strategy
    if name == "random":
        return Random(rng)
    if name == "least_busy":
        return LeastOccupied() if settings.measure == "occupancy" else LeastHandled(settings.measure)
    return PLAIN[name]()
