"""A queue at work: who waits, in which order, and who of its members is free, in which order."""

import math
import random
from bisect import bisect_left, insort
from fractions import Fraction
from heapq import heapify, heappop, heappush

from acd.caller import Caller, CallerKey
from acd.counts import Counts
from acd.estimate import Pace
from acd.explain import Candidate, Key
from acd.post import Post
from acd.queue import QueueSettings
from acd.skills import Need, read_need
from acd.strategy import Strategy, make_strategy


def _order(caller: Caller) -> CallerKey:
    return caller.key


class Line:
    """One queue at work.

    `waiting` holds all who wait, `wanting` those of them who may be offered to one more agent now, in one list per
    need, so that an agent looks only at the heads of lists he can serve. `free` holds the free members
    by key.
    """

    def __init__(self, settings: QueueSettings, rng: random.Random) -> None:
        self.settings = settings
        self.rng = rng
        self.posts: dict[str, Post] = {}
        self.waiting: list[Caller] = []
        self.wanting: dict[Need, list[Caller]] = {}
        self.free: list[tuple[Key, Post]] = []
        self.tiers: list[int] = []
        """Of the members, but for reserves."""
        self._reserve_tiers: frozenset[int] = frozenset()
        self.strategy: Strategy = make_strategy(settings, rng)
        self.counts = Counts()
        self.pace = Pace()
        self.present = 0
        """Members who count as somebody for leave_empty."""
        self.open_reserves: dict[int, float] = {}
        """Reserve tiers that are open, and since when."""
        self._oldest: list[tuple[float, int, Caller]] = []
        self._arrivals = 0
        self.callbacks: dict[str, Caller] = {}
        """Those who are to be called back, by customer."""
        self._offers = 0
        self._age = 0

    # Those who wait

    def place(self, caller: Caller, rank: int | Fraction, position: int | None = None) -> None:
        """Find the caller's place: before the first of lower priority, or where he asked to be behind higher ones."""
        caller.key = (*self._standing(caller), rank)
        index = bisect_left(self.waiting, caller.key, key=_order)
        if position is not None:
            first, last = self._between_others(caller)
            index = min(max(position - 1, first), last)
        self._insert(caller, index)

    def _insert(self, caller: Caller, index: int) -> None:
        caller.key = self._fitting(caller.key, index)
        self.waiting.insert(index, caller)
        self._note_arrival(caller)

    def _standing(self, caller: Caller) -> tuple[int, float]:
        """Priority first; or, as all grow old equally fast, nothing but a time that priority moves back."""
        age = self.settings.priority_age
        if age is None:
            return -caller.priority, caller.since
        return 0, caller.since - caller.priority * age

    def _between_others(self, caller: Caller) -> tuple[int, int]:
        """The places behind the last of higher priority and before the first of lower priority after him."""
        first = last = 0
        for index, other in enumerate(self.waiting, 1):
            if other.priority > caller.priority:
                first = last = index
            elif other.priority == caller.priority and last == index - 1:
                last = index
        return first, last

    def order_callers(self) -> None:
        """Put the callers into order by another rule for priorities; equals stay as they stand."""
        wanting = [caller for caller in self.waiting if caller.wanting]
        for caller in wanting:
            self.unwant(caller)
        for number, caller in enumerate(self.waiting, -len(self.waiting)):
            caller.key = (*self._standing(caller), number)
        self.waiting.sort(key=_order)
        for caller in wanting:
            self.want(caller)

    def _fitting(self, key: CallerKey, index: int) -> CallerKey:
        """The key itself where it fits into this place, else one that does."""
        ahead = self.waiting[index - 1].key if index else None
        behind = self.waiting[index].key if index < len(self.waiting) else None
        if behind is not None and key >= behind:
            return self._between(ahead, behind)
        if ahead is None or key > ahead:
            return key
        if behind is not None and behind[:2] == ahead[:2]:
            return self._between(ahead, behind)
        return *ahead[:2], ahead[2] + 1

    def _between(self, ahead: CallerKey | None, behind: CallerKey) -> CallerKey:
        """As old as the one behind, with a rank that is between."""
        priority, since, rank = behind
        if ahead is None or ahead[:2] != (priority, since):
            return priority, since, rank - 1
        return priority, since, Fraction(ahead[2] + rank) / 2

    def put_back(self, caller: Caller) -> None:
        """Into the place he had, before whoever took it meanwhile."""
        self._insert(caller, bisect_left(self.waiting, caller.key, key=_order))

    def remove(self, caller: Caller) -> None:
        """Take out of the line."""
        self.unwant(caller)
        caller.standing = False
        del self.waiting[self.position(caller) - 1]

    def position(self, caller: Caller) -> int:
        """The place in the line, 1 is the head."""
        return bisect_left(self.waiting, caller.key, key=_order) + 1

    def need_of(self, caller: Caller) -> Need:
        """What the caller and, at this time of his wait, the queue ask of an agent."""
        relax = self.settings.relax
        asked = relax[caller.relaxed - 1].requires if caller.relaxed else self.settings.requires
        return read_need(asked, *caller.asks)

    def want(self, caller: Caller) -> None:
        """The caller may be offered to one more agent."""
        if not caller.wanting:
            caller.wanting = True
            insort(self.wanting.setdefault(caller.need, []), caller, key=_order)

    def unwant(self, caller: Caller) -> None:
        """The caller has as many offers as he may, or none any more."""
        if not caller.wanting:
            return
        caller.wanting = False
        same = self.wanting[caller.need]
        del same[bisect_left(same, caller.key, key=_order)]
        if not same:
            del self.wanting[caller.need]

    def _note_arrival(self, caller: Caller) -> None:
        """Somebody stands in the line from now on. Whoever has gone is forgotten when he would be the oldest."""
        caller.standing = True
        self._arrivals += 1
        heappush(self._oldest, (caller.since, self._arrivals, caller))
        if len(self._oldest) > 2 * len(self.waiting) + 64:
            self._oldest = [entry for entry in self._oldest if entry[2].standing]
            heapify(self._oldest)

    def longest_wait(self, now: float) -> float:
        """Seconds; 0 when nobody waits."""
        while self._oldest and not self._oldest[0][2].standing:
            heappop(self._oldest)
        return now - self._oldest[0][0] if self._oldest else 0.0

    # Those who are free

    def set_free(self, post: Post, now: float) -> None:
        """The agent may be offered calls of this queue."""
        if post.key is not None:
            return
        if post.head_start is None:
            self.strategy.welcome(post, self.posts.values())
            post.head_start = post.head_start or 0.0
        post.key = self._make_key(post, now)
        insort(self.free, (post.key, post))

    def _make_key(self, post: Post, now: float) -> Key:
        return (post.member.tier, *self.strategy.key(post, now), post.order)

    def set_taken(self, post: Post) -> None:
        """The agent may not be offered calls."""
        if post.key is None:
            return
        index = bisect_left(self.free, (post.key,))
        del self.free[index]
        post.key = None

    def order_anew(self, now: float) -> None:
        """Make every key anew."""
        self._age = self.strategy.age(now)
        self.strategy.prepare(self.posts.values(), now)
        posts = [post for _, post in self.free]
        self.free.clear()
        for post in posts:
            post.key = None
        for post in sorted(posts, key=lambda post: post.order):
            self.set_free(post, now)

    def set_tiers(self) -> None:
        """Learn from settings and members which tiers there are; reserves that are none any more are closed."""
        self._reserve_tiers = frozenset(reserve.tier for reserve in self.settings.reserves)
        self.tiers = sorted({post.member.tier for post in self.posts.values()} - self._reserve_tiers)
        self.open_reserves = {tier: at for tier, at in self.open_reserves.items() if tier in self._reserve_tiers}

    def change_strategy(self, settings: QueueSettings) -> None:
        """Order the free agents by another rule. `order_anew` is to follow."""
        self.settings = settings
        self.strategy = make_strategy(settings, self.rng)

    # Choice

    def choose(self, caller: Caller, now: float) -> list[Post]:
        """The agents to be offered this caller now: as many as he may have, best first."""
        if not self.free:
            return []
        if self.strategy.age(now) != self._age:
            self.order_anew(now)
        wanted = len(self.free) if caller.width is None else caller.width - len(caller.offers)
        last_tier = self.last_tier(caller)
        need = caller.need
        favourites = self.favourites(caller)
        chosen = [post for post in favourites if post.key is not None][:wanted]
        if favourites and caller.held:
            return chosen
        missed: list[tuple[int, Key, Post]] = []
        for key, post in self.free:
            if len(chosen) >= wanted or (key[0] > last_tier and not self.open_reserves):
                break
            if not self.is_open(post.member.tier, last_tier):
                continue
            if post in favourites or (need and not post.seat.able(need)):
                continue
            times = caller.tried.get(post.member.agent)
            if times is None:
                chosen.append(post)
            else:
                missed.append((times, key, post))
        if len(chosen) < wanted and missed:
            missed.sort()
            chosen += [post for _, _, post in missed[: wanted - len(chosen)]]
        return chosen

    def is_open(self, tier: int, last_tier: float) -> bool:
        """Whether a tier may be offered a caller for whom the tiers up to the last one are open."""
        if tier in self._reserve_tiers:
            return tier in self.open_reserves
        return tier <= last_tier

    def favourites(self, caller: Caller) -> list[Post]:
        """Those whom he prefers, at work, able and not tried, the best first; of whatever tier."""
        if not caller.preferred:
            return []
        posts = [self.posts[agent] for agent in caller.preferred if agent in self.posts and agent not in caller.tried]
        return [post for post in posts if post.seat.at_work and post.seat.able(caller.need)]

    def note_offer(self, post: Post, now: float) -> None:
        """The agent gets an offer of this queue; call it before he is taken."""
        self._offers += 1
        post.offered = self._offers
        self.counts.offers_made += 1
        self.strategy.chose(post)
        if self.strategy.draws_lots and post.key is not None:
            self._draw_again(post.key, now)

    def resume_offers(self) -> None:
        """Number the next offer behind all whose number some agent remembers."""
        self._offers = max((post.offered for post in self.posts.values()), default=0)

    def _draw_again(self, below: Key, now: float) -> None:
        """Those with smaller lots were passed over, each for his own reason; their lots say nothing any more."""
        if self.free[0][0] is below:
            return
        passed = [post for key, post in self.free if key[1] < below[1] and key is not below]
        for post in passed:
            post.key = self._make_key(post, now)
        self.free = sorted((post.key, post) for _, post in self.free if post.key is not None)

    def last_tier(self, caller: Caller) -> float:
        """The highest tier that is open for this caller."""
        if len(self.tiers) < 2:
            return math.inf
        if self.settings.tier_wait is not None:
            return self._tier_by_wait(caller)
        return self._tier_ringing_together(caller) if self.strategy.rings_all else math.inf

    def _tier_by_wait(self, caller: Caller) -> int:
        """Open by the time waited, and beyond while the open ones have nobody at work whom he has not tried."""
        last = min(caller.open_tiers, len(self.tiers))
        while last < len(self.tiers) and not self._anybody_untried(caller, self.tiers[last - 1]):
            last += 1
        return self.tiers[last - 1]

    def _anybody_untried(self, caller: Caller, last_tier: int) -> bool:
        return any(
            post.seat.at_work and post.member.agent not in caller.tried and post.seat.able(caller.need)
            for post in self.posts.values()
            if self.is_open(post.member.tier, last_tier)
        )

    def _tier_ringing_together(self, caller: Caller) -> float:
        """For ring_all: the lowest tier where somebody whom he has not tried is free, or rings for him."""
        ringing = [lease.post.member for lease in caller.offers.values()]
        tiers = [m.tier for m in ringing if m.agent not in caller.tried and m.tier not in self._reserve_tiers]
        for key, post in self.free:
            if post.member.tier in self._reserve_tiers:
                continue
            if post.member.agent not in caller.tried and post.seat.able(caller.need):
                tiers.append(int(key[0]))
                break
        return min(tiers, default=math.inf)

    # Explanation

    def explain(self, caller: Caller, chosen: list[Post]) -> tuple[Candidate, ...]:
        """What there is to say about every member, before the chosen are taken."""
        last_tier = self.last_tier(caller)
        favourites = self.favourites(caller)
        return tuple(
            Candidate(
                post.member.agent,
                self._full_key(post, caller, favourites),
                "chosen" if post in chosen else self._verdict(post, caller, favourites, last_tier),
            )
            for post in self.posts.values()
        )

    def _full_key(self, post: Post, caller: Caller, favourites: list[Post]) -> Key | None:
        if post.key is None:
            return None
        missed = caller.tried.get(post.member.agent, 0)
        if not caller.preferred:
            return (missed, *post.key)
        preference = favourites.index(post) if post in favourites else len(caller.preferred)
        return (missed, preference, *post.key)

    def _verdict(self, post: Post, caller: Caller, favourites: list[Post], last_tier: float) -> str:
        seat = post.seat
        if not seat.at_work:
            return _not_at_work(post)
        if post.key is None:
            return str(seat.state)
        if not seat.able(caller.need):
            return f"lacks {caller.need.lacking(seat.agent.levels)}"
        if caller.held and favourites and post not in favourites:
            return f"held for {favourites[0].member.agent}"
        return "behind" if self.is_open(post.member.tier, last_tier) else "tier not open"


def _not_at_work(post: Post) -> str:
    seat = post.seat
    if seat.status == "paused":
        return f"paused: {seat.pause_reason}" if seat.pause_reason else "paused"
    return "unreachable" if seat.status == "available" else "logged_out"
