"""What the people of the demonstration do: drawn from a seed, so that a run can be repeated."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from softswitch.demo.office import MENU, SUPPORT

IMPATIENT = 0.2
"""How many of the callers give up soon."""
BY_MENU = 0.4
ASLEEP = 0.08
"""How many of the offers an agent does not answer."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One call that somebody makes; times are seconds."""

    pause: float
    """Before it."""
    called: str
    keys: str
    """To be pressed in the menu."""
    keys_after: float
    patience: float
    """How long he waits for a person."""
    talk: float
    """How long he talks, unless the agent ends it before."""


def errands(number: str, seed: int, *, by_menu: bool = True) -> Iterator[Errand]:
    """The calls of one caller, without end."""
    draw = random.Random(f"{seed}/{number}")  # noqa: S311 - a play, not a secret
    pause = draw.uniform(0.0, 3.0)
    while True:
        menu = by_menu and draw.random() < BY_MENU
        yield Errand(
            pause=pause,
            called=MENU if menu else SUPPORT,
            keys=draw.choice("122") if menu else "",
            keys_after=draw.uniform(1.5, 3.5),
            patience=draw.uniform(2.5, 6.0) if draw.random() < IMPATIENT else 30.0,
            talk=draw.uniform(4.0, 12.0),
        )
        pause = draw.uniform(1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an agent takes one offer; times are seconds."""

    after: float | None
    """None: not at all."""
    talk: float


def answers(number: str, seed: int) -> Iterator[Answer]:
    """How one agent takes the offers that come, without end."""
    draw = random.Random(f"{seed}/{number}")  # noqa: S311 - a play, not a secret
    while True:
        asleep = draw.random() < ASLEEP
        yield Answer(None if asleep else draw.uniform(0.7, 2.2), draw.uniform(5.0, 10.0))
