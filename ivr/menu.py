"""One voice menu: what it says and where it leads. Nothing in here changes while callers are in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.digits import DialPlan
from ivr.prompts import Prompt
from ivr.schedule import PartOfDay, Schedule

NOWHERE = DialPlan({})


@dataclass(frozen=True)
class Menu:
    """A menu as the configuration describes it."""

    name: str
    """Its name in the configuration."""
    greeting: tuple[Prompt, ...]
    """What the caller hears first and again after a mistake: company, options."""
    fallback: str
    """Where a caller goes who dialled nothing or something wrong too often: the operator."""
    salutations: Mapping[PartOfDay, tuple[Prompt, ...]] = field(default_factory=dict)
    """Played once before the greeting: "Good morning" and its sisters."""
    closed_greeting: tuple[Prompt, ...] = ()
    """Takes the place of the greeting outside opening hours; empty: the greeting stays."""
    holiday_greeting: tuple[Prompt, ...] = ()
    """Takes the place of the closed greeting on holidays; empty: the closed greeting stays."""
    schedule: Schedule | None = None
    """Opening hours; None: always open. The part of the day is its local time, UTC without one."""
    options: Mapping[str, str] = field(default_factory=dict)
    """One key each (0-9, *, #) and where it leads."""
    closed_options: Mapping[str, str] | None = None
    """Options outside opening hours; None: the same as in them."""
    on_closed: str | None = None
    """Where a caller goes who dialled nothing outside opening hours; None: as at any other time."""
    extensions: DialPlan = NOWHERE
    """Numbers that may be dialled in the menu."""
    on_invalid: tuple[Prompt, ...] = ()
    """Said before the greeting is repeated because something wrong was dialled."""
    on_no_input: tuple[Prompt, ...] = ()
    """Said before the greeting is repeated because nothing was dialled."""
    timeout: float = 5.0
    """Seconds of silence after the greeting until that counts as nothing dialled."""
    inter_digit: float = 2.0
    """Seconds to wait for a further digit."""
    tries: int = 2
    """How often the greeting is heard before the caller goes to the fallback."""
    max_prompt: float = 120.0
    """Seconds after which a prompt counts as heard when nobody says so."""
