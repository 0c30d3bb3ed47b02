"""SIP and SIPS URIs (RFC 3261 section 19.1); every other scheme is kept as opaque text."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote, unquote

from softswitch.sip.errors import BadUri
from softswitch.sip.grammar import MAX_VALUE

# Anything that cannot be inside a URI at all: spaces, controls, brackets, quotes.
_VISIBLE = r'\x00-\x20\x7f<>"'
HOST = r"(?:\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9_.\-]++)"
# SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]; the user part is wider than the RFC's,
# because phones dial "#" without escaping it.
_sip_uri = re.compile(
    rf"(?:([^@:{_VISIBLE}]++)(?>(?::([^@{_VISIBLE}]*+))?)@)?"
    rf"({HOST})(?>(?::([0-9]{{1,5}}+))?)(?>(?:;([^?{_VISIBLE}]*+))?)(?>(?:\?([^{_VISIBLE}]*+))?)"
)
_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+")
_opaque = re.compile(rf"[^{_VISIBLE}]++")
_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})")

# unreserved, user-unreserved, param-unreserved, hnv-unreserved: what needs no escape in each place
_UNRESERVED = "-_.!~*'()"
_USER = _UNRESERVED + "&=+$,;?/"
_PARAM = _UNRESERVED + "[]/:&+$"
_HEADER = _UNRESERVED + "[]/?:+$"
_plain_user = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]++")
_plain_param = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++")

REMEMBERED = 4096
"""How many texts are kept with what they mean: phones write the same few addresses again and again."""
LONGEST_REMEMBERED = 128
"""Characters; what is longer is read each time, so that nobody can fill the memory."""

# RFC 3261 section 19.1.4: a URI that has one of these never equals a URI that has it not.
_DISTINGUISHING = frozenset(("user", "ttl", "method", "maddr", "transport"))


@dataclass(slots=True)
class Uri:
    """One URI. A value taken from a message is shared with that message: build a new one instead of changing it."""

    scheme: str
    """Lower case."""
    user: str | None = None
    """Without escapes: may hold any character, also "@" and NUL."""
    password: str | None = None
    """As written, still escaped."""
    host: str = ""
    """As written, without brackets; empty for schemes other than sip and sips."""
    port: int | None = None
    params: dict[str, str | None] = field(default_factory=dict)
    """Names in lower case; names and values without escapes."""
    headers: dict[str, str] = field(default_factory=dict)
    """What follows the "?", without escapes."""
    opaque: str | None = None
    """Everything behind the colon, for schemes other than sip and sips."""

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Read one URI without brackets around it."""
        return _recall(text) if len(text) <= LONGEST_REMEMBERED else _parse(text)

    @property
    def is_sip(self) -> bool:
        """Whether this is a SIP or SIPS URI."""
        return self.opaque is None

    def matches(self, other: "Uri") -> bool:
        """Compare as RFC 3261 section 19.1.4 says; not transitive, therefore not `==`."""
        if self.opaque is not None or other.opaque is not None:
            return self.scheme == other.scheme and self.opaque == other.opaque
        if (self.scheme, self.user, self.password, self.port) != (other.scheme, other.user, other.password, other.port):
            return False
        if self.host.lower() != other.host.lower() or not _same_params(self.params, other.params):
            return False
        return _fold_case(self.headers) == _fold_case(other.headers)

    def __str__(self) -> str:
        if self.opaque is not None:
            return f"{self.scheme}:{self.opaque}"
        text = f"[{self.host}]" if ":" in self.host else self.host
        if self.user is not None:
            user = self.user if _plain_user.fullmatch(self.user) else _escape(self.user, _USER)
            text = f"{user}@{text}" if self.password is None else f"{user}:{self.password}@{text}"
        if self.port is not None:
            text = f"{text}:{self.port}"
        if self.params:
            text += _format_params(self.params)
        if self.headers:
            pairs = [f"{_escape(name, _HEADER)}={_escape(value, _HEADER)}" for name, value in self.headers.items()]
            text += "?" + "&".join(pairs)
        return f"{self.scheme}:{text}"


def _parse(text: str) -> Uri:
    if len(text) > MAX_VALUE:
        raise BadUri("URI too long")
    scheme, colon, rest = text.partition(":")
    if scheme != "sip":
        scheme = scheme.lower()
        if scheme not in ("sip", "sips"):
            return _parse_opaque(scheme, colon, rest)
    match = _sip_uri.fullmatch(rest)
    if match is None:
        raise BadUri("Malformed SIP URI")
    user, password, host, port, params, headers = match.groups()
    if "%" in rest:
        if _bad_escape.search(rest) is not None:
            raise BadUri("Malformed escape in URI")
        if user is not None:
            user = unquote(user, errors="surrogateescape")
    return Uri(
        scheme,
        user,
        password,
        parse_host(host),
        None if port is None else parse_port(port),
        {} if params is None else _parse_params(params),
        {} if headers is None else _parse_headers(headers),
    )


_recall = lru_cache(REMEMBERED)(_parse)


def parse_host(text: str) -> str:
    """Take the brackets off an IPv6 reference after a look inside; any other host stays as it is.

    The grammar of RFC 3261 lets ":::" through by mistake (RFC 5118 section 4.10): it is read as "::".
    """
    if text[0] != "[":
        return text
    try:
        IPv6Address(text[1:-1].replace(":::", "::"))
    except AddressValueError:
        raise BadUri("Malformed IPv6 address") from None
    return text[1:-1].replace(":::", "::")


def parse_port(text: str) -> int:
    """Read a port of at most five digits; 0 is nowhere to send to."""
    port = int(text)
    if not 0 < port < 65536:
        raise BadUri("Port out of range")
    return port


def _parse_opaque(scheme: str, colon: str, rest: str) -> Uri:
    if not colon or _scheme.fullmatch(scheme) is None or _opaque.fullmatch(rest) is None:
        raise BadUri("Malformed URI")
    return Uri(scheme, opaque=rest)


def _parse_params(text: str) -> dict[str, str | None]:
    params: dict[str, str | None] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if not name:
            raise BadUri("Empty URI parameter")
        if "%" in part:
            name, value = unquote(name, errors="surrogateescape"), unquote(value, errors="surrogateescape")
        params.setdefault(name.lower(), value if equals else None)
    return params


def _parse_headers(text: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise BadUri("Malformed header in URI")
        headers.setdefault(unquote(name, errors="surrogateescape"), unquote(value, errors="surrogateescape"))
    return headers


def _format_params(params: dict[str, str | None]) -> str:
    text = ""
    for name, value in params.items():
        text += ";" + (name if _plain_param.fullmatch(name) else _escape(name, _PARAM))
        if value is not None:
            text += "=" + (value if _plain_param.fullmatch(value) else _escape(value, _PARAM))
    return text


def _escape(text: str, safe: str) -> str:
    return quote(text, safe=safe, errors="surrogateescape")


def _same_params(ours: dict[str, str | None], theirs: dict[str, str | None]) -> bool:
    for name in ours.keys() | theirs.keys():
        if name in ours and name in theirs:
            if (ours[name] or "").lower() != (theirs[name] or "").lower():
                return False
        elif name in _DISTINGUISHING:
            return False
    return True


def _fold_case(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
