"""From a SIP URI to the address that a request goes to: literals at once, names through the system's resolver.

Look-ups run in the loop's thread pool and are cached, so a slow name server delays one call and never the loop.
"""

import asyncio
import ipaddress
import socket
import time

from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri
from softswitch.transport.tls import PROTECTED

TIMEOUT = 2.0  # seconds
CACHE_FOR = 60.0  # seconds
MAX_CACHED = 4096
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
SECURED = {"udp": "tls", "tcp": "tls", "ws": "wss"}
"""What a sips URI means by the transports that are not protected."""


def literal_peer(uri: Uri) -> Peer | None:
    """The peer of a URI whose host is an IP address, or None. `transport` is obeyed, UDP is the default."""
    host = (uri.params.get("maddr") or uri.host or "").strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return _peer(uri, host)


def transport_of(uri: Uri) -> str:
    """The transport that a URI asks for (RFC 3263 section 4.1, without NAPTR); sips means protected (RFC 5630)."""
    asked = (uri.params.get("transport") or ("tls" if uri.scheme == "sips" else "udp")).lower()
    return SECURED.get(asked, asked) if uri.scheme == "sips" else asked


def default_port(transport: str) -> int:
    """Where a transport is spoken when nothing else is said (RFC 3261 section 19.1.2, RFC 7118 section 5)."""
    return PORTS.get(transport, 5060)


def _peer(uri: Uri, address: str) -> Peer:
    """A URI's peer at an address; a name is kept for the certificate that must carry it."""
    transport = transport_of(uri)
    name = "" if address == uri.host or transport not in PROTECTED else uri.host
    return Peer(transport, address, uri.port or default_port(transport), name=name)


class Resolver:
    """Host names to addresses, cached."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[float, str]] = {}

    def cached(self, uri: Uri) -> Peer | None:
        """The peer of a URI if it is known without asking anybody."""
        peer = literal_peer(uri)
        if peer is not None:
            return peer
        known = self._cache.get((uri.host or "").lower())
        if known is None:
            return None
        return _peer(uri, known[1])

    async def resolve(self, uri: Uri) -> Peer | None:
        """The peer of a URI; None when its name does not resolve within `TIMEOUT` seconds."""
        host = (uri.host or "").lower()
        known = self._cache.get(host)
        if literal_peer(uri) is None and (known is None or known[0] < time.monotonic()):
            await self._look_up(host)
        return self.cached(uri)

    async def locate(self, peer: Peer) -> Peer | None:
        """The same peer with an address in place of a name; None when the name does not resolve."""
        found = await self.resolve(Uri("sip", host=peer.host, port=peer.port, params={"transport": peer.transport}))
        return found and peer._replace(host=found.host, port=found.port)

    async def _look_up(self, host: str) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                loop = asyncio.get_running_loop()
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, TimeoutError, UnicodeError):
            return
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[host] = (time.monotonic() + CACHE_FOR, str(found[0][4][0]))
