"""SIP over WebSocket (RFC 7118): one SIP message in each WebSocket message, subprotocol "sip", nothing compressed.

HTTP and frames are read by `websockets` without its sockets; what a message is, and how large, is decided here.
"""

from collections.abc import Sequence

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message
from softswitch.sip.parser import MAX_MESSAGE, parse

SIP = Subprotocol("sip")
SILENCE = 30.0  # seconds after which a browser is asked whether it is there; it may have gone without a word
KEEP_ALIVE = b"\r\n\r\n"  # RFC 5626 section 3.5.1, which RFC 7118 section 6 allows here as well


class WebSocketFraming:
    """The server's end of one WebSocket.

    Parameters
    ----------
    origins
        Pages whose scripts may connect, like "https://phones.example.org"; who is no browser names none and may.
        Empty: all.
    """

    idle = SILENCE

    def __init__(self, origins: Sequence[str] = ()) -> None:
        allowed = [*map(Origin, origins), None] if origins else None
        self._socket = ServerProtocol(origins=allowed, subprotocols=[SIP], max_size=MAX_MESSAGE)
        self._message: bytearray | None = None
        self._text = False
        self._replies = b""
        self._begun = False
        self.broken = False
        """Whether the WebSocket is closed, or was never opened."""

    @property
    def pending(self) -> int:
        """1 while a frame or a message of several frames has begun."""
        return int(self._begun or self._message is not None)

    def feed(self, data: bytes) -> list[Message | SipError]:
        """Take octets in: the handshake, then frames."""
        found: list[Message | SipError] = []
        self._socket.receive_data(data)
        events = self._socket.events_received()
        self._begun = not events
        for event in events:
            if isinstance(event, Request):
                self._socket.send_response(self._socket.accept(event))
            elif isinstance(event, Frame):
                self._take(event, found)
        self._collect()
        return found

    def frame(self, message: bytes) -> bytes:
        """A message as a frame of text, or of octets when it is no UTF-8. Raises OSError on a closed WebSocket."""
        try:
            if _is_text(message):
                self._socket.send_text(message)
            else:
                self._socket.send_binary(message)
        except InvalidState as error:
            raise OSError("the WebSocket is not open") from error
        self._collect()
        return self.replies()

    def replies(self) -> bytes:
        """Take the answer to the handshake, pongs and closing frames."""
        replies, self._replies = self._replies, b""
        return replies

    def probe(self) -> bytes:
        """A ping."""
        try:
            self._socket.send_ping(b"")
        except InvalidState:
            return b""
        self._collect()
        return self.replies()

    def _take(self, frame: Frame, found: list[Message | SipError]) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._message = bytearray(frame.data)
            self._text = frame.opcode is Opcode.TEXT
        elif frame.opcode is Opcode.CONT and self._message is not None:
            self._message += frame.data
        else:
            return
        if not frame.fin:
            return
        message, self._message = bytes(self._message), None
        if self._text and not _is_text(message):
            self._socket.fail(CloseCode.INVALID_DATA, "text that is no UTF-8")
        elif message == KEEP_ALIVE:
            self._socket.send_text(b"\r\n")
        elif message.strip(b"\r\n"):
            found.append(_parse(message))

    def _collect(self) -> None:
        """What is to be sent; an empty piece means that nothing follows."""
        pieces = self._socket.data_to_send()
        self.broken = self.broken or b"" in pieces
        self._replies += b"".join(pieces)


def _parse(data: bytes) -> Message | SipError:
    try:
        return parse(data)
    except SipError as error:
        return error


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
