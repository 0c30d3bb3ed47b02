"""What happened: the facts that are handed to `Engine.handle`, named in the past tense.

Callers, agents and queues are known by their ids, offers by the number of their lease. Facts about
somebody unknown, or that come too late to matter, are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.agent import Agent, PauseReason
from acd.queue import QueueSettings


@dataclass(frozen=True, slots=True)
class CallerJoined:
    """A caller asks to wait in a queue. One who already waits elsewhere flows out of there first."""

    caller: str
    queue: str
    priority: int = 0
    """Higher is served first."""
    position: int | None = None
    """Asked place in the line, 1 is the head; counts only behind higher priorities."""
    requires: tuple[str, ...] = ()
    """Expressions of `acd.skills` that must all hold for the agent, beside what the queue asks."""
    since: float | None = None
    """Waits as if from this time: for one who comes back to his old place. None is now."""
    music: str | None = None
    """Music class of this caller; None is the queue's."""
    customer: str = ""
    """Who he is, for instance his number: for his last agent and the place kept for him. Empty: unknown."""
    preferred: tuple[str, ...] = ()
    """Agents to be offered before all others, the best first: a personal manager."""


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller hung up, waiting or talking."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerMoved:
    """A waiting caller leaves alive for another destination: exit key, supervisor, accepted call-back."""

    caller: str
    destination: str
    outcome: str = "exit"
    """Under which name it is counted among the flow-outs."""


@dataclass(frozen=True, slots=True)
class CallerSteppedOut:
    """A waiting caller hears a menu or a survey. He keeps his place and age, and is offered to nobody meanwhile."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerSteppedBack:
    """He stands in the line again, where he stood."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallbackAccepted:
    """A waiting caller hangs up and is called when his turn has come. From now on his CallerLeft means nothing."""

    caller: str
    number: str
    """To be dialled; opaque to the engine."""


@dataclass(frozen=True, slots=True)
class CallbackFailed:
    """An agent was there, but the caller did not answer his callback. Another attempt is made later, or none."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallbackCancelled:
    """He need not be called any more: reached otherwise, or he said so."""

    caller: str
    outcome: str = "callback_cancelled"
    """Under which name it is counted among the flow-outs."""


@dataclass(frozen=True, slots=True)
class AgentLoggedIn:
    """The agent begins to work, available."""

    agent: str


@dataclass(frozen=True, slots=True)
class AgentLoggedOut:
    """The agent stops working. A ringing offer is withdrawn, a talk goes on."""

    agent: str


@dataclass(frozen=True, slots=True)
class AgentPaused:
    """The agent takes a break, or changes the reason of the present one."""

    agent: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentUnpaused:
    """The agent is back from the break."""

    agent: str


@dataclass(frozen=True, slots=True)
class AgentReachable:
    """The agent's phone registered (True) or its registration is gone (False)."""

    agent: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class AgentBusy:
    """The agent is on a call that is not from a queue (True), or that call is over (False)."""

    agent: str
    busy: bool
    handled: bool = False
    """With busy False: the call was work and deserves a wrap-up, as an outbound customer call does."""


@dataclass(frozen=True, slots=True)
class OfferRinging:
    """The agent's phone rings."""

    lease: int


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The agent picked up. The first of a caller's offers wins."""

    lease: int


@dataclass(frozen=True, slots=True)
class OfferRejected:
    """The agent pressed reject."""

    lease: int


@dataclass(frozen=True, slots=True)
class OfferBusy:
    """The agent's phone says busy although we thought otherwise. Does not count against the agent."""

    lease: int


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The agent's phone could not be reached. Does not count against the agent."""

    lease: int


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """The agent was gone before the two could talk. The caller keeps his place."""

    lease: int


@dataclass(frozen=True, slots=True)
class ContactEnded:
    """The talk is over for this agent: hang-up, transfer done, or no sound for too long."""

    agent: str
    caller: str


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The agent is done with the work after the call, early."""

    agent: str


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """The agent needs longer for the work after the call."""

    agent: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DispositionGiven:
    """The agent says what became of his last contact, as one of the codes of its queue."""

    agent: str
    code: str


@dataclass(frozen=True, slots=True)
class DayStarted:
    """A new working day: what agents handled "today" starts again from nothing."""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """The settings from now on, complete. Places, pointers, wrap-ups and statistics survive."""

    queues: tuple[QueueSettings, ...]
    agents: tuple[Agent, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Old queue name to new queue name: the same line under another name."""
    pauses: tuple[PauseReason, ...] = ()
    """Reasons for breaks that have limits; others have none."""


Event = (
    CallerJoined
    | CallerLeft
    | CallerMoved
    | CallerSteppedOut
    | CallerSteppedBack
    | CallbackAccepted
    | CallbackFailed
    | CallbackCancelled
    | AgentLoggedIn
    | AgentLoggedOut
    | AgentPaused
    | AgentUnpaused
    | AgentReachable
    | AgentBusy
    | OfferRinging
    | OfferAnswered
    | OfferRejected
    | OfferBusy
    | OfferFailed
    | ConnectFailed
    | ContactEnded
    | WrapUpEnded
    | WrapUpExtended
    | DispositionGiven
    | DayStarted
    | SettingsChanged
)
