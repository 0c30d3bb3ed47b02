"""The ways out: which transport reaches a peer, and what it knows us by."""

import itertools
from collections.abc import Callable
from typing import Protocol

import structlog

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.sip.tag import make_tag

log = structlog.get_logger("outlets")

LARGEST_DATAGRAM = 1300  # octets of a request over UDP on a path of unknown MTU (RFC 3261 section 18.1.1)
NO_TCP_FOR = 3600.0  # seconds for which a peer that took no TCP connection is not asked for one again
MAX_WITHOUT_TCP = 4096  # peers
BRANCH_COOKIE = "z9hG4bK"  # RFC 3261 section 8.1.1.7


class Transport(Protocol):
    """What is needed of a transport."""

    name: str
    host: str
    port: int

    def send(self, data: bytes, peer: Peer) -> None: ...


class Outlets:
    """Every transport of the switch.

    `advertise(bound host, peer's host)` gives the address that a peer shall answer to.
    """

    def __init__(self, advertise: Callable[[str, str], str] | None = None) -> None:
        self._advertise = advertise or _as_bound
        self._transports: dict[tuple[str, bool], Transport] = {}
        self._without_tcp: dict[Peer, float] = {}
        """Until when peers are known to take no TCP."""
        self._branches = itertools.count(1)
        self._branch_prefix = BRANCH_COOKIE + make_tag()

    def add(self, transport: Transport) -> None:
        """Send through this transport from now on; the first one of a protocol and address family is used."""
        self._transports.setdefault((transport.name, ":" in transport.host), transport)

    def find(self, peer: Peer) -> Transport | None:
        """The transport that reaches a peer: same protocol, same address family."""
        return self._transports.get((peer.transport, ":" in peer.host))

    def contact(self, peer: Peer, user: str, scheme: str = "sip") -> str:
        """Our Contact header value towards a peer; sips where the request that it is for says sips (RFC 5630)."""
        parameter = "" if peer.transport == "udp" else f";transport={peer.transport}"
        return f"<{scheme}:{user}@{self._sent_by(peer)}{parameter}>"

    def stamp(self, request: Request, peer: Peer) -> None:
        """Put our Via on top of a request, with a branch that no other request has."""
        branch = f"{self._branch_prefix}.{next(self._branches)}"
        via = f"SIP/2.0/{peer.transport.upper()} {self._sent_by(peer)};branch={branch};rport"
        request.headers.prepend("Via", via)

    def stamp_large(self, request: Request, peer: Peer, now: float) -> Peer:
        """Put our Via on top of a request; where it goes: by TCP in place of UDP when it is too large for that.

        A datagram in fragments is lost when one of them is, and some firewalls let none through.
        """
        self.stamp(request, peer)
        by_tcp = peer._replace(transport="tcp")
        if peer.transport != "udp" or self.find(by_tcp) is None or self._without_tcp.get(peer, 0.0) > now:
            return peer
        if len(request.to_bytes()) <= LARGEST_DATAGRAM:
            return peer
        self.restamp(request, by_tcp)
        return by_tcp

    def restamp(self, request: Request, peer: Peer) -> None:
        """Put another Via in place of ours, which is the only one of a request that begins here."""
        request.headers.remove("Via")
        self.stamp(request, peer)

    def remember_without_tcp(self, peer: Peer, now: float) -> None:
        """A UDP peer took no TCP connection: its large requests go by UDP for a while."""
        if len(self._without_tcp) >= MAX_WITHOUT_TCP:
            self._without_tcp.clear()
        self._without_tcp[peer] = now + NO_TCP_FOR

    def send(self, data: bytes, peer: Peer) -> bool:
        """Send; False when it is known at once that nothing goes there."""
        transport = self.find(peer)
        if transport is None:
            log.info("no transport", peer=str(peer))
            return False
        try:
            transport.send(data, peer)
        except OSError as error:
            log.info("cannot send", peer=str(peer), error=str(error))
            return False
        return True

    def _sent_by(self, peer: Peer) -> str:
        """Our host and port as a peer can reach them."""
        transport = self.find(peer)
        if transport is None:
            return "localhost"
        host = self._advertise(transport.host, peer.host)
        return f"[{host}]:{transport.port}" if ":" in host else f"{host}:{transport.port}"


def _as_bound(host: str, peer_host: str) -> str:
    """The address that a socket is bound to; whoever listens on all of them hands in something better."""
    return host
