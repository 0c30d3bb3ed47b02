"""Session descriptions (RFC 8866): read with bounds, kept line by line, written as they came."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

from softswitch.sip.errors import BadSdp

MAX_LINES = 2048
MAX_MEDIA = 64
"""Media sections of one description."""
MAX_FORMATS = 128
"""Payload types of one media section: RTP has no more."""

_PAYLOAD_TYPES = {str(number): number for number in range(128)}
"""RTP payload types as written: the header has seven bits for them (RFC 3550 section 5.1)."""

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""What a line may begin with: the letter of its type, and "=" behind it."""
# m=<media> <port>[/<number of ports>] <proto> <fmt> ... ; the formats may be missing in a section that is switched off
_media = re.compile(
    r"([A-Za-z0-9\-.+]++) ++([0-9]{1,5})(?:/([0-9]{1,5}))? ++([A-Za-z0-9\-./+]++)((?>(?: ++[!-~]++)*)) *+"
)
_rtpmap = re.compile(r"([0-9]{1,3}) ++([A-Za-z0-9\-_.+]++)/([0-9]{1,6})(?:/([0-9]{1,2}))?(?:[^0-9].*)?", re.DOTALL)
_connection = re.compile(r"IN ++(IP4|IP6) ++([^\s/]++)(?:/\S*+)? *+")
_origin = re.compile(r"(\S++) ++([0-9]{1,20}) ++([0-9]{1,20}) ++(IN) ++(IP4|IP6) ++(\S++) *+")


@dataclass(slots=True)
class Origin:
    """o=: who made the description, and which version of it this is."""

    username: str
    session_id: int
    version: int
    family: str
    """"IP4" or "IP6"."""
    address: str

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read the value of an o= line."""
        match = _origin.fullmatch(text)
        if match is None:
            raise BadSdp("Malformed o= line")
        return cls(match[1], int(match[2]), int(match[3]), match[5], match[6])

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.version} IN {self.family} {self.address}"


@dataclass(slots=True)
class Connection:
    """c=: where media goes to."""

    family: str
    """"IP4" or "IP6"."""
    address: str
    """Without time to live or count."""

    @classmethod
    def parse(cls, text: str) -> "Connection":
        """Read the value of a c= line."""
        match = _connection.fullmatch(text)
        if match is None:
            raise BadSdp("Malformed c= line")
        return cls(match[1], match[2])

    @property
    def is_unspecified(self) -> bool:
        """Whether this is 0.0.0.0 or ::, the way of RFC 2543 to put somebody on hold."""
        try:
            return ip_address(self.address).is_unspecified
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"IN {self.family} {self.address}"


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a payload type stands for."""

    name: str
    """As written; compared without letter case."""
    clock_rate: int
    """Hz, as the timestamps count."""
    channels: int = 1

    def is_same(self, other: "Encoding") -> bool:
        """Whether both are one encoding."""
        if self.clock_rate != other.clock_rate or self.channels != other.channels:
            return False
        return self.name == other.name or self.name.upper() == other.name.upper()

    def __str__(self) -> str:
        return f"{self.name}/{self.clock_rate}" + (f"/{self.channels}" if self.channels != 1 else "")


# Payload types that need no rtpmap (RFC 3551 table 4); G722 counts its clock at half its rate by an old mistake.
STATIC = {
    0: Encoding("PCMU", 8000),
    3: Encoding("GSM", 8000),
    4: Encoding("G723", 8000),
    8: Encoding("PCMA", 8000),
    9: Encoding("G722", 8000),
    13: Encoding("CN", 8000),
    15: Encoding("G728", 8000),
    18: Encoding("G729", 8000),
}


def _read_rtpmap(text: str) -> tuple[int, Encoding] | None:
    """Read the value of an a=rtpmap line; None when it makes no sense."""
    match = _rtpmap.fullmatch(text)
    return None if match is None else (int(match[1]), Encoding(match[2], int(match[3]), int(match[4] or 1)))


LONGEST_REMEMBERED = 64
"""Characters; the few lines that all phones write are read once."""
_recall_rtpmap = lru_cache(512)(_read_rtpmap)


class _Lines:
    """Lines of one level, in order, with what both levels can say."""

    lines: list[tuple[str, str]]

    def value(self, letter: str) -> str | None:
        """Return the first line of that type, without type and equals sign."""
        return next((value for kind, value in self.lines if kind == letter), None)

    def attributes(self, name: str) -> list[str]:
        """Return the values of all a=name:value lines, the empty text for a=name."""
        found = []
        for kind, text in self.lines:
            if kind == "a" and text.startswith(name):
                label, _, value = text.partition(":")
                if label == name:
                    found.append(value)
        return found

    @property
    def connection(self) -> Connection | None:
        """The c= line of this level."""
        value = self.value("c")
        return None if value is None else Connection.parse(value)

    @property
    def direction(self) -> str | None:
        """Direction that this level states; the last of several."""
        stated = [value for kind, value in self.lines if kind == "a" and value in DIRECTIONS]
        return stated[-1] if stated else None


@dataclass(slots=True)
class MediaSection(_Lines):
    """An m= line and what belongs to it."""

    kind: str
    """"audio", "video", "image" ..."""
    port: int
    """0 means refused or switched off."""
    protocol: str
    formats: list[str]
    lines: list[tuple[str, str]] = field(default_factory=list)
    """All other lines as (type letter, value), in order."""
    port_count: int | None = None

    @classmethod
    def parse(cls, text: str) -> "MediaSection":
        """Read the value of an m= line."""
        match = _media.fullmatch(text)
        if match is None:
            raise BadSdp("Malformed m= line")
        kind, port, count, protocol, rest = match.groups()
        formats = rest.split()
        if int(port) > 65535 or len(formats) > MAX_FORMATS or (not formats and int(port)):
            raise BadSdp("Port or formats of an m= line out of range")
        if protocol.upper().startswith(("RTP/", "UDP/TLS/RTP/")) and not _PAYLOAD_TYPES.keys() >= set(formats):
            raise BadSdp("Payload type out of range")
        return cls(kind.lower(), int(port), protocol, formats, port_count=int(count) if count else None)

    @property
    def payload_types(self) -> list[int]:
        """RTP payload types in order of preference, each once."""
        return list(dict.fromkeys(_PAYLOAD_TYPES[text] for text in self.formats if text in _PAYLOAD_TYPES))

    @property
    def encodings(self) -> dict[int, Encoding]:
        """Payload types of this section in order of preference; those without meaning are left out."""
        mapped: dict[int, Encoding] = {}
        for text in self.attributes("rtpmap"):
            known = _recall_rtpmap(text) if len(text) <= LONGEST_REMEMBERED else _read_rtpmap(text)
            if known is not None:
                mapped.setdefault(*known)
        found: dict[int, Encoding] = {}
        for number in self.payload_types:
            encoding = mapped.get(number) or STATIC.get(number)
            if encoding is not None:
                found[number] = encoding
        return found

    @property
    def parameters(self) -> dict[int, str]:
        """Format parameters (a=fmtp) by payload type."""
        found: dict[int, str] = {}
        for text in self.attributes("fmtp"):
            number, _, value = text.partition(" ")
            if number in _PAYLOAD_TYPES:
                found.setdefault(_PAYLOAD_TYPES[number], value.strip(" "))
        return found

    @property
    def ptime(self) -> int | None:
        """Milliseconds of one packet as wished by the receiver of this media; None when unsaid or senseless."""
        for value in self.attributes("ptime"):
            digits = value.strip(" ").partition(".")[0]
            if digits.isascii() and digits.isdigit() and len(digits) <= 4 and int(digits):
                return int(digits)
        return None

    def __str__(self) -> str:
        count = "" if self.port_count is None else f"/{self.port_count}"
        head = f"m={self.kind} {self.port}{count} {self.protocol} {' '.join(self.formats)}\r\n"
        return head + _format_lines(self.lines)


@dataclass(slots=True)
class Sdp(_Lines):
    """A whole description."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    """Session level lines without v=, as (type letter, value), in order."""
    media: list[MediaSection] = field(default_factory=list)

    @classmethod
    def parse(cls, body: bytes) -> "Sdp":
        """Read a description; lines that we do not know stay where they are, missing s= and t= are forgiven."""
        text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
        rows = text.split("\n")
        if rows[0].rstrip(" ") != "v=0":
            raise BadSdp("Not a session description")
        if len(rows) > MAX_LINES:
            raise BadSdp("Too many lines")
        sdp = cls()
        lines = sdp.lines
        for row in rows[1:]:
            letter, equals, value = row.partition("=")
            if not equals or letter not in _LETTERS:
                raise BadSdp("Malformed line")
            if letter == "m":
                if len(sdp.media) == MAX_MEDIA:
                    raise BadSdp("Too many media sections")
                sdp.media.append(MediaSection.parse(value))
                lines = sdp.media[-1].lines
                continue
            lines.append((letter, value))
        return sdp

    @property
    def origin(self) -> Origin:
        """The o= line."""
        value = self.value("o")
        if value is None:
            raise BadSdp("Missing o= line")
        return Origin.parse(value)

    def connection_of(self, section: MediaSection) -> Connection:
        """Return where the media of a section goes to."""
        connection = section.connection or self.connection
        if connection is None:
            raise BadSdp("Missing c= line")
        return connection

    def direction_of(self, section: MediaSection) -> str:
        """Return the direction of a section as its author sees it."""
        return section.direction or self.direction or "sendrecv"

    def to_bytes(self) -> bytes:
        """Write the description."""
        return str(self).encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return "v=0\r\n" + _format_lines(self.lines) + "".join(map(str, self.media))


def _format_lines(lines: list[tuple[str, str]]) -> str:
    return "".join([f"{kind}={value}\r\n" for kind, value in lines])
