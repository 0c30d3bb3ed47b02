"""From a SIP URI to the addresses that a request goes to, best first (RFC 3263): literals at once, names by DNS."""

import asyncio
import ipaddress
import random
import time
from collections.abc import Callable, Collection
from typing import Any

import structlog

from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri
from softswitch.transport.names import Names, Records, ServersSilent
from softswitch.transport.tls import PROTECTED

log = structlog.get_logger("transport.resolver")

TIMEOUT = 4.0  # seconds for all questions about one URI
MAX_PEERS = 16  # of one URI
MAX_REMEMBERED = 4096  # URIs whose peers are known without asking
AVOID_FOR = 30.0  # seconds for which an address that failed is the last resort (RFC 3263 section 4.3)
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
SECURED = {"udp": "tls", "tcp": "tls", "ws": "wss"}
"""What a sips URI means by the transports that are not protected."""
SERVICES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
"""Where the SRV records of a transport are, the better liked transport first (RFC 3263 section 4.1)."""
NAPTR_SERVICES = {"sip+d2u": "udp", "sip+d2t": "tcp", "sips+d2t": "tls"}

Key = tuple[str, str, int | None, str | None]


def literal_peer(uri: Uri) -> Peer | None:
    """The peer of a URI whose host is an IP address, or None. `transport` is obeyed, UDP is the default."""
    host = (uri.params.get("maddr") or uri.host or "").strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    transport = transport_of(uri)
    return _peer(transport, host, uri.port or default_port(transport), uri.host)


def transport_of(uri: Uri) -> str:
    """The transport that a URI asks for, UDP when it does not say; sips means protected (RFC 5630)."""
    asked = (uri.params.get("transport") or ("tls" if uri.scheme == "sips" else "udp")).lower()
    return SECURED.get(asked, asked) if uri.scheme == "sips" else asked


def default_port(transport: str) -> int:
    """Where a transport is spoken when nothing else is said (RFC 3261 section 19.1.2, RFC 7118 section 5)."""
    return PORTS.get(transport, 5060)


class Resolver:
    """Host names to addresses.

    Parameters
    ----------
    reaches
        Whether a peer can be sent to at all: its transport is spoken and its address family is there.
    """

    def __init__(
        self,
        names: Names | None = None,
        reaches: Callable[[Peer], bool] = lambda peer: True,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._names = names or Names()
        self._reaches = reaches
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - shares of load, not secrets
        self._found: dict[Key, list[Peer]] = {}
        self._failed: dict[tuple[str, str, int], float] = {}

    def cached(self, uri: Uri) -> Peer | None:
        """The peer of a URI if it is known without asking anybody."""
        peer = literal_peer(uri)
        if peer is not None:
            return peer
        found = self._found.get(_key(uri))
        return self._by_trust(found)[0] if found else None

    async def resolve(self, uri: Uri) -> Peer | None:
        """The best peer of a URI; None when its name does not resolve in time."""
        found = await self.candidates(uri)
        return found[0] if found else None

    async def candidates(self, uri: Uri) -> list[Peer]:
        """Every peer of a URI, the one to be tried first first; those of the last time while DNS is silent."""
        peer = literal_peer(uri)
        if peer is not None:
            return [peer]
        key = _key(uri)
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._search(uri)
        except (ServersSilent, TimeoutError) as error:
            log.warning("name servers are silent", host=uri.host, error=str(error))
            return self._by_trust(self._found.get(key, []))
        self._found.pop(key, None)
        if found:
            if len(self._found) >= MAX_REMEMBERED:
                del self._found[next(iter(self._found))]
            self._found[key] = found
        return self._by_trust(found)

    async def locate(self, peer: Peer) -> list[Peer]:
        """A configured peer's addresses in place of its name, best first; port 0 stands for those that DNS says."""
        params: dict[str, str | None] = {"transport": peer.transport}
        found = await self.candidates(Uri("sip", host=peer.host, port=peer.port or None, params=params))
        return [one._replace(flow=peer.flow, name=peer.name) for one in found]

    def avoid(self, peer: Peer) -> None:
        """A peer did not take a request: for a while others are tried before it."""
        now = self._clock()
        self._failed = {one: until for one, until in self._failed.items() if until > now}
        self._failed[peer[:3]] = now + AVOID_FOR

    def _by_trust(self, peers: list[Peer]) -> list[Peer]:
        now = self._clock()
        return sorted(peers, key=lambda peer: self._failed.get(peer[:3], 0.0) > now)

    async def _search(self, uri: Uri) -> list[Peer]:
        host = uri.params.get("maddr") or uri.host
        transport = transport_of(uri)
        if uri.port is not None:
            return await self._at(transport, host, uri.port, uri.host)
        services = [transport] if "transport" in uri.params else [*SERVICES]
        if uri.scheme == "sips":
            services = [service for service in services if service in PROTECTED]
        places = [] if "transport" in uri.params else await self._naptr(host, services)
        places = places or [(one, f"{SERVICES[one]}.{host}") for one in services if one in SERVICES]
        found = []
        answers = await asyncio.gather(*(self._names.find(name, "SRV") for _, name in places))
        for (service, _), records in zip(places, answers, strict=True):
            for target, port in order_srv(records, self._rng):
                found += await self._at(service, target, port, uri.host)
                if len(found) >= MAX_PEERS:
                    return found[:MAX_PEERS]
        if any(answers):
            return found  # also when the only target is ".", which says that nobody is there (RFC 2782)
        return await self._at(transport, host, default_port(transport), uri.host)

    async def _naptr(self, host: str, services: Collection[str]) -> list[tuple[str, str]]:
        """Transports and where their SRV records are, as the domain likes them (RFC 3263 section 4.1)."""
        found = []
        for record in await self._names.find(host, "NAPTR"):
            one: Any = record
            transport = NAPTR_SERVICES.get(one.service.decode("ascii", "replace").lower(), "")
            if transport in services and one.flags.lower() == b"s":
                found.append((one.order, one.preference, transport, one.replacement.to_text(omit_final_dot=True)))
        return [(transport, name) for _, _, transport, name in sorted(found)]

    async def _at(self, transport: str, host: str, port: int, name: str) -> list[Peer]:
        peers = [_peer(transport, address, port, name) for address in await self._names.addresses(host)]
        return [peer for peer in peers if self._reaches(peer)][:MAX_PEERS]


def order_srv(records: Records, rng: random.Random) -> list[tuple[str, int]]:
    """Hosts and ports by priority, and by chance according to their weights where that is equal (RFC 2782)."""
    left: list[Any] = [record for record in records if record.target.to_text() != "."]  # type: ignore[attr-defined]
    ordered = []
    while left:
        best = min(record.priority for record in left)
        level = [record for record in left if record.priority == best]
        chosen = rng.choices(level, [record.weight or 0.01 for record in level])[0]
        left.remove(chosen)
        ordered.append((chosen.target.to_text(omit_final_dot=True), chosen.port))
    return ordered


def _peer(transport: str, address: str, port: int, host: str) -> Peer:
    """A peer at an address; over TLS its certificate must carry the host that the URI named (RFC 5922 section 4)."""
    return Peer(transport, address, port, name="" if transport not in PROTECTED or host == address else host)


def _key(uri: Uri) -> Key:
    host = uri.params.get("maddr") or uri.host or ""
    return uri.scheme, host.lower(), uri.port, (uri.params.get("transport") or "").lower()
