"""How a message finds its transaction (RFC 3261 17.1.3, 17.2.3)."""

from softswitch.sip.fields import MAGIC_COOKIE
from softswitch.sip.message import Request, Response

Key = tuple[str | int | None, ...]


def server_key(request: Request) -> Key:
    """The server transaction of a request; an ACK belongs to its INVITE.

    The CSeq number is in it because a widespread library sends its INVITE with credentials under the old branch.
    """
    method = request.method
    return _server_key(request, "INVITE" if method == "ACK" else method)


def cancelled_key(cancel: Request) -> Key:
    """The server transaction of the INVITE that this CANCEL is for (RFC 3261 9.2)."""
    return _server_key(cancel, "INVITE")


def client_key(message: Request | Response) -> Key:
    """The client transaction of a response, or of a request that we send: branch and CSeq method."""
    method = message.method if isinstance(message, Request) else message.cseq.method
    return message.via.params.get("branch"), method


def merge_key(request: Request) -> Key | None:
    """What requests that reach us over two paths have in common, None inside a dialog (RFC 3261 8.2.2.2)."""
    if "tag" in request.to.params:
        return None
    return request.from_.params.get("tag"), request.call_id, request.cseq.number, request.method


def _server_key(request: Request, method: str) -> Key:
    via = request.via
    branch = via.params.get("branch")
    if branch is not None and branch.startswith(MAGIC_COOKIE):
        return branch, via.host, via.port, method, request.cseq.number
    return _old_key(request, method)


def _old_key(request: Request, method: str) -> Key:
    """Without the cookie nearly everything is compared.

    Not the To tag, since only the ACK has it, and of the Via only what its sender wrote: `received` is ours.
    """
    via = request.via
    number = request.cseq.number
    return str(request.uri), request.from_.tag, request.call_id, number, via.sent_by, via.branch, method
