"""Which calls are recorded, and how: pure, from plain values."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from ivr.prompts import Prompt
from media.wish import Wish

Unwritable = Literal["announce", "refuse", "go_on"]
AS_WRITTEN = Wish()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the configuration says about the recording of one phone, queue, agent, trunk or route."""

    wish: Wish = AS_WRITTEN
    """How its recordings are kept."""
    share: float = 1.0
    """Of its calls, 0 to 1."""
    folder: str = ""
    """Where they are kept, under the folder of all recordings."""
    unwritable: Unwritable = "go_on"
    """What becomes of a call that cannot be recorded."""
    notice: Prompt | None = None
    """What is said to its caller when that is `announce`."""

    def takes(self, call: str) -> bool:
        """Whether a call is in the share: the same answer for a call whenever and wherever it is asked.

        >>> [Recorded(share=0.5).takes(f"n-{number}") for number in range(4)]
        [True, False, True, False]
        """
        return chance(call) < self.share


def chance(call: str) -> float:
    """A number from 0 to below 1 that belongs to a call, evenly spread over calls."""
    return int.from_bytes(sha256(call.encode(errors="replace")).digest()[:6], "big") / (1 << 48)


def choose(said: Iterable[Recorded | None], call: str) -> Recorded | None:
    """The first of those who have a say that wants a call recorded; None when nobody does."""
    return next((one for one in said if one is not None and one.takes(call)), None)
