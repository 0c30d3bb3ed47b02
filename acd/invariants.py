"""What must be true between any two events, checked the slow way and by other means than the engine's own."""

import math

from acd.agent import AgentStatus, Seat
from acd.alarm import Alarm
from acd.caller import Caller
from acd.errors import InvariantError
from acd.floor import Floor
from acd.line import Line
from acd.offers import must_dispose


def _require(holds: bool, text: str) -> None:
    if not holds:
        raise InvariantError(text)


def check_books(floor: Floor) -> None:
    """offered = answered + abandoned + flowed out + still waiting, and offers made = offers ended + offers out."""
    for name, line in floor.lines.items():
        counts = line.counts
        balance = counts.answered + counts.abandoned + counts.flowed_out + len(line.waiting)
        _require(counts.offered == balance, f"{name}: {counts.offered} offered, {balance} accounted for")
        out = sum(lease.line is line and lease.answered_at is None for lease in floor.leases.values())
        ended = counts.offers.total()
        _require(counts.offers_made == ended + out, f"{name}: {counts.offers_made} made, {ended} ended, {out} out")
        keys = [caller.key for caller in line.waiting]
        _require(keys == sorted(set(keys)), f"{name}: the line is not in order")
    waiting = sum(len(line.waiting) for line in floor.lines.values())
    talking = sum(caller.talk is not None for caller in floor.callers.values())
    _require(len(floor.callers) == waiting + talking, "a caller neither waits nor talks")


def check_seats(floor: Floor) -> None:
    """No agent in two offers, no caller with two agents, nobody rings or is free who must not."""
    held = [seat.lease.id for seat in floor.seats.values() if seat.lease]
    held += [seat.talk.id for seat in floor.seats.values() if seat.talk]
    _require(sorted(held) == sorted(floor.leases), "leases and agents do not belong together")
    away = [caller.id for caller in floor.callers.values() if caller.away and caller.offers]
    _require(not away, f"{away} ring but are not there")
    for lease in floor.leases.values():
        if lease.answered_at is None:
            _require(lease.caller.offers.get(lease.id) is lease, f"lease {lease.id} is not its caller's")
            _require((Alarm.RING, lease.id) in floor.alarms, f"lease {lease.id} would ring for ever")
            _require(lease.seat.at_work and not lease.seat.busy, f"{lease.seat.agent.id} rings but cannot answer")
            continue
        _require(lease.caller.talk is lease, f"lease {lease.id} is not its caller's talk")
    for caller in floor.callers.values():
        _require(caller.talk is None or not caller.offers, f"{caller.id} talks and rings")
        _require(not caller.overdue or bool(caller.offers or caller.talk), f"{caller.id} has no chance left but waits")
    free = {name: {id(post) for _, post in line.free} for name, line in floor.lines.items()}
    for seat in floor.seats.values():
        _check_seat(floor, seat, free)


def _check_seat(floor: Floor, seat: Seat, free: dict[str, set[int]]) -> None:
    name = seat.agent.id
    _require(not (seat.lease and seat.talk), f"{name} talks and rings")
    _require(seat.resting == ((Alarm.REST, name) in floor.alarms), f"{name} rests for ever")
    wraps_up = seat.wrap_up_until is not None
    by_time = wraps_up and seat.wrap_up_until != math.inf
    _require(by_time == ((Alarm.WRAP_UP, name) in floor.alarms), f"{name} wraps up for ever")
    _require(by_time or not wraps_up or must_dispose(seat), f"{name} wraps up for nothing")
    _require((seat.paused_since is not None) == (seat.status is AgentStatus.PAUSED), f"{name} has a break of no status")
    idle = seat.at_work and not (seat.lease or seat.talk or seat.busy or seat.resting or wraps_up)
    for queue, post in seat.posts.items():
        _require((id(post) in free[queue]) == idle, f"{name} is {'not ' if idle else ''}listed as free in {queue}")


def check_nobody_is_stuck(floor: Floor) -> None:
    """No caller who may be offered to one more agent while an agent is free, able and open to him."""
    for name, line in floor.lines.items():
        for caller in line.waiting:
            width = len(line.posts) if caller.width is None else caller.width
            may = not caller.overdue and not caller.away and (caller.width is None or len(caller.offers) < width)
            _require(may == caller.wanting, f"{caller.id} is {'not ' if may else ''}listed as wanting in {name}")
            if may:
                _require(not _open_to(line, caller), f"{caller.id} and an agent of {name} do not find each other")


def _open_to(line: Line, caller: Caller) -> bool:
    if line.favourites(caller) and caller.held:
        return any(post.key is not None for post in line.favourites(caller))
    last_tier = line.last_tier(caller)
    return any(
        line.is_open(post.member.tier, last_tier) and caller.need.met_by(post.seat.agent.levels)
        for _, post in line.free
    )
