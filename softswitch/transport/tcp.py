"""SIP over TCP, TLS and WebSocket: connections by flow number (RFC 3261 section 18), bounded in count, size, time."""

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Callable
from typing import Self

import structlog

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message
from softswitch.sip.peer import Peer
from softswitch.transport.connection import Connection
from softswitch.transport.framing import Framing, StreamFraming
from softswitch.transport.tls import PROTECTED, Certificates, TlsChannel

log = structlog.get_logger("transport.tcp")

WHOLE_MESSAGE = 10.0  # seconds until the first whole message, and for each started one
CONNECT_TIMEOUT = 4.0  # seconds
BACKLOG = 1024
MAX_CONNECTIONS = 4096
MAX_PER_ADDRESS = 256
ACCEPTED_ONLY = frozenset(("ws", "wss"))
"""Transports whose connections are made by the other side alone (RFC 7118 section 3)."""

StreamReceiver = Callable[[Message | SipError, Peer], None]
FlowClosed = Callable[[Peer], None]
Address = tuple[str, int, str]
"""Host, port, and the name that was asked for: nobody else's connection is taken for that of a name (RFC 5923)."""


class TcpTransport:
    """A listening socket and every connection in or out of it.

    Parameters
    ----------
    receive, closed
        Are given each message, and each connection that ended or could not be made.
    whole_message
        Seconds, see `softswitch.transport.connection`.
    name
        "tcp" or "ws", or "tls" or "wss", which need `certificates`.
    framing
        Makes what messages are cut out by.
    """

    def __init__(
        self,
        receive: StreamReceiver,
        closed: FlowClosed,
        whole_message: float = WHOLE_MESSAGE,
        *,
        name: str = "tcp",
        certificates: Certificates | None = None,
        framing: Callable[[], Framing] = StreamFraming,
    ) -> None:
        self.name = name
        self.receive = receive
        self.whole_message = whole_message
        self._certificates = certificates
        self._framing = framing
        self._closed = closed
        self._server: asyncio.Server | None = None
        self._flows: dict[int, Connection] = {}
        self._by_address: dict[Address, Connection] = {}
        self._per_host: Counter[str] = Counter()
        self._dialling: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self.host = ""
        self.port = 0

    async def listen(self, host: str, port: int) -> Self:
        """Bind and listen. Raises OSError when the address is taken or not ours."""
        sock = _bind(host, port)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accepted, sock=sock, backlog=BACKLOG)
        self.host, self.port = sock.getsockname()[:2]
        return self

    def _accepted(self) -> Connection:
        return Connection(self, self._framing(), self._channel(None))

    def _channel(self, dialled: str | None) -> TlsChannel | None:
        """What a new connection speaks through: None in the open, else made with the certificates of this moment."""
        if self.name not in PROTECTED:
            return None
        certificates = self._certificates or Certificates()
        context = certificates.server if dialled is None else certificates.client
        if context is None:
            raise OSError("there are no certificates")
        try:
            return TlsChannel(context, server_side=dialled is None, name=dialled)
        except ValueError as error:
            raise OSError(f"no certificate can carry the name {dialled!r}") from error

    def next_flow(self) -> int:
        """A number that no other connection of this process has had."""
        return next(self._numbers)

    def admit(self, connection: Connection) -> bool:
        """Take a new connection in, unless there are too many of all or of its address."""
        peer = connection.peer
        if len(self._flows) >= MAX_CONNECTIONS or self._per_host[peer.host] >= MAX_PER_ADDRESS:
            log.warning("connection refused: too many", peer=str(peer), connections=len(self._flows))
            return False
        self._flows[peer.flow] = connection
        self._by_address[_address(peer)] = connection
        self._per_host[peer.host] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        peer = connection.peer
        if self._flows.pop(peer.flow, None) is None:
            return
        if self._by_address.get(_address(peer)) is connection:
            del self._by_address[_address(peer)]
        self._per_host[peer.host] -= 1
        if not self._per_host[peer.host]:
            del self._per_host[peer.host]
        self._closed(peer)

    def send(self, data: bytes, peer: Peer) -> None:
        """Send on the peer's flow, on another connection to the same address, or on a new one. Raises OSError."""
        address = _address(peer)
        connection = self._flows.get(peer.flow) or self._by_address.get(address)
        if connection is not None:
            connection.write(data)
            return
        if self.name in ACCEPTED_ONLY or (peer.flow and self.name in PROTECTED):
            raise OSError("the connection is gone, and only its other end can make a new one")
        waiting = self._dialling.get(address)
        if waiting is not None:
            waiting.append(data)
            return
        self._dialling[address] = [data]
        task = asyncio.get_running_loop().create_task(self._dial(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self, peer: Peer) -> None:
        """Connect; over TLS, who answers must prove to be `peer.name`, or else the address."""
        address = _address(peer)
        try:
            connection = Connection(self, self._framing(), self._channel(peer.name or peer.host), peer.name)
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await asyncio.get_running_loop().create_connection(lambda: connection, peer.host, peer.port)
            for data in self._dialling[address]:
                connection.write(data)  # raises when there were too many connections for one more
        except (OSError, TimeoutError) as error:
            del self._dialling[address]
            log.info("cannot connect", peer=str(peer), error=str(error))
            self._closed(peer)
            return
        del self._dialling[address]

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._flows.values()):
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _address(peer: Peer) -> Address:
    return peer.host, peer.port, peer.name


def _bind(host: str, port: int) -> socket.socket:
    """A socket of our own: the loop's errors about addresses are longer than a sentence."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
