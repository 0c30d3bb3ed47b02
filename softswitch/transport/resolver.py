"""From a SIP URI to the address that a request goes to: literals at once, names through the system's resolver.

Look-ups run in the loop's thread pool and are cached, so a slow name server delays one call and never the loop.
"""

import asyncio
import ipaddress
import socket
import time

from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri

TIMEOUT = 2.0  # seconds
CACHE_FOR = 60.0  # seconds
MAX_CACHED = 4096


def literal_peer(uri: Uri) -> Peer | None:
    """The peer of a URI whose host is an IP address, or None. `transport=tcp` is obeyed, UDP is the default."""
    host = (uri.params.get("maddr") or uri.host or "").strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return Peer(transport_of(uri), host, uri.port or 5060)


def transport_of(uri: Uri) -> str:
    """The transport that a URI asks for (RFC 3263 section 4.1, without NAPTR)."""
    return (uri.params.get("transport") or "udp").lower()


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
        return Peer(transport_of(uri), known[1], uri.port or 5060)

    async def resolve(self, uri: Uri) -> Peer | None:
        """The peer of a URI; None when its name does not resolve within `TIMEOUT` seconds."""
        host = (uri.host or "").lower()
        known = self._cache.get(host)
        if literal_peer(uri) is None and (known is None or known[0] < time.monotonic()):
            await self._look_up(host)
        return self.cached(uri)

    async def locate(self, peer: Peer) -> Peer | None:
        """The same peer with an address in place of a name; None when the name does not resolve."""
        return await self.resolve(Uri("sip", host=peer.host, port=peer.port, params={"transport": peer.transport}))

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
