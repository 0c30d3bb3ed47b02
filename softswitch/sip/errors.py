"""What can be wrong with a message.

SipError                 anything; carries the status to answer with, 0 when no answer is possible
 +- BadMessage           not SIP, or so broken that nobody can be answered
 +- BadRequest           a broken request that can be answered: respond(error.request, error.status)
 +- BadHeader            one header field does not follow its grammar
 |   +- BadUri           a URI does not follow its grammar, or has a scheme we do not know
 +- BadSdp               a session description that cannot be read
 +- NotAcceptable        a session description that can be read, but offers nothing that we can do
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.sip.message import Request


class SipError(Exception):
    """Anything wrong with what a peer sent."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}" if status else reason)
        self.status = status
        self.reason = reason


class BadMessage(SipError):
    """The octets are not a SIP message, or one that must never be answered (a response, an ACK)."""

    def __init__(self, reason: str) -> None:
        super().__init__(0, reason)


class BadRequest(SipError):
    """A request whose sender can be told what is wrong with it."""

    def __init__(self, status: int, reason: str, request: "Request | None" = None) -> None:
        super().__init__(status, reason)
        self.request = request


class BadHeader(SipError):
    """A header field value that does not follow its grammar."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(status, reason)


class BadUri(BadHeader):
    """A URI that does not follow its grammar (400) or has an unsupported scheme (416)."""


class BadSdp(SipError):
    """A session description that cannot be read (RFC 3261 section 13.3.1: 488 for an offer)."""

    def __init__(self, reason: str, status: int = 488) -> None:
        super().__init__(status, reason)


class NotAcceptable(SipError):
    """An offer or answer without anything that we can do: 488 with the value of a Warning header."""

    def __init__(self, reason: str, code: int = 304) -> None:
        super().__init__(488, "Not Acceptable Here")
        self.text = reason
        self.code = code

    @property
    def warning(self) -> str:
        """Value for the Warning header (RFC 3261 section 20.43): code, agent, quoted text."""
        text = self.text.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.code} softswitch "{text}"'

    def __str__(self) -> str:
        return f"488 Not Acceptable Here: {self.text}"
