"""Session descriptions in SIP messages, as they pass: where their sound goes is read and replaced (RFC 4566, 3264)."""

import re
from collections.abc import Callable

from tests.impairment.port import Address

Replace = Callable[[int, Address], Address]
"""What stands in place of the address of the n-th audio stream."""

AUDIO = re.compile(rb"m=audio (\d+)(.*)", re.DOTALL)
CONTENT_LENGTH = re.compile(rb"(?im)^(content-length|l)([ \t]*:[ \t]*)\d+")
CONTENT_TYPE = re.compile(rb"(?im)^(?:content-type|c)[ \t]*:[ \t]*application/sdp")
CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]+)")
CONTACT = re.compile(rb"(?im)^(?:contact|m)[ \t]*:[^\r\n]*")
ON_HOLD = "0.0.0.0"
"""The old way to hold (RFC 2543): no address to replace."""


def call_id(message: bytes) -> bytes:
    """The Call-ID, empty when there is none."""
    found = CALL_ID.search(message.partition(b"\r\n\r\n")[0])
    return found[1].strip() if found else b""


def replace_contact(message: bytes, old: Address, new: Address) -> bytes:
    """The message with another address in its Contact, so that requests in the dialog come where `new` listens."""
    head, end, body = message.partition(b"\r\n\r\n")
    before, after = (f"{host}:{port}".encode() for host, port in (old, new))
    pattern = re.compile(re.escape(before) + rb"(?!\d)")
    return CONTACT.sub(lambda found: pattern.sub(after, found[0]), head) + end + body


def replace_audio(message: bytes, replace: Replace) -> bytes:
    """The message with other addresses of its audio streams and its length put right; without SDP it stays as it is."""
    head, end, body = message.partition(b"\r\n\r\n")
    if not body or not CONTENT_TYPE.search(head):
        return message
    changed = _replace_in_body(body, replace)
    head = CONTENT_LENGTH.sub(lambda found: found[1] + found[2] + str(len(changed)).encode(), head)
    return head + end + changed


def _replace_in_body(body: bytes, replace: Replace) -> bytes:
    """Every audio stream that is neither refused (port 0) nor held by 0.0.0.0 gets its new address on a c= line."""
    session, *media = re.split(rb"(?m)^(?=m=)", body)
    host = _host(session)
    parts = [session]
    streams = 0
    for part in media:
        audio = AUDIO.match(part)
        if audio is None:
            parts.append(part)
            continue
        old = (_host(part) or host, int(audio[1]))
        if old[1] != 0 and old[0] not in ("", ON_HOLD):
            part = _replace_in_media(part, replace(streams, old))
        parts.append(part)
        streams += 1
    return b"".join(parts)


def _host(part: bytes) -> str:
    found = re.search(rb"(?m)^c=IN IP4 ([\d.]+)", part)
    return found[1].decode() if found else ""


def _replace_in_media(part: bytes, new: Address) -> bytes:
    host, port = new[0].encode(), str(new[1]).encode()
    lines = [line for line in part.split(b"\r\n") if not line.startswith(b"c=")]
    lines[0] = re.sub(rb"^m=audio \d+", b"m=audio " + port, lines[0])
    lines.insert(1, b"c=IN IP4 " + host)
    rtcp = str(new[1] + 1).encode()
    return b"\r\n".join(re.sub(rb"^a=rtcp:\d+.*", b"a=rtcp:" + rtcp, line) for line in lines)
