"""What the switch does for a caller by itself: tones, music, echo, prompts."""

from typing import TYPE_CHECKING

from media.protocol import Sound
from softswitch.call.destination import Destination, Hangup
from softswitch.call.events import PlaybackEnded

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
