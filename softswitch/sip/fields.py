"""Header values with a shape of their own (RFC 3261 section 20), each with `parse` and `__str__`."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from softswitch.sip.errors import BadHeader
from softswitch.sip.grammar import (
    LWS,
    QUOTED,
    TOKEN,
    format_params,
    parse_params,
    parse_tokens,
    quote,
    split_list,
    unquote,
)
from softswitch.sip.uri import HOST, LONGEST_REMEMBERED, REMEMBERED, parse_host, parse_port

__all__ = [
    "MAGIC_COOKIE",
    "CSeq",
    "Challenge",
    "ContentType",
    "Credentials",
    "Event",
    "RAck",
    "Reason",
    "RetryAfter",
    "Via",
    "parse_date",
    "parse_number",
    "parse_tokens",
]

MAGIC_COOKIE = "z9hG4bK"
"""A branch that starts so is unique across space and time (RFC 3261 section 8.1.1.7)."""

# via-parm = protocol-name SLASH protocol-version SLASH transport LWS sent-by *( SEMI via-params )
_via = re.compile(
    rf"{LWS}{TOKEN}{LWS}/{LWS}({TOKEN}){LWS}/{LWS}({TOKEN})[ \t]++({HOST})(?>(?:{LWS}:{LWS}([0-9]{{1,5}}+))?)(.*+)",
    re.DOTALL,
)
# CSeq = 1*DIGIT LWS Method; below 2**31 by section 8.1.1.5, up to 2**32-1 is only refused beyond
_cseq = re.compile(rf"{LWS}([0-9]++)[ \t]++({TOKEN}){LWS}")
_media_type = re.compile(rf"{LWS}({TOKEN}){LWS}/{LWS}({TOKEN})(.*+)", re.DOTALL)
_scheme = re.compile(rf"{LWS}({TOKEN})(?>(?:[ \t]++(.*+))?)", re.DOTALL)
# auth-param = token EQUAL ( token / quoted-string ); a nonce may come bare with "=" and "/" in it
_AUTH_PARAM = rf'{LWS}({TOKEN}){LWS}={LWS}({QUOTED}|[^\x00-\x20\x7f,"]*+){LWS}'
_auth_param = re.compile(_AUTH_PARAM)
_auth_params = re.compile(rf"(?>(?:{_AUTH_PARAM}(?:,|$))*)")
_nonce_count = re.compile(r"[0-9A-Fa-f]{1,16}")
_rack = re.compile(rf"{LWS}([0-9]++)[ \t]++([0-9]++)[ \t]++({TOKEN}){LWS}")
_head_params = re.compile(rf"{LWS}({TOKEN})(.*+)", re.DOTALL)
_retry_after = re.compile(rf"{LWS}([0-9]++){LWS}(?>(?:\(([^()]*+)\))?)(.*+)", re.DOTALL)
# SIP-date = rfc1123-date, and only in GMT (section 20.17)
_date = re.compile(
    rf"{LWS}[A-Za-z]{{3}}, ([0-9]{{1,2}}) ([A-Za-z]{{3}}) ([0-9]{{4}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT{LWS}"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# Parameters of Digest that go without quotes (RFC 3261 section 25.1).
_BARE_IN_CHALLENGE = frozenset(("algorithm", "stale", "userhash"))
_BARE_IN_CREDENTIALS = frozenset(("algorithm", "qop", "nc", "userhash"))

MAX_NUMBER = 2**32 - 1


def parse_number(text: str, limit: int = MAX_NUMBER) -> int:
    """Read a decimal number with any leading zeros, from 0 to the limit."""
    if text.isdigit() and len(text) < 10 and text.isascii() and (number := int(text)) <= limit:
        return number
    digits = text.strip(" \t")
    if not (digits.isascii() and digits.isdigit()):
        raise BadHeader("Not a number")
    if len(digits) > 10:
        digits = digits.lstrip("0") or "0"
    if len(digits) > 20 or (number := int(digits)) > limit:
        raise BadHeader("Number out of range")
    return number


@dataclass(slots=True)
class Via:
    """One hop that a request took, and how its answer finds back."""

    transport: str
    """Upper case as in the header: "UDP", "TCP", "TLS" ..."""
    host: str
    """Sent-by host without brackets."""
    port: int | None = None
    params: dict[str, str | None] = field(default_factory=dict)
    version: str = "2.0"

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Read exactly one hop."""
        match = _via.fullmatch(text)
        if match is None:
            raise BadHeader("Malformed Via")
        version, transport, host, port, params = match.groups()
        return cls(
            transport.upper(), parse_host(host), parse_port(port) if port else None, parse_params(params), version
        )

    @classmethod
    def parse_list(cls, values: list[str]) -> list["Via"]:
        """Read all hops, the nearest first."""
        return [cls.parse(item) for value in values for item in split_list(value)]

    @property
    def branch(self) -> str | None:
        """Identifier of the transaction."""
        return self.params.get("branch")

    @property
    def received(self) -> str | None:
        """Address that the next hop saw, without brackets (RFC 5118 section 4.5: both ways are in use)."""
        received = self.params.get("received")
        return received.strip("[]") if received else None

    @property
    def rport(self) -> int | None:
        """Port that the next hop saw; None when it is not filled in (see `wants_rport`)."""
        rport = self.params.get("rport")
        return int(rport) if rport and rport.isascii() and rport.isdigit() and len(rport) <= 5 else None

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asked for answers to its source port (RFC 3581)."""
        return "rport" in self.params

    @property
    def sent_by(self) -> str:
        """Host and port as one comparable text; the port only when it was written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host.lower() if self.port is None else f"{host.lower()}:{self.port}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/{self.version}/{self.transport} {host}{port}{format_params(self.params)}"


class CSeq(NamedTuple):
    """Place of a request in the order of its dialog."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Read number and method; the number has at most 32 bits."""
        return _recall_cseq(text) if len(text) <= LONGEST_REMEMBERED else _parse_cseq(text)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def _parse_cseq(text: str) -> CSeq:
    match = _cseq.fullmatch(text)
    if match is None:
        raise BadHeader("Malformed CSeq")
    return CSeq(parse_number(match[1]), match[2])


_recall_cseq = lru_cache(REMEMBERED)(_parse_cseq)


@dataclass(slots=True)
class ContentType:
    """Kind of a body."""

    type: str
    """Type and subtype in lower case: "application/sdp"."""
    params: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "ContentType":
        """Read a media type with its parameters."""
        match = _media_type.fullmatch(text)
        if match is None:
            raise BadHeader("Malformed Content-Type")
        return cls(f"{match[1]}/{match[2]}".lower(), parse_params(match[3]))

    def __str__(self) -> str:
        return f"{self.type}{format_params(self.params)}"


@dataclass(slots=True)
class Challenge:
    """WWW-Authenticate or Proxy-Authenticate: what a server wants to see proven."""

    scheme: str
    """As written; compare in lower case."""
    params: dict[str, str] = field(default_factory=dict)
    """Names in lower case, values without quotes. Empty when the scheme is not one of name=value."""

    @classmethod
    def parse(cls, text: str) -> "Challenge":
        """Read one challenge (each has a header of its own in SIP)."""
        return cls(*_parse_authentication(text))

    @property
    def is_digest(self) -> bool:
        """Whether the scheme is Digest."""
        return self.scheme.lower() == "digest"

    @property
    def realm(self) -> str:
        """Whose password is asked for; empty when missing."""
        return self.params.get("realm", "")

    @property
    def nonce(self) -> str:
        """The server's number used once; empty when missing."""
        return self.params.get("nonce", "")

    @property
    def opaque(self) -> str | None:
        """What the server wants to get back unchanged."""
        return self.params.get("opaque")

    @property
    def algorithm(self) -> str:
        """Hash in upper case; MD5 when nothing is said."""
        return self.params.get("algorithm", "MD5").upper()

    @property
    def qop(self) -> list[str]:
        """Qualities of protection to choose from; empty in the form of RFC 2069."""
        return [item.strip(" \t").lower() for item in self.params.get("qop", "").split(",") if item.strip(" \t")]

    @property
    def stale(self) -> bool:
        """Whether only the nonce was too old."""
        return self.params.get("stale", "").lower() == "true"

    def __str__(self) -> str:
        return _format_authentication(self.scheme, self.params, _BARE_IN_CHALLENGE)


@dataclass(slots=True)
class Credentials:
    """Authorization or Proxy-Authorization: the proof."""

    scheme: str
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """Read one set of credentials."""
        return cls(*_parse_authentication(text))

    @property
    def is_digest(self) -> bool:
        """Whether the scheme is Digest."""
        return self.scheme.lower() == "digest"

    @property
    def username(self) -> str:
        """Who wants in; empty when missing."""
        return self.params.get("username", "")

    @property
    def realm(self) -> str:
        """For which realm; empty when missing."""
        return self.params.get("realm", "")

    @property
    def nonce(self) -> str:
        """The nonce that was answered; empty when missing."""
        return self.params.get("nonce", "")

    @property
    def uri(self) -> str:
        """The request URI as the client hashed it; empty when missing."""
        return self.params.get("uri", "")

    @property
    def response(self) -> str:
        """The proof in hexadecimal digits, lower case; empty when missing."""
        return self.params.get("response", "").lower()

    @property
    def algorithm(self) -> str:
        """Hash in upper case; MD5 when nothing is said."""
        return self.params.get("algorithm", "MD5").upper()

    @property
    def opaque(self) -> str | None:
        """What the challenge gave along."""
        return self.params.get("opaque")

    @property
    def cnonce(self) -> str | None:
        """The client's own number used once."""
        return self.params.get("cnonce")

    @property
    def qop(self) -> str | None:
        """Chosen quality of protection in lower case; None in the form of RFC 2069."""
        qop = self.params.get("qop")
        return qop.lower() if qop else None

    @property
    def nc(self) -> str | None:
        """Count of uses of the nonce as written, eight hexadecimal digits by the book."""
        return self.params.get("nc")

    @property
    def nonce_count(self) -> int | None:
        """Count of uses of the nonce, or None when it is missing or no number."""
        nc = self.params.get("nc", "")
        return int(nc, 16) if _nonce_count.fullmatch(nc) else None

    def __str__(self) -> str:
        return _format_authentication(self.scheme, self.params, _BARE_IN_CREDENTIALS)


@dataclass(slots=True)
class RAck:
    """Which provisional response a PRACK acknowledges (RFC 3262 section 7.2)."""

    response_number: int
    cseq_number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "RAck":
        """Read the numbers of the response and of its request, and the method."""
        match = _rack.fullmatch(text)
        if match is None:
            raise BadHeader("Malformed RAck")
        return cls(parse_number(match[1]), parse_number(match[2]), match[3])

    def __str__(self) -> str:
        return f"{self.response_number} {self.cseq_number} {self.method}"


@dataclass(slots=True)
class Reason:
    """Why a request was sent (RFC 3326)."""

    protocol: str
    """"SIP" or "Q.850"."""
    cause: int | None = None
    text: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reason":
        """Read one reason; a cause that is no number counts as missing."""
        match = _head_params.fullmatch(text)
        if match is None:
            raise BadHeader("Malformed Reason")
        params = parse_params(match[2])
        cause = params.get("cause") or ""
        number = int(cause) if cause.isascii() and cause.isdigit() and len(cause) <= 5 else None
        return cls(match[1], number, params.get("text"))

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{text}"


@dataclass(slots=True)
class RetryAfter:
    """When to try again."""

    seconds: int
    comment: str | None = None
    params: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "RetryAfter":
        """Read seconds, an optional comment in parentheses, and parameters."""
        match = _retry_after.fullmatch(text)
        if match is None:
            raise BadHeader("Malformed Retry-After")
        return cls(parse_number(match[1]), match[2], parse_params(match[3]))

    def __str__(self) -> str:
        comment = "" if self.comment is None else f" ({self.comment})"
        return f"{self.seconds}{comment}{format_params(self.params)}"


@dataclass(slots=True)
class Event:
    """Package of a subscription (RFC 6665 section 8.2.1)."""

    package: str
    """As written: packages are compared with letter case."""
    params: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Event":
        """Read package and parameters."""
        match = _head_params.fullmatch(text)
        if match is None:
            raise BadHeader("Malformed Event")
        return cls(match[1], parse_params(match[2]))

    @property
    def id(self) -> str | None:
        """What tells two subscriptions of one dialog apart."""
        return self.params.get("id")

    def __str__(self) -> str:
        return f"{self.package}{format_params(self.params)}"


def parse_date(text: str) -> datetime:
    """Read a Date header."""
    match = _date.fullmatch(text)
    if match is None or match[2].lower() not in _MONTHS:
        raise BadHeader("Malformed Date")
    day, _, year, hour, minute, second = match.groups()
    try:
        month = _MONTHS.index(match[2].lower()) + 1
        return datetime(int(year), month, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    except ValueError:
        raise BadHeader("Malformed Date") from None


def _parse_authentication(text: str) -> tuple[str, dict[str, str]]:
    """Read scheme and parameters; of a scheme that is not made of name=value only the name is kept."""
    match = _scheme.fullmatch(text)
    if match is None:
        raise BadHeader("Malformed authentication")
    scheme, rest = match[1], match[2] or ""
    if _auth_params.fullmatch(rest) is None:
        if scheme.lower() == "digest":
            raise BadHeader("Malformed digest parameters")
        return scheme, {}
    params: dict[str, str] = {}
    for name, value in _auth_param.findall(rest):
        params.setdefault(name.lower(), unquote(value) if value[:1] == '"' else value)
    return scheme, params


def _format_authentication(scheme: str, params: dict[str, str], bare: frozenset[str]) -> str:
    pairs = [f"{name}={value if name in bare else quote(value)}" for name, value in params.items()]
    return f"{scheme} {', '.join(pairs)}"
