"""Where the phones are: bindings of addresses of record to contacts, in memory (RFC 3261 section 10.3).

An address of record is written ``user@domain`` here, see `address_of_record`. The memory is the truth while the switch
runs; ``take_changes`` tells a store, from time to time, which addresses it should write down.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from softswitch.sip.peer import Peer

MAX_CONTACTS = 10
"""Contacts of one address of record; a household of phones, not a flood."""


def address_of_record(user: str, domain: str) -> str:
    """The key of a user's bindings. The user part is compared as it is, the domain without case (RFC 3261 10.3 step 5).

    >>> address_of_record("101", "LocalHost")
    '101@localhost'
    """
    return f"{user}@{domain.lower()}"


class Binding(NamedTuple):
    """One contact of an address of record. A tuple, because one is made for every REGISTER."""

    aor: str
    contact: str
    """URI as the phone wrote it; the request URI of calls to it."""
    received: Peer
    """Where its REGISTER came from, which is where calls are sent: phones behind NAT write private addresses."""
    expires_at: float
    """Wall seconds."""
    call_id: str
    cseq: int
    q: float = 1.0
    """Preference, 0 to 1, higher is tried first."""
    instance: str | None = None
    """``+sip.instance`` of the device."""
    reg_id: int | None = None
    user_agent: str = ""
    path: tuple[str, ...] = ()
    """Path headers (RFC 3327), to be used as Route of calls to it."""


class Location:
    """Bindings by address of record, with the list of addresses that changed since the last ``take_changes``."""

    def __init__(self) -> None:
        """Start empty; ``load`` brings back what a store kept."""
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._changed: dict[str, None] = {}

    def bindings(self, aor: str, now: float) -> list[Binding]:
        """The contacts that are alive at wall time ``now``, preferred ones first, newest first among equals."""
        return [binding for binding in self._bindings.get(aor, ()) if binding.expires_at > now]

    def bind(self, binding: Binding) -> None:
        """Add a contact, or renew it when the same contact of the same device is there."""
        others = [other for other in self._bindings.get(binding.aor, ()) if not _same(other, binding)]
        self.replace(binding.aor, [binding, *others])

    def unbind(self, aor: str, contact: str | None = None) -> None:
        """Remove one contact, or all of them."""
        kept = [] if contact is None else [one for one in self._bindings.get(aor, ()) if one.contact != contact]
        self.replace(aor, kept)

    def replace(self, aor: str, bindings: Iterable[Binding]) -> None:
        """Set all the contacts of an address at once."""
        ordered = tuple(sorted(bindings, key=attrgetter("q"), reverse=True)[:MAX_CONTACTS])
        self._changed[aor] = None
        if ordered:
            self._bindings[aor] = ordered
            return
        self._bindings.pop(aor, None)

    def expire(self, now: float) -> list[Binding]:
        """Forget the contacts whose time is over and return them."""
        gone = [one for bindings in self._bindings.values() for one in bindings if one.expires_at <= now]
        for aor in dict.fromkeys(binding.aor for binding in gone):
            self.replace(aor, self.bindings(aor, now))
        return gone

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take what a store kept; it is no change."""
        for binding in bindings:
            self._bindings[binding.aor] = (*self._bindings.get(binding.aor, ()), binding)[:MAX_CONTACTS]

    def take_changes(self) -> list[tuple[str, tuple[Binding, ...]]]:
        """The addresses that changed since the last time, each with all the contacts it has now."""
        changed, self._changed = self._changed, {}
        return [(aor, self._bindings.get(aor, ())) for aor in changed]

    def mark_changed(self, aors: Iterable[str]) -> None:
        """Give back changes that a store could not write."""
        self._changed = {**dict.fromkeys(aors), **self._changed}

    def addresses(self) -> list[str]:
        """The addresses of record that have contacts."""
        return list(self._bindings)

    def __len__(self) -> int:
        """Number of contacts, also of those whose time is over and not yet forgotten."""
        return sum(map(len, self._bindings.values()))


def _same(one: Binding, other: Binding) -> bool:
    return one.contact == other.contact and one.instance == other.instance
