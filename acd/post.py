"""An agent's post: his place in one queue, with what that queue remembers of him."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acd.explain import Key
from acd.queue import Member

if TYPE_CHECKING:
    from acd.agent import Seat


@dataclass(slots=True, eq=False)
class Post:
    """One member of one queue."""

    seat: "Seat"
    member: Member
    order: int
    """Place in the configured order, from 0: the last word between equals."""
    offered: int = 0
    """Number of the last offer of this queue he got; 0 for none. The round-robin pointer."""
    draw: float = 0.0
    """His lot under the random strategy."""
    head_start: float | None = None
    """Added to today's measure so that who comes later is not flooded; None until he comes today."""
    key: Key | None = None
    """(tier, *strategy key, order) while he is free."""
    present: bool = False
    """Counts as somebody for leave_empty."""
