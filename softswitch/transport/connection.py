"""One connection of a stream transport: a framing over the network, or over a TLS channel over the network.

A connection that has not sent one whole message within `whole_message` seconds, or that starts a message and does
not finish it in that time, is closed: a slow stranger holds a descriptor for seconds, not for ever, however busily
he sends single octets or keep-alives. The time of a TLS or WebSocket handshake is part of it.
"""

import asyncio
import ssl
from typing import Protocol, cast

import structlog

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message
from softswitch.sip.peer import Peer
from softswitch.transport.framing import Framing
from softswitch.transport.tls import TlsChannel

log = structlog.get_logger("transport.connection")

MAX_UNSENT = 1 << 20  # bytes a peer may leave unread before it is dropped


class Owner(Protocol):
    """What a connection needs of its transport."""

    name: str
    whole_message: float

    def receive(self, item: Message | SipError, peer: Peer) -> None: ...
    def next_flow(self) -> int: ...
    def admit(self, connection: "Connection") -> bool: ...
    def forget(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """One connection, in or out.

    Parameters
    ----------
    tls
        The channel to speak through; None on a plain connection.
    dialled
        The name that we connected to; None when the other side connected to us.
    """

    def __init__(
        self, owner: Owner, framing: Framing, tls: TlsChannel | None = None, dialled: str | None = None
    ) -> None:
        self._owner = owner
        self._framing = framing
        self._tls = tls
        self._dialled = dialled
        self._stream: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._known = False
        """Whether a whole message has come."""
        self._hurried = True
        """Whether the deadline is that of a whole message; octets do not put it off."""
        self._probed = False
        self.peer = Peer(owner.name, "", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast(asyncio.Transport, transport)
        self._stream.set_write_buffer_limits(high=MAX_UNSENT)
        host, port = self._stream.get_extra_info("peername")[:2]
        self.peer = Peer(self._owner.name, host, port, self._owner.next_flow(), self._dialled or "")
        if not self._owner.admit(self):
            self._stream.abort()
            return
        self._expect(self._owner.whole_message)
        if self._tls is not None and self._dialled is not None:
            self._tls.start()
            self._flush(self._tls)

    def data_received(self, data: bytes) -> None:
        if self._tls is None:
            self._hear(data)
            return
        try:
            said = self._tls.receive(data)
        except ssl.SSLError as error:
            log.info("tls refused", peer=str(self.peer), error=_reason(error))
            self._flush(self._tls)  # the alert that tells the other side why
            self._finish()
            return
        self._flush(self._tls)
        if said:
            self._hear(said)
        if self._tls.ended:
            self.close()

    def _hear(self, data: bytes) -> None:
        messages = self._framing.feed(data)
        for message in messages:
            self._owner.receive(message, self.peer)
        replies = self._framing.replies()
        if replies and not self._closing:
            self._say(replies)
        if self._framing.broken:
            self.close()
            return
        self._set_deadline(len(messages))

    def pause_writing(self) -> None:
        log.warning("peer does not read", peer=str(self.peer))
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._owner.forget(self)

    def write(self, message: bytes) -> None:
        """Queue a message; the peer is dropped when it leaves more than `MAX_UNSENT` of them unread. Raises OSError."""
        if self._closing:
            raise OSError("the connection is closed")
        self._say(self._framing.frame(message))

    def close(self) -> None:
        """Close after what is queued has been sent."""
        if self._tls is not None and not self._closing:
            self._tls.end()
            self._flush(self._tls)
        self._finish()

    def _finish(self) -> None:
        """Close without another word, after what is queued has been sent."""
        if self._stream is not None:
            self._stream.close()

    def abort(self) -> None:
        """Close at once."""
        if self._stream is not None:
            self._stream.abort()

    @property
    def _closing(self) -> bool:
        return self._stream is None or self._stream.is_closing()

    def _say(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.say(data)
            self._flush(self._tls)
        elif self._stream is not None:
            self._stream.write(data)

    def _flush(self, tls: TlsChannel) -> None:
        data = tls.take()
        if data and self._stream is not None and not self._closing:
            self._stream.write(data)

    def _set_deadline(self, messages: int) -> None:
        """After octets that completed so many messages: the one that has begun must be whole in time."""
        self._known = self._known or messages > 0
        hurried = not self._known or self._framing.pending > 0
        if hurried and self._hurried and not messages:
            return
        self._hurried, self._probed = hurried, False
        self._expect(self._owner.whole_message if hurried else self._framing.idle)

    def _run_out(self) -> None:
        """The deadline: who was only silent is probed once, if he can be; anybody else is let go."""
        probe = b"" if self._hurried or self._probed or self._closing else self._framing.probe()
        if not probe:
            self.abort()
            return
        self._probed = True
        self._say(probe)
        self._expect(self._owner.whole_message)

    def _expect(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._run_out)


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.reason or str(error)
