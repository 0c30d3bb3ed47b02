"""A telephone in a browser: the raw phone with WebSocket frames around what it says (RFC 7118)."""

import asyncio
import ssl
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from tests.live.raw_phone import RawPhone


class WebPhone(RawPhone):
    """Connects by "ws" or "wss"."""

    def __init__(
        self, number: str, server_port: int, security: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        transport = "wss" if security else "ws"
        super().__init__(number, server_port, host=host, transport=transport, security=security)
        self._socket = ClientProtocol(parse_uri(f"ws://{self.server}/"), subprotocols=[Subprotocol("sip")])
        self._opened: list[bytes] | None = []
        """What waits for the end of the handshake."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = transport
        self._socket.send_request(self._socket.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Response):
                waiting, self._opened = self._opened or [], None
                for one in waiting:
                    self.send(one)
            elif isinstance(event, Frame) and event.data:
                self._take(bytes(event.data))
        self._flush()

    def send(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        if self._opened is not None:
            self._opened.append(data)
            return
        self._socket.send_text(data)
        self._flush()

    def _flush(self) -> None:
        for piece in self._socket.data_to_send():
            if piece:
                cast(Any, self.wire).write(piece)
