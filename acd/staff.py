"""What agents do: the facts about them, brought onto the floor."""

from acd import events
from acd.agent import AgentStatus, Seat
from acd.alarm import Alarm
from acd.floor import Floor
from acd.lease import Outcome
from acd.offers import start_wrap_up, withdraw


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
    if seat is not None and seat.status is not AgentStatus.LOGGED_OUT:
        set_status(floor, seat, AgentStatus.PAUSED, event.reason)


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
    seat.status, seat.pause_reason = status, reason
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
        floor.alarms.cancel(Alarm.WRAP_UP, event.agent)
        end_wrap_up(floor, seat)


def end_wrap_up(floor: Floor, seat: Seat) -> None:
    """The work after the call is done."""
    seat.wrap_up_until = None
    floor.refresh(seat)


def wrap_up_extended(floor: Floor, event: events.WrapUpExtended) -> None:
    """The agent needs longer."""
    seat = floor.seats.get(event.agent)
    if seat is None or seat.wrap_up_until is None:
        return
    seat.wrap_up_until += event.seconds
    floor.alarms.set(Alarm.WRAP_UP, event.agent, seat.wrap_up_until)


def day_started(floor: Floor, event: events.DayStarted) -> None:
    """What agents handled today starts from nothing."""
    del event
    for seat in floor.seats.values():
        seat.answered_today, seat.talk_today = 0, 0.0
    for line in floor.lines.values():
        for post in line.posts.values():
            post.head_start = 0.0 if post.seat.at_work else None
        line.order_anew(floor.now)
