"""Where a call can go, as plain values; and how they are written in the configuration."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from media.protocol import Role
from softswitch.call.errors import NoSuchDestination
from softswitch.call.policy import Recorded

if TYPE_CHECKING:
    from softswitch.call.leg import Leg


@dataclass(frozen=True, slots=True)
class ToPhone:
    """Ring every telephone of an extension."""

    number: str


@dataclass(frozen=True, slots=True)
class ToGroup:
    """Ring a group of extensions."""

    name: str


@dataclass(frozen=True, slots=True)
class ToTrunk:
    """Send the call out through a trunk."""

    name: str
    number: str
    """What to dial there."""


@dataclass(frozen=True, slots=True)
class ToMenu:
    """Hear a voice menu."""

    name: str


@dataclass(frozen=True, slots=True)
class ToQueue:
    """Wait for an agent."""

    name: str


@dataclass(frozen=True, slots=True)
class ToConference:
    """Join a room."""

    name: str


@dataclass(frozen=True, slots=True)
class ToTone:
    """Hear a tone, music, or oneself."""

    name: str


@dataclass(frozen=True, slots=True)
class ToPrompt:
    """Hear a prompt, then go on."""

    name: str
    then: "Destination | None" = None


@dataclass(frozen=True, slots=True)
class ToVoicemail:
    """Leave a message for an extension, or listen to one's own."""

    number: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class ToSupervision:
    """Be beside the live call of an extension."""

    number: str
    role: Role = "listen"


@dataclass(frozen=True, slots=True)
class ToAgentCode:
    """Tell the queues something about the agent at the caller's phone."""

    action: Literal["log_in", "log_out", "pause", "unpause", "done", "result"]
    argument: str = ""
    """The reason of a break, or the number of a result."""


@dataclass(frozen=True, slots=True)
class ToLeg:
    """Talk to somebody who is on the line already."""

    leg: "Leg"
    record: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse the call, or end it when it was answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""

    cause: str = "bye"


Destination = (
    ToPhone | ToGroup | ToTrunk | ToMenu | ToQueue | ToConference | ToTone | ToPrompt | ToVoicemail | ToSupervision
    | ToAgentCode | ToLeg | Refuse | Hangup
)  # fmt: skip

_NAMED: dict[str, Callable[[str], "Destination"]] = {
    "phone": ToPhone, "group": ToGroup, "menu": ToMenu, "queue": ToQueue, "conference": ToConference, "tone": ToTone,
    "prompt": ToPrompt,
}  # fmt: skip


def read(text: str, dialled: str = "", caller: str = "") -> Destination:
    """A destination from its text, `kind:name`. Raises NoSuchDestination.

    `dialled` is the number that goes out through a trunk when the text names none; `caller` is whose mailbox
    `voicemail:own` is.
    """
    kind, _, name = text.partition(":")
    named = _NAMED.get(kind)
    if named is not None and name:
        return named(name)
    match kind, name:
        case "trunk", _ if name:
            trunk, _, number = name.partition("/")
            return ToTrunk(trunk, number or dialled)
        case "voicemail", "own":
            return ToVoicemail(caller, own=True)
        case "voicemail", _ if name:
            return ToVoicemail(name)
        case ("listen" | "whisper" | "barge") as role, _ if name:
            return ToSupervision(name, role)
        case ("log_in" | "log_out" | "pause" | "unpause" | "done" | "result") as action, _:
            return ToAgentCode(action, name)
        case "refuse", _ if name.isdigit() and 400 <= int(name) < 700:
            return Refuse(int(name))
        case "hangup", "":
            return Hangup()
    raise NoSuchDestination(f"there is no destination {text!r}")
