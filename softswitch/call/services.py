"""What the switch does for a caller by itself: tones, music, echo, prompts, conference rooms."""

from typing import TYPE_CHECKING

from media.protocol import Sound
from softswitch.call.destination import Destination, Hangup, Refuse
from softswitch.call.errors import NoSuchDestination
from softswitch.call.events import DigitPressed, LegHeld, LegResumed, PlaybackEnded

if TYPE_CHECKING:
    from softswitch.call.call import Call

MILLIWATT = 1004  # Hz, as telephone engineers test lines with


async def tone(call: "Call", name: str, seconds: float | None = None) -> Destination:
    """A tone, music on hold or the caller's own voice, until he hangs up or `seconds` have passed."""
    caller = call.caller
    caller.answer()
    call.state = f"tone:{name}"
    if name == "echo":
        caller.media.echo(caller.name, True)
    else:
        caller.play(_sounds(call, name), f"tone:{name}", repeat=True)
    deadline = None if seconds is None else call.exchange.clock() + seconds
    while True:
        event = await call.next(None if deadline is None else deadline - call.exchange.clock())
        if event is None:
            return Hangup()


def _sounds(call: "Call", name: str) -> list[Sound]:
    if name == "music":
        return call.exchange.music()
    if name == "milliwatt":
        return [{"tone": MILLIWATT, "seconds": 1.0}]
    return [call.exchange.tone(name)]


async def prompt(call: "Call", name: str, then: Destination | None) -> Destination:
    """A prompt to its end."""
    call.caller.answer()
    call.state = f"prompt:{name}"
    await say(call, await call.exchange.prompt_sounds(name), f"prompt:{name}")
    return then or Hangup()


async def say(call: "Call", sounds: list[Sound], token: str) -> None:
    """Play to the caller and wait for the end."""
    if not sounds:
        return
    call.caller.play(sounds, token)
    while True:
        match await call.next():
            case PlaybackEnded(leg, ended, _) if leg is call.caller and ended == token:
                return


async def conference(call: "Call", name: str) -> Destination:
    """Be in a room, where everybody hears everybody, until the caller hangs up."""
    exchange, caller = call.exchange, call.caller
    room = exchange.rooms.get(name)
    if room is None:
        raise NoSuchDestination(f"conference:{name}")
    if len(room.members) >= room.max_members:
        return Refuse(486)
    caller.answer()
    call.state = f"conference:{name}"
    if room.pin is not None and not await _knows_pin(call, room.pin):
        return Hangup("refused")
    if len(room.members) >= room.max_members:  # others came in while he keyed
        return Refuse(486)
    room.members.append(caller.name)
    try:
        await say(call, [exchange.tone("beep")], "conference")
        caller.media.join(caller.name, f"conference:{name}")
        call.room = f"conference:{name}"
        while True:
            match await call.next():
                case LegHeld(leg):
                    leg.media.leave(leg.name)
                case LegResumed(leg):
                    leg.media.join(leg.name, f"conference:{name}")
    finally:
        call.end_conversation()
        room.members.remove(caller.name)


async def _knows_pin(call: "Call", pin: str, tries: int = 3) -> bool:
    """Ask for the room's number by a beep; `#` ends an entry."""
    for _ in range(tries):
        call.caller.play([call.exchange.tone("beep")], "pin")
        entered = ""
        while len(entered) < len(pin):
            match await call.next(10.0):
                case None:
                    break
                case DigitPressed(leg, digit, _) if leg is call.caller:
                    if digit != "#":
                        entered += digit
                    elif entered:  # else it ends the entry before, which was as long as the PIN
                        break
        if entered == pin:
            return True
    return False
