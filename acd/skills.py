"""What a caller needs of an agent: an expression of skills and levels, read once and asked often.

    need  = both *("or" both)
    both  = plain *("and" plain)
    plain = "not" plain / "(" need ")" / skill [(">=" / ">" / "<=" / "<" / "==" / "!=") level]
    skill = a letter, then letters, digits, "_", "-" and "." (no end in "." or "-"); never and, or, not
    level = 0 to 100

A skill alone asks for level 1 at least. A comparison with a skill that the agent does not have is false, whatever it
compares; `not` turns the answer round, so `not billing` holds for who has no billing.
"""

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NoReturn

from acd.errors import SkillError

MAX_LENGTH = 500
MAX_DEPTH = 20
"""Parentheses and `not` within each other."""
MAX_LEVEL = 100

Levels = Mapping[str, int]
"""An agent's skills by name."""

Test = Callable[[Levels], bool]

_WORDS = re.compile(
    r"\s*(?:(?P<skill>[^\W\d_](?:[\w.-]*\w)?)|(?P<level>\d+)|(?P<sign>>=|<=|==|!=|>|<|\(|\))|(?P<odd>\S))"
)
_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_RESERVED = frozenset({"and", "or", "not"})


class Need:
    """An expression that was read. Two needs of the same text are equal."""

    __slots__ = ("_test", "parts", "skills", "text")

    def __init__(self, text: str, test: Test, skills: frozenset[str], parts: "tuple[Need, ...]" = ()) -> None:
        self.text = text
        self.skills = skills
        """Every skill that is named."""
        self.parts = parts
        """The expressions it was made of, when there were several."""
        self._test = test

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Need) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Need({self.text!r})"

    def __bool__(self) -> bool:
        """Whether anything is needed at all."""
        return self is not ANYBODY

    def lacking(self, levels: Levels) -> str:
        """The expressions that do not hold for an agent of these skills, for an explanation."""
        return ", ".join(need.text for need in self.parts or (self,) if not need.met_by(levels))

    def met_by(self, levels: Levels) -> bool:
        """Whether an agent with these skills will do."""
        return self._test(levels)


ANYBODY = Need("", lambda _: True, frozenset())
"""Every agent will do."""


@lru_cache(maxsize=4096)
def read_need(*texts: str) -> Need:
    """Read expressions that must all hold; without any, or with empty ones, anybody will do.

    Raises SkillError, with the column of the first mistake.
    """
    needs = [_Reader(text).read() for text in dict.fromkeys(texts) if text.strip()]
    if len(needs) < 2:
        return needs[0] if needs else ANYBODY
    text = " and ".join(need.text if _is_plain(need.text) else f"({need.text})" for need in needs)
    skills = frozenset().union(*(need.skills for need in needs))
    return Need(text, lambda levels: all(need.met_by(levels) for need in needs), skills, tuple(needs))


def is_skill(text: str) -> bool:
    """Whether this can be the name of a skill."""
    found = _WORDS.fullmatch(text)
    return found is not None and found["skill"] == text and text not in _RESERVED


def _is_plain(text: str) -> bool:
    return " or " not in text


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise SkillError(f"expected {MAX_LENGTH} characters at most, these are {len(text)}", MAX_LENGTH + 1)
        self._text = text
        self._words = [found for found in _WORDS.finditer(text) if found.lastgroup]
        self._next = 0
        self._depth = 0
        self._skills: set[str] = set()

    def read(self) -> Need:
        test = self._either()
        if self._next < len(self._words):
            self._fail('"and", "or" or the end')
        return Need(" ".join(self._text.split()), test, frozenset(self._skills))

    def _either(self) -> Test:
        return self._chain("or", self._both, any)

    def _both(self) -> Test:
        return self._chain("and", self._plain, all)

    def _chain(self, word: str, read_one: Callable[[], Test], joined: Callable[[list[bool]], bool]) -> Test:
        tests = [read_one()]
        while self._take(word):
            tests.append(read_one())
        if len(tests) == 1:
            return tests[0]
        return lambda levels: joined([test(levels) for test in tests])

    def _plain(self) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"an expression of {MAX_DEPTH} levels at most")
        test = self._plain_inside()
        self._depth -= 1
        return test

    def _plain_inside(self) -> Test:
        if self._take("not"):
            test = self._plain()
            return lambda levels: not test(levels)
        if self._take("("):
            test = self._either()
            if not self._take(")"):
                self._fail('")"')
            return test
        return self._skill()

    def _skill(self) -> Test:
        skill = self._word("skill")
        if skill is None or skill in _RESERVED:
            self._fail('a skill, "not" or "("')
        self._next += 1
        self._skills.add(skill)
        compare, level = self._comparison()
        return lambda levels: skill in levels and compare(levels[skill], level)

    def _comparison(self) -> tuple[Callable[[int, int], bool], int]:
        compare = _COMPARISONS.get(self._word("sign") or "")
        if compare is None:
            return operator.ge, 1
        self._next += 1
        level = self._word("level")
        if level is None or int(level[:9]) > MAX_LEVEL:
            self._fail(f"a level from 0 to {MAX_LEVEL}")
        self._next += 1
        return compare, int(level)

    def _word(self, kind: str) -> str | None:
        """Give the next word when it is of this kind."""
        return self._words[self._next][kind] if self._next < len(self._words) else None

    def _take(self, word: str) -> bool:
        found = self._next < len(self._words) and self._words[self._next].group().strip() == word
        self._next += found
        return found

    def _fail(self, expected: str) -> NoReturn:
        """Say what should stand here instead."""
        if self._next >= len(self._words):
            raise SkillError(f"expected {expected}, but it ends here", len(self._text.rstrip()) + 1)
        word = self._words[self._next]
        text = word.group().strip()
        raise SkillError(f'expected {expected}, got "{text}"', word.end() - len(text) + 1)
