"""Header fields as an ordered multimap of texts: split eagerly, understood only when somebody asks."""

from collections.abc import Iterable, Iterator
from typing import Any

# Compact forms: RFC 3261 section 20, 3515 (r, b), 3841 (a, d, j), 4028 (x), 4474 (n, y), 6665 (o, u).
COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

# Names whose usual spelling is not simply every part capitalised, and those seen in nearly every message.
_USUAL = (
    "Accept Accept-Encoding Accept-Language Alert-Info Allow Authentication-Info Authorization CSeq Call-ID Call-Info "
    "Content-Disposition Content-Language Date Diversion Error-Info Expires History-Info In-Reply-To MIME-Version "
    "Max-Forwards Min-Expires Min-SE Organization P-Access-Network-Info P-Asserted-Identity P-Preferred-Identity Path "
    "Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck RSeq Reason Record-Route "
    "Remote-Party-ID Replaces Reply-To Require Retry-After Route SIP-ETag SIP-If-Match Server Service-Route "
    "Subscription-State Target-Dialog Timestamp Unsupported User-Agent WWW-Authenticate Warning X-Real-IP"
)


def _spellings() -> dict[str, str]:
    """Every way in which a known name is usually written, with the one that we write."""
    found: dict[str, str] = {}
    for name in (*COMPACT.values(), *_USUAL.split()):
        for spelling in (name, name.lower(), name.upper(), name.title()):
            found[spelling] = name
    for letter, name in COMPACT.items():
        found[letter] = found[letter.upper()] = name
    return found


SPELLINGS = _spellings()
"""Quick way from a received name to ours; not complete, see `canonical`."""


def canonical(name: str) -> str:
    """Return the spelling under which a header is kept: compact forms expanded, letter case made equal."""
    return SPELLINGS.get(name) or SPELLINGS.get(name.lower()) or name.title()


class Headers:
    """Ordered multimap from header names, in any letter case or compact form, to values without folding.

    Values are texts of decoded UTF-8; octets that are none travel as lone surrogates (surrogateescape) and leave
    as they came. A value never holds a line end, whatever is put in: a header cannot be smuggled through one.
    """

    __slots__ = ("_first", "_lines", "cache")

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines: list[tuple[str, str]] = [_clean(name, value) for name, value in lines]
        self._first: dict[str, str] | None = None
        self.cache: dict[str, Any] = {}
        """Typed values by header name, dropped when that header changes. Belongs to `Message`."""

    @classmethod
    def from_lines(cls, lines: list[tuple[str, str]]) -> "Headers":
        """Take a list over as it is: names canonical, values without line ends."""
        headers = cls.__new__(cls)
        headers._lines = lines
        headers._first = None
        headers.cache = {}
        return headers

    def first(self) -> dict[str, str]:
        """Return the first value of every header under its canonical name; to be read, not changed."""
        first = self._first
        if first is None:
            first = dict(self._lines)
            if len(first) != len(self._lines):
                first = dict(reversed(self._lines))
            self._first = first
        return first

    def get(self, name: str) -> str | None:
        """Return the first value, or None."""
        first = self._first or self.first()
        value = first.get(name)
        return first.get(canonical(name)) if value is None else value

    def get_all(self, name: str) -> list[str]:
        """Return all values in order; a value may itself be a comma-separated list."""
        first = self._first or self.first()
        key = name if name in first else canonical(name)
        if key not in first:
            return []
        if len(first) == len(self._lines):
            return [first[key]]
        return [value for spelled, value in self._lines if spelled == key]

    def add(self, name: str, value: str) -> None:
        """Put a header behind all others."""
        line = key, value = _clean(name, value)
        self.cache.pop(key, None)
        self._lines.append(line)
        if self._first is not None:
            self._first.setdefault(key, value)

    def extend(self, lines: Iterable[tuple[str, str]]) -> None:
        """Put headers behind all others, in this order."""
        for name, value in lines:
            self.add(name, value)

    def set(self, name: str, value: str) -> None:
        """Put one value in the place of the first of that name, and drop the others of that name."""
        key = self._touch(name)
        line = _clean(key, value)
        for place, (spelled, _) in enumerate(self._lines):
            if spelled == key:
                rest = [other for other in self._lines[place + 1 :] if other[0] != key]
                self._lines[place:] = [line, *rest]
                return
        self._lines.append(line)

    def prepend(self, name: str, value: str) -> None:
        """Put a header before all others, as a Via or Record-Route must be."""
        line = key, value = _clean(name, value)
        self.cache.pop(key, None)
        self._lines.insert(0, line)
        if self._first is not None:
            self._first[key] = value

    def remove(self, name: str) -> None:
        """Drop all values of that name; nothing happens when there are none."""
        key = self._touch(name)
        self._lines = [line for line in self._lines if line[0] != key]

    def replace_first(self, name: str, value: str) -> None:
        """Change the first value of that name and leave the others where they are."""
        line = key, value = _clean(name, value)
        self.cache.pop(key, None)
        if self._first is not None:
            self._first[key] = value
        for place, (spelled, _) in enumerate(self._lines):
            if spelled == key:
                self._lines[place] = line
                return
        self._lines.append(line)

    def copy(self) -> "Headers":
        """Return headers that can be changed without changing these."""
        twin = Headers.from_lines(self._lines.copy())
        twin.cache = self.cache.copy()
        return twin

    @property
    def lines(self) -> list[tuple[str, str]]:
        """All headers in order; to be read, not changed."""
        return self._lines

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        first = self._first or self.first()
        return name in first or canonical(name) in first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._lines == other._lines

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._lines!r})"

    def _touch(self, name: str) -> str:
        key = canonical(name)
        self._first = None
        self.cache.pop(key, None)
        return key


def _clean(name: str, value: str) -> tuple[str, str]:
    """Return a line as it is kept: the name canonical, the value without line ends."""
    if "\n" in value or "\r" in value:
        value = value.replace("\r", " ").replace("\n", " ")
    return SPELLINGS.get(name) or canonical(name), value
