"""The books of one queue."""

from collections import Counter
from dataclasses import dataclass, field

from acd.lease import Outcome


@dataclass(slots=True)
class Counts:
    """offered = answered + abandoned + flowed out + still waiting, at every moment."""

    offered: int = 0
    """Callers who entered the queue."""
    answered: int = 0
    """Connected to an agent."""
    in_time: int = 0
    """Of these, within the service level."""
    abandoned: int = 0
    """Hung up while waiting."""
    short_abandoned: int = 0
    """Of these, within the short threshold."""
    flow_outs: Counter[str] = field(default_factory=Counter)
    """Left alive without an agent, by outcome: timeout, empty, exit, moved, closed."""
    blocked: Counter[str] = field(default_factory=Counter)
    """Never entered, by outcome: full, empty, closed. Not among the offered."""
    offers: Counter[Outcome] = field(default_factory=Counter)
    """Offers to agents that ended, by outcome."""
    promises: int = 0
    """Callers who were promised an answer within a time."""
    promises_broken: int = 0
    """Of these, who were not answered by then and still waited."""
    callbacks: int = 0
    """Callers who asked to be called back. They are waiting until they are answered or flow out."""
    estimates: int = 0
    """Answered callers who had been told how long they would wait."""
    estimate_error: float = 0.0
    """Sum of the first wait told less the real one, seconds: over `estimates` it is the bias."""
    estimate_distance: float = 0.0
    """Sum of the same without signs: over `estimates` it is the mean absolute error."""
    dispositions: Counter[str] = field(default_factory=Counter)
    """Contacts by the code that the agent gave."""
    offers_made: int = 0
    answered_wait: float = 0.0
    """Seconds waited by all who were answered."""

    @property
    def flowed_out(self) -> int:
        """All who left alive without an agent."""
        return self.flow_outs.total()
