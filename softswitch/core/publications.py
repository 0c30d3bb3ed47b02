"""What phones say about themselves: PUBLISH of presence (RFC 3903), kept under entity tags until it runs out.

Of a document only the first status and note are taken, so that nothing of a stranger's XML reaches anybody else.
"""

from collections import OrderedDict
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from softswitch.sip.message import Request, Response, respond
from softswitch.sip.tag import make_tag

EVENT = "presence"
CONTENT_TYPE = "application/pidf+xml"
LONGEST = 3600
"""Seconds of a publication; also the default."""
SHORTEST = 60
MAX_DOCUMENT = 8192
"""Octets."""
MAX_OF_ONE = 4
"""Publications of one extension: one for each of its devices."""
MAX_NOTE = 120
"""Characters."""


@dataclass(slots=True)
class Published:
    """What a device says about who is at it."""

    open: bool
    note: str
    expires_at: float


class Publications:
    """The publications of all extensions."""

    def __init__(self) -> None:
        self._published: dict[str, OrderedDict[str, Published]] = {}

    def publish(self, request: Request, number: str, now: float) -> Response:
        """Answer a PUBLISH of an extension that has proved who it is, about itself."""
        if request.uri.user != number:
            return respond(request, 403, to_tag=make_tag())
        if (request.headers.get("Event") or "").partition(";")[0].strip().lower() != EVENT:
            return respond(request, 489, to_tag=make_tag(), headers=[("Allow-Events", EVENT)])
        seconds = LONGEST if request.expires is None else min(request.expires, LONGEST)
        if 0 < seconds < SHORTEST:
            return respond(request, 423, to_tag=make_tag(), headers=[("Min-Expires", str(SHORTEST))])
        known = self._published.get(number) or OrderedDict[str, Published]()
        etag = (request.headers.get("SIP-If-Match") or "").strip()
        old = known.get(etag)
        if etag and (old is None or old.expires_at <= now):
            return respond(request, 412, to_tag=make_tag())
        if not etag and not request.body:
            return respond(request, 400, "Missing Body", to_tag=make_tag())
        fresh = _read(request, now + seconds) if request.body else old
        if isinstance(fresh, Response) or fresh is None:
            return fresh or respond(request, 400, to_tag=make_tag())
        fresh.expires_at = now + seconds
        return self._keep(request, number, etag, fresh, seconds)

    def _keep(self, request: Request, number: str, etag: str, fresh: Published, seconds: int) -> Response:
        known = self._published.setdefault(number, OrderedDict())
        known.pop(etag, None)
        fresh_etag = make_tag()
        if seconds:
            known[fresh_etag] = fresh
        while len(known) > MAX_OF_ONE:
            known.popitem(last=False)
        if not known:
            del self._published[number]
        headers = [("SIP-ETag", fresh_etag), ("Expires", str(seconds))]
        return respond(request, 200, to_tag=make_tag(), headers=headers)

    def latest(self, number: str, now: float) -> Published | None:
        """What an extension said last."""
        known = self._published.get(number) or OrderedDict[str, Published]()
        return next((one for one in reversed(known.values()) if one.expires_at > now), None)

    def expire(self, now: float) -> list[str]:
        """Forget what has run out; the extensions whose state that changes."""
        changed = []
        for number, known in list(self._published.items()):
            gone = [etag for etag, one in known.items() if one.expires_at <= now]
            for etag in gone:
                del known[etag]
            if not known:
                del self._published[number]
            if gone:
                changed.append(number)
        return changed


def _read(request: Request, expires_at: float) -> Published | Response:
    """What a document says (RFC 3863), or why it is refused."""
    if len(request.body) > MAX_DOCUMENT:
        return respond(request, 413, to_tag=make_tag())
    try:
        root: Element = fromstring(request.body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return respond(request, 400, "Malformed Document", to_tag=make_tag())
    texts: dict[str, str] = {}
    for element in root.iter():
        texts.setdefault(element.tag.rpartition("}")[2], (element.text or "").strip())
    note = "".join(letter for letter in texts.get("note", "") if letter.isprintable())
    return Published(texts.get("basic", "open").lower() != "closed", note[:MAX_NOTE], expires_at)
