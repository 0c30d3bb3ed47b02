"""What lands in the inbox of a call."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.call.leg import Leg
    from softswitch.call.ring import Ring
    from softswitch.call.supervision import Supervision
    from softswitch.call.transfer import Transfer


@dataclass(slots=True)
class LegProgressed:
    """A leg that we called is ringing (180) or sends early media (183 with SDP)."""

    leg: "Leg"
    status: int
    early_media: bool


@dataclass(slots=True)
class LegAnswered:
    """A leg that we called has answered and its media are set."""

    leg: "Leg"


@dataclass(slots=True)
class LegEnded:
    """A leg is over: refused, cancelled, hung up from either side, or lost."""

    leg: "Leg"
    cause: str
    by: str
    status: int | None = None


@dataclass(slots=True)
class LegHeld:
    """The phone at a leg put the call on hold."""

    leg: "Leg"


@dataclass(slots=True)
class LegResumed:
    """The phone at a leg took the call back."""

    leg: "Leg"


@dataclass(slots=True)
class DigitPressed:
    """A key was pressed at a leg."""

    leg: "Leg"
    digit: str
    method: str
    """`rfc4733`, `inband` or `info`."""


@dataclass(slots=True)
class PlaybackEnded:
    """A prompt has been played to its end, or could not be played."""

    leg: "Leg"
    token: str
    error: str | None = None


@dataclass(slots=True)
class MediaLost:
    """Nobody is heard of a leg any more: no packet for a long time, busy tone, or its media worker is gone."""

    leg: "Leg"
    cause: str


@dataclass(slots=True)
class RingProgressed:
    """The first of the phones of a ring group rings or sends early media."""

    ring: "Ring"
    leg: "Leg"
    early_media: bool


@dataclass(slots=True)
class RingAnswered:
    """A phone has answered first; the others are being cancelled."""

    ring: "Ring"
    leg: "Leg"


@dataclass(slots=True)
class RingFailed:
    """Nobody can answer any more: the best of the refusals."""

    ring: "Ring"
    status: int


@dataclass(slots=True)
class QueueOrdered:
    """The queue engine wants something done for this caller: one of `acd.commands`."""

    command: object


@dataclass(slots=True)
class SupervisionOver:
    """The conversation that this call's caller supervised has ended."""

    supervision: "Supervision"


@dataclass(slots=True)
class LegTaken:
    """One of the two who talk was given to another call by the other one, who transferred."""

    leg: "Leg"


@dataclass(slots=True)
class TransferAsked:
    """One of the two who talk wants the other to be led elsewhere, and may have that."""

    transfer: "Transfer"


Event = (
    LegProgressed | LegAnswered | LegEnded | LegHeld | LegResumed | DigitPressed | PlaybackEnded | MediaLost
    | RingProgressed | RingAnswered | RingFailed | QueueOrdered | SupervisionOver | LegTaken
    | TransferAsked
)  # fmt: skip
