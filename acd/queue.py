"""The settings of one queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from acd.errors import SettingsError
from acd.skills import read_need

STRATEGIES = ("ring_all", "round_robin", "least_busy", "longest_idle", "random", "sequential", "priority")

MEASURES = ("occupancy", "calls", "talk_time")

ABSENCES = ("logged_out", "paused", "unreachable", "busy", "offered", "on_call", "wrap_up", "incapable")
"""The eight conditions under which an agent can be taken for absent by `join_empty` and `leave_empty`."""

MISSES = ("no_answer", "rejected", "busy", "unreachable")
"""Outcomes of offers that can count for `auto_pause`."""

NOBODY_AT_WORK = ("logged_out", "paused", "unreachable")
"""The usual choice among ABSENCES: nobody has a chance to answer soon."""


@dataclass(frozen=True, slots=True)
class Member:
    """An agent's place in one queue."""

    agent: str
    tier: int = 1
    """Lower tiers are offered first."""
    weight: float = 1.0
    """Share under the random strategy; 0 is only offered when nobody with a weight is free."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A step in which a queue asks for less of an agent."""

    after: float
    """Seconds of wait."""
    requires: str = ""
    """Instead of what was asked before; empty: anybody will do."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """A tier that is closed until too many wait, or too long."""

    tier: int
    length: int | None = None
    """Opens at so many callers."""
    wait: float | None = None
    """Opens when somebody has waited so many seconds."""
    close_length: int | None = None
    """Closes at so many callers or fewer; None is half of `length`."""
    close_wait: float | None = None
    """Closes when nobody has waited so many seconds; None is half of `wait`."""
    least: float = 60.0
    """Seconds for which it stays open at least."""

    @property
    def close_at_length(self) -> int:
        """At so many callers or fewer it may close."""
        return (self.length or 0) // 2 if self.close_length is None else self.close_length

    @property
    def close_at_wait(self) -> float:
        """When all have waited less it may close."""
        return (self.wait or 0.0) / 2 if self.close_wait is None else self.close_wait

    @property
    def problem(self) -> str | None:
        """What is wrong with it."""
        if self.length is None and self.wait is None:
            return f"the reserve of tier {self.tier} would never open: give it a length or a wait"
        if (self.length is not None and not 0 <= self.close_at_length < self.length) or (
            self.wait is not None and not 0 < self.close_at_wait <= self.wait
        ):
            return f"the reserve of tier {self.tier} must close below where it opens"
        return None


@dataclass(frozen=True, slots=True)
class Overflow:
    """Callers go elsewhere when one of these conditions holds. All but `wait` are looked at when a caller joins."""

    to: str
    """Where to; opaque to the engine."""
    length: int | None = None
    """So many wait already."""
    wait: float | None = None
    """He has waited so many seconds in this queue, and nobody rings for him."""
    estimated_wait: float | None = None
    """His estimated wait is known and longer."""
    ratio: float | None = None
    """With him there are more callers for each agent at work; also when nobody is at work."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Everything about a queue that somebody chose. Times are seconds."""

    name: str
    agents: Sequence[Member | str] = ()
    """Members in configured order; a bare id is a member of tier 1."""
    strategy: str = "round_robin"
    within: str = "round_robin"
    """For the priority strategy: the order inside a tier."""
    measure: str = "occupancy"
    """For least_busy: occupancy of the last hour, calls today or talk_time today."""
    progressive: float | None = None
    """Ring one more agent every so many seconds."""
    tier_wait: float | None = None
    """A further tier opens after so many seconds of wait, or when the ones before have nobody at work
    whom the caller has not tried. None: as soon as nobody of the tiers before is free."""
    weight: int = 0
    """An agent of several queues serves the queue of the highest weight first."""
    priority_age: float | None = None
    """Seconds of wait that one point of priority is worth; None: priority is strict."""
    last_agent: float | None = None
    """A customer who calls again within so many seconds prefers the agent he talked to last; None: he does not."""
    preferred_wait: float = 0.0
    """Seconds for which a caller waits for the agents he prefers alone, as long as one of them is at work."""
    keep_place: float | None = None
    """A customer who was cut off and calls again within so many seconds gets his place back; None: he does not."""
    requires: str = ""
    """What callers of this queue need of an agent, an expression of `acd.skills`; empty: anybody will do."""
    relax: Sequence[Relaxed] = ()
    """What they need instead once they have waited so long, the shortest wait first."""
    open: bool = True
    """A closed queue takes no new callers."""

    ring_timeout: float = 15.0
    retry_delay: float = 5.0
    """Rest of an agent after an offer he did not take."""
    wrap_up: float | None = 10.0
    """Work after the call, unless the agent has his own; None is the engine's default."""
    dispositions: Sequence[str] = ()
    """Codes with which agents say what became of a contact."""
    disposition_required: bool = False
    """The work after the call lasts until the agent has given one of the codes."""
    auto_pause: int | None = None
    """Pause an agent after so many misses in a row."""
    auto_pause_on: Sequence[str] = ("no_answer",)
    """Outcomes of offers that count as a miss here, of MISSES."""
    auto_pause_grace: float = 0.0
    """Misses within so many seconds after log-in or break do not count for it."""

    overflows: Sequence[Overflow] = ()
    """Looked at in this order, the first that holds counts."""
    reserves: Sequence[Reserve] = ()
    """Tiers that open and close by themselves."""
    max_wait: float | None = None
    one_more_chance: bool = True
    """An agent who rings when max_wait is over may still answer."""
    max_length: int | None = None
    """Most callers waiting at once."""
    join_empty: Sequence[str] = ()
    """Refuse callers when every agent is absent under one of these ABSENCES; empty: never refuse."""
    leave_empty: Sequence[str] = ()
    """Send waiting callers on when every agent is absent under one of these; empty: never."""
    on_timeout: str | None = None
    on_full: str | None = None
    on_empty: str | None = None
    on_closed: str | None = None
    """Where callers go then; opaque to the engine, None ends the call."""

    promise: float | None = None
    """Seconds within which callers are promised an answer, counted down aloud; None: nothing is promised."""
    callback_attempts: int = 3
    """Callbacks are tried so often."""
    callback_delay: float = 300.0
    """Seconds between two attempts of a callback."""
    music: str = "default"
    announce_first: float = 10.0
    """Before the first announcement of position and wait."""
    announce_every: float = 30.0
    """Between announcements of position and wait."""
    announce_position: bool = False
    position_only_up: bool = True
    """Keep silent unless the place got better since it was last said."""
    announce_wait: bool = False
    """Say the estimated wait when it is known."""
    longest_announced_wait: float = 600.0
    """A longer estimate is said as this."""
    periodic: Sequence[str] = ()
    """Prompts said in rotation."""
    periodic_every: float = 45.0

    service_level: float = 20.0
    """An answer within so many seconds is in time."""
    short_abandon: float = 5.0
    """A hang-up within so many seconds is not a lost caller."""

    def __post_init__(self) -> None:
        for text in (self.requires, *(step.requires for step in self.relax)):
            read_need(text)
        for problem in self._problems():
            raise SettingsError(f"queue {self.name!r}: {problem}")

    def _problems(self) -> list[str]:
        members = self.members
        checks = {
            f"unknown strategy {self.strategy!r}; there are {', '.join(STRATEGIES)}": self.strategy not in STRATEGIES,
            f"no order inside a tier is called {self.within!r}": self.within not in STRATEGIES[:-1],
            f"unknown measure {self.measure!r}; there are {', '.join(MEASURES)}": self.measure not in MEASURES,
            "the waits of relax must grow from step to step": any(b.after <= a.after for a, b in pairwise(self.relax)),
            "a tier is a reserve twice": len({reserve.tier for reserve in self.reserves}) != len(self.reserves),
            "an agent is a member twice": len({member.agent for member in members}) != len(members),
            "a weight is negative": any(not member.weight >= 0 for member in members),
            "ring_timeout must be above 0": not self.ring_timeout > 0,
            "progressive must be above 0": self.progressive is not None and not self.progressive > 0,
            "tier_wait must be above 0": self.tier_wait is not None and not self.tier_wait > 0,
            "announce_every must be above 0": not self.announce_every > 0,
            "periodic_every must be above 0": not self.periodic_every > 0,
            "callback_attempts must be at least 1": self.callback_attempts < 1,
            "priority_age must be above 0": self.priority_age == 0,
            f"auto_pause_on knows {', '.join(MISSES)}": not set(self.auto_pause_on) <= set(MISSES),
            "disposition_required needs dispositions": self.disposition_required and not self.dispositions,
            "auto_pause must be at least 1": self.auto_pause is not None and self.auto_pause < 1,
            "max_length must not be negative": self.max_length is not None and self.max_length < 0,
            "a time must not be negative": any(not value >= 0 for value in self._times()),
            f"join_empty and leave_empty know {', '.join(ABSENCES)}": not self._absences_are_known(),
        }
        problems = [text for text, wrong in checks.items() if wrong]
        return problems + [reserve.problem for reserve in self.reserves if reserve.problem is not None]

    def _times(self) -> list[float]:
        times = [self.retry_delay, self.wrap_up, self.max_wait, self.announce_first, self.auto_pause_grace]
        times += [step.after for step in self.relax] + [reserve.least for reserve in self.reserves]
        times += [self.promise, self.callback_delay]
        times += [overflow.wait for overflow in self.overflows]
        times += [self.priority_age, self.last_agent, self.preferred_wait, self.keep_place]
        return [time for time in times if time is not None]

    def _absences_are_known(self) -> bool:
        return set(self.join_empty) | set(self.leave_empty) <= set(ABSENCES)

    def under_name(self, name: str) -> "QueueSettings":
        """The same settings for a queue of another name."""
        return replace(self, name=name)

    def same_order(self, other: "QueueSettings") -> bool:
        """Whether the other settings put free agents into the same order by the same rule."""
        return (self.strategy, self.within, self.measure) == (other.strategy, other.within, other.measure)

    @property
    def members(self) -> tuple[Member, ...]:
        """The agents as members, in configured order."""
        return tuple(Member(item) if isinstance(item, str) else item for item in self.agents)
