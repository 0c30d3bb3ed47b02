"""Who a caller is to the queues: a customer with a priority, managers of his own, and needs, found by his number."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known about the customers of one number, or of all numbers that begin alike."""

    priority: int = 0
    """In every queue; higher is served first."""
    managers: tuple[str, ...] = ()
    """Agents who are offered his calls before all others, the best first."""
    requires: str = ""
    """What an agent must be able to do for him, beside what the queue asks."""


NOBODY = Customer()


def find_customer(customers: Mapping[str, Customer], number: str) -> Customer:
    """The customer of this very number, else of the longest beginning of it (`+7495*`), else nobody in particular."""
    if number in customers:
        return customers[number]
    for length in range(len(number), -1, -1):
        found = customers.get(f"{number[:length]}*")
        if found is not None:
            return found
    return NOBODY


def identity(number: str) -> str:
    """By which a customer is known when he calls again; empty for who shows no number."""
    return "" if number in ("", "anonymous", "unknown") else number
