"""SIP over UDP (RFC 3261 section 18)."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import structlog

from softswitch.sip.peer import Peer

log = structlog.get_logger("transport.udp")

RECEIVE_BUFFER = 4 * 1024 * 1024  # bytes; a registration storm must not overflow the kernel's default of 208 KiB

DatagramReceiver = Callable[[bytes, Peer], None]


class UdpTransport(asyncio.DatagramProtocol):
    """One bound UDP socket; every datagram goes to `receive` with the address it came from."""

    name = "udp"

    def __init__(self, receive: DatagramReceiver) -> None:
        self._receive = receive
        self._socket: asyncio.DatagramTransport | None = None
        self.host = ""
        self.port = 0

    @classmethod
    async def listen(cls, host: str, port: int, receive: DatagramReceiver) -> "UdpTransport":
        """Bind `host`:`port` (0 lets the kernel choose). Raises OSError when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if sock.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.setblocking(False)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        _, protocol = await loop.create_datagram_endpoint(lambda: cls(receive), sock=sock)
        protocol.host, protocol.port = sock.getsockname()[:2]
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, Peer("udp", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error names no request of ours; the transaction's timer finds out."""
        log.debug("icmp", error=str(exc))

    def send(self, data: bytes, peer: Peer) -> None:
        """Send one datagram. Raises OSError when the kernel refuses it at once."""
        if self._socket is None or self._socket.is_closing():
            raise OSError("the UDP socket is closed")
        self._socket.sendto(data, (peer.host, peer.port))

    def close(self) -> None:
        """Stop receiving."""
        if self._socket is not None:
            self._socket.close()
