"""The life of an offer: made, ended in one of eight ways, or answered and become a talk."""

from acd.agent import AgentStatus, Seat
from acd.alarm import WAITING_ALARMS, Alarm
from acd.caller import Caller
from acd.commands import Connect, Offer, PauseAgent, Withdraw, WithdrawReason
from acd.floor import Floor
from acd.lease import AGAINST_THE_AGENT, NOT_TAKEN, Lease, Outcome
from acd.line import Line
from acd.post import Post

SHORTEST_REST = 1.0
"""Seconds an agent rests after an offer he did not take even when retry_delay is less: a phone that refuses at once
must not be rung in a tight circle."""

MISSED = "missed"
"""Pause reason of an agent whom the engine paused."""


def make_offer(floor: Floor, caller: Caller, post: Post) -> None:
    """Lock the agent for this caller and ring him."""
    line, seat = caller.line, post.seat
    line.note_offer(post, floor.now)
    lease = Lease(floor.next_lease(), caller, seat, post, line, floor.now)
    floor.leases[lease.id] = lease
    caller.offers[lease.id] = lease
    seat.lease = lease
    floor.refresh(seat)
    floor.reconsider(caller)
    timeout = line.settings.ring_timeout
    floor.alarms.set(Alarm.RING, lease.id, floor.now + timeout)
    if line.settings.progressive is not None and (Alarm.WIDEN, caller.id) not in floor.alarms:
        floor.alarms.set(Alarm.WIDEN, caller.id, floor.now + line.settings.progressive)
    floor.orders.append(Offer(lease.id, caller.id, seat.agent.id, line.settings.name, timeout, caller.callback))


def end_offer(floor: Floor, lease: Lease, outcome: Outcome, reason: WithdrawReason) -> None:
    """End the offer without a talk. Who rings too long or lets it fail rests, and the caller remembers."""
    seat, caller = lease.seat, lease.caller
    del floor.leases[lease.id]
    floor.remember_end(lease, reason)
    floor.alarms.cancel(Alarm.RING, lease.id)
    caller.offers.pop(lease.id, None)
    seat.lease = None
    _book(lease, outcome)
    if outcome in NOT_TAKEN or reason == "agent_gone":
        rest(floor, lease, outcome)
    floor.refresh(seat)
    floor.reconsider(caller)
    floor.seeking[caller.id] = caller


def withdraw(floor: Floor, lease: Lease, outcome: Outcome, reason: WithdrawReason) -> None:
    """End the offer and stop the ringing."""
    floor.orders.append(Withdraw(lease.id, reason, lease.seat.agent.id, lease.caller.id))
    end_offer(floor, lease, outcome, reason)


def withdraw_all(floor: Floor, caller: Caller, outcome: Outcome, reason: WithdrawReason) -> None:
    """Stop everything that rings for the caller."""
    for lease in list(caller.offers.values()):
        withdraw(floor, lease, outcome, reason)


def rest(floor: Floor, lease: Lease, outcome: Outcome) -> None:
    """Leave the agent in peace for a while."""
    seat, line = lease.seat, lease.line
    if outcome in NOT_TAKEN:
        lease.caller.tried[seat.agent.id] = lease.caller.tried.get(seat.agent.id, 0) + 1
    if outcome in AGAINST_THE_AGENT:
        seat.idle_since = floor.now
    if outcome in line.settings.auto_pause_on:
        _count_miss(floor, seat, line)
    seat.resting = True
    floor.alarms.set(Alarm.REST, seat.agent.id, floor.now + max(line.settings.retry_delay, SHORTEST_REST))


def _count_miss(floor: Floor, seat: Seat, line: Line) -> None:
    """Pause an agent who missed too many offers in a row."""
    limit = line.settings.auto_pause
    if floor.now - seat.available_since < line.settings.auto_pause_grace:
        return
    seat.misses_in_a_row += 1
    if limit is None or seat.misses_in_a_row < limit or seat.status is not AgentStatus.AVAILABLE:
        return
    seat.misses_in_a_row = 0
    seat.choose(AgentStatus.PAUSED, MISSED, floor.now)
    floor.orders.append(PauseAgent(seat.agent.id, MISSED))


def connect(floor: Floor, lease: Lease) -> None:
    """The agent answered first: he has the caller, everybody else lost the race."""
    caller, line, seat = lease.caller, lease.line, lease.seat
    wait = floor.now - caller.since
    floor.orders.append(Connect(lease.id, caller.id, seat.agent.id, line.settings.name, wait, caller.callback))
    lease.answered_at = floor.now
    del caller.offers[lease.id]
    floor.alarms.cancel(Alarm.RING, lease.id)
    line.remove(caller)
    caller.talk = lease
    for kind in WAITING_ALARMS:
        floor.alarms.cancel(kind, caller.id)
    withdraw_all(floor, caller, Outcome.LOST_RACE, "answered_elsewhere")
    floor.seeking.pop(caller.id, None)
    seat.lease, seat.talk = None, lease
    seat.misses_in_a_row = 0
    _book(lease, Outcome.ANSWERED)
    line.counts.answered += 1
    line.counts.answered_wait += wait
    line.counts.in_time += wait <= line.settings.service_level
    if caller.said_wait_first is not None:
        _measure_estimate(line, *caller.said_wait_first, floor.now)
    line.pace.answered(len(line.waiting), floor.now)
    floor.refresh(seat)


def _measure_estimate(line: Line, told: float, at: float, now: float) -> None:
    """Book how wrong the first announced wait was."""
    error = told - (now - at)
    line.counts.estimates += 1
    line.counts.estimate_error += error
    line.counts.estimate_distance += abs(error)


def undo_connect(floor: Floor, lease: Lease) -> None:
    """The agent was gone before the two could talk: that was no answer but a rejection."""
    _take_answer_back(floor, lease, "agent_gone")
    _unbook(lease, Outcome.ANSWERED)
    _book(lease, Outcome.REJECTED)
    rest(floor, lease, Outcome.REJECTED)
    floor.refresh(lease.seat)


def undo_callback(floor: Floor, lease: Lease) -> None:
    """The caller did not answer his callback: the agent answered his offer, but the caller was not served."""
    _take_answer_back(floor, lease, "caller_gone")
    floor.refresh(lease.seat)


def _take_answer_back(floor: Floor, lease: Lease, reason: WithdrawReason) -> None:
    caller, line = lease.caller, lease.line
    wait = lease.talk_since - caller.since
    line.counts.answered -= 1
    line.counts.answered_wait -= wait
    line.counts.in_time -= wait <= line.settings.service_level
    del floor.leases[lease.id]
    floor.remember_end(lease, reason)
    lease.seat.talk, caller.talk = None, None


def end_talk(floor: Floor, lease: Lease) -> None:
    """The talk is over; the agent has work after the call, and the caller is history."""
    seat, line, caller = lease.seat, lease.line, lease.caller
    del floor.leases[lease.id]
    floor.remember_end(lease, "caller_gone")
    del floor.callers[caller.id]
    if caller.callback is not None:
        line.callbacks.pop(caller.customer, None)
    caller.talk = seat.talk = None
    seat.idle_since = floor.now
    seat.answered_today += 1
    seat.talk_today += floor.now - lease.talk_since
    if caller.customer:
        floor.memory.note_talk(caller.customer, seat.agent.id, floor.now)
    seat.owes = lease if line.settings.dispositions else None
    start_wrap_up(floor, seat, line.settings.wrap_up)


def start_wrap_up(floor: Floor, seat: Seat, queue_wrap_up: float | None) -> None:
    """Work after the call: as the agent's settings say, else the queue's, else everybody's."""
    seconds = next(value for value in (seat.agent.wrap_up, queue_wrap_up, floor.wrap_up) if value is not None)
    if seconds > 0 or must_dispose(seat):
        seat.wrap_up_until = floor.now + seconds
        floor.alarms.set(Alarm.WRAP_UP, seat.agent.id, seat.wrap_up_until)
    floor.refresh(seat)


def must_dispose(seat: Seat) -> bool:
    """Whether the work after the call cannot end without a code."""
    return seat.owes is not None and seat.owes.line.settings.disposition_required


def _book(lease: Lease, outcome: Outcome) -> None:
    lease.seat.outcomes[outcome] += 1
    lease.line.counts.offers[outcome] += 1


def _unbook(lease: Lease, outcome: Outcome) -> None:
    lease.seat.outcomes[outcome] -= 1
    lease.line.counts.offers[outcome] -= 1
