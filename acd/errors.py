"""The exceptions of the queue engine.

AcdError
├── SettingsError     settings that cannot be worked with; nothing was changed
└── InvariantError    the engine contradicts itself: a bug, never a caller's or an agent's doing
"""


class AcdError(Exception):
    """Anything the queue engine complains about."""


class SettingsError(AcdError):
    """Settings that cannot be worked with. The engine keeps the ones it had."""


class InvariantError(AcdError):
    """The books of the engine do not balance."""
