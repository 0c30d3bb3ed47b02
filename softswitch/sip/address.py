"""name-addr and addr-spec: what From, To, Contact, Route, Record-Route and others hold (RFC 3261 section 20.10)."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

from softswitch.sip.errors import BadHeader
from softswitch.sip.grammar import LWS, MAX_VALUE, QUOTED, format_params, parse_params, quote, split_list, unquote
from softswitch.sip.uri import LONGEST_REMEMBERED, REMEMBERED, Uri

# name-addr = [ display-name ] LAQUOT addr-spec RAQUOT. Unquoted display names are tokens by the book; phones also
# put brackets, "@" and UTF-8 there. Never a comma, a semicolon, or half a quoted string.
DISPLAY = rf'(?:{QUOTED}|[^\x00-\x08\x0a-\x1f\x7f",;<>\\]*+)'
_name_addr = re.compile(rf"{LWS}({DISPLAY}){LWS}<([^<>]*+)>(.*+)", re.DOTALL)
# addr-spec without brackets: a semicolon ends the URI, a comma or question mark must not be in it (section 20)
_addr_spec = re.compile(rf'{LWS}([^\x00-\x20\x7f<>",;?]++){LWS}(?>(;.*+)?)', re.DOTALL)


@dataclass(slots=True)
class Address:
    """One address. A value taken from a message is shared with that message: build a new one instead of changing it."""

    display: str | None
    """Name for people, without quotes and escapes; None when there is none."""
    uri: Uri
    params: dict[str, str | None] = field(default_factory=dict)
    """Parameters of the header, not of the URI: tag, expires, q ..."""

    WILDCARD: ClassVar["Address"]
    """The lone "*" of a REGISTER that removes all contacts."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read exactly one address."""
        return _recall(text) if len(text) <= LONGEST_REMEMBERED else _parse(text)

    @classmethod
    def parse_list(cls, values: str | list[str]) -> list["Address"]:
        """Read the comma-separated addresses of one value, or of all values of a header in order."""
        if isinstance(values, str):
            values = [values]
        return [cls.parse(item) for value in values for item in split_list(value)]

    @property
    def tag(self) -> str | None:
        """The tag that makes this end of a dialog unique (section 19.3)."""
        return self.params.get("tag")

    def with_tag(self, tag: str) -> "Address":
        """Return the same address with this tag."""
        return Address(self.display, self.uri, {**self.params, "tag": tag})

    def __str__(self) -> str:
        if self is Address.WILDCARD:
            return "*"
        name = f"{quote(self.display)} " if self.display else ""
        return f"{name}<{self.uri}>{format_params(self.params)}"


def _parse(text: str) -> Address:
    if len(text) > MAX_VALUE:
        raise BadHeader("Address too long")
    match = _name_addr.fullmatch(text)
    if match is not None:
        display, uri, params = match.groups()
        name = unquote(display) if display[:1] == '"' else display.strip(" \t") or None
        return Address(name, Uri.parse(uri), parse_params(params))
    match = _addr_spec.fullmatch(text)
    if match is None:
        raise BadHeader("Malformed address")
    uri, params = match.groups()
    return Address(None, Uri.parse(uri), parse_params(params or ""))


_recall = lru_cache(REMEMBERED)(_parse)
"""A request and its answers, and all that follows in its dialog, repeat From and To letter by letter."""

Address.WILDCARD = Address(None, Uri("*", opaque=""))
WILDCARD = Address.WILDCARD
