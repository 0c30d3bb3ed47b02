"""One offer of one caller to one agent. The agent is locked by it until it ends, with exactly one outcome."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acd.agent import Seat
    from acd.caller import Caller
    from acd.line import Line
    from acd.post import Post


class Outcome(StrEnum):
    """How an offer ended."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_GONE = "caller_gone"
    LOST_RACE = "lost_race"
    WITHDRAWN = "withdrawn"


NOT_TAKEN = frozenset({Outcome.NO_ANSWER, Outcome.REJECTED, Outcome.BUSY, Outcome.UNREACHABLE})
"""The agent rests, and this caller is offered to others before he is offered to him again."""

AGAINST_THE_AGENT = frozenset({Outcome.NO_ANSWER, Outcome.REJECTED})
"""Misses. No other outcome counts against an agent."""


@dataclass(slots=True, eq=False)
class Lease:
    """An offer that is out, or the talk that came of it."""

    id: int
    caller: "Caller"
    seat: "Seat"
    post: "Post"
    line: "Line"
    made_at: float
    ringing: bool = False
    """The phone said that it rings."""
    answered_at: float | None = None

    @property
    def talk_since(self) -> float:
        """When the talk that came of it began, or the offer when none did."""
        return self.made_at if self.answered_at is None else self.answered_at
