"""How messages are cut out of what a connection says, and how they are put into it."""

from typing import Protocol

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message
from softswitch.sip.parser import Ping, StreamParser


class Framing(Protocol):
    """One connection's framing."""

    @property
    def idle(self) -> float:
        """Seconds of silence after which the other side is probed, or let go."""

    @property
    def broken(self) -> bool:
        """Whether nothing more can be understood: send `replies` and close the connection."""

    @property
    def pending(self) -> int:
        """More than 0 while something has begun and is not whole; it must be whole in time."""

    def feed(self, data: bytes) -> list[Message | SipError]:
        """Take octets in; what became whole, in order."""

    def frame(self, message: bytes) -> bytes:
        """A message as it is sent. Raises OSError when none can be sent."""

    def replies(self) -> bytes:
        """Take what the framing itself has to say: answers to keep-alives, for instance."""

    def probe(self) -> bytes:
        """What the other side must answer when it is there; empty when nothing would make it."""


class StreamFraming:
    """Messages one after the other (RFC 3261 section 18.3), and the keep-alives of RFC 5626 section 3.5.1."""

    idle = 3600.0

    def __init__(self) -> None:
        self._parser = StreamParser()
        self._replies = b""

    @property
    def broken(self) -> bool:
        """Whether the place where the next message starts is lost."""
        return self._parser.broken

    @property
    def pending(self) -> int:
        """Octets of a message that is not complete."""
        return self._parser.pending

    def feed(self, data: bytes) -> list[Message | SipError]:
        """Take octets in; each ping is answered by one pong."""
        found: list[Message | SipError] = []
        for item in self._parser.feed(data):
            if isinstance(item, Ping):
                self._replies += b"\r\n"
            else:
                found.append(item)
        return found

    def frame(self, message: bytes) -> bytes:
        """As it is."""
        return message

    def replies(self) -> bytes:
        """Take the pongs."""
        replies, self._replies = self._replies, b""
        return replies

    def probe(self) -> bytes:
        """Nothing: only who connected sends keep-alives."""
        return b""
