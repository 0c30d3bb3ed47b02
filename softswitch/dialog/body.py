"""The session description inside a message, if there is one."""

from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response

SDP = "application/sdp"


def sdp_of(message: Request | Response) -> bytes | None:
    """The body when it is a session description, else None; an ACK must not fail because of its Content-Type."""
    if not message.body:
        return None
    try:
        kind = message.content_type
    except BadHeader:
        return None
    return message.body if kind is not None and kind.type == SDP else None
