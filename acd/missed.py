"""The register of missed calls: who was not served, and when he is to be called by ourselves.

A customer whose call was not answered is called back `after` seconds later, unless he was reached in either direction
meanwhile. One entry per customer: who misses us again before that is still called at the first time.
"""

from collections import OrderedDict
from dataclasses import dataclass

MOST = 10_000
"""Customers in the register; further ones are not taken, so that a flood of calls makes no flood of callbacks."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A customer who is to be called."""

    customer: str
    queue: str
    at: float
    """When his call was missed first."""
    calls: int
    """How often he was missed."""


class MissedCalls:
    """Who was not served. Times are seconds of any clock, the same for all calls."""

    def __init__(self, after: float = 15.0) -> None:
        self._after = after
        self._missed: OrderedDict[str, Missed] = OrderedDict()

    def __len__(self) -> int:
        return len(self._missed)

    def miss(self, customer: str, queue: str, now: float) -> None:
        """A call of this customer was not answered. Without a number there is nobody to call."""
        known = self._missed.get(customer)
        if known is not None:
            self._missed[customer] = Missed(customer, known.queue, known.at, known.calls + 1)
        elif customer and len(self._missed) < MOST:
            self._missed[customer] = Missed(customer, queue, now, 1)

    def reach(self, customer: str) -> None:
        """He was talked to, whoever called whom."""
        self._missed.pop(customer, None)

    def next_deadline(self) -> float | None:
        """When somebody is to be called next."""
        first = next(iter(self._missed.values()), None)
        return first.at + self._after if first is not None else None

    def take_due(self, now: float) -> list[Missed]:
        """Who is to be called now, the first missed first. They are in the register no more."""
        due: list[Missed] = []
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            due.append(self._missed.popitem(last=False)[1])
        return due
