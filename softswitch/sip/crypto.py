"""Keys of SRTP in session descriptions: a=crypto (RFC 4568), as far as telephones use it.

    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20

A line that we cannot honour to the letter is not chosen: one with an MKI, with several keys, with another suite, or
with a session parameter that weakens it. Whoever offers nothing else is refused. Keys are in no `repr`, no error and
no log; `to_value` is the one place that writes them.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from softswitch.sip.errors import NotAcceptable

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""What we do, the better liked first (RFC 4568 section 6.2). Both have a master key of 16 octets and a salt of 14."""
KEY_SIZE = 30
MAX_LINES = 64
"""a=crypto lines of one section."""
MIN_LIFETIME = 1 << 20
"""Packets: 5.8 hours at 50 a second. Nobody changes keys in a call, so a key that lasts shorter is not for us."""
INCOMPATIBLE_TRANSPORT = 302
"""Code of the Warning header (RFC 3261 section 20.43)."""

SrtpPolicy = Literal["off", "preferred", "required"]

# With or without early feedback, which nobody has to send. Never a secure profile as if it were plain.
_PLAIN = frozenset(("RTP/AVP", "RTP/AVPF"))
_SECURE = frozenset(("RTP/SAVP", "RTP/SAVPF"))

# tag 1*WSP crypto-suite 1*WSP key-params *(1*WSP session-param); tag = 1*9DIGIT (RFC 4568 section 9.1)
_line = re.compile(r"([0-9]{1,9}) ++([A-Za-z0-9_]{1,64}) ++(\S++)((?>(?: ++\S++)*)) *+")
# inline:<key||salt>[|lifetime][|MKI:length]; lifetime = ["2^"] 1*DIGIT (RFC 4568 sections 6.1 and 9.2)
_inline = re.compile(r"(?i:inline):([A-Za-z0-9+/=]++)(?:\|(2\^)?([0-9]{1,15}))?")
# The one session parameter that asks for nothing: the size of a window that the other side may use (section 6.3.6).
_harmless = re.compile(r"WSH=[0-9]{2,4}|-.*")


@dataclass(frozen=True, slots=True)
class Crypto:
    """One a=crypto line that we could use."""

    tag: int
    """Its number, by which an answer names it."""
    suite: str
    """One of SUITES."""
    key: bytes = field(repr=False)
    """Master key and master salt of whoever writes the line: what he sends is made with it. KEY_SIZE octets."""

    @classmethod
    def parse(cls, value: str) -> "Crypto | None":
        """Read the value of an a=crypto line; None when it is not for us. Raises NotAcceptable for a broken key."""
        match = _line.fullmatch(value)
        if match is None or match[2] not in SUITES:
            return None
        inline = _inline.fullmatch(match[3])
        if inline is None or not _lasts(inline[2], inline[3]):
            return None
        if not all(_harmless.fullmatch(parameter) for parameter in match[4].split()):
            return None
        return cls(int(match[1]), match[2], _read_key(inline[1]))

    def to_value(self) -> str:
        """Write the value of an a=crypto line, key included."""
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What both sides agreed on."""

    suite: str
    send: bytes = field(repr=False)
    """Ours: master key and salt of what we send."""
    receive: bytes = field(repr=False)
    """The peer's."""


def make_key() -> bytes:
    """A master key and salt that nobody has had."""
    return secrets.token_bytes(KEY_SIZE)


def make_offer_lines() -> list[Crypto]:
    """All suites, a new key for each."""
    return [Crypto(tag, suite, make_key()) for tag, suite in enumerate(SUITES, 1)]


def read_lines(values: Sequence[str]) -> list[Crypto]:
    """The lines that we could use, in order, each tag once. Raises NotAcceptable when they are too many or broken."""
    if len(values) > MAX_LINES:
        raise NotAcceptable(f"More than {MAX_LINES} crypto lines", INCOMPATIBLE_TRANSPORT)
    found: dict[int, Crypto] = {}
    for value in values:
        crypto = Crypto.parse(value)
        if crypto is not None:
            found.setdefault(crypto.tag, crypto)
    return list(found.values())


def is_secure(protocol: str) -> bool:
    """Whether a profile demands encryption."""
    return protocol.upper() in _SECURE


def choose(protocol: str, values: Sequence[str], policy: SrtpPolicy) -> list[Crypto]:
    """The peer's keys that we could use, the better liked first; none for plain RTP.

    RTP/AVP with keys offers encryption without demanding it, so whoever requires it may take it, too.

    Parameters
    ----------
    protocol, values
        The profile of his section, and the values of its a=crypto lines.

    Raises
    ------
    NotAcceptable
        Profile, keys and policy do not meet, or a key is broken.
    """
    if protocol.upper() not in _PLAIN | _SECURE:
        raise NotAcceptable("Only RTP/AVP and RTP/SAVP are supported", INCOMPATIBLE_TRANSPORT)
    if policy == "off":
        if is_secure(protocol):
            raise NotAcceptable("Only plain RTP is supported", INCOMPATIBLE_TRANSPORT)
        return []
    cryptos = read_lines(values)
    if not cryptos and is_secure(protocol):
        raise NotAcceptable("No SRTP key that we can use", INCOMPATIBLE_TRANSPORT)
    if not cryptos and policy == "required":
        raise NotAcceptable("SRTP is required", INCOMPATIBLE_TRANSPORT)
    return cryptos


def answer(offered: Sequence[Crypto], agreed: SrtpKeys | None) -> SrtpKeys | None:
    """Take the first of the peer's keys, and ours for it (RFC 4568 section 5.1.2); None for plain RTP.

    `agreed` are the keys in use: ours stays while his stays.
    """
    if not offered:
        return None
    theirs = offered[0]
    if agreed is not None and (agreed.suite, agreed.receive) == (theirs.suite, theirs.key):
        return agreed
    return SrtpKeys(theirs.suite, make_key(), theirs.key)


def match_answer(offered: Sequence[Crypto], answered: Sequence[Crypto], values: Sequence[str]) -> SrtpKeys | None:
    """Understand the keys of an answer (RFC 4568 section 5.1.3); None for plain RTP.

    `values` are all its a=crypto lines, `answered` those of them that we could use. Raises NotAcceptable when they do
    not belong to the offer: the peer would send what we cannot read.
    """
    if not offered or not values:
        return None
    ours = next((one for one in offered if len(values) == len(answered) == 1 and one.tag == answered[0].tag), None)
    if ours is None or ours.suite != answered[0].suite:
        raise NotAcceptable("No SRTP key that belongs to the offer", INCOMPATIBLE_TRANSPORT)
    return SrtpKeys(ours.suite, ours.key, answered[0].key)


def _lasts(power: str | None, digits: str | None) -> bool:
    """Whether a lifetime, when one is stated, is longer than our calls."""
    if digits is None:
        return True
    return int(digits) >= 20 if power else int(digits) >= MIN_LIFETIME


def _read_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_SIZE:
        raise NotAcceptable(f"An SRTP key and salt of these suites have {KEY_SIZE} octets", INCOMPATIBLE_TRANSPORT)
    return key
