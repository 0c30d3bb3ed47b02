"""A supervisor beside a live call: he listens, whispers to one party, or barges in.

He is led by legs and not by phones: whoever the extension is reached through, a trunk too, it is that leg which hears
a whisper. Who talks notices nothing of it but the voice.
"""

from typing import TYPE_CHECKING

from media.protocol import Role
from softswitch.call import services
from softswitch.call.destination import Destination, Refuse, ToSupervision
from softswitch.call.events import DigitPressed, LegHeld, LegResumed, SupervisionOver
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Exchange
    from softswitch.call.leg import Leg

ROLE_OF_KEY: dict[str, Role] = {"1": "listen", "2": "whisper", "3": "barge"}
FORBIDDEN = Refuse(403)
NO_LIVE_CALL = Refuse(480)
FAREWELL = 4.0  # seconds of tone after the call that was supervised


class Supervision:
    """One supervisor beside one leg."""

    def __init__(self, call: "Call", watched: "Call", leg: "Leg", role: Role) -> None:
        self.call = call
        """Of the supervisor."""
        self.watched = watched
        self.leg = leg
        """The one that was asked for, and that hears a whisper."""
        self.role = role
        self._over = False

    def begin(self) -> None:
        """Be there."""
        self.watched.supervisions.append(self)
        self._note(fact.SupervisionStarted)
        self.enter()

    @property
    def is_heard(self) -> bool:
        """Whether both parties hear the supervisor."""
        return self.role == "barge" and not (self._over or self.call.caller.held or self.call.caller.ended)

    def enter(self) -> None:
        """Be in the room, as the role says."""
        caller = self.call.caller
        if self._over or caller.held:
            return
        ear = self.leg.name if self.role == "whisper" else ""
        caller.media.join(caller.name, self.watched.room, role=self.role, ear=ear)
        self._tape()

    def step_out(self) -> None:
        """The supervisor holds his call."""
        self.call.caller.media.leave(self.call.caller.name)
        self._tape()

    def _tape(self) -> None:
        if self.watched.taping is not None:
            self.watched.taping.add_supervisors()

    def change(self, role: Role) -> None:
        """Take another role."""
        if self._over or role == self.role:
            return
        self._note(fact.SupervisionEnded)
        self.role = role
        self._note(fact.SupervisionStarted)
        self.enter()

    def end(self) -> None:
        """Be there no more; a second time does nothing."""
        if self._over:
            return
        self._over = True
        self.watched.supervisions.remove(self)
        self._note(fact.SupervisionEnded)
        self._tape()
        if not self.call.caller.ended:
            self.call.caller.media.leave(self.call.caller.name)

    def _note(self, kind: type[fact.SupervisionStarted] | type[fact.SupervisionEnded]) -> None:
        """Write it down with both calls."""
        for journal in (self.watched.journal, self.call.journal):
            journal.note(
                kind, supervisor=self.call.origin.name, leg=self.leg.name, target=self.leg.target, mode=self.role
            )


async def supervise(call: "Call", destination: ToSupervision) -> Destination:
    """Join the live call of an extension until it ends or the supervisor hangs up."""
    exchange = call.exchange
    if call.origin.kind != "phone" or call.origin.name not in exchange.plan.supervisors:
        return FORBIDDEN
    found = find(exchange, destination.number, call.origin.name)
    if found is None:
        return NO_LIVE_CALL
    if not await call.go_to(found[1].media):
        return Refuse(503)
    if not found[0].room or found[1].ended:  # it ended meanwhile
        return NO_LIVE_CALL
    call.caller.answer()
    call.state = f"supervising {destination.number}"
    supervision = Supervision(call, *found, destination.role)
    supervision.begin()
    try:
        await _be_there(call, supervision)
    finally:
        supervision.end()
    return await services.tone(call, "busy", seconds=FAREWELL)


async def _be_there(call: "Call", supervision: Supervision) -> None:
    caller = call.caller
    while True:
        match await call.next():
            case SupervisionOver(ended) if ended is supervision:
                return
            case DigitPressed(leg, digit, _) if leg is caller and digit in ROLE_OF_KEY:
                supervision.change(ROLE_OF_KEY[digit])
            case LegHeld():
                supervision.step_out()
            case LegResumed():
                supervision.enter()


def find(exchange: "Exchange", number: str, supervisor: str) -> "tuple[Call, Leg] | None":
    """The conversation of an extension and its leg there; of several the one that is not on hold, then the newest.

    A conversation of the supervisor's own phone is none to supervise.
    """
    own = f"phone:{supervisor}"
    candidates = [
        (call, leg)
        for call in exchange.calls.values()
        if call.room and (leg := _leg_of(call, number)) and own not in (one.target for one in _talking(call))
    ]
    return max(candidates, key=lambda found: (not found[1].held, found[0].started), default=None)


def _talking(call: "Call") -> "list[Leg]":
    return [leg for leg in (call.partner, call.caller) if leg is not None and not leg.ended]


def _leg_of(call: "Call", number: str) -> "Leg | None":
    """The leg that is an extension's: its phone, or the trunk through which it was reached or calls."""
    for leg in _talking(call):
        kind, _, name = leg.target.partition(":")
        outside = (call.origin.number.lstrip("+"),) if leg is call.caller else (leg.called, call.sought)
        if name == number if kind == "phone" else number in outside:
            return leg
    return None
