"""What a session asks of the stack. The session knows no addresses: it never writes a Via and never sees a socket.

In a list of effects that which goes to the wire comes first, then what the call layer is told, `Closed` last. So an
order that the call layer gives while it is being told may be carried out at once: nothing overtakes anything.

They are made several times per message, so they are not frozen: a frozen one costs three times as much to build.
"""

from dataclasses import dataclass

from softswitch.dialog.events import Event
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri


@dataclass(slots=True)
class SendRequest:
    """Start a client transaction for this request (INVITE or not); its responses and its failure come back."""

    request: Request
    """Without Via: the stack puts its own on top, in this very object, so that CANCEL can copy it."""
    next_hop: Uri
    """Where it goes before resolving: the first route, else the request URI (RFC 3261 8.1.2, 12.2.1.1)."""


@dataclass(slots=True)
class SendAck:
    """Send the ACK of a 2xx, outside of any transaction (RFC 3261 13.2.2.4)."""

    request: Request
    """Without Via the first time; the same object again, Via and all, when the 2xx was repeated."""
    next_hop: Uri
    """Where it goes before resolving."""


@dataclass(slots=True)
class Cancel:
    """Send a CANCEL for an INVITE that this session sent before (RFC 3261 9.1)."""

    invite_request: Request
    """The object that was in SendRequest, with the Via that the stack gave it."""
    headers: tuple[tuple[str, str], ...] = ()
    """What to add, for example a Reason."""


@dataclass(slots=True)
class Respond:
    """Pass this response to the server transaction of this request (again, when a 2xx is repeated)."""

    request: Request
    response: Response


@dataclass(slots=True)
class Tell:
    """Tell the call layer what has happened."""

    event: Event


@dataclass(slots=True)
class Closed:
    """Nothing more is to be expected in this dialog: forget the session."""


Effect = SendRequest | SendAck | Cancel | Respond | Tell | Closed
