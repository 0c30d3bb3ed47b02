"""What a menu session orders: the call that stands in the menu carries it out."""

from dataclasses import dataclass
from enum import StrEnum

from ivr.prompts import Prompt


class Reason(StrEnum):
    """Why the caller leaves the menu."""

    OPTION = "option"
    """An option of the menu was chosen."""
    EXTENSION = "extension"
    """An extension was dialled in the menu."""
    NO_INPUT = "no_input"
    """Nothing was dialled, as often as the menu allows."""
    WRONG_INPUT = "wrong_input"
    """Something wrong was dialled, as often as the menu allows."""
    CLOSED = "closed"
    """The office is closed and the caller chose nothing else."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play these one after the other, in place of what is playing now."""

    prompts: tuple[Prompt, ...]
    """Never empty."""
    token: str
    """Comes back in `PromptFinished`."""


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Be silent at once: the caller is dialling."""


@dataclass(frozen=True, slots=True)
class Go:
    """Take the caller out of the menu. Always the last action of a session."""

    destination: str
    """Where to, as written in the menu (`queue:support`)."""
    reason: Reason
    """Why."""
    digits: str = ""
    """What was dialled to get there; empty when nothing was."""


Action = Play | StopPlaying | Go
