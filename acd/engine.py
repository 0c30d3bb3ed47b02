"""The queue engine: facts and time go in, orders come out.

It is given the time and never looks at a clock, never waits, and has no randomness but what was handed in. What is due
happens at its own time, however late somebody asks: the log of (event, now) alone reproduces every choice.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from acd import callers, events, staff, talks
from acd.agent import Agent, PauseReason
from acd.commands import Command
from acd.due import DUE
from acd.floor import Floor
from acd.invariants import check_books, check_nobody_is_stuck, check_seats
from acd.keeping import restore, save
from acd.matching import match
from acd.queue import QueueSettings
from acd.reload import apply_settings, check_settings
from acd.reserve import update_reserves
from acd.skills import read_need
from acd.snapshot import agent_snapshot, take_snapshot
from acd.waiting import end_last_chances, leave_empty_lines


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
        pauses: Iterable[PauseReason] = (),
    ) -> None:
        """Members whom `agents` does not name are plain agents. Without `rng` the seed is 0.

        `explain` adds an Explain for every choice, which costs a look at every member; `wrap_up` is for agents and
        queues that say nothing.
        """
        seed = 0 if rng is None else rng.getrandbits(64)
        self._floor = Floor(seed, explain, wrap_up, now)
        first = events.SettingsChanged(tuple(queues), tuple(agents), pauses=tuple(pauses))
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
        HANDLERS[type(event)](self._floor, event)
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

    def agent(self, name: str) -> dict[str, Any] | None:
        """One agent as in `snapshot`; None for a stranger."""
        return agent_snapshot(self._floor, name, self._floor.now)

    def save(self, now: float) -> dict[str, Any]:
        """What is to be kept over a restart, as plain values for JSON; see `acd.keeping`."""
        return save(self._floor, max(now, self._floor.now))

    def restore(self, saved: Mapping[str, Any], elapsed: float) -> None:
        """Take up what was saved so many seconds ago, before the first fact is told.

        Raises KeyError, TypeError, ValueError or AttributeError when `save` did not write it: then make a new engine.
        """
        restore(self._floor, saved, max(0.0, elapsed))
        self._settle()

    def check_invariants(self) -> None:
        """Raise InvariantError when the books do not balance. Looks at everybody: for tests and simulations."""
        check_books(self._floor)
        check_seats(self._floor)
        check_nobody_is_stuck(self._floor)

    def _settle(self) -> None:
        """Draw the conclusions of what has just happened."""
        floor = self._floor
        end_last_chances(floor)
        update_reserves(floor)
        match(floor)
        if floor.emptied:
            leave_empty_lines(floor)
            match(floor)

    def _ring_due(self, now: float) -> None:
        floor = self._floor
        while (due := floor.alarms.pop_due(now)) is not None:
            at, (kind, owner) = due
            floor.now = max(at, floor.now)
            DUE[kind](floor, owner)
            self._settle()


HANDLERS: Mapping[type, Callable[[Floor, Any], None]] = {
    events.CallerJoined: callers.caller_joined,
    events.CallerLeft: callers.caller_left,
    events.CallerMoved: callers.caller_moved,
    events.CallerSteppedOut: callers.stepped_out,
    events.CallerSteppedBack: callers.stepped_back,
    events.CallbackAccepted: callers.callback_accepted,
    events.CallbackFailed: callers.callback_failed,
    events.CallbackCancelled: callers.callback_cancelled,
    events.AgentLoggedIn: staff.logged_in,
    events.AgentLoggedOut: staff.logged_out,
    events.AgentPaused: staff.paused,
    events.AgentUnpaused: staff.unpaused,
    events.AgentReachable: staff.reachable,
    events.AgentBusy: staff.busy,
    events.OfferRinging: talks.offer_ringing,
    events.OfferAnswered: talks.offer_answered,
    events.OfferRejected: talks.offer_rejected,
    events.OfferBusy: talks.offer_busy,
    events.OfferFailed: talks.offer_failed,
    events.ConnectFailed: talks.connect_failed,
    events.ContactEnded: talks.contact_ended,
    events.WrapUpEnded: staff.wrap_up_ended,
    events.WrapUpExtended: staff.wrap_up_extended,
    events.DispositionGiven: staff.disposition_given,
    events.DayStarted: staff.day_started,
    events.SettingsChanged: apply_settings,
}
