"""A dialog: what two user agents remember about each other (RFC 3261 section 12)."""

from collections.abc import Iterable
from dataclasses import dataclass

from softswitch.dialog.route_set import first_hop, read_route_set, requested_uri, routes_to_write
from softswitch.dialog.target import read_target
from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri

MAX_FORWARDS = "70"

Header = tuple[str, str]
DialogKey = tuple[str, str | None, str | None]


@dataclass(slots=True)
class Dialog:
    """Peer-to-peer relation of two tags in one call; builds the requests that belong to it."""

    call_id: str
    local: Address
    """Our address, with our tag."""
    remote: Address
    """The peer's address; without a tag when the peer knows only RFC 2543."""
    local_seq: int
    """CSeq number of our last request."""
    remote_seq: int | None
    """CSeq number of the peer's last request, None before the first."""
    remote_target: Uri
    """The peer's Contact."""
    route_set: list[Address]
    """Proxies on the way to the peer, the nearest first."""
    secure: bool
    """Whether SIPS was asked for."""

    @classmethod
    def from_server(cls, request: Request, local_tag: str) -> "Dialog":
        """The dialog that our 101-2xx to this request makes (12.1.1). Raises BadHeader."""
        target = read_target(request)
        if target is None:
            raise BadHeader("Missing Contact")
        return cls(
            call_id=request.call_id,
            local=request.to.with_tag(local_tag),
            remote=request.from_,
            local_seq=0,
            remote_seq=request.cseq.number,
            remote_target=target,
            route_set=read_route_set(request),
            secure=request.uri.scheme == "sips",
        )

    @classmethod
    def from_client(cls, invite: Request, response: Response) -> "Dialog":
        """The dialog that this 101-2xx to our request makes (12.1.2).

        A 2xx must be acknowledged even when its Contact is missing or broken: then the ACK goes where the
        INVITE went. Raises BadHeader.
        """
        try:
            target = read_target(response)
        except BadHeader:
            target = None
        return cls(
            call_id=invite.call_id,
            local=invite.from_,
            remote=response.to,
            local_seq=invite.cseq.number,
            remote_seq=None,
            remote_target=target or invite.uri,
            route_set=read_route_set(response)[::-1],
            secure=invite.uri.scheme == "sips",
        )

    @property
    def key(self) -> DialogKey:
        """Call-ID, local tag, remote tag."""
        return self.call_id, self.local.tag, self.remote.tag

    def build(
        self,
        method: str,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str | None = None,
        number: int | None = None,
    ) -> Request:
        """A request in this dialog (12.2.1.1), without Via: the stack knows what to write there.

        It takes the next CSeq number, unless `number` says which: an ACK has that of its INVITE.
        """
        if number is None:
            self.local_seq += 1
            number = self.local_seq
        lines = [("Route", route) for route in routes_to_write(self.route_set, self.remote_target)]
        lines += [
            ("Max-Forwards", MAX_FORWARDS),
            ("From", str(self.local)),
            ("To", str(self.remote)),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            *headers,
        ]
        if body and content_type is not None:
            lines.append(("Content-Type", content_type))
        return Request(method, requested_uri(self.route_set, self.remote_target), lines, body)

    def next_hop(self) -> Uri:
        """Where requests go, before resolving."""
        return first_hop(self.route_set, self.remote_target)

    def refresh_target(self, message: Request | Response) -> None:
        """Take the new Contact of a re-INVITE or UPDATE, or of its 2xx (12.2). Without one all stays as it is."""
        target = read_target(message)
        if target is not None:
            self.remote_target = target

    def check_sequence(self, request: Request) -> bool:
        """Whether the CSeq number goes on from the last one, which it then becomes; if not the answer is 500 (12.2.2).

        The same number again is a mistake only in an INVITE: some phones do not count in other requests.
        """
        number = request.cseq.number
        if self.remote_seq is not None:
            if number < self.remote_seq:
                return False
            if number == self.remote_seq and request.method == "INVITE":
                return False
        self.remote_seq = number
        return True
