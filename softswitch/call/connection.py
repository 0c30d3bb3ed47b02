"""From one party to another: ring, answer, talk, hold, hang up."""

from typing import TYPE_CHECKING

from softswitch.call.destination import Destination, Hangup, Refuse, ToGroup, ToPhone, ToTrunk
from softswitch.call.events import (
    DigitPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    MediaLost,
    RingAnswered,
    RingFailed,
    RingProgressed,
)
from softswitch.call.leg import Leg
from softswitch.call.policy import Recorded
from softswitch.call.ring import Ring
from softswitch.call.taping import Taping
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Step

NO_ANSWER = 480  # what a caller hears of when nobody answers in time


async def connect(call: "Call", destination: ToPhone | ToGroup | ToTrunk) -> Destination:
    """Ring a destination and, when somebody answers, be there until one of the two hangs up."""
    if not call.has_hops_left:
        return Refuse(483)
    if not call.exchange.may_reach(call, destination):
        return Refuse(403)
    if isinstance(destination, ToPhone):
        call.sought = destination.number
    status = NO_ANSWER
    for step in call.exchange.steps(call, destination):
        if not step.targets:
            status = step.unreachable
            continue
        call.state = f"ringing {step.name}"
        outcome = await _ring(call, step)
        if isinstance(outcome, Leg):
            return await talk(call, outcome, record=step.record)
        status = outcome
    return call.exchange.fallback(call, destination, status) or Refuse(status)


async def _ring(call: "Call", step: "Step") -> Leg | int:
    """Ring until somebody answers: the leg, or the status of the failure."""
    caller, exchange = call.caller, call.exchange
    preferred = [caller.codec] if caller.codec else []
    ring = Ring(call, "callee", step.targets, call.deliver)
    deadline = exchange.clock() + step.timeout
    try:
        await ring.start(step.called, preferred)
        if caller.answered:
            caller.play([exchange.tone("ringback")], "ringback", repeat=True)
        while True:
            event = await call.next(deadline - exchange.clock())
            match event:
                case None:
                    ring.cancel('SIP;cause=480;text="No answer"', "no_answer")
                    return NO_ANSWER
                case RingProgressed(who, leg, early_media) if who is ring:
                    _tell_progress(call, leg, early_media)
                case RingAnswered(who, leg) if who is ring:
                    leg.listener = call.deliver
                    return leg
                case RingFailed(who, status) if who is ring:
                    return status
    finally:
        if ring.winner is None:
            ring.cancel()
        if caller.answered and not caller.ended:
            caller.stop_playing()


def _tell_progress(call: "Call", leg: Leg, early_media: bool) -> None:
    """Let the caller know, or hear, that it rings."""
    caller = call.caller
    if not early_media:
        if not caller.answered:
            caller.ring()
        return
    if caller.answered:
        caller.stop_playing()
    else:
        caller.negotiate(leg.codec)
        caller.early_media()
    leg.media.join(caller.name, call.id)
    leg.media.join(leg.name, call.id)


async def talk(call: "Call", other: Leg, *, record: Recorded | None = None, queue: str = "") -> Destination:
    """Two people talk until one of them hangs up."""
    caller = call.caller
    if other.ended:
        return Hangup()  # he hung up in the moment he answered
    if not caller.answered:
        caller.negotiate(other.codec)
        caller.answer()
    caller.stop_playing()
    call.partner, call.room = other, call.id
    call.state = f"talking to {other.target}"
    call.journal.note(fact.Bridged, a=caller.name, b=other.name)
    join(call, other)
    call.taping = taping = Taping(call, other, record)
    try:
        if not await taping.begin():
            return Refuse(503)
        return await _until_hangup(call, other, taping)
    finally:
        call.end_conversation()
        call.taping = None
        other.hangup()  # first: a slow disk keeps nobody on the line
        await taping.end()


async def _until_hangup(call: "Call", other: Leg, taping: Taping) -> Destination:
    caller, clock = call.caller, call.exchange.clock
    limit = clock() + call.exchange.plan.call_limit
    while True:
        event = await call.next(limit - clock())
        match event:
            case None:
                return Hangup("limit")
            case LegEnded(leg, cause, _, _) if leg is other:
                return Hangup("bye" if cause in ("bye", "answered_elsewhere") else cause)
            case MediaLost(leg, cause) if leg is other:
                other.hangup(cause=cause)
                return Hangup(cause)
            case LegHeld(leg):
                _hold(call, leg, caller if leg is other else other)
            case LegResumed(leg):
                _resume(call, leg, caller if leg is other else other)
            case DigitPressed(leg, digit, method):
                partner = caller if leg is other else other
                if method == "info" or partner.keys_by_info:
                    partner.press(digit)  # else the media worker has handed it on
                await taping.press(leg, digit)
            case LegAnswered():
                continue


def join(call: "Call", other: Leg) -> None:
    """Let caller and partner hear each other."""
    if call.caller.held or other.held:
        return
    other.media.join(call.caller.name, call.id)
    other.media.join(other.name, call.id)


def _hold(call: "Call", holder: Leg, waiting: Leg) -> None:
    """One of the two put the other on hold: music for whoever waits."""
    holder.media.leave(holder.name)
    waiting.media.leave(waiting.name)
    waiting.play(call.exchange.music(), "hold", repeat=True)


def _resume(call: "Call", holder: Leg, waiting: Leg) -> None:
    waiting.stop_playing()
    join(call, holder if holder is not call.caller else waiting)
