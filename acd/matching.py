"""Who is offered to whom: run after every event, on what the event has stirred up.

Between events nobody who may be offered to one more agent finds a free agent open to him. So only two things can make
a match: agents who got free, and callers who look (again). Freed agents are served first, over all their queues, by
(queue weight, caller key); the caller chosen then takes the best of all free agents.
"""

from acd.agent import Seat
from acd.caller import Caller, CallerKey
from acd.commands import Explain
from acd.explain import Decision
from acd.floor import Floor
from acd.offers import make_offer
from acd.post import Post
from acd.skills import Need


def match(floor: Floor) -> None:
    """Offer everybody whom the last event brought together."""
    freed = [seat for seat in floor.freed.values() if seat.free]
    floor.freed.clear()
    if freed:
        _serve_freed(floor, freed)
    seeking = sorted(floor.seeking.values(), key=_order)
    floor.seeking.clear()
    for caller in seeking:
        if caller.wanting:
            serve(floor, caller, looking=True)


def serve(floor: Floor, caller: Caller, looking: bool) -> list[Post]:
    """Offer the caller to the best free agents, as many as he may have."""
    line = caller.line
    chosen = line.choose(caller, floor.now)
    if floor.explains and (chosen or looking):
        names = tuple(post.member.agent for post in chosen)
        candidates = line.explain(caller, chosen)
        record = Decision(floor.now, caller.id, line.settings.name, line.settings.strategy, names, candidates)
        floor.orders.append(Explain(record))
    for post in chosen:
        make_offer(floor, caller, post)
    return chosen


def _order(caller: Caller) -> tuple[int, CallerKey]:
    """Over all queues: the queue's weight, then the caller's key."""
    return (-caller.line.settings.weight, caller.key)


def _serve_freed(floor: Floor, freed: list[Seat]) -> None:
    left = {seat.agent.id for seat in freed}
    lists = _lists_of_interest(floor, freed)
    heads = [0] * len(lists)
    while left:
        best = min(
            (index for index, callers in enumerate(lists) if heads[index] < len(callers)),
            key=lambda index: _order(lists[index][heads[index]]),
            default=None,
        )
        if best is None:
            return
        caller = lists[best][heads[best]]
        left.difference_update(post.member.agent for post in serve(floor, caller, looking=False))
        if caller.wanting:
            heads[best] += 1


def _lists_of_interest(floor: Floor, freed: list[Seat]) -> list[list[Caller]]:
    """The lists of wanting callers from which one of these agents could serve."""
    lists: dict[tuple[str, Need], list[Caller]] = {}
    for seat in freed:
        for queue in seat.posts:
            for need, callers in floor.lines[queue].wanting.items():
                if seat.able(need):
                    lists[queue, need] = callers
    return list(lists.values())
