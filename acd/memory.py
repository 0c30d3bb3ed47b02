"""What is remembered of customers who have gone: with whom they talked last, and the places of those cut off."""

from collections import OrderedDict
from fractions import Fraction
from typing import NamedTuple, TypeVar

Name = TypeVar("Name")
Value = TypeVar("Value")

REMEMBERED = 20_000
"""Customers of either kind; the oldest are forgotten first."""


class LastTalk(NamedTuple):
    """The end of the last talk of a customer."""

    agent: str
    at: float


class KeptPlace(NamedTuple):
    """Where a customer stood who hung up, or was cut off."""

    since: float
    rank: int | Fraction
    at: float
    """When he was gone."""


class Memory:
    """Two bounded books."""

    def __init__(self) -> None:
        self.talks: OrderedDict[str, LastTalk] = OrderedDict()
        """By customer."""
        self.places: OrderedDict[tuple[str, str], KeptPlace] = OrderedDict()
        """By queue and customer."""

    def note_talk(self, customer: str, agent: str, now: float) -> None:
        """A customer has talked to an agent."""
        _put(self.talks, customer, LastTalk(agent, now))

    def last_agent(self, customer: str, within: float, now: float) -> str | None:
        """With whom he talked last, unless that is too long ago."""
        talk = self.talks.get(customer)
        return talk.agent if talk is not None and now - talk.at <= within else None

    def keep_place(self, queue: str, customer: str, place: KeptPlace) -> None:
        """A customer has gone who may come back."""
        _put(self.places, (queue, customer), place)

    def take_place(self, queue: str, customer: str, within: float, now: float) -> KeptPlace | None:
        """Give the place kept for him, once."""
        place = self.places.pop((queue, customer), None)
        return place if place is not None and now - place.at <= within else None


def _put(book: OrderedDict[Name, Value], name: Name, value: Value) -> None:
    book[name] = value
    book.move_to_end(name)
    if len(book) > REMEMBERED:
        book.popitem(last=False)
