"""Why an agent was chosen and the others were not."""

from dataclasses import dataclass

Key = tuple[float, ...]
"""Compared from the left, the smallest is offered first: (missed, tier, *strategy key, order)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One member of the queue in one decision."""

    agent: str
    key: Key | None
    """His place in the order; None when he was not free to be chosen."""
    verdict: str
    """chosen, behind, or why he could not be: paused, unreachable, on_call, lacks billing ..."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One choice of agents for one caller."""

    at: float
    caller: str
    queue: str
    strategy: str
    chosen: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    """Every member of the queue, in configured order."""
