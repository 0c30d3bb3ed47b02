"""From one party to another: ring, answer, talk, hold, hang up."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.call.destination import Destination, Hangup, Refuse, ToGroup, ToLeg, ToPhone, ToTrunk
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
    TransferAsked,
)
from softswitch.call.leg import Leg
from softswitch.call.policy import Recorded
from softswitch.call.ring import Ring
from softswitch.call.taping import Taping
from softswitch.call.transfer import carry_out
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Step

NO_ANSWER = 480  # what a caller hears of when nobody answers in time


async def connect(call: "Call", destination: ToPhone | ToGroup | ToTrunk) -> Destination:
    """Ring a destination and, when somebody answers, be there until one of the two hangs up."""
    found = await reach(call, destination)
    return await talk(call, found.leg, record=found.record) if isinstance(found, ToLeg) else found


async def reach(
    call: "Call", destination: ToPhone | ToGroup | ToTrunk, progress: Callable[[int], None] | None = None
) -> Destination:
    """Ring a destination: `ToLeg` when somebody has answered, else where the call goes instead.

    `progress` is told the status of what whoever is called sends before.
    """
    if not call.has_hops_left:
        return Refuse(483)
    if not call.exchange.may_reach(call.authority, destination):
        return Refuse(403)
    if isinstance(destination, ToPhone):
        call.sought = destination.number
    status = NO_ANSWER
    for step in call.exchange.steps(call, destination):
        if not step.targets:
            status = step.unreachable
            continue
        call.state = f"ringing {step.name}"
        outcome = await _ring(call, step, progress)
        if isinstance(outcome, Leg):
            return ToLeg(outcome, step.record)
        status = outcome
    return call.exchange.fallback(call, destination, status) or Refuse(status)


async def _ring(call: "Call", step: "Step", progress: Callable[[int], None] | None) -> Leg | int:
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
                    if progress is not None:
                        progress(183 if early_media else 180)
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
    """Two people talk until one of them hangs up, or has the other led elsewhere."""
    caller = call.caller
    if other.ended:
        return Hangup()  # he hung up in the moment he answered
    if not caller.answered:
        caller.negotiate(other.codec)
        caller.answer()
    caller.stop_playing()
    _be_together(call, other)
    call.taping = taping = Taping(call, other, record)
    try:
        if not await taping.begin():
            return Refuse(503)
        return await _until_hangup(call, other, taping)
    finally:
        call.end_conversation()
        call.give_up_transfer()
        call.taping = None
        leaving = other if call.caller is caller else caller
        if leaving.call is call:
            leaving.hangup()  # first: a slow disk keeps nobody on the line
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
            case TransferAsked():
                leads_to = await carry_out(call, event)
                if leads_to is not None:
                    return leads_to
                _be_together(call, other)
                for leg, partner in ((caller, other), (other, caller)):
                    if leg.held:
                        _hold(call, leg, partner)
            case LegAnswered():
                continue


def _be_together(call: "Call", other: Leg) -> None:
    """Caller and partner hear each other, for the first time or again."""
    call.partner, call.room = other, call.id
    call.state = f"talking to {other.target}"
    call.journal.note(fact.Bridged, a=call.caller.name, b=other.name)
    join(call, other)


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
