"""What is kept over a restart, as plain values that fit into JSON, and how it is taken up again.

Kept: each agent's status, break and wrap-up, what he did today, and how busy he was; each queue's books, pace and
pointers; with whom customers talked last. Not kept: callers, offers and talks, which end with the process: callers who
waited flow out as `restart`, and talks end at the moment of the last save.

Times are kept as ages in seconds, for the clock of the engine begins anew with each process.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from acd.agent import PAUSE_REASONS, AgentStatus, Seat
from acd.alarm import Alarm
from acd.floor import Floor
from acd.lease import Outcome
from acd.line import Line
from acd.memory import REMEMBERED
from acd.staff import await_pause_limit

VERSION = 1
NUMBERS = (
    "offered", "answered", "in_time", "abandoned", "short_abandoned", "promises", "promises_broken", "callbacks",
)  # fmt: skip
"""Of the books of a queue."""
RESTART = "restart"
"""The flow-out of who waited when the process ended."""


def save(floor: Floor, now: float) -> dict[str, Any]:
    """Everything that is kept, as of now."""
    return {
        "version": VERSION,
        "agents": {name: _save_seat(seat, now) for name, seat in floor.seats.items()},
        "queues": {name: _save_line(line) for name, line in floor.lines.items()},
        "talks": [[customer, talk.agent, now - talk.at] for customer, talk in floor.memory.talks.items()],
    }


def restore(floor: Floor, saved: Mapping[str, Any], elapsed: float) -> None:
    """Take up what was saved `elapsed` seconds ago. Agents and queues that are no more are left out.

    Raises KeyError, TypeError or ValueError when it is not what `save` wrote; the floor may then be half restored, so
    the engine is to be made anew.
    """
    if saved["version"] != VERSION:
        raise ValueError(f"saved by version {saved['version']!r} of this state, expected {VERSION}")
    for name, kept in saved["queues"].items():
        if name in floor.lines:
            _restore_line(floor.lines[name], kept)
    for name, kept in saved["agents"].items():
        if name in floor.seats:
            _restore_seat(floor, floor.seats[name], kept, elapsed)
    for customer, agent, age in saved["talks"][-REMEMBERED:]:
        floor.memory.note_talk(str(customer), str(agent), floor.now - float(age) - elapsed)
    for line in floor.lines.values():
        line.order_anew(floor.now)
    for seat in floor.seats.values():
        floor.refresh(seat)


def _save_seat(seat: Seat, now: float) -> dict[str, Any]:
    talk = seat.talk
    seat.occupancy.advance(now)
    paused = seat.paused_since
    return {
        "status": str(seat.status),
        "pause_reason": seat.pause_reason,
        "paused": None if paused is None else now - paused,
        "pause_seconds": dict(seat.pause_seconds),
        "wrap_up": None if seat.wrap_up_until is None else max(0.0, min(seat.wrap_up_until - now, 86400.0)),
        "idle": now - seat.idle_since if talk is None else 0.0,
        "available": now - seat.available_since,
        "answered_today": seat.answered_today + (talk is not None),
        "talk_today": seat.talk_today + (now - talk.talk_since if talk is not None else 0.0),
        "misses": seat.misses_in_a_row,
        "outcomes": {str(outcome): number for outcome, number in seat.outcomes.items()},
        "occupancy": seat.occupancy.save(now),
    }


def _restore_seat(floor: Floor, seat: Seat, kept: Mapping[str, Any], elapsed: float) -> None:
    now = floor.now
    seat.status, seat.pause_reason = AgentStatus(kept["status"]), str(kept["pause_reason"])
    paused = seat.status is AgentStatus.PAUSED
    seat.paused_since = now - float(kept["paused"] or 0.0) - elapsed if paused else None
    reasons = list(kept["pause_seconds"].items())[:PAUSE_REASONS]
    seat.pause_seconds = {str(reason): float(seconds) for reason, seconds in reasons}
    seat.idle_since = now - float(kept["idle"]) - elapsed
    seat.available_since = now - float(kept["available"]) - elapsed
    seat.answered_today, seat.talk_today = int(kept["answered_today"]), float(kept["talk_today"])
    seat.misses_in_a_row = int(kept["misses"])
    seat.outcomes = _outcomes(kept["outcomes"])
    seat.occupancy.restore(kept["occupancy"], now, elapsed)
    left = 0.0 if kept["wrap_up"] is None else float(kept["wrap_up"]) - elapsed
    if left > 0:
        seat.wrap_up_until = now + left
        floor.alarms.set(Alarm.WRAP_UP, seat.agent.id, seat.wrap_up_until)
    await_pause_limit(floor, seat)


def _save_line(line: Line) -> dict[str, Any]:
    counts = line.counts
    return {name: getattr(counts, name) for name in NUMBERS} | {
        "answered_wait": counts.answered_wait,
        "flow_outs": dict(counts.flow_outs + Counter({RESTART: len(line.waiting)})),
        "blocked": dict(counts.blocked),
        "dispositions": dict(counts.dispositions),
        "offers": {str(outcome): number for outcome, number in counts.offers.items()},
        "gaps": line.pace.save(),
        "pointers": {name: post.offered for name, post in line.posts.items()},
        "head_starts": {name: post.head_start for name, post in line.posts.items()},
    }


def _restore_line(line: Line, kept: Mapping[str, Any]) -> None:
    counts = line.counts
    for name in NUMBERS:
        setattr(counts, name, int(kept[name]))
    counts.answered_wait = float(kept["answered_wait"])
    for name in ("flow_outs", "blocked", "dispositions"):
        setattr(counts, name, Counter({str(key): int(number) for key, number in kept[name].items()}))
    counts.offers = _outcomes(kept["offers"])
    counts.offers_made = counts.offers.total()
    line.pace.restore(kept["gaps"])
    pointers, starts = kept["pointers"], kept["head_starts"]
    for name, post in line.posts.items():
        post.offered = int(pointers.get(name, 0))
        start = starts.get(name)
        post.head_start = None if start is None else float(start)
    line.resume_offers()


def _outcomes(kept: Mapping[str, Any]) -> Counter[Outcome]:
    return Counter({Outcome(name): int(number) for name, number in kept.items()})
