"""Whom a leg is to reach, and the INVITE that says so."""

from collections.abc import Iterable
from dataclasses import dataclass

from softswitch.core.user_agent import ACCEPT, ALLOW
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.sip.proof import Account
from softswitch.sip.tag import make_tag
from softswitch.sip.uri import Uri

USER_AGENT = "softswitch"


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who calls, as shown to whoever is called."""

    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One contact to ring: where the INVITE goes and what it says."""

    name: str
    """For the records: `phone:101`, `trunk:provider`."""
    uri: Uri
    """Request-URI."""
    peer: Peer
    """Where to send it."""
    symmetric: bool = True
    """See `Stack.dial`."""
    caller_number: str | None = None
    """Shown there instead of the caller's own number."""
    account: Account | None = None
    """What we prove ourselves with when it challenges us."""


def build_invite(
    target: Target,
    caller: CallerId,
    called: str,
    hops: int,
    domain: str,
    contact: str,
    offer: bytes,
    more: Iterable[tuple[str, str]] = (),
) -> Request:
    """The first INVITE of a leg, without Via.

    Parameters
    ----------
    target
        Where it goes.
    caller, called
        Who is shown as calling, and the number that was dialled.
    hops
        Max-Forwards.
    domain, contact
        Of ours: what stands in From and To, and the value of Contact.
    offer
        SDP.
    more
        Headers that say on whose behalf it comes.
    """
    name = caller.name.replace("\\", "\\\\").replace('"', '\\"')
    display = f'"{name}" ' if name else ""
    number = Uri("sip", target.caller_number or caller.number or "anonymous", host=domain)
    headers = (
        ("Max-Forwards", str(hops)),
        ("From", f"{display}<{number}>;tag={make_tag()}"),
        ("To", f"<{Uri('sip', called, host=domain)}>"),
        ("Call-ID", f"{make_tag()}{make_tag()}@{domain}"),
        ("CSeq", "1 INVITE"),
        ("Contact", contact),
        ("Allow", ALLOW),
        ("User-Agent", USER_AGENT),
        ("Content-Type", ACCEPT),
        *more,
    )
    return Request("INVITE", target.uri, headers, offer)
