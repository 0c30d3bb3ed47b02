"""What a session needs to know about time, in seconds (RFC 3261 table 4)."""

from typing import Protocol


class Timers(Protocol):
    """Given by the stack: the same values that its transactions work with."""

    @property
    def t1(self) -> float:
        """First interval between two repetitions of a 2xx."""

    @property
    def t2(self) -> float:
        """Longest interval between two repetitions of a 2xx."""

    @property
    def c(self) -> float:
        """An INVITE without a new provisional response is cancelled after this time."""

    @property
    def f(self) -> float:
        """After this time no response to a request is to be expected any more."""
