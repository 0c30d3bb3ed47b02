"""Keys in the body of an INFO: application/dtmf-relay and application/dtmf, as desk phones send them."""

import re

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
    if kind == "application/dtmf-relay":
        found = SIGNAL.search(body[:256])
        text = found.group(1) if found else b""
    elif kind == "application/dtmf":
        text = body[:8].strip()
    key = text.decode("ascii", "replace").upper()
    key = NAMED.get(key, key)
    return key if len(key) == 1 and key in KEYS else ""
