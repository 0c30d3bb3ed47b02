"""A telephone on real sockets of 127.0.0.1, paced by the loop's clock."""

import asyncio
import socket
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.protocol import SrtpKeys
from media.rtp import FRAME, RtpPacket, parse
from media.telephone_event import Event
from tests.media.secure_talker import make_session
from tests.media.studio import decode, encode

Samples = NDArray[np.int16]


class Phone:
    """Speaks G.711 to a leg, and keeps what it hears."""

    def __init__(self, codec: str = "PCMU", host: str = "127.0.0.1") -> None:
        self.codec = codec
        self.payload_type = {"PCMU": 0, "PCMA": 8}[codec]
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self.sock = socket.socket(self.family, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.setblocking(False)
        self.port = int(self.sock.getsockname()[1])
        self.leg_port = 0
        self.sequence, self.timestamp = 65000, 0xFFFFF000
        self.heard: list[RtpPacket] = []
        self._seal: Callable[[bytes], bytes] = bytes
        self._open: Callable[[bytes], bytes] = bytes

    def secure(self, keys: SrtpKeys) -> None:
        """Speak SRTP from now on, with the keys as the leg has them."""
        self._seal = make_session(keys.suite, keys.receive, inbound=False).protect
        self._open = make_session(keys.suite, keys.send, inbound=True).unprotect

    def close(self) -> None:
        self.sock.close()

    def send(
        self, payload: bytes, *, payload_type: int | None = None, marker: bool = False, advance: int = FRAME
    ) -> None:
        """Send one packet."""
        kind = self.payload_type if payload_type is None else payload_type
        packet = RtpPacket(kind, marker, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, 77, payload)
        self.sequence += 1
        self.timestamp += advance
        self.sock.sendto(self._seal(bytes(packet)), (self.host, self.leg_port))

    def lose(self) -> None:
        """A packet that never arrives."""
        self.sequence += 1
        self.timestamp += FRAME

    def listen(self) -> None:
        """Keep what has come."""
        while True:
            try:
                self.heard.append(parse(self._open(self.sock.recv(2048))))
            except BlockingIOError:
                return

    async def talk(self, sound: Samples, frames: int, is_lost: Callable[[int], bool] = lambda _: False) -> None:
        """Say so many frames of a sound, one each 20 ms, and listen."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for frame in range(frames):
            start = frame * FRAME % len(sound)
            if is_lost(frame):
                self.lose()
            else:
                self.send(encode(sound[start : start + FRAME], self.codec))
            due += 0.02
            await asyncio.sleep(max(due - loop.time(), 0))
            self.listen()

    async def press(self, key: int, lost: frozenset[int] = frozenset(), payload_type: int = 101) -> None:
        """Press a key for 100 ms."""
        for index in range(8):
            if index in lost:
                self.sequence += 1
            else:
                event = Event(key, index >= 5, min(index + 1, 6) * FRAME)
                self.send(bytes(event), payload_type=payload_type, marker=index == 0, advance=0)
            if index < 5:
                await asyncio.sleep(0.02)
        self.timestamp += 6 * FRAME
        self.listen()

    @property
    def sound(self) -> Samples:
        """What was heard, packets of other payload types left out."""
        frames = [
            decode(packet.payload, self.codec) for packet in self.heard if packet.payload_type == self.payload_type
        ]
        return np.concatenate(frames or [np.empty(0, np.int16)])
