"""What callers do: the facts about them, brought onto the floor."""

from acd import events
from acd.alarm import WAITING_ALARMS, Alarm
from acd.caller import Caller
from acd.floor import Floor
from acd.lease import Outcome
from acd.offers import undo_callback, withdraw_all
from acd.talks import drop_if_leaving, finish_talk, stand_again
from acd.waiting import begin_wait, hang_up, join, send_on


def caller_joined(floor: Floor, event: events.CallerJoined) -> None:
    """A caller asks to wait; one who waits elsewhere flows out of there, one who talks has done so."""
    caller = floor.callers.get(event.caller)
    if caller is not None and caller.talk is not None:
        finish_talk(floor, caller.talk)
    elif caller is not None:
        if caller.line.settings.name == event.queue:
            return
        send_on(floor, caller, "moved", f"queue:{event.queue}")
    join(floor, event)


def caller_left(floor: Floor, event: events.CallerLeft) -> None:
    """The caller hung up, waiting or talking."""
    caller = floor.callers.get(event.caller)
    if caller is None:
        return
    if caller.talk is not None:
        finish_talk(floor, caller.talk)
        return
    if caller.callback is not None:
        return
    hang_up(floor, caller)


def caller_moved(floor: Floor, event: events.CallerMoved) -> None:
    """A waiting caller leaves alive."""
    caller = waiting_caller(floor, event.caller)
    if caller is not None:
        send_on(floor, caller, event.outcome, event.destination)


def waiting_caller(floor: Floor, caller_id: str) -> Caller | None:
    """The caller of this id, if he waits."""
    caller = floor.callers.get(caller_id)
    return caller if caller is not None and caller.talk is None else None


def stepped_out(floor: Floor, event: events.CallerSteppedOut) -> None:
    """A waiting caller hears something else and keeps his place."""
    caller = waiting_caller(floor, event.caller)
    if caller is not None and caller.callback is None:
        _send_away(floor, caller)


def stepped_back(floor: Floor, event: events.CallerSteppedBack) -> None:
    """He stands in the line again."""
    caller = waiting_caller(floor, event.caller)
    if caller is not None and caller.callback is None and caller.away:
        come_back(floor, caller)


def callback_accepted(floor: Floor, event: events.CallbackAccepted) -> None:
    """The caller hangs up; an agent is rung for him when his turn has come, by one offer at a time."""
    caller = waiting_caller(floor, event.caller)
    if caller is None or caller.callback is not None:
        return
    line = caller.line
    _send_away(floor, caller)
    caller.callback, caller.width, caller.overdue = event.number, 1, False
    line.counts.callbacks += 1
    if caller.customer:
        line.callbacks[caller.customer] = caller
    come_back(floor, caller)


def callback_failed(floor: Floor, event: events.CallbackFailed) -> None:
    """The caller did not answer. He stands where he stood and is left in peace for a while, or is given up."""
    caller = floor.callers.get(event.caller)
    if caller is None or caller.talk is None or caller.callback is None:
        return
    lease, settings = caller.talk, caller.line.settings
    undo_callback(floor, lease)
    drop_if_leaving(floor, lease.seat)
    caller.attempts += 1
    stand_again(floor, caller)
    if not caller.standing:
        return
    if caller.attempts >= settings.callback_attempts:
        send_on(floor, caller, "callback_failed", None)
        return
    _send_away(floor, caller)
    floor.alarms.set(Alarm.CALLBACK, caller.id, floor.now + settings.callback_delay)


def callback_cancelled(floor: Floor, event: events.CallbackCancelled) -> None:
    """He need not be called any more."""
    caller = waiting_caller(floor, event.caller)
    if caller is not None and caller.callback is not None:
        send_on(floor, caller, event.outcome, None)


def _send_away(floor: Floor, caller: Caller) -> None:
    """Nobody is rung for him any more, and nothing is said to him; his place stays."""
    withdraw_all(floor, caller, Outcome.CALLER_GONE, "caller_gone")
    caller.away = True
    for kind in WAITING_ALARMS:
        floor.alarms.cancel(kind, caller.id)
    floor.reconsider(caller)
    floor.seeking.pop(caller.id, None)


def come_back(floor: Floor, caller: Caller) -> None:
    """Look for agents for him again."""
    caller.away = False
    if caller.line.settings.leave_empty:
        floor.emptied[caller.line.settings.name] = caller.line
    begin_wait(floor, caller)
