"""What is to be done: the orders that `Engine.handle` and `Engine.handle_timer` return, in order."""

from dataclasses import dataclass
from typing import Literal

from acd.estimate import Range
from acd.explain import Decision

WithdrawReason = Literal["answered_elsewhere", "caller_gone", "timeout", "agent_gone"]


@dataclass(frozen=True, slots=True)
class Offer:
    """Ring all phones of this agent for this caller."""

    lease: int
    """Number of this offer; every fact about it carries it."""
    caller: str
    agent: str
    queue: str
    ring_timeout: float
    """Seconds after which the engine will withdraw it by itself."""
    callback: str | None = None
    """The number at which the caller is to be called once the agent has answered; None: he waits on the line."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Stop ringing this agent; if he has just answered, hang up on him."""

    lease: int
    reason: WithdrawReason
    agent: str
    caller: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Stop whatever the caller hears and join the two at once."""

    lease: int
    caller: str
    agent: str
    queue: str
    wait: float
    """Seconds the caller waited."""
    callback: str | None = None
    """Call this number for the agent; tell CallbackFailed when nobody answers."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Say something into the caller's music. Nothing ever waits for its end."""

    caller: str
    kind: Literal["position", "wait", "periodic", "countdown"]
    position: int | None = None
    """The caller's place, 1 is next."""
    wait_seconds: float | None = None
    """Estimated wait from now on; or the seconds that are left of a promise."""
    wait_range: Range | None = None
    """Between which seconds four of five such waits are, when `wait_seconds` is an estimate."""
    index: int | None = None
    """Which of the queue's periodic prompts, from 0."""


@dataclass(frozen=True, slots=True)
class PromiseBroken:
    """The caller was promised an answer within so many seconds, and there was none: he is owed what was promised."""

    caller: str
    queue: str
    promised: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class StartMusic:
    """Play this class of music to the caller until he is connected or leaves."""

    caller: str
    music: str


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """The caller is not in the queue (any more); send him on, or end the call when there is no destination."""

    caller: str
    queue: str
    outcome: str
    """timeout, empty, full, closed, overflow, moved, or what CallerMoved named (exit)."""
    destination: str | None


@dataclass(frozen=True, slots=True)
class PauseAgent:
    """The engine paused the agent by itself after too many missed offers. For his lamp and the log."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class PauseRefused:
    """The agent may not have this break now; his status is what it was."""

    agent: str
    reason: str
    holders: tuple[str, ...]
    """Who has it already."""


@dataclass(frozen=True, slots=True)
class PauseOverdue:
    """The break is longer than its reason allows. For the supervisor."""

    agent: str
    reason: str
    limit: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Disposed:
    """What became of a contact, as the agent says. For the records."""

    agent: str
    caller: str
    queue: str
    code: str


@dataclass(frozen=True, slots=True)
class ReserveOpened:
    """Too many wait, or too long: the agents of this tier help from now on. For the supervisor."""

    queue: str
    tier: int
    waiting: int
    """Callers in the queue."""
    longest_wait: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class ReserveClosed:
    """The agents of this tier are not needed any more. For the supervisor."""

    queue: str
    tier: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Explain:
    """Why the offers just made went where they went. For the log."""

    record: Decision


Command = (
    Offer
    | Withdraw
    | Connect
    | Announce
    | PromiseBroken
    | StartMusic
    | LeaveQueue
    | PauseAgent
    | PauseRefused
    | PauseOverdue
    | Disposed
    | ReserveOpened
    | ReserveClosed
    | Explain
)
