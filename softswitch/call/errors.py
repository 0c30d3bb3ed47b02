"""What can go wrong with a call.

CallError
 +-- CallerGone           the caller is no longer there: unwind
 +-- NoSuchDestination    a text that names no destination
 +-- NoSuchMember         a room or a member of it that is not there
"""


class CallError(Exception):
    """Root of everything this package raises."""


class CallerGone(CallError):
    """The caller hung up, cancelled, or lost the connection."""


class NoSuchMember(CallError):
    """There is no such room, or nobody, or more than one, in it is called so; the text is a sentence."""


class NoSuchDestination(CallError):
    """A destination that the configuration does not know."""
