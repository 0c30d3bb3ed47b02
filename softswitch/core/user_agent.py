"""What a user agent server checks before anybody looks at what a request wants (RFC 3261 section 8.2).

Pure. The order is the RFC's: method, header, content, extensions.
"""

from softswitch.sip.errors import SipError
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.tag import make_tag

ALLOWED_METHODS = (
    "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "INFO", "UPDATE", "NOTIFY", "SUBSCRIBE", "REFER",
    "MESSAGE", "PUBLISH",
)  # fmt: skip
ALLOW = ", ".join(ALLOWED_METHODS)
KNOWN_METHODS = frozenset((*ALLOWED_METHODS, "PRACK"))  # of the RFCs; not all are ours
SUPPORTED_EXTENSIONS = frozenset(("norefersub",))
ACCEPTED_BODIES = {
    "INVITE": ("application/sdp",),
    "UPDATE": ("application/sdp",),
    "MESSAGE": ("text/plain",),
    "PUBLISH": ("application/pidf+xml",),
    "INFO": ("application/dtmf-relay", "application/dtmf", "application/media_control+xml"),
}
ACCEPT = "application/sdp"


def inspect(request: Request, *, protected: bool = True) -> Response | None:
    """A refusal for a request that no core of ours can serve, or None.

    `protected`: it came over TLS; what says sips must (RFC 3261 section 26.2.2).

    405 with Allow for a method of the RFCs that we do not serve, 501 for one that we do not know, 416 for a URI
    scheme, 415 with Accept for a body, 420 with Unsupported for an extension.
    """
    if request.method not in ALLOWED_METHODS:
        status = 405 if request.method in KNOWN_METHODS else 501
        return _refuse(request, status, ("Allow", ALLOW))
    secure_only = request.uri.scheme == "sips" and not protected
    if secure_only or (not request.uri.is_sip and request.uri.scheme.lower() != "tel"):
        return _refuse(request, 416)
    if request.method not in ("CANCEL", "REGISTER"):  # the registrar knows extensions of its own
        unsupported = [tag for tag in tokens(request, "Require") if tag not in SUPPORTED_EXTENSIONS]
        if unsupported:
            return _refuse(request, 420, ("Unsupported", ", ".join(unsupported)))
    return _inspect_body(request)


def _inspect_body(request: Request) -> Response | None:
    if request.method == "INVITE" and not _accepts_sdp(request):
        return _refuse(request, 406)
    accepted = ACCEPTED_BODIES.get(request.method)
    if not request.body or accepted is None:
        return None
    if [coding for coding in tokens(request, "Content-Encoding") if coding != "identity"]:
        return _refuse(request, 415, ("Accept-Encoding", "identity"))
    found = request.content_type
    if found is not None and found.type.lower() in accepted:
        return None
    if _is_optional(request):
        return None
    return _refuse(request, 415, ("Accept", ", ".join(accepted)))


def _accepts_sdp(request: Request) -> bool:
    """Whether the sender of an INVITE can read our answer; without an Accept he can (RFC 3261 section 20.1)."""
    if "Accept" not in request.headers:
        return True
    ranges = [one.partition(";")[0].strip() for one in tokens(request, "Accept")]
    return not ranges or not {"application/sdp", "application/*", "*/*"}.isdisjoint(ranges)


def _is_optional(request: Request) -> bool:
    """Whether the sender allows the body to be ignored (RFC 3261 section 20.11)."""
    disposition = (request.headers.get("Content-Disposition") or "").lower().replace(" ", "")
    return ";handling=optional" in disposition


def tokens(request: Request, name: str) -> list[str]:
    """The lower-case tokens of a comma-separated header, over all its lines; at most 64 are looked at."""
    found: list[str] = []
    for line in request.headers.get_all(name):
        found += [token.strip().lower() for token in line.split(",", 64) if token.strip()]
    return found[:64]


def _refuse(request: Request, status: int, *headers: tuple[str, str]) -> Response:
    return respond(request, status, to_tag=make_tag(), headers=headers)


def options_answer(request: Request, status: int = 200) -> Response:
    """The answer to OPTIONS: what an INVITE would find here (RFC 3261 section 11.2)."""
    try:
        headers = [("Allow", ALLOW), ("Accept", ACCEPT), ("Accept-Encoding", "identity"), ("Accept-Language", "en")]
        return respond(request, status, to_tag=make_tag(), headers=headers)
    except SipError:
        return respond(request, 400, to_tag=make_tag())
