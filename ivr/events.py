"""What a menu session is told: facts of the past, from the call that stands in the menu."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Started:
    """The caller was answered and listens."""

    wall: datetime
    """The time of day with its time zone; opening hours and the part of the day are derived from it."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One key was pressed on the caller's telephone."""

    digit: str
    """One of 0-9, *, #, A-D. Anything else is ignored."""


@dataclass(frozen=True, slots=True)
class PromptFinished:
    """Everything of one `Play` was heard (or could not be played)."""

    token: str
    """The token of that `Play`; an old token is ignored."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The caller hung up or was taken out of the menu by somebody else."""


Event = Started | Digit | PromptFinished | Ended
