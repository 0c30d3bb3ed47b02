"""The queue engine: facts and time go in, orders come out.

It is given the time and never looks at a clock, never waits, and has no randomness but what was handed in. What is due
happens at its own time, however late somebody asks: the log of (event, now) alone reproduces every choice.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any

from acd import events
from acd.agent import Agent, AgentStatus, Seat
from acd.alarm import Alarm
from acd.announcing import say_periodic, say_place
from acd.caller import Caller
from acd.commands import Command, StartMusic
from acd.floor import Floor
from acd.invariants import check_books, check_nobody_is_stuck, check_seats
from acd.lease import Lease, Outcome
from acd.matching import match
from acd.offers import connect, end_offer, end_talk, start_wrap_up, undo_connect, withdraw
from acd.queue import QueueSettings
from acd.reload import apply_settings, check_settings, dismiss
from acd.skills import read_need
from acd.snapshot import take_snapshot
from acd.waiting import (
    ask_again,
    await_next_tier,
    await_relaxing,
    begin_wait,
    end_last_chances,
    hang_up,
    join,
    leave_empty_lines,
    send_on,
    time_out,
)


class Engine:
    """Decides who talks to whom."""

    def __init__(
        self,
        queues: Iterable[QueueSettings],
        agents: Iterable[Agent] = (),
        rng: random.Random | None = None,
        explain: bool = False,
        wrap_up: float = 10.0,
        now: float = 0.0,
    ) -> None:
        """Members whom `agents` does not name are plain agents. Without `rng` the seed is 0.

        `explain` adds an Explain for every choice, which costs a look at every member; `wrap_up` is for agents and
        queues that say nothing.
        """
        seed = 0 if rng is None else rng.getrandbits(64)
        self._floor = Floor(seed, explain, wrap_up, now)
        first = events.SettingsChanged(tuple(queues), tuple(agents))
        check_settings(self._floor, first)
        apply_settings(self._floor, first)
        self._settle()

    def handle(self, event: events.Event, now: float) -> list[Command]:
        """Take note of a fact. Everything that was due before it happens first, at its own time.

        Raises SettingsError, with nothing changed, for a SettingsChanged that cannot be worked with, and SkillError
        for a caller who asks for skills in words that cannot be read.
        """
        if isinstance(event, events.CallerJoined):
            read_need(*event.requires)
        if isinstance(event, events.SettingsChanged):
            check_settings(self._floor, event)
        self._ring_due(now)
        self._floor.now = max(now, self._floor.now)
        HANDLERS[type(event)](self, event)
        self._settle()
        return self._floor.take_orders()

    def handle_timer(self, now: float) -> list[Command]:
        """Do what is due."""
        self._ring_due(now)
        return self._floor.take_orders()

    def next_deadline(self) -> float | None:
        """When `handle_timer` is to be called."""
        return self._floor.alarms.next()

    def snapshot(self, now: float | None = None) -> dict[str, Any]:
        """The floor as plain values, for a supervisor's screen; waits are as of now, or of the last event."""
        at = self._floor.now if now is None else max(now, self._floor.now)
        return take_snapshot(self._floor, at)

    def check_invariants(self) -> None:
        """Raise InvariantError when the books do not balance. Looks at everybody: for tests and simulations."""
        check_books(self._floor)
        check_seats(self._floor)
        check_nobody_is_stuck(self._floor)

    def _settle(self) -> None:
        """Draw the conclusions of what has just happened."""
        floor = self._floor
        end_last_chances(floor)
        match(floor)
        if floor.emptied:
            leave_empty_lines(floor)
            match(floor)

    # What time brings

    def _ring_due(self, now: float) -> None:
        floor = self._floor
        while (due := floor.alarms.pop_due(now)) is not None:
            at, (kind, owner) = due
            floor.now = max(at, floor.now)
            ALARMS[kind](self, owner)
            self._settle()

    def _ring_over(self, owner: str | int) -> None:
        withdraw(self._floor, self._floor.leases[int(owner)], Outcome.NO_ANSWER, "timeout")

    def _rest_over(self, owner: str | int) -> None:
        seat = self._floor.seats[str(owner)]
        seat.resting = False
        self._floor.refresh(seat)

    def _wrap_up_over(self, owner: str | int) -> None:
        seat = self._floor.seats[str(owner)]
        seat.wrap_up_until = None
        self._floor.refresh(seat)

    def _wait_over(self, owner: str | int) -> None:
        time_out(self._floor, self._floor.callers[str(owner)])

    def _tier_opens(self, owner: str | int) -> None:
        floor, caller = self._floor, self._floor.callers[str(owner)]
        caller.open_tiers += 1
        floor.seeking[caller.id] = caller
        await_next_tier(floor, caller)

    def _widens(self, owner: str | int) -> None:
        floor, caller = self._floor, self._floor.callers[str(owner)]
        progressive = caller.line.settings.progressive
        if progressive is None or caller.width is None or caller.width >= len(caller.line.posts):
            return
        caller.width += 1
        floor.reconsider(caller)
        floor.seeking[caller.id] = caller
        floor.alarms.set(Alarm.WIDEN, caller.id, floor.now + progressive)

    def _relaxes(self, owner: str | int) -> None:
        floor, caller = self._floor, self._floor.callers[str(owner)]
        caller.relaxed += 1
        ask_again(floor, caller)
        await_relaxing(floor, caller)

    def _place_due(self, owner: str | int) -> None:
        say_place(self._floor, self._floor.callers[str(owner)])

    def _prompt_due(self, owner: str | int) -> None:
        say_periodic(self._floor, self._floor.callers[str(owner)])

    # What callers do

    def _joined(self, event: events.CallerJoined) -> None:
        caller = self._floor.callers.get(event.caller)
        if caller is not None and caller.talk is not None:
            self._end_talk(caller.talk)
        elif caller is not None:
            if caller.line.settings.name == event.queue:
                return
            send_on(self._floor, caller, "moved", f"queue:{event.queue}")
        join(self._floor, event)

    def _left(self, event: events.CallerLeft) -> None:
        caller = self._floor.callers.get(event.caller)
        if caller is None:
            return
        if caller.talk is not None:
            self._end_talk(caller.talk)
            return
        hang_up(self._floor, caller)

    def _moved(self, event: events.CallerMoved) -> None:
        caller = self._waiting(event.caller)
        if caller is not None:
            send_on(self._floor, caller, event.outcome, event.destination)

    def _waiting(self, caller_id: str) -> Caller | None:
        caller = self._floor.callers.get(caller_id)
        return caller if caller is not None and caller.talk is None else None

    # What agents do

    def _logged_in(self, event: events.AgentLoggedIn) -> None:
        self._set_status(event.agent, AgentStatus.AVAILABLE)

    def _logged_out(self, event: events.AgentLoggedOut) -> None:
        self._set_status(event.agent, AgentStatus.LOGGED_OUT)

    def _paused(self, event: events.AgentPaused) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is not None and seat.status is not AgentStatus.LOGGED_OUT:
            self._set_status(event.agent, AgentStatus.PAUSED, event.reason)

    def _unpaused(self, event: events.AgentUnpaused) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is not None and seat.status is AgentStatus.PAUSED:
            self._set_status(event.agent, AgentStatus.AVAILABLE)

    def _set_status(self, agent: str, status: AgentStatus, reason: str = "") -> None:
        seat = self._floor.seats.get(agent)
        if seat is None:
            return
        if status is AgentStatus.AVAILABLE and seat.status is not status:
            seat.available_since = self._floor.now
            seat.misses_in_a_row = 0
        seat.status, seat.pause_reason = status, reason
        self._take_offer_away(seat, Outcome.WITHDRAWN)
        self._floor.refresh(seat)

    def _take_offer_away(self, seat: Seat, outcome: Outcome) -> None:
        """Whoever cannot take a call any more is not rung any more."""
        if seat.lease is not None and (not seat.at_work or seat.busy):
            withdraw(self._floor, seat.lease, outcome, "agent_gone")

    def _reachable(self, event: events.AgentReachable) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is None:
            return
        seat.reachable = event.reachable
        self._take_offer_away(seat, Outcome.UNREACHABLE)
        self._floor.refresh(seat)

    def _busy(self, event: events.AgentBusy) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is None:
            return
        was_busy, seat.busy = seat.busy, event.busy
        self._take_offer_away(seat, Outcome.BUSY)
        if was_busy and not event.busy and event.handled:
            start_wrap_up(self._floor, seat, None)
        self._floor.refresh(seat)

    def _wrap_up_ended(self, event: events.WrapUpEnded) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is None or seat.wrap_up_until is None:
            return
        self._floor.alarms.cancel(Alarm.WRAP_UP, event.agent)
        self._wrap_up_over(event.agent)

    def _wrap_up_extended(self, event: events.WrapUpExtended) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is None or seat.wrap_up_until is None:
            return
        seat.wrap_up_until += event.seconds
        self._floor.alarms.set(Alarm.WRAP_UP, event.agent, seat.wrap_up_until)

    # What becomes of offers

    def _ringing(self, event: events.OfferRinging) -> None:
        if event.lease in self._floor.leases:
            self._floor.leases[event.lease].ringing = True

    def _answered(self, event: events.OfferAnswered) -> None:
        lease = self._floor.leases.get(event.lease)
        if lease is None:
            self._answered_too_late(event.lease)
        elif lease.answered_at is None:
            connect(self._floor, lease)

    def _answered_too_late(self, lease: int) -> None:
        withdrawal = self._floor.ended.get(lease)
        if withdrawal is not None:
            self._floor.orders.append(withdrawal)

    def _open_offer(self, number: int) -> Lease | None:
        lease = self._floor.leases.get(number)
        return lease if lease is not None and lease.answered_at is None else None

    def _rejected(self, event: events.OfferRejected) -> None:
        self._offer_failed_as(event.lease, Outcome.REJECTED)

    def _offer_busy(self, event: events.OfferBusy) -> None:
        self._offer_failed_as(event.lease, Outcome.BUSY)

    def _offer_failed(self, event: events.OfferFailed) -> None:
        self._offer_failed_as(event.lease, Outcome.UNREACHABLE)

    def _offer_failed_as(self, number: int, outcome: Outcome) -> None:
        lease = self._open_offer(number)
        if lease is not None:
            end_offer(self._floor, lease, outcome, "agent_gone")

    # What becomes of talks

    def _connect_failed(self, event: events.ConnectFailed) -> None:
        lease = self._floor.leases.get(event.lease)
        if lease is None or lease.answered_at is None:
            self._offer_failed_as(event.lease, Outcome.UNREACHABLE)
            return
        caller = lease.caller
        undo_connect(self._floor, lease)
        self._drop_if_leaving(lease.seat)
        if self._floor.lines.get(caller.line.settings.name) is not caller.line:
            self._line_is_gone(caller)
            return
        caller.line.put_back(caller)
        self._floor.orders.append(StartMusic(caller.id, caller.music))
        begin_wait(self._floor, caller)

    def _line_is_gone(self, caller: Caller) -> None:
        """His queue was removed while he was being connected: he goes where its other callers went."""
        caller.line.put_back(caller)
        send_on(self._floor, caller, "closed", caller.line.settings.on_closed)

    def _contact_ended(self, event: events.ContactEnded) -> None:
        seat = self._floor.seats.get(event.agent)
        if seat is not None and seat.talk is not None and seat.talk.caller.id == event.caller:
            self._end_talk(seat.talk)

    def _end_talk(self, lease: Lease) -> None:
        end_talk(self._floor, lease)
        self._drop_if_leaving(lease.seat)

    def _drop_if_leaving(self, seat: Seat) -> None:
        if seat.leaving:
            dismiss(self._floor, seat)

    # What the office does

    def _day_started(self, event: events.DayStarted) -> None:
        del event
        floor = self._floor
        for seat in floor.seats.values():
            seat.answered_today, seat.talk_today = 0, 0.0
        for line in floor.lines.values():
            for post in line.posts.values():
                post.head_start = 0.0 if post.seat.at_work else None
            line.order_anew(floor.now)

    def _changed(self, event: events.SettingsChanged) -> None:
        apply_settings(self._floor, event)


HANDLERS: dict[type, Callable[[Engine, Any], None]] = {
    events.CallerJoined: Engine._joined,
    events.CallerLeft: Engine._left,
    events.CallerMoved: Engine._moved,
    events.AgentLoggedIn: Engine._logged_in,
    events.AgentLoggedOut: Engine._logged_out,
    events.AgentPaused: Engine._paused,
    events.AgentUnpaused: Engine._unpaused,
    events.AgentReachable: Engine._reachable,
    events.AgentBusy: Engine._busy,
    events.OfferRinging: Engine._ringing,
    events.OfferAnswered: Engine._answered,
    events.OfferRejected: Engine._rejected,
    events.OfferBusy: Engine._offer_busy,
    events.OfferFailed: Engine._offer_failed,
    events.ConnectFailed: Engine._connect_failed,
    events.ContactEnded: Engine._contact_ended,
    events.WrapUpEnded: Engine._wrap_up_ended,
    events.WrapUpExtended: Engine._wrap_up_extended,
    events.DayStarted: Engine._day_started,
    events.SettingsChanged: Engine._changed,
}

ALARMS: dict[Alarm, Callable[[Engine, str | int], None]] = {
    Alarm.RING: Engine._ring_over,
    Alarm.REST: Engine._rest_over,
    Alarm.WRAP_UP: Engine._wrap_up_over,
    Alarm.MAX_WAIT: Engine._wait_over,
    Alarm.TIER: Engine._tier_opens,
    Alarm.WIDEN: Engine._widens,
    Alarm.PLACE: Engine._place_due,
    Alarm.PERIODIC: Engine._prompt_due,
    Alarm.RELAX: Engine._relaxes,
}
