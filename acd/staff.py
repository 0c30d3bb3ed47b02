"""What agents do: the facts about them, brought onto the floor."""

import math

from acd import events
from acd.agent import AgentStatus, PauseReason, Seat
from acd.alarm import Alarm
from acd.commands import Disposed, PauseOverdue, PauseRefused
from acd.floor import Floor
from acd.lease import Outcome
from acd.offers import must_dispose, start_wrap_up, withdraw


def logged_in(floor: Floor, event: events.AgentLoggedIn) -> None:
    """The agent begins to work."""
    seat = floor.seats.get(event.agent)
    if seat is not None:
        set_status(floor, seat, AgentStatus.AVAILABLE)


def logged_out(floor: Floor, event: events.AgentLoggedOut) -> None:
    """The agent stops working."""
    seat = floor.seats.get(event.agent)
    if seat is not None:
        set_status(floor, seat, AgentStatus.LOGGED_OUT)


def paused(floor: Floor, event: events.AgentPaused) -> None:
    """The agent takes a break, or another one."""
    seat = floor.seats.get(event.agent)
    if seat is None or seat.status is AgentStatus.LOGGED_OUT:
        return
    limits = floor.pauses.get(event.reason)
    if limits is not None and limits.at_once is not None:
        holders = tuple(
            other.agent.id for other in floor.seats.values() if other is not seat and _pauses(other, limits)
        )
        if len(holders) >= limits.at_once:
            floor.orders.append(PauseRefused(event.agent, event.reason, holders))
            return
    set_status(floor, seat, AgentStatus.PAUSED, event.reason)


def _pauses(seat: Seat, reason: PauseReason) -> bool:
    return seat.status is AgentStatus.PAUSED and seat.pause_reason == reason.name


def pause_overdue(floor: Floor, seat: Seat) -> None:
    """The break is longer than its reason allows."""
    limits = floor.pauses.get(seat.pause_reason)
    if seat.status is AgentStatus.PAUSED and limits is not None and limits.limit is not None:
        floor.orders.append(PauseOverdue(seat.agent.id, seat.pause_reason, limits.limit))


def await_pause_limit(floor: Floor, seat: Seat) -> None:
    """Set the time at which the present break is too long."""
    limits = floor.pauses.get(seat.pause_reason) if seat.status is AgentStatus.PAUSED else None
    if limits is None or limits.limit is None or seat.paused_since is None:
        floor.alarms.cancel(Alarm.PAUSE, seat.agent.id)
        return
    floor.alarms.set(Alarm.PAUSE, seat.agent.id, max(seat.paused_since + limits.limit, floor.now))


def unpaused(floor: Floor, event: events.AgentUnpaused) -> None:
    """The agent is back."""
    seat = floor.seats.get(event.agent)
    if seat is not None and seat.status is AgentStatus.PAUSED:
        set_status(floor, seat, AgentStatus.AVAILABLE)


def set_status(floor: Floor, seat: Seat, status: AgentStatus, reason: str = "") -> None:
    """Take over what the agent chose."""
    if status is AgentStatus.AVAILABLE and seat.status is not status:
        seat.available_since = floor.now
        seat.misses_in_a_row = 0
    if (seat.status, seat.pause_reason) != (status, reason):
        seat.choose(status, reason, floor.now)
        await_pause_limit(floor, seat)
    _take_offer_away(floor, seat, Outcome.WITHDRAWN)
    floor.refresh(seat)


def _take_offer_away(floor: Floor, seat: Seat, outcome: Outcome) -> None:
    """Whoever cannot take a call any more is not rung any more."""
    if seat.lease is not None and (not seat.at_work or seat.busy):
        withdraw(floor, seat.lease, outcome, "agent_gone")


def reachable(floor: Floor, event: events.AgentReachable) -> None:
    """The agent's phone came or went."""
    seat = floor.seats.get(event.agent)
    if seat is None:
        return
    seat.reachable = event.reachable
    _take_offer_away(floor, seat, Outcome.UNREACHABLE)
    floor.refresh(seat)


def busy(floor: Floor, event: events.AgentBusy) -> None:
    """A call of his own began or ended."""
    seat = floor.seats.get(event.agent)
    if seat is None:
        return
    was_busy, seat.busy = seat.busy, event.busy
    _take_offer_away(floor, seat, Outcome.BUSY)
    if was_busy and not event.busy and event.handled:
        start_wrap_up(floor, seat, None)
    floor.refresh(seat)


def wrap_up_ended(floor: Floor, event: events.WrapUpEnded) -> None:
    """Early."""
    seat = floor.seats.get(event.agent)
    if seat is not None and seat.wrap_up_until is not None:
        end_wrap_up(floor, seat)


def end_wrap_up(floor: Floor, seat: Seat) -> None:
    """The work after the call is done, unless a code is still to be given: then it lasts until that is done."""
    floor.alarms.cancel(Alarm.WRAP_UP, seat.agent.id)
    seat.wrap_up_until = math.inf if must_dispose(seat) else None
    floor.refresh(seat)


def disposition_given(floor: Floor, event: events.DispositionGiven) -> None:
    """The agent says what became of his last contact. A code that its queue does not know is ignored."""
    seat = floor.seats.get(event.agent)
    if seat is None or seat.owes is None or event.code not in seat.owes.line.settings.dispositions:
        return
    lease, seat.owes = seat.owes, None
    lease.line.counts.dispositions[event.code] += 1
    floor.orders.append(Disposed(event.agent, lease.caller.id, lease.line.settings.name, event.code))
    if seat.wrap_up_until == math.inf:
        end_wrap_up(floor, seat)


def wrap_up_extended(floor: Floor, event: events.WrapUpExtended) -> None:
    """The agent needs longer."""
    seat = floor.seats.get(event.agent)
    if seat is None or seat.wrap_up_until is None or seat.wrap_up_until == math.inf:
        return
    seat.wrap_up_until += event.seconds
    floor.alarms.set(Alarm.WRAP_UP, event.agent, seat.wrap_up_until)


def day_started(floor: Floor, event: events.DayStarted) -> None:
    """What agents handled today starts from nothing."""
    del event
    for seat in floor.seats.values():
        seat.answered_today, seat.talk_today = 0, 0.0
        seat.pause_seconds.clear()
        seat.paused_since = floor.now if seat.paused_since is not None else None
    for line in floor.lines.values():
        for post in line.posts.values():
            post.head_start = 0.0 if post.seat.at_work else None
        line.order_anew(floor.now)
