"""The diary of one call: facts in the order they happened, for the record."""

from collections.abc import Callable
from typing import Any

from softswitch.records.events import Event


class Journal:
    """Writes the facts of one call; the writer behind it never makes anybody wait."""

    def __init__(
        self, call: str, append: Callable[[str, Event], None], clock: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self.call = call
        self._append = append
        self._clock = clock
        self._wall = wall
        self._listeners: list[Callable[[str, Event], None]] = []

    def note(self, kind: Callable[..., Event], **fields: Any) -> None:
        """Write down that something has happened just now."""
        self._append(self.call, kind(at=self._clock(), wall=self._wall(), **fields))
