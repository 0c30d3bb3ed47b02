"""The floor as plain values: strings, numbers, lists and dictionaries."""

import math
from typing import Any

from acd.agent import Seat
from acd.caller import Caller
from acd.floor import Floor
from acd.line import Line


def take_snapshot(floor: Floor, now: float) -> dict[str, Any]:
    """Queues and agents by their ids."""
    return {
        "at": now,
        "queues": {name: _queue(line, now) for name, line in floor.lines.items()},
        "agents": {name: _agent(seat, now) for name, seat in floor.seats.items()},
    }


def agent_snapshot(floor: Floor, name: str, now: float) -> dict[str, Any] | None:
    """One agent as in `take_snapshot`; None for a stranger."""
    seat = floor.seats.get(name)
    return None if seat is None else _agent(seat, now)


def _queue(line: Line, now: float) -> dict[str, Any]:
    counts = line.counts
    longest = max((now - caller.since for caller in line.waiting), default=0.0)
    return {
        "strategy": line.settings.strategy,
        "waiting": len(line.waiting),
        "longest_wait": longest,
        "callers": [_caller(caller, place, now) for place, caller in enumerate(line.waiting, 1)],
        "reserves": sorted(line.open_reserves),
        "members": len(line.posts),
        "free": len(line.free),
        "at_work": sum(post.seat.at_work for post in line.posts.values()),
        "offered": counts.offered,
        "answered": counts.answered,
        "in_time": counts.in_time,
        "abandoned": counts.abandoned,
        "short_abandoned": counts.short_abandoned,
        "flowed_out": counts.flowed_out,
        "flow_outs": dict(counts.flow_outs),
        "blocked": dict(counts.blocked),
        "offers_made": counts.offers_made,
        "estimates": {
            "measured": counts.estimates,
            "bias": counts.estimate_error / counts.estimates if counts.estimates else None,
            "mean_absolute_error": counts.estimate_distance / counts.estimates if counts.estimates else None,
        },
        "promises": counts.promises,
        "promises_broken": counts.promises_broken,
        "callbacks": counts.callbacks,
        "dispositions": dict(counts.dispositions),
        "offers": {str(outcome): number for outcome, number in counts.offers.items()},
        "answered_wait": counts.answered_wait,
    }


def _caller(caller: Caller, place: int, now: float) -> dict[str, Any]:
    return {
        "caller": caller.id,
        "position": place,
        "priority": caller.priority,
        "need": caller.need.text,
        "callback": caller.callback,
        "away": caller.away,
        "wait": now - caller.since,
        "ringing": [lease.seat.agent.id for lease in caller.offers.values()],
    }


def _pause_reasons(seat: Seat) -> list[str]:
    present = [seat.pause_reason] if seat.paused_since is not None else []
    return list(dict.fromkeys([*seat.pause_seconds, *present]))


def _agent(seat: Seat, now: float) -> dict[str, Any]:
    talk, lease = seat.talk, seat.lease
    with_whom = talk.caller.id if talk else lease.caller.id if lease else None
    return {
        "status": str(seat.status),
        "pause_reason": seat.pause_reason,
        "pause_seconds": {reason: seat.paused_for(reason, now) for reason in _pause_reasons(seat)},
        "state": str(seat.state),
        "owes_disposition": list(seat.owes.line.settings.dispositions) if seat.owes is not None else [],
        "since": seat.state_since,
        "caller": with_whom,
        "queues": list(seat.posts),
        "wrap_up_until": seat.wrap_up_until if seat.wrap_up_until != math.inf else None,
        "answered_today": seat.answered_today,
        "talk_today": seat.talk_today,
        "occupancy": seat.occupancy.ratio,
        "outcomes": {str(outcome): number for outcome, number in seat.outcomes.items()},
    }
