"""An agent: what he chose (status), and what is observed about him (state)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from acd.occupancy import Occupancy
from acd.skills import Levels, Need

if TYPE_CHECKING:
    from acd.lease import Lease, Outcome
    from acd.post import Post


REMEMBERED_NEEDS = 256
"""Needs for which an agent's answer is remembered."""


PAUSE_REASONS = 100
"""Reasons whose times are booked for an agent and a day; further ones are booked without a name."""


class AgentStatus(StrEnum):
    """What the agent chose."""

    AVAILABLE = "available"
    PAUSED = "paused"
    LOGGED_OUT = "logged_out"


class AgentState(StrEnum):
    """What is observed about the agent."""

    UNREACHABLE = "unreachable"
    IDLE = "idle"
    RESTING = "resting"
    OFFERED = "offered"
    ON_CALL = "on_call"
    BUSY = "busy"
    WRAP_UP = "wrap_up"


@dataclass(frozen=True, slots=True)
class Agent:
    """The settings of one agent."""

    id: str
    skills: Levels | Collection[str] = field(default_factory=dict)
    """What he can, with levels; names without levels are of level 1."""
    wrap_up: float | None = None
    """Seconds of work after a call; None is the queue's."""
    logged_in: bool = True
    """Status when the engine first hears of him."""
    reachable: bool = False
    """Whether his phone is registered when the engine first hears of him."""

    @property
    def levels(self) -> Levels:
        """The skills with their levels."""
        return self.skills if isinstance(self.skills, Mapping) else dict.fromkeys(self.skills, 1)


@dataclass(frozen=True, slots=True)
class PauseReason:
    """A reason for a break, with its limits."""

    name: str
    limit: float | None = None
    """Seconds after which the supervisor is told."""
    at_once: int | None = None
    """Agents who may have this break at the same time."""


class Seat:
    """An agent at work: what he chose, what is observed of him, and what he did."""

    __slots__ = (
        "_able",
        "agent",
        "answered_today",
        "available_since",
        "busy",
        "idle_since",
        "lease",
        "leaving",
        "misses_in_a_row",
        "occupancy",
        "outcomes",
        "owes",
        "pause_reason",
        "pause_seconds",
        "paused_since",
        "posts",
        "reachable",
        "resting",
        "seen_state",
        "state_since",
        "status",
        "talk",
        "talk_today",
        "wrap_up_until",
    )

    def __init__(self, agent: Agent, now: float) -> None:
        self.take_settings(agent)
        self.status = AgentStatus.AVAILABLE if agent.logged_in else AgentStatus.LOGGED_OUT
        self.pause_reason = ""
        self.paused_since: float | None = None
        """When the present break, with its present reason, began."""
        self.pause_seconds: dict[str, float] = {}
        """Seconds of the breaks that are over, today, by reason."""
        self.owes: Lease | None = None
        """The contact for which he still has to say what became of it."""
        self.reachable = agent.reachable
        self.busy = False
        self.resting = False
        self.lease: Lease | None = None
        self.talk: Lease | None = None
        self.wrap_up_until: float | None = None
        self.leaving = False
        """Removed from the settings; goes when the talk is over."""
        self.available_since = now
        self.idle_since = now
        """End of the last call, or of the last offer he missed, or first seen."""
        self.misses_in_a_row = 0
        self.answered_today = 0
        self.talk_today = 0.0
        self.outcomes: Counter[Outcome] = Counter()
        self.occupancy = Occupancy(now)
        self.posts: dict[str, Post] = {}
        """His place in each of his queues, by queue name."""
        self.seen_state = self.state
        self.state_since = now

    def take_settings(self, agent: Agent) -> None:
        """Other settings from now on."""
        self.agent = agent
        self._able: dict[Need, bool] = {}

    def able(self, need: Need) -> bool:
        """Whether he has the skills that are needed. Remembered, for every caller of a line may ask every agent."""
        known = self._able.get(need)
        if known is None:
            if len(self._able) >= REMEMBERED_NEEDS:
                self._able.clear()
            known = self._able[need] = need.met_by(self.agent.levels)
        return known

    @property
    def at_work(self) -> bool:
        """Available and within reach, whatever he is doing."""
        return self.status is AgentStatus.AVAILABLE and self.reachable

    @property
    def free(self) -> bool:
        """May be offered a call now."""
        return (
            self.status is AgentStatus.AVAILABLE
            and self.reachable
            and self.lease is None
            and self.talk is None
            and self.wrap_up_until is None
            and not self.busy
            and not self.resting
        )

    @property
    def state(self) -> AgentState:
        """What is observed, the most telling first."""
        if self.talk is not None:
            return AgentState.ON_CALL
        if self.lease is not None:
            return AgentState.OFFERED
        if self.busy:
            return AgentState.BUSY
        if self.wrap_up_until is not None:
            return AgentState.WRAP_UP
        if not self.reachable:
            return AgentState.UNREACHABLE
        return AgentState.RESTING if self.resting else AgentState.IDLE

    def choose(self, status: AgentStatus, reason: str, now: float) -> None:
        """Take over status and reason; a break that is over, or has another reason from now on, is booked."""
        if self.paused_since is not None:
            self.pause_seconds[self.pause_reason] = self.paused_for(self.pause_reason, now)
            self.paused_since = None
        self.status, self.pause_reason = status, reason
        if status is AgentStatus.PAUSED:
            if reason not in self.pause_seconds and len(self.pause_seconds) >= PAUSE_REASONS:
                self.pause_reason = ""
            self.paused_since = now

    def paused_for(self, reason: str, now: float) -> float:
        """Seconds of break for this reason today, the present one among them."""
        present = self.paused_since is not None and self.pause_reason == reason
        running = now - self.paused_since if present and self.paused_since is not None else 0.0
        return self.pause_seconds.get(reason, 0.0) + running

    def observe(self, now: float) -> None:
        """Note since when the state is what it is, and book the time before."""
        state = self.state
        if state is not self.seen_state:
            self.seen_state, self.state_since = state, now
        handling = state is AgentState.ON_CALL or state is AgentState.WRAP_UP
        self.occupancy.change(handling, handling or self.status is AgentStatus.AVAILABLE, now)

    def conditions(self) -> set[str]:
        """Which of the ABSENCES hold for him, whoever calls."""
        facts = {
            "logged_out": self.status is AgentStatus.LOGGED_OUT,
            "paused": self.status is AgentStatus.PAUSED,
            "unreachable": not self.reachable,
            "busy": self.busy,
            "offered": self.lease is not None,
            "on_call": self.talk is not None,
            "wrap_up": self.wrap_up_until is not None,
        }
        return {name for name, holds in facts.items() if holds}
