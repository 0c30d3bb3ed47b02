"""Requests and responses (RFC 3261 section 7): raw headers, with typed values made when somebody asks for them."""

from collections.abc import Iterable
from typing import TypeVar

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader
from softswitch.sip.fields import ContentType, CSeq, Via, parse_number
from softswitch.sip.grammar import split_list
from softswitch.sip.headers import Headers
from softswitch.sip.peer import Peer
from softswitch.sip.status import REASON
from softswitch.sip.uri import Uri

_Self = TypeVar("_Self", bound="Message")

# Methods that make a dialog: their 1xx and 2xx answers repeat the Record-Route (section 12.1.1, RFC 6665, RFC 3515).
DIALOG_METHODS = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))
# What section 8.2.6.2 copies from a request into every answer.
_COPIED = frozenset(("Via", "From", "To", "Call-ID", "CSeq"))
_REPEATABLE = frozenset(("Via", "Record-Route"))


class Message:
    """What requests and responses have in common.

    Typed properties raise `BadHeader` when a header is missing (where it is mandatory) or broken. They are computed
    once and again after that header was changed. The values are shared: change the header, not the value.
    """

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers | Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body

    @property
    def start_line(self) -> str:
        """First line without its end."""
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """The topmost Via."""
        cache = self.headers.cache
        via: Via | None = cache.get("Via")
        if via is None:
            value = self._mandatory("Via")
            via = Via.parse(split_list(value)[0] if "," in value else value)
            cache["Via"] = via
        return via

    @property
    def vias(self) -> list[Via]:
        """All Vias, the nearest hop first."""
        return Via.parse_list(self.headers.get_all("Via"))

    @property
    def from_(self) -> Address:
        """Who asks."""
        return self._address("From")

    @property
    def to(self) -> Address:
        """Who is asked."""
        return self._address("To")

    @property
    def call_id(self) -> str:
        """Identifier of the call or registration."""
        return self._mandatory("Call-ID")

    @property
    def cseq(self) -> CSeq:
        """Number and method of the request."""
        cache = self.headers.cache
        cseq: CSeq | None = cache.get("CSeq")
        if cseq is None:
            cseq = cache["CSeq"] = CSeq.parse(self._mandatory("CSeq"))
        return cseq

    @property
    def contacts(self) -> list[Address]:
        """All contacts; `[Address.WILDCARD]` for the lone "*"."""
        cache = self.headers.cache
        contacts: list[Address] | None = cache.get("Contact")
        if contacts is None:
            values = self.headers.get_all("Contact")
            star = len(values) == 1 and values[0].strip(" \t") == "*"
            contacts = cache["Contact"] = [Address.WILDCARD] if star else Address.parse_list(values)
        return contacts

    @property
    def routes(self) -> list[Address]:
        """Proxies that the request still has to pass."""
        return self._addresses("Route")

    @property
    def record_routes(self) -> list[Address]:
        """Proxies that want to stay in the path of the dialog."""
        return self._addresses("Record-Route")

    @property
    def max_forwards(self) -> int | None:
        """Hops left, 0 to 255; None when the header is missing."""
        return self._number("Max-Forwards", 255)

    @property
    def expires(self) -> int | None:
        """Seconds; None when missing. More than 2**32-1 counts as malformed (section 20.19)."""
        return self._number("Expires", 2**32 - 1)

    @property
    def content_length(self) -> int | None:
        """Octets of body that the header promises; `to_bytes` always writes the true number."""
        return self._number("Content-Length", 2**32 - 1)

    @property
    def content_type(self) -> ContentType | None:
        """Kind of the body; None when the header is missing."""
        cache = self.headers.cache
        if "Content-Type" not in cache:
            value = self.headers.get("Content-Type")
            cache["Content-Type"] = None if value is None else ContentType.parse(value)
        found: ContentType | None = cache["Content-Type"]
        return found

    def to_bytes(self) -> bytes:
        """Write the message, with a Content-Length that is true."""
        lines = [f"{name}: {value}\r\n" for name, value in self.headers.lines if name != "Content-Length"]
        text = f"{self.start_line}\r\n{''.join(lines)}Content-Length: {len(self.body)}\r\n\r\n"
        try:
            return text.encode("utf-8", "surrogateescape") + self.body
        except UnicodeEncodeError:  # half a character, which no octets stand for: it did not come from the network
            return text.encode("utf-8", "replace") + self.body

    def __repr__(self) -> str:
        return f"<{self.start_line} | {self.headers.get('Call-ID')} | {self.headers.get('CSeq')}>"

    def _mandatory(self, name: str) -> str:
        value = self.headers.get(name)
        if not value:
            raise BadHeader(f"Missing {name}")
        return value

    def _address(self, name: str) -> Address:
        cache = self.headers.cache
        address: Address | None = cache.get(name)
        if address is None:
            address = cache[name] = Address.parse(self._mandatory(name))
        return address

    def _addresses(self, name: str) -> list[Address]:
        cache = self.headers.cache
        addresses: list[Address] | None = cache.get(name)
        if addresses is None:
            addresses = cache[name] = Address.parse_list(self.headers.get_all(name))
        return addresses

    def _number(self, name: str, limit: int) -> int | None:
        cache = self.headers.cache
        if name not in cache:
            value = self.headers.get(name)
            cache[name] = None if value is None else parse_number(value, limit)
        number: int | None = cache[name]
        return number


class Request(Message):
    """A method to be applied to a URI."""

    __slots__ = ("_uri", "method", "version")

    def __init__(
        self,
        method: str,
        uri: Uri | str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        version: str = "SIP/2.0",
    ) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.method = method
        self.version = version
        """As received; what we write is always "SIP/2.0"."""
        self._uri = uri

    @property
    def uri(self) -> Uri:
        """The Request-URI; raises `BadUri` when it was received broken."""
        uri = self._uri
        if isinstance(uri, str):
            uri = self._uri = Uri.parse(uri)
        return uri

    @uri.setter
    def uri(self, uri: Uri | str) -> None:
        self._uri = uri

    @property
    def uri_text(self) -> str:
        """The Request-URI as text, also when it is broken."""
        return str(self._uri)

    @property
    def start_line(self) -> str:
        """Method, URI and version."""
        return f"{self.method} {self._uri} SIP/2.0"

    def copy(self) -> "Request":
        """Return a request that can be changed without changing this one."""
        return Request(self.method, self._uri, self.headers.copy(), self.body)


class Response(Message):
    """An answer to a request."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str | None = None,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.status = status
        self.reason = REASON.get(status, "") if reason is None else reason

    @property
    def start_line(self) -> str:
        """Version, status and reason."""
        reason = self.reason
        if "\n" in reason or "\r" in reason:
            reason = reason.replace("\r", " ").replace("\n", " ")
        return f"SIP/2.0 {self.status} {reason}"

    def copy(self) -> "Response":
        """Return a response that can be changed without changing this one."""
        return Response(self.status, self.reason, self.headers.copy(), self.body)


def respond(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Response:
    """Build the answer to a request (RFC 3261 section 8.2.6), also to a broken one.

    Parameters
    ----------
    request
        Its Via, From, To, Call-ID and CSeq are copied as they came; also Timestamp into a 100 and Record-Route into
        1xx and 2xx answers that make a dialog.
    to_tag
        Put on To when that has no tag yet and the status is not 100.
    headers
        More headers, in this order, behind the copied ones.
    """
    wanted = _COPIED
    if status < 300 and request.method in DIALOG_METHODS and status != 100:
        wanted = _COPIED | {"Record-Route"}
    elif status == 100:
        wanted = _COPIED | {"Timestamp"}
    lines = [line for line in request.headers.lines if line[0] in wanted]
    if len(request.headers.first()) != len(request.headers):
        lines = _drop_repeated(lines)
    if to_tag is not None and status != 100 and not _has_to_tag(request):
        lines = [(name, f"{value};tag={to_tag}") if name == "To" else (name, value) for name, value in lines]
    answer = Headers.from_lines(lines)
    answer.extend(headers)
    if content_type is not None:
        answer.set("Content-Type", content_type)
    return Response(status, reason, answer, body)


def stamp_via(request: Request, peer: Peer) -> None:
    """Note in the topmost Via where a request really came from.

    `received` is added when it differs from sent-by (RFC 3261 section 18.2.1) or when rport was asked for, `rport`
    is filled only when asked for (RFC 3581 section 4). A broken Via stays as it is.
    """
    try:
        via = request.via
        others = split_list(request.headers.get("Via") or "")[1:]
    except BadHeader:
        return
    if via.host == peer.host and not via.wants_rport and "received" not in via.params:
        return
    params = {**via.params, "received": peer.host}
    if via.wants_rport:
        params["rport"] = str(peer.port)
    stamped = Via(via.transport, via.host, via.port, params, via.version)
    request.headers.replace_first("Via", ", ".join([str(stamped), *others]))
    request.headers.cache["Via"] = stamped


def response_peer(message: Message | Via, arrival: Peer) -> Peer:
    """Say where the answer to a request goes (RFC 3261 section 18.2.2, RFC 3581 section 4).

    Over a connection it is that connection. Over UDP it is the source port when rport was asked for, and the port of
    sent-by when not. When the request passed an address translator, or sent-by is a name, then nothing listens at the
    written port and the source port is used as well. `maddr` is ignored: it would let a sender point our answers at
    somebody else.
    """
    if arrival.reliable:
        return arrival
    try:
        via = message if isinstance(message, Via) else message.via
    except BadHeader:
        return arrival
    if via.wants_rport or via.host != arrival.host:
        return arrival
    return arrival._replace(port=via.port or 5060)


def _drop_repeated(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keep the first From, To, Call-ID and CSeq of a request that has several, so that its answer can be read."""
    seen: set[str] = set()
    kept = []
    for line in lines:
        if line[0] in seen and line[0] not in _REPEATABLE:
            continue
        seen.add(line[0])
        kept.append(line)
    return kept


def _has_to_tag(request: Request) -> bool:
    value = request.headers.get("To")
    if not value:
        return True
    if "tag" not in value.lower():
        return False
    try:
        return request.to.tag is not None
    except BadHeader:
        return True
