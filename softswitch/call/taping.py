"""The recording of one talk: begun because it is configured or because a code was keyed, paused by another code."""

from typing import TYPE_CHECKING

from softswitch.call.codes import Codes
from softswitch.call.leg import Leg
from softswitch.call.plan import Phone
from softswitch.call.policy import Recorded

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.recordings import Recording

NOTICE = "not recorded"


class Taping:
    """What is being recorded of a talk, if anything."""

    def __init__(self, call: "Call", other: Leg, recorded: Recorded | None) -> None:
        self._call = call
        self._other = other
        self._recorded = recorded
        self._recording: Recording | None = None
        self._codes = Codes(call.exchange.plan.codes)

    async def begin(self) -> bool:
        """Record if that is wanted from the start; whether the talk may go on."""
        recorded = self._recorded
        if recorded is None or await self._start(recorded) or self._is_over:
            return True
        if recorded.unwritable == "announce" and not self._call.warned:
            self._call.warned = True
            self._call.exchange.spawn(self._warn(recorded))
        return recorded.unwritable != "refuse"

    async def press(self, leg: Leg, key: str) -> None:
        """A key was pressed at a phone; the codes count at those that may use them."""
        phone = self._phone_of(leg)
        if phone is None or phone.on_demand is None:
            return
        match self._codes.press(leg.name, key, self._call.exchange.clock()):
            case "record" if self._recording is None:
                await self._start(phone.on_demand)
            case "pause" if self._recording is not None and self._recording.is_paused:
                self._recording.resume(leg.name)
            case "pause" if self._recording is not None:
                self._recording.pause(leg.name)

    def add_supervisors(self) -> None:
        """Record those who barge in, and nobody who whispers or listens: the parties hear these alone."""
        barging = [one.call.caller.name for one in self._call.supervisions if one.is_heard]
        if self._recording is not None and not self._is_over:
            self._recording.add(barging)

    async def end(self) -> None:
        """Finish the file."""
        if self._recording is not None:
            recording, self._recording = self._recording, None
            await recording.stop()

    async def _start(self, recorded: Recorded) -> bool:
        call = self._call
        self._recording = await call.exchange.recordings.start(call, call.caller, self._other, recorded)
        if call.supervisions:
            self.add_supervisors()
        return self._recording is not None

    @property
    def _is_over(self) -> bool:
        return self._call.caller.ended or self._other.ended

    def _phone_of(self, leg: Leg) -> Phone | None:
        kind, _, number = leg.target.partition(":")
        return self._call.exchange.plan.phones.get(number) if kind == "phone" else None

    async def _warn(self, recorded: Recorded) -> None:
        call = self._call
        sounds = await call.exchange.speech.sounds([recorded.notice]) if recorded.notice is not None else []
        if sounds and call.partner is self._other and not call.caller.ended:
            call.caller.play(sounds, NOTICE)
