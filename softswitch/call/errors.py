"""What can go wrong with a call.

CallError
 +-- CallerGone           the caller is no longer there: unwind
 +-- NoSuchDestination    a text that names no destination
"""


class CallError(Exception):
    """Root of everything this package raises."""


class CallerGone(CallError):
    """The caller hung up, cancelled, or lost the connection."""


class NoSuchDestination(CallError):
    """A destination that the configuration does not know."""
