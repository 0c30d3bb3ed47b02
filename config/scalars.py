"""The single values of a configuration: addresses, port ranges, numbers, destinations.

Each is a small frozen value made from the text in the file, or a checked text. What is refused says what was expected.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from ipaddress import ip_address
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic.types import Strict
from pydantic_core import PydanticCustomError

from ivr.digits import Pattern
from ivr.errors import PatternError

T = TypeVar("T")

TONES = ("echo", "milliwatt", "music", "busy", "congestion", "dial", "ringback", "sit", "beep", "silence")
KINDS = (
    "phone", "group", "menu", "queue", "trunk", "conference", "tone", "refuse", "voicemail", "prompt", "hangup",
)  # fmt: skip
WILD = frozenset({"phone", "trunk", "voicemail"})
"""Kinds whose name may be `*`: the part of the dialled number that the pattern leaves open."""


def wrong(expected: str, value: object, hint: str | None = None) -> PydanticCustomError:
    """Make the error that says what was expected and what stands there instead."""
    return PydanticCustomError("wrong", "expected {expected}, got {got}", {
        "expected": expected, "got": show(value), "hint": hint,
    })  # fmt: skip


def show(value: object) -> str:
    """Write a value the way it stands in the file, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:56] + "..."


def closest(name: str, known: Iterable[str]) -> str | None:
    """Give the name that was probably meant: among equally near ones that with most letters in the same place."""

    def nearness(other: str) -> tuple[float, int]:
        same = sum(a == b for a, b in zip(name, other, strict=False))
        return SequenceMatcher(None, other, name).ratio(), same

    return max(get_close_matches(name, known, n=5, cutoff=0.6), key=nearness, default=None)


class Destination(NamedTuple):
    """Where a call goes: `kind:name` in the file."""

    kind: str
    """One of KINDS."""
    name: str
    """A number, a name, a status, `own`, or `*`; empty for `hangup`."""

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Read `queue:support`; the text was checked when the configuration was loaded."""
        kind, _, name = text.partition(":")
        return cls(kind, name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def check_destination(text: str) -> str:
    """Refuse a destination of an unknown kind or shape."""
    kind, colon, name = text.partition(":")
    if kind not in KINDS:
        hint = closest(kind, KINDS)
        meant = f"{hint}:{name}" if hint and name else hint
        raise wrong('a destination like "phone:101" or "queue:support"', text, meant)
    if kind == "hangup":
        if colon:
            raise wrong('"hangup" alone', text, "hangup")
        return text
    if not name:
        raise wrong(f'a name after "{kind}:"', text)
    if kind == "tone" and name not in TONES and not re.fullmatch(r"[1-9]\d{1,3}", name):
        hint = closest(name, TONES)
        raise wrong(f"a tone ({', '.join(TONES)}, or hertz)", text, f"tone:{hint}" if hint else None)
    if kind == "refuse" and not re.fullmatch(r"[4-6]\d\d", name):
        raise wrong("a SIP status from 400 to 699", text)
    return text


TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")
"""What SIP can be spoken over."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One socket on which SIP is spoken."""

    transport: str
    """One of `TRANSPORTS`."""
    host: str
    """An IPv4 or IPv6 address without brackets."""
    port: int
    """0 to 65535; 0 lets the system choose."""

    @property
    def loopback(self) -> bool:
        """Whether only programs on the same machine can reach it."""
        return ip_address(self.host).is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HostPort:
    """An address with a port; the port is 0 when none was given."""

    host: str
    """An address or a name, without brackets."""
    port: int
    """0 to 65535."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


@dataclass(frozen=True, slots=True)
class TrustedAddress:
    """Where calls of a trunk may come from."""

    host: str
    """An IP address without brackets."""
    port: int | None
    """None: any port."""

    def overlaps(self, other: "TrustedAddress") -> bool:
        """Whether a call could come from both."""
        return self.host == other.host and (self.port == other.port or None in (self.port, other.port))

    def __str__(self) -> str:
        return str(HostPort(self.host, self.port or 0))


@dataclass(frozen=True, slots=True)
class PortRange:
    """A range of UDP ports; both ends belong to it."""

    first: int
    """Even: RTP uses the even port of a pair, RTCP the odd one above it."""
    last: int
    """Odd."""

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


_HOST_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:\s/]+))(?::(?P<port>\d{1,5}))?")
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def parse_host_port(text: str, expected: str) -> HostPort:
    """Read `127.0.0.1:5070`, `[::1]:5070`, `sip.example.org` or `::1`."""
    if text.count(":") > 1 and _is_address(text):
        return HostPort(text, 0)
    found = _HOST_PORT.fullmatch(text)
    if found is None or int(found["port"] or 0) > 65535:
        raise wrong(expected, text)
    host = found["v6"] or found["host"]
    looks_numeric = found["v6"] or re.fullmatch(r"[\d.]+", host)
    if not (_is_address(host) if looks_numeric else _NAME.fullmatch(host)):
        raise wrong(expected, text)
    return HostPort(host, int(found["port"] or 0))


def _to_listener(value: Any) -> Any:
    if isinstance(value, Listener):
        return value
    expected = 'a listening address like "udp:127.0.0.1:5060" or "tls:[::1]:5061"'
    if not isinstance(value, str):
        raise wrong(expected, value)
    transport, _, rest = value.partition(":")
    if transport not in TRANSPORTS:
        hint = closest(transport, TRANSPORTS)
        raise wrong(expected, value, f"{hint}:{rest}" if hint else None)
    place = parse_host_port(rest, expected)
    if not _is_address(place.host) or not re.search(r"^[\d.]+:\d+$|\]:\d+$", rest):
        raise wrong(expected, value)
    return Listener(transport, place.host, place.port)


def _to_peer(value: Any) -> Any:
    if isinstance(value, HostPort):
        return value
    expected = 'a host or "host:port" like "127.0.0.1:5070"'
    if not isinstance(value, str):
        raise wrong(expected, value)
    return parse_host_port(value, expected)


def _to_ports(value: Any) -> Any:
    if isinstance(value, PortRange):
        return value
    expected = 'a range of ports like "20000-29999"'
    found = re.fullmatch(r"(\d{1,6}) ?- ?(\d{1,6})", value) if isinstance(value, str) else None
    if found is None:
        raise wrong(expected, value)
    first, last = int(found[1]), int(found[2])
    if first < 1024 or last > 65535:
        raise wrong("ports between 1024 and 65535", value)
    if first > last:
        raise wrong("the lower port first", value, f"{last}-{first}")
    first, last = first + first % 2, last - (last + 1) % 2
    if last < first:
        raise wrong("room for at least one pair of ports, the first one even", value)
    return PortRange(first, last)


def _to_trusted(value: Any) -> Any:
    if isinstance(value, TrustedAddress):
        return value
    expected = 'an address like "192.0.2.1" or "192.0.2.1:5060"'
    if not isinstance(value, str):
        raise wrong(expected, value)
    place = parse_host_port(value, expected)
    if not _is_address(place.host):
        raise wrong(expected, value)
    return TrustedAddress(str(ip_address(place.host)), place.port or None)


def _check_address(text: str) -> str:
    if not _is_address(text):
        raise wrong('an IP address like "127.0.0.1" or "::1"', text)
    return text


def _check_pattern(text: str) -> str:
    try:
        Pattern(text)
    except PatternError as error:
        raise PydanticCustomError(
            "wrong", 'expected a number or a pattern like "8xxx" or "0x.": {reason}', {"reason": str(error)}
        ) from None
    return text


def _check_caller(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9*#]{0,31}\*?|anonymous", text) or not text:
        raise wrong('a number, or the beginning of one like "+7495*"', text)
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Name = Annotated[str, StringConstraints(max_length=100)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")]
DialKey = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
FeatureCode = Annotated[str, StringConstraints(pattern=r"^[*#][0-9*#]{1,7}$")]
Dialled = Annotated[str, AfterValidator(_check_pattern)]
CallerMatch = Annotated[str, AfterValidator(_check_caller)]
Where = Annotated[str, AfterValidator(check_destination)]
Address = Annotated[str, AfterValidator(_check_address)]
Trusted = Annotated[TrustedAddress, BeforeValidator(_to_trusted)]
Listen = Annotated[Listener, BeforeValidator(_to_listener)]
Remote = Annotated[HostPort, BeforeValidator(_to_peer)]
Ports = Annotated[PortRange, BeforeValidator(_to_ports)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Pause = Annotated[float, Field(ge=0, le=86400)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Many = Annotated[tuple[T, ...], Strict(False)]
