"""From octets to messages (RFC 3261 sections 7 and 18.3): one per datagram, or framed out of a stream.

A message is split eagerly and checked with one pattern per header; values are understood later, by who needs them.
Whatever comes in, only `BadMessage` and `BadRequest` come out.
"""

import re
from operator import itemgetter

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader, BadMessage, BadRequest, BadUri, SipError
from softswitch.sip.fields import CSeq, Via, parse_date, parse_number
from softswitch.sip.grammar import TOKEN
from softswitch.sip.headers import SPELLINGS, Headers, canonical
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.status import REASON

MAX_MESSAGE = 65535
"""Octets of one message: what a UDP datagram can hold."""
MAX_HEADERS = 512
"""Header lines of one message."""

_END = b"\r\n\r\n"
_BLANK = (" ", "\t")
# Headers that must be there exactly once, and those that may be there at most once (section 7.3.1, table 2).
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")
_SINGLE = frozenset((*_MANDATORY[1:], "Max-Forwards", "Content-Length", "Content-Type", "Expires", "Date", "Event"))

_ADDRESSES = ("Contact", "Route", "Record-Route")

_mandatory = itemgetter(*_MANDATORY)
_token = re.compile(TOKEN)
_version = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_status = re.compile(r"[1-6][0-9]{2}")
_quick_request = re.compile(r"([A-Z]++) ([^ ]++) SIP/2\.0")
_quick_hops = re.compile(r"[0-9]{1,2}")


class Ping:
    """A double line end on a stream: the peer wants to see a single one (RFC 5626 section 3.5.1)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Ping()"


Event = Request | Response | SipError | Ping
"""What comes out of a stream."""


def parse(datagram: bytes) -> Request | Response:
    """Read the one message of a datagram; what follows its body is ignored (section 18.3)."""
    start = 0
    while datagram.startswith(b"\r\n", start):
        start += 2
    end = datagram.find(_END, start)
    if end < 0:
        message, flaw = _read_head(datagram[start:])
        return _accept(message, flaw or "Header section does not end")
    message, flaw = _read_head(datagram[start:end])
    length, length_flaw = _read_length(message.headers)
    body = datagram[end + 4 :]
    if length is not None and length > len(body):
        length_flaw = "Content-Length larger than the message"
    message.body = body if length is None else body[:length]
    return _accept(message, flaw or length_flaw)


class StreamParser:
    """Frames messages out of the octets of one connection, however they are cut.

    Parameters
    ----------
    max_message
        Largest message, header section and body together, in octets. Never more than this is kept.
    """

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self.broken = False
        """Whether the place where the next message starts is lost: answer what there is and close the connection."""
        self._max_message = max_message
        self._buffer = bytearray()
        self._searched = 0
        self._message: Request | Response | None = None
        self._flaw: str | None = None
        self._length = 0

    @property
    def pending(self) -> int:
        """Octets of a message that is not complete; after some time without progress the connection is closed."""
        return len(self._buffer) + (self._message is not None)

    def feed(self, data: bytes) -> list[Event]:
        """Take octets in; return what became complete, in order. Nothing comes any more once `broken`."""
        found: list[Event] = []
        self._buffer += data
        while not self.broken and self._advance(found):
            pass
        if self.broken:
            self._buffer.clear()
        return found

    def _advance(self, found: list[Event]) -> bool:
        """Go on by one piece: line ends, a header section, or a body; False when octets are missing."""
        if self._message is None:
            self._skip_line_ends(found)
            return self._take_head(found)
        if len(self._buffer) < self._length:
            return False
        message, flaw = self._message, self._flaw
        message.body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._message = None
        found.append(_judge(message, flaw))
        return True

    def _skip_line_ends(self, found: list[Event]) -> None:
        """Drop line ends between messages (section 7.5); a double one is a ping, a run of them is one ping."""
        buffer = self._buffer
        start = 0
        while buffer.startswith(b"\r\n", start):
            start += 2
        if start >= 4:
            found.append(Ping())
            del buffer[:start]
        elif start and not _END.startswith(buffer):
            del buffer[:start]

    def _take_head(self, found: list[Event]) -> bool:
        buffer = self._buffer
        if _END.startswith(buffer):
            return False
        end = buffer.find(_END, max(0, self._searched - 3))
        if end < 0 or end + 4 > self._max_message:
            self._searched = len(buffer)
            if end >= 0 or len(buffer) > self._max_message:
                self._break(found, BadMessage("Header section too large"))
            return False
        head = bytes(buffer[:end])
        del buffer[: end + 4]
        self._searched = 0
        try:
            message, flaw = _read_head(head)
        except BadMessage as error:
            self._break(found, error)
            return False
        self._frame(message, flaw, end + 4, found)
        return not self.broken

    def _frame(
        self,
        message: Request | Response,
        flaw: str | None,
        head: int,
        found: list[Event],
    ) -> None:
        """Decide how long the body is; a message of unknown length ends the stream (sections 18.3 and 20.14)."""
        length, length_flaw = _read_length(message.headers)
        if length_flaw is None and length is None:
            length_flaw = "Missing Content-Length"
        if length is None or length_flaw is not None:
            self._break(found, _judge(message, flaw or length_flaw))
            return
        if head + length > self._max_message:
            self._break(found, _reject(message, 413, REASON[413]))
            return
        self._message, self._flaw, self._length = message, flaw, length

    def _break(self, found: list[Event], last: Request | Response | SipError) -> None:
        self.broken = True
        found.append(last)


def _read_head(head: bytes) -> tuple[Request | Response, str | None]:
    """Split start line and headers; returns the message without body, and what is wrong with its lines."""
    rows = head.decode("utf-8", "surrogateescape").split("\r\n", MAX_HEADERS)
    flaw = None
    if len(rows) > MAX_HEADERS:
        flaw = "Too many header fields"
        del rows[MAX_HEADERS:]
    elif head.count(b"\n") >= len(rows) or head.count(b"\r") >= len(rows):
        flaw = "Stray line end"
    if flaw is not None:
        rows = [row.replace("\r", " ").replace("\n", " ") for row in rows]
    lines: list[tuple[str, str]] = []
    spelled = SPELLINGS.get
    for row in rows[1:]:
        name, colon, value = row.partition(":")
        known = spelled(name)
        if known is None or not colon:
            if row[:1] in _BLANK:
                lines, flaw = _read_folded(rows, flaw)
                break
            known = _read_name(name, colon)
            if known is None:
                flaw = flaw or "Malformed header field"
                continue
        lines.append((known, value.strip(" \t")))
    return _read_start(rows[0], Headers.from_lines(lines)), flaw


def _read_folded(rows: list[str], flaw: str | None) -> tuple[list[tuple[str, str]], str | None]:
    """Split headers of which some go on in the next row, which starts with a blank (section 7.3.1)."""
    whole: list[list[str]] = []
    for row in rows[1:]:
        if whole and row[:1] in _BLANK:
            whole[-1].append(row.strip(" \t"))
        else:
            whole.append([row])
    lines = []
    for parts in whole:
        name, colon, value = " ".join(parts).partition(":")
        known = _read_name(name, colon)
        if known is None:
            flaw = flaw or "Malformed header field"
        else:
            lines.append((known, value.strip(" \t")))
    return lines, flaw


def _read_name(name: str, colon: str) -> str | None:
    """Return the usual spelling of a header name; None when it is none. Blanks may precede the colon, nothing else."""
    name = name.rstrip(" \t")
    return canonical(name) if colon and _token.fullmatch(name) is not None else None


def _read_start(line: str, headers: Headers) -> Request | Response:
    """Tell request from response; a line that is neither is no SIP."""
    match = _quick_request.fullmatch(line)
    if match is not None:
        return Request(match[1], match[2], headers)
    if line[:4].upper() == "SIP/":
        version, _, rest = line.partition(" ")
        status, _, reason = rest.partition(" ")
        if version.upper() != "SIP/2.0" or _status.fullmatch(status) is None:
            raise BadMessage("Malformed status line")
        return Response(int(status), reason, headers)
    method, _, rest = line.partition(" ")
    uri, _, version = rest.rstrip(" \t").rpartition(" ")
    if _token.fullmatch(method) is None or _version.fullmatch(version) is None:
        raise BadMessage("Not a SIP message")
    # The flaws of a request line are found by `_check`: the request can be answered all the same.
    if not rest.endswith(version):
        uri += " "
    return Request(method, uri, headers, version=version.upper())


def _read_length(headers: Headers) -> tuple[int | None, str | None]:
    """Return the promised length of the body (None without promise), and what is wrong with the promise."""
    first = headers.first()
    value = first.get("Content-Length")
    if value is None:
        return None, None
    if len(first) != len(headers.lines) and len(headers.get_all("Content-Length")) > 1:
        return None, "More than one Content-Length"
    try:
        return parse_number(value), None
    except BadHeader:
        return None, "Malformed Content-Length"


def _judge(message: Request | Response, flaw: str | None) -> Request | Response | SipError:
    try:
        return _accept(message, flaw)
    except SipError as error:
        return error


def _accept(message: Request | Response, flaw: str | None) -> Request | Response:
    """Return the message when it is sound, or raise what is wrong with it."""
    if isinstance(message, Request) and message.version != "SIP/2.0":
        raise _reject(message, 505, REASON[505])
    if flaw is not None:
        raise _reject(message, 400, flaw)
    try:
        _check_headers(message)
        if isinstance(message, Request):
            _check_request(message)
    except BadHeader as error:
        raise _reject(message, error.status, error.reason) from None
    return message


def _reject(message: Request | Response, status: int, reason: str) -> SipError:
    """Say how a broken message is taken: a response and an ACK are never answered."""
    if isinstance(message, Response) or message.method == "ACK":
        return BadMessage(reason)
    return BadRequest(status, reason, message)


def _check_headers(message: Message) -> None:
    """Check what requests and responses have in common: mandatory headers once, and addresses that can be read.

    What had to be understood for that is kept: whoever gets the message asks for nearly all of it.
    """
    headers, cache = message.headers, message.headers.cache
    first = headers.first()
    if len(first) != len(headers.lines):
        _check_single(headers)
    try:
        via, from_, to, call_id, cseq = _mandatory(first)
    except KeyError as missing:
        raise BadHeader(f"Missing {missing.args[0]}") from None
    if not call_id or " " in call_id or "\t" in call_id:
        raise BadHeader("Malformed Call-ID")
    cache["CSeq"] = CSeq.parse(cseq)
    cache["Via"] = Via.parse_list([via])[0] if "," in via else Via.parse(via)
    cache["From"] = Address.parse(from_)
    cache["To"] = Address.parse(to)
    for name in _ADDRESSES:
        if name in first:
            _check_addresses(headers, name)


def _check_addresses(headers: Headers, name: str) -> None:
    values = headers.get_all(name)
    if name == "Contact" and values == ["*"]:
        return
    headers.cache[name] = Address.parse_list(values)


def _check_single(headers: Headers) -> None:
    seen: set[str] = set()
    for name, _ in headers.lines:
        if name in _SINGLE:
            if name in seen:
                raise BadHeader(f"More than one {name}")
            seen.add(name)


def _check_request(request: Request) -> None:
    """Check what only requests have (section 8.2): Request-URI, method, hops left, date."""
    first = request.headers.first()
    if request.cseq.method != request.method:
        raise BadHeader("CSeq method differs from the request")
    if "Max-Forwards" in first and _quick_hops.fullmatch(first["Max-Forwards"]) is None:
        parse_number(first["Max-Forwards"], 255)
    if "Date" in first:
        parse_date(first["Date"])
    if request.method == "REGISTER" and not request.to.uri.is_sip:
        raise BadHeader("To of a registration must be a SIP URI")
    _check_uri(request)


def _check_uri(request: Request) -> None:
    """Read the Request-URI: SIP and telephone numbers pass, other schemes get 416 (section 8.2.2.1)."""
    uri = request.uri
    if uri.opaque is not None and uri.scheme != "tel":
        raise BadUri(REASON[416], 416)
    if uri.headers:
        raise BadUri("Headers in the Request-URI")
