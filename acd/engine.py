"""The queue engine."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from acd.agent import Agent
from acd.commands import Command
from acd.events import Event
from acd.queue import QueueSettings


class Engine:
    """Decides who talks to whom. Facts and time go in, orders come out; it never waits and never looks at a clock."""

    def __init__(
        self,
        queues: Iterable[QueueSettings],
        agents: Iterable[Agent] = (),
        rng: random.Random | None = None,
        explain: bool = False,
        wrap_up: float = 10.0,
        now: float = 0.0,
    ) -> None:
        raise NotImplementedError

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take note of a fact. Everything that was due before it happens first, at its own time."""
        raise NotImplementedError

    def handle_timer(self, now: float) -> list[Command]:
        """Do what is due."""
        raise NotImplementedError

    def next_deadline(self) -> float | None:
        """When `handle_timer` is to be called."""
        raise NotImplementedError

    def snapshot(self) -> Mapping[str, Any]:
        """The floor as plain values, for a supervisor's screen."""
        raise NotImplementedError

    def check_invariants(self) -> None:
        """Raise InvariantBroken when the books do not balance."""
        raise NotImplementedError
