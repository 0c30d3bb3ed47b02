"""Keys in the body of an INFO: application/dtmf-relay and application/dtmf, as desk phones send them."""

import re
from typing import Literal

KeyMode = Literal["auto", "info", "inband"]
"""How keys go to and come from a phone or trunk: `auto` is by RFC 4733 where that is agreed on and else as tones."""

RELAY = "application/dtmf-relay"
MILLISECONDS = 160  # of a key that we send
KEYS = "0123456789*#ABCD"
SIGNAL = re.compile(rb"^\s*Signal\s*=\s*([0-9*#A-Da-d]{1,2})\s*$", re.MULTILINE)
NAMED = {"10": "*", "11": "#"}  # some phones send event numbers (RFC 4733) instead of keys


def digits_of(content_type: str, body: bytes) -> str:
    """The key that an INFO carries, or nothing.

    >>> digits_of("application/dtmf-relay", b"Signal=5\\r\\nDuration=160\\r\\n")
    '5'
    """
    kind = content_type.split(";")[0].strip().lower()
    text = b""
    if kind == RELAY:
        found = SIGNAL.search(body[:256])
        text = found.group(1) if found else b""
    elif kind == "application/dtmf":
        text = body[:8].strip()
    key = text.decode("ascii", "replace").upper()
    key = NAMED.get(key, key)
    return key if len(key) == 1 and key in KEYS else ""


def body_of(digit: str) -> bytes:
    """The body of an INFO for one key, of the type `RELAY`.

    >>> body_of("5")
    b'Signal=5\\r\\nDuration=160\\r\\n'
    """
    return f"Signal={digit}\r\nDuration={MILLISECONDS}\r\n".encode()
