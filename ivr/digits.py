"""Number patterns, and what a caller who is still dialling may mean.

    pattern = 1*32( digit / "+" / "*" / "#" / "x" / "z" / "n" / "[" digits "]" ) [ "." ]

`x` is any digit, `z` 1-9, `n` 2-9, `[135-7]` one of these, and a `.` at the end one or more further digits.
Letters may be written large or small. "101" is a pattern too: one that matches nothing but itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

from ivr.errors import PatternError

MAX_DIGITS = 32
DIGITS = "0123456789"
_CLASSES = {"x": frozenset(DIGITS), "z": frozenset("123456789"), "n": frozenset("23456789")}
_ELEMENT = re.compile(r"\[(?P<set>[0-9-]{1,20})\]|(?P<one>[0-9+*#xXzZnN])")
_RANGE = re.compile(r"([0-9])-([0-9])|([0-9])")


@dataclass(frozen=True)
class Pattern:
    """A set of numbers, written the way people write dial plans."""

    text: str
    """As written, for example "8xxx"."""

    def __post_init__(self) -> None:
        _ = self.places

    @cached_property
    def open_ended(self) -> bool:
        """Whether any count of further digits may follow."""
        return self.text.endswith(".")

    @cached_property
    def places(self) -> tuple[frozenset[str], ...]:
        """The characters allowed at each place."""
        return _places(self.text)

    @cached_property
    def literal(self) -> bool:
        """Whether this is one plain number."""
        return not self.open_ended and all(len(place) == 1 for place in self.places)

    @cached_property
    def precision(self) -> tuple[bool, float, int]:
        """Sorts patterns from vague to exact: closed ends, then few choices, then many places."""
        return (not self.open_ended, -prod(len(place) / len(DIGITS) for place in self.places), len(self.places))

    def match(self, number: str) -> str | None:
        """Give what the pattern leaves open, from the first place with a choice to the end; None: it does not match."""
        if not self.can_become(number) or len(number) < len(self.places) + self.open_ended:
            return None
        choice = next((i for i, place in enumerate(self.places) if len(place) > 1), len(self.places))
        return number[choice:]

    def can_become(self, number: str) -> bool:
        """Whether this number, or this number with more digits after it, matches."""
        if len(number) > MAX_DIGITS or (len(number) > len(self.places) and not self.open_ended):
            return False
        if any(digit not in place for digit, place in zip(number, self.places, strict=False)):
            return False
        return all(digit in DIGITS for digit in number[len(self.places) :])

    def wants_more(self, number: str) -> bool:
        """Whether this number with at least one more digit can match."""
        room = len(number) < len(self.places) or (self.open_ended and len(number) < MAX_DIGITS)
        return room and self.can_become(number)

    def overlaps(self, other: "Pattern") -> bool:
        """Whether some number matches both."""
        if any(not mine & theirs for mine, theirs in zip(self.places, other.places, strict=False)):
            return False
        mine, theirs = len(self.places), len(other.places)
        if mine == theirs:
            return self.open_ended == other.open_ended
        longer, shorter = (self, other) if mine > theirs else (other, self)
        return shorter.open_ended and all(place & _CLASSES["x"] for place in longer.places[len(shorter.places) :])

    def covers(self, other: "Pattern") -> bool:
        """Whether every number that matches the other one matches this one too."""
        if any(not theirs <= mine for mine, theirs in zip(self.places, other.places, strict=False)):
            return False
        mine, theirs = len(self.places), len(other.places)
        if mine == theirs:
            return self.open_ended == other.open_ended
        if not self.open_ended or theirs < mine:
            return False
        return all(place <= _CLASSES["x"] for place in other.places[mine:])

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=65536)
def _places(text: str) -> tuple[frozenset[str], ...]:
    """Read a pattern; `PatternError` when it is none."""
    body = text.removesuffix(".")
    places: list[frozenset[str]] = []
    at = 0
    while at < len(body):
        element = _ELEMENT.match(body, at)
        if element is None:
            raise PatternError(f"{body[at]!r} has no meaning in the number pattern {text!r}")
        places.append(_characters(element, text))
        at = element.end()
    if not places or len(places) > MAX_DIGITS:
        raise PatternError(f"a number pattern has 1 to {MAX_DIGITS} places, {text!r} has {len(places)}")
    return tuple(places)


def _characters(element: re.Match[str], text: str) -> frozenset[str]:
    """Give the characters that one element of a pattern allows."""
    if element["one"]:
        one = element["one"].lower()
        return _CLASSES.get(one, frozenset(one))
    found: set[str] = set()
    at = 0
    while at < len(element["set"]):
        part = _RANGE.match(element["set"], at)
        if part is None or (part[1] and part[1] > part[2]):
            raise PatternError(f"[{element['set']}] is no set of digits in the number pattern {text!r}")
        found.update(part[3] or DIGITS[int(part[1]) : int(part[2]) + 1])
        at = part.end()
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Found:
    """What a number means so far."""

    destination: str | None
    """Where the number leads as it stands; None when nowhere."""
    more: bool
    """Whether further digits could lead somewhere else."""


@dataclass(frozen=True)
class DialPlan:
    """Every number that can be dialled inside, and where it leads. A plain number wins, then the most exact pattern."""

    numbers: Mapping[str, str]
    """Plain numbers and their destinations."""
    patterns: tuple[tuple[Pattern, str], ...] = ()
    """The rest, most exact first. A `*` in the destination stands for what `Pattern.match` gives."""
    prefixes: frozenset[str] = frozenset()
    """Everything that becomes a plain number when more digits follow."""

    @classmethod
    def build(cls, destinations: Mapping[str, str]) -> "DialPlan":
        """Make a plan from number patterns and their destinations."""
        pairs = [(Pattern(text), destination) for text, destination in destinations.items()]
        numbers = {pattern.text: destination for pattern, destination in pairs if pattern.literal}
        vague = [pair for pair in pairs if not pair[0].literal]
        vague.sort(key=lambda pair: pair[0].precision, reverse=True)
        prefixes = frozenset(number[:length] for number in numbers for length in range(len(number)))
        return cls(numbers, tuple(vague), prefixes)

    def __bool__(self) -> bool:
        return bool(self.numbers or self.patterns)

    def find(self, number: str) -> Found:
        """Say where a number leads, and whether more digits could change that."""
        more = number in self.prefixes or any(pattern.wants_more(number) for pattern, _ in self.patterns)
        if number in self.numbers:
            return Found(self.numbers[number], more)
        for pattern, destination in self.patterns:
            rest = pattern.match(number)
            if rest is not None:
                return Found(destination.replace("*", rest), more)
        return Found(None, more)
