"""What is wrong with a configuration, in words a person can act on.

ConfigError
 └── ConfigErrors     everything that was found wrong, all at once
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing that is wrong (or, among the warnings, unwise) and where it stands."""

    file: str
    """The file as it was named on the command line."""
    line: int
    """From 1; 0 when the whole file is meant."""
    column: int
    """From 1, in characters; 0 when the whole file is meant."""
    key: str
    """Dotted, for example `phones.101.password`; empty when the file could not be read that far."""
    message: str
    """Begins with "expected" wherever something else was expected."""
    hint: str | None = None
    """The name that was probably meant."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        hint = f" (did you mean {self.hint!r}?)" if self.hint else ""
        return f"{place}:{key} {self.message}{hint}"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, before it is known where the file says it."""

    path: tuple[str | int, ...]
    """The keys and list indices that lead there."""
    message: str
    """As in a mistake."""
    hint: str | None = None
    """As in a mistake."""
    at_key: bool = False
    """Whether the key is wrong rather than its value."""
    offset: int = 0
    """Characters from the opening quote of a text in one line to what is wrong inside of it."""


class ConfigError(Exception):
    """A configuration cannot be used."""


class ConfigErrors(ConfigError):
    """Everything that is wrong with a configuration; `str` gives one line for each mistake."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
