"""What a queue says to those who wait in it."""

from dataclasses import dataclass

from ivr import phrases
from ivr.prompts import Prompt


@dataclass(frozen=True, slots=True)
class QueueVoice:
    """The sentences of one queue."""

    language: str = "en"
    """Of the built-in sentences."""
    greeting: Prompt | None = None
    """Once, when the caller comes in and has to wait."""
    periodic: tuple[Prompt, ...] = ()
    """In turn, while the caller waits; chosen by index."""
    recorded: Prompt | None = None
    """That the call is recorded; None when it is not, or nobody need be told."""
    not_recorded: Prompt | None = None
    """That it should be recorded and cannot be; None when nobody need be told."""

    def position(self, place: int) -> Prompt:
        """Tell a caller his place; 1 is next."""
        return phrases.position(place, self.language)

    def count(self, seconds: int) -> Prompt:
        """One number of a countdown."""
        return Prompt(text=str(seconds), language=self.language)

    def wait(self, seconds: float) -> Prompt:
        """Tell a caller how long it will take."""
        return phrases.wait(seconds, self.language)
