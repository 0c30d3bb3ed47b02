"""What the configuration says about calls, as plain values. A reload swaps one plan for another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.announcements import QueueVoice
from ivr.prompts import Prompt
from softswitch.call.customer import Customer
from softswitch.call.info import KeyMode
from softswitch.call.policy import Recorded
from softswitch.sip.crypto import SrtpPolicy
from softswitch.sip.peer import Peer
from softswitch.sip.proof import Account


@dataclass(frozen=True, slots=True)
class Phone:
    """One extension."""

    number: str
    password: str
    name: str = ""
    record: Recorded | None = None
    on_demand: Recorded | None = None
    """How talks are recorded that it wants recorded by a code; None when it may not use the codes."""
    dial_out: bool = True
    """May send calls out through trunks."""
    ring_timeout: float | None = None
    caller_number: str | None = None
    """Shown to trunks instead of the extension."""
    on_busy: str | None = None
    on_no_answer: str | None = None
    on_unreachable: str | None = None
    srtp: SrtpPolicy = "off"
    keys: KeyMode = "auto"


@dataclass(frozen=True, slots=True)
class Group:
    """Extensions that ring for one number."""

    name: str
    phones: tuple[str, ...]
    sequential: bool = False
    timeout: float = 30.0
    on_no_answer: str | None = None


LINE_SIGNALS = ("busy", "sit", "cng", "ced")
"""What `detect_busy` listens for."""
ANSWERERS = ("human", "machine")
"""What `detect_machine` listens for, once somebody who was called has answered."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A line to another telephone system."""

    name: str
    peer: Peer
    trusted: tuple[tuple[str, int | None], ...] = ()
    """Addresses, with a port or any, that requests of this trunk come from."""
    domain: str = ""
    caller_number: str | None = None
    max_calls: int = 1000
    ring_timeout: float = 60.0
    record: Recorded | None = None
    srtp: SrtpPolicy = "off"
    signals: frozenset[str] = frozenset()
    """What its sound is listened to for, by the names of `media.protocol.CallProgress`."""
    keys: KeyMode = "auto"
    account: Account | None = None
    """What we prove ourselves with there."""
    registers: bool = False
    """Whether we register there, so that calls from there find us."""
    expires: int = 600
    """Seconds for which a registration is asked for."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What a caller hears in a queue; whom he gets is the engine's matter."""

    name: str
    record: Recorded | None = None
    agents_record: Mapping[str, Recorded] = field(default_factory=dict)
    """Agents who are recorded in this queue whatever the queue does."""
    music: str | None = None
    voice: QueueVoice = field(default_factory=QueueVoice)
    exits: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Member:
    """Somebody in a conference room."""

    name: str
    """His leg."""
    number: str
    display: str
    since: float
    """Wall seconds at which he came in."""
    muted: bool = False
    deaf: bool = False
    gain: float = 0.0
    """dB"""
    talking: bool = False
    """Whether he was the loudest lately."""


@dataclass(slots=True)
class Room:
    """A conference room and who is in it."""

    name: str
    pin: str | None = None
    max_members: int = 100
    greeting: Prompt | None = None
    """Played to who comes in, before he is with the others."""
    record: Recorded | None = None
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about calls that somebody configured."""

    phones: Mapping[str, Phone] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)
    supervisors: frozenset[str] = frozenset()
    """Extensions that may listen to, whisper into and break in on calls."""
    customers: Mapping[str, Customer] = field(default_factory=dict)
    """By number, or by the beginning of one and a `*`."""
    mobiles: Mapping[str, str] = field(default_factory=dict)
    """Where agents are rung whose desk phones are busy or unreachable, by extension: `trunk:provider/+43...`"""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    country: str = "us"
    music: str = "builtin"
    language: str = "en"
    domain: str = "localhost"
    media_address: str = "127.0.0.1"
    media_external_address: str | None = None
    """Our address for the sound of peers beyond a NAT."""
    ring_timeout: float = 30.0
    call_limit: float = 14400.0
    max_calls: int = 10000
    codes: Mapping[str, str] = field(default_factory=lambda: {"*1": "record", "*2": "pause"})
    """What phones that may do so key during a talk, and what it means."""

    def signals_of(self, target: str) -> frozenset[str]:
        """What the sound of `trunk:provider`, or of another target, is listened to for."""
        kind, _, name = target.partition(":")
        trunk = self.trunks.get(name) if kind == "trunk" else None
        return trunk.signals if trunk is not None else frozenset()
