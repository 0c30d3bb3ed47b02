"""A caller, from the moment he joins a queue until he has left it or his talk is over."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from acd.skills import ANYBODY, Need

if TYPE_CHECKING:
    from acd.lease import Lease
    from acd.line import Line

CallerKey = tuple[int, float, int | Fraction]
"""(-priority, standing since, rank): the smallest is served first."""


@dataclass(slots=True, eq=False)
class Caller:
    """Somebody waiting, or talking to an agent."""

    id: str
    line: "Line"
    priority: int
    asks: tuple[str, ...]
    """Expressions of skills of his own, which never relax."""
    since: float
    """The wait is counted from here."""
    entered_at: float
    """Joined this queue; its maximum wait is counted from here."""
    music: str
    need: Need = ANYBODY
    """What he asks and what the queue asks of an agent at this time of his wait."""
    customer: str = ""
    preferred: tuple[str, ...] = ()
    """Agents who are offered before all others, the best first."""
    held: bool = False
    """Waits for one of these alone, while one is at work whom he has not tried."""
    relaxed: int = 0
    """Steps in which the queue asked for less."""
    key: CallerKey = (0, 0.0, 0)
    offers: "dict[int, Lease]" = field(default_factory=dict)
    """Offers that are out for him, by number, in the order they were made."""
    tried: dict[str, int] = field(default_factory=dict)
    """Offers of his that this agent did not take. At most one entry per member of the queue."""
    talk: "Lease | None" = None
    width: int | None = 1
    """Agents who may ring for him at once; None is all."""
    standing: bool = False
    """Stands in the line."""
    wanting: bool = False
    """Stands in the list of those who may be offered to one more agent."""
    open_tiers: int = 1
    """Tiers opened to him by the time he waited."""
    overdue: bool = False
    """His maximum wait is over and he lives on the offers that ring."""
    away: bool = False
    """Keeps his place, but may be offered to nobody now."""
    callback: str | None = None
    """Has hung up and is to be called at this number."""
    attempts: int = 0
    """Callbacks that he did not answer."""
    promised_until: float | None = None
    """He was promised an answer by this time."""
    overflowing: bool = False
    """Goes elsewhere when the offers that ring come to nothing."""
    said_position: int | None = None
    """The best place that was announced to him."""
    said_wait: float | None = None
    """The shortest wait that was announced to him."""
    said_wait_first: tuple[float, float] | None = None
    """The wait that was announced to him first, and when."""
    prompts: int = 0
    """Periodic prompts he heard."""
