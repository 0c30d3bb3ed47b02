"""What a REFER asks for, and which dialog is to be replaced (RFC 3515, RFC 3891)."""

from dataclasses import dataclass

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader, SipError
from softswitch.sip.grammar import parse_params
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

MAX_NOTE = 200
"""Characters of what is said about a transfer."""
_SEPARATORS = str.maketrans("", "", "-.() ")
"""Of a tel URI, for the eye only (RFC 3966 section 3)."""


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog, as it is written in the Replaces header of who wants to take its place."""

    call_id: str
    to_tag: str
    """Of whoever receives the header."""
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> "Replaces":
        """Read the value of a Replaces header. Raises BadHeader.

        >>> Replaces.parse("a@b;to-tag=1;from-tag=2")
        Replaces(call_id='a@b', to_tag='1', from_tag='2', early_only=False)
        """
        call_id, semicolon, rest = text.partition(";")
        params = parse_params(semicolon + rest)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not call_id.strip() or not to_tag or not from_tag:
            raise BadHeader("Malformed Replaces")
        return cls(call_id.strip(), to_tag, from_tag, "early-only" in params)


@dataclass(frozen=True, slots=True)
class Refer:
    """Where somebody is to be led."""

    uri: Uri
    number: str
    """What would have been dialled to get there."""
    replaces: Replaces | None = None
    """Whose place is to be taken there."""
    note: str = ""
    """What is said about it: the Subject."""


def read_refer(request: Request) -> Refer:
    """What a REFER asks for. Raises SipError: 400 for one that says nothing clear, 416 for a strange scheme."""
    values = request.headers.get_all("Refer-To")
    if len(values) != 1:
        raise BadHeader("A REFER has one Refer-To")
    uri = Address.parse(values[0]).uri
    headers = {name.lower(): value for name, value in uri.headers.items()}
    if uri.params.get("method", "INVITE") != "INVITE":
        raise SipError(403, "Only an INVITE is sent on behalf of somebody")
    replaces = headers.get("replaces")
    note = request.headers.get("Subject") or headers.get("subject") or ""
    return Refer(uri, _number(uri), None if replaces is None else Replaces.parse(replaces), note[:MAX_NOTE])


def _number(uri: Uri) -> str:
    if uri.is_sip:
        return uri.user or ""
    if uri.scheme.lower() == "tel":
        return (uri.opaque or "").partition(";")[0].translate(_SEPARATORS)
    raise SipError(416, "Unsupported URI Scheme")
