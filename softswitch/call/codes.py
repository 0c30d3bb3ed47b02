"""Codes that are keyed in the middle of a talk, such as `*1`: pure, takes `now`."""

from collections.abc import Mapping
from typing import Final

WITHIN: Final = 3.0
"""Seconds between two keys of a code; later ones begin a new one."""


class Codes:
    """What each party has keyed last, and whether it is a code."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        """`codes` gives each code its meaning."""
        self._codes = codes
        self._longest = max(map(len, codes), default=0)
        self._typed: dict[str, tuple[str, float]] = {}

    def press(self, who: str, key: str, now: float) -> str | None:
        """A party pressed a key; the meaning of the code that this completes.

        >>> codes = Codes({"*1": "record"})
        >>> codes.press("a", "*", 0.0), codes.press("b", "1", 0.1), codes.press("a", "1", 0.2)
        (None, None, 'record')
        """
        before, at = self._typed.get(who, ("", now))
        typed = ((before if now - at <= WITHIN else "") + key)[-self._longest :] if self._longest else ""
        for code, meaning in self._codes.items():
            if typed.endswith(code):
                self._typed.pop(who, None)
                return meaning
        self._typed[who] = typed, now
        return None
