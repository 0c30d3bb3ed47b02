"""The CANCEL of an INVITE that went out before (RFC 3261 9.1)."""

from collections.abc import Iterable

from softswitch.dialog.dialog import MAX_FORWARDS, Header
from softswitch.sip.headers import Headers
from softswitch.sip.message import Request

SAME = ("From", "To", "Call-ID")
"""Equal in INVITE and CANCEL, tags included."""


def build_cancel(invite: Request, headers: Iterable[Header] = ()) -> Request:
    """Build the CANCEL of an INVITE as it was sent, with its own topmost Via: that is how the peer finds it."""
    fields = Headers()
    fields.add("Via", str(invite.via))
    for route in invite.headers.get_all("Route"):
        fields.add("Route", route)
    fields.add("Max-Forwards", MAX_FORWARDS)
    for name in SAME:
        fields.add(name, invite.headers.get(name) or "")
    fields.add("CSeq", f"{invite.cseq.number} CANCEL")
    for name, value in headers:
        fields.add(name, value)
    return Request("CANCEL", invite.uri, fields)
