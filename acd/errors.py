"""The exceptions of the queue engine.

AcdError
├── SettingsError     settings that cannot be worked with; nothing was changed
│   └── SkillError    an expression of skills that cannot be read
└── InvariantError    the engine contradicts itself: a bug, never a caller's or an agent's doing
"""


class AcdError(Exception):
    """Anything the queue engine complains about."""


class SettingsError(AcdError):
    """Settings that cannot be worked with. The engine keeps the ones it had."""


class SkillError(SettingsError):
    """An expression of skills that cannot be read."""

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(f"column {column}: {problem}")
        self.problem = problem
        self.column = column
        """From 1, in characters of the expression."""


class InvariantError(AcdError):
    """The books of the engine do not balance."""
