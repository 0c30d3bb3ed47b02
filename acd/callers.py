"""What callers do: the facts about them, brought onto the floor."""

from acd import events
from acd.caller import Caller
from acd.floor import Floor
from acd.talks import finish_talk
from acd.waiting import hang_up, join, send_on


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
