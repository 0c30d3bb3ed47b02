"""SIP over TCP (RFC 3261 section 18): connections by flow number, bounded in count, size and time.

A connection that has not sent one whole message within `WHOLE_MESSAGE` seconds, or that starts a message and does
not finish it in that time, is closed: a slow stranger holds a descriptor for seconds, not for ever, however busily
he sends single octets or keep-alives.
"""

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Callable
from typing import cast

import structlog

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message
from softswitch.sip.parser import Ping, StreamParser
from softswitch.sip.peer import Peer

log = structlog.get_logger("transport.tcp")

WHOLE_MESSAGE = 10.0  # seconds until the first whole message, and for each started one
IDLE = 3600.0  # seconds without a byte
CONNECT_TIMEOUT = 4.0  # seconds
BACKLOG = 1024
MAX_CONNECTIONS = 4096
MAX_PER_ADDRESS = 256
MAX_UNSENT = 1 << 20  # bytes a peer may leave unread before it is dropped

StreamReceiver = Callable[[Message | SipError, Peer], None]
FlowClosed = Callable[[Peer], None]


class Connection(asyncio.Protocol):
    """One TCP connection, in or out."""

    def __init__(self, owner: "TcpTransport") -> None:
        self._owner = owner
        self._parser = StreamParser()
        self._stream: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._hurried = True
        """Whether the deadline is that of a whole message; octets do not put it off."""
        self.peer = Peer("tcp", "", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast(asyncio.Transport, transport)
        self._stream.set_write_buffer_limits(high=MAX_UNSENT)
        host, port = self._stream.get_extra_info("peername")[:2]
        self.peer = Peer("tcp", host, port, self._owner.next_flow())
        if not self._owner.admit(self):
            self._stream.abort()
            return
        self._expect(self._owner.whole_message)

    def data_received(self, data: bytes) -> None:
        messages = 0
        for item in self._parser.feed(data):
            if isinstance(item, Ping):
                self.write(b"\r\n")
                continue
            messages += 1
            self._owner.receive(item, self.peer)
        if self._parser.broken:
            self.close()
            return
        self._set_deadline(messages)

    def pause_writing(self) -> None:
        log.warning("peer does not read", peer=str(self.peer))
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._owner.forget(self)

    def write(self, data: bytes) -> None:
        """Queue bytes; the peer is dropped when it leaves more than `MAX_UNSENT` of them unread."""
        if self._stream is None or self._stream.is_closing():
            raise OSError("the connection is closed")
        self._stream.write(data)

    def close(self) -> None:
        """Close after what is queued has been sent."""
        if self._stream is not None:
            self._stream.close()

    def abort(self) -> None:
        """Close at once."""
        if self._stream is not None:
            self._stream.abort()

    def _set_deadline(self, messages: int) -> None:
        """After octets that completed so many messages: the one that has begun must be whole in time."""
        if self._hurried and not messages:
            return
        self._hurried = self._parser.pending > 0
        self._expect(self._owner.whole_message if self._hurried else IDLE)

    def _expect(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)


class TcpTransport:
    """A listening TCP socket and every connection in or out of it."""

    name = "tcp"

    def __init__(self, receive: StreamReceiver, closed: FlowClosed, whole_message: float = WHOLE_MESSAGE) -> None:
        self.receive = receive
        self.whole_message = whole_message
        self._closed = closed
        self._server: asyncio.Server | None = None
        self._flows: dict[int, Connection] = {}
        self._by_address: dict[tuple[str, int], Connection] = {}
        self._per_host: Counter[str] = Counter()
        self._dialling: dict[tuple[str, int], list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self.host = ""
        self.port = 0

    @classmethod
    async def listen(
        cls, host: str, port: int, receive: StreamReceiver, closed: FlowClosed, whole_message: float = WHOLE_MESSAGE
    ) -> "TcpTransport":
        """Bind and listen. Raises OSError when the address is taken or not ours."""
        transport = cls(receive, closed, whole_message)
        sock = _bind(host, port)
        loop = asyncio.get_running_loop()
        transport._server = await loop.create_server(lambda: Connection(transport), sock=sock, backlog=BACKLOG)
        transport.host, transport.port = sock.getsockname()[:2]
        return transport

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
        self._by_address[peer.host, peer.port] = connection
        self._per_host[peer.host] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        peer = connection.peer
        if self._flows.pop(peer.flow, None) is None:
            return
        if self._by_address.get((peer.host, peer.port)) is connection:
            del self._by_address[peer.host, peer.port]
        self._per_host[peer.host] -= 1
        if not self._per_host[peer.host]:
            del self._per_host[peer.host]
        self._closed(peer)

    def send(self, data: bytes, peer: Peer) -> None:
        """Send on the peer's flow, on another connection to the same address, or on a new one. Raises OSError."""
        connection = self._flows.get(peer.flow) or self._by_address.get((peer.host, peer.port))
        if connection is not None:
            connection.write(data)
            return
        waiting = self._dialling.get((peer.host, peer.port))
        if waiting is not None:
            waiting.append(data)
            return
        self._dialling[peer.host, peer.port] = [data]
        task = asyncio.get_running_loop().create_task(self._dial(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self, peer: Peer) -> None:
        address = (peer.host, peer.port)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(lambda: Connection(self), peer.host, peer.port)
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
