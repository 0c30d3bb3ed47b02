"""An engine on a fake backend with a clock turned by hand, and talkers that speak to its legs."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.beat import TICK
from media.engine import Engine
from media.g711 import LAWS, decode_rows, encode_rows
from media.legs import Negotiated
from media.protocol import MediaEvent
from media.recorder import Recorder
from media.rtp import FRAME, RtpPacket
from tests.media.fake_io import FakeIo

Samples = NDArray[np.int16]


def encode(samples: Samples, codec: str = "PCMU") -> bytes:
    """One frame as G.711."""
    out = np.empty((1, len(samples)), np.uint8)
    encode_rows(samples[None], np.array([LAWS[codec]], np.uint8), out)
    return out.tobytes()


def decode(payload: bytes, codec: str = "PCMU") -> Samples:
    """G.711 as samples."""
    out = np.empty((1, len(payload)), np.int16)
    decode_rows(np.frombuffer(payload, np.uint8)[None].copy(), np.array([LAWS[codec]], np.uint8), out)
    return out.ravel()


def level(value: int) -> Samples:
    """A frame of one value."""
    return np.full(FRAME, value, np.int16)


def sine(hz: float, frames: int = 1, amplitude: float = 8000) -> Samples:
    """Whole frames of a sine."""
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(frames * FRAME) / 8000), np.int16)


def loudest_hz(samples: Samples) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 8000 / len(samples))


@dataclass
class Talker:
    """The telephone at the other end of a leg."""

    studio: "Studio"
    row: int
    codec: str = "PCMU"
    payload_type: int = 0
    host: str = "192.0.2.1"
    port: int = 4000
    ssrc: int = 0x1234
    sequence: int = 65530
    timestamp: int = 0xFFFFFC00

    def say(self, samples: Samples) -> None:
        """Send one packet of these samples."""
        self.send(self.next_packet(encode(samples, self.codec)))

    def next_packet(self, payload: bytes, *, payload_type: int | None = None, advance: int | None = None) -> RtpPacket:
        """The next packet of the stream, not sent."""
        kind = self.payload_type if payload_type is None else payload_type
        packet = RtpPacket(kind, False, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc, payload)
        self.sequence += 1
        self.timestamp += len(payload) if advance is None else advance
        return packet

    def send(self, packet: RtpPacket | bytes) -> None:
        """Send a packet."""
        self.studio.io.arrive(self.row, bytes(packet), self.host, self.port)

    def hears(self) -> Samples:
        """Everything that was sent to this telephone since the last call, as samples."""
        payloads = [p.payload for p in self.studio.io.sent_to(self.row) if p.payload_type == self.payload_type]
        return np.concatenate([decode(payload, self.codec) for payload in payloads] or [np.empty(0, np.int16)])


@dataclass
class Studio:
    """The engine and its surroundings."""

    events: list[MediaEvent] = field(default_factory=list)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.io = FakeIo()
        self.engine = Engine(self.io, random.Random(5), self.events.append, self.io.capacity)

    def open(self, name: str, codec: str = "PCMU", **changes: Any) -> Talker:
        """A configured leg and its telephone, which has the port 4000 + 2 * row."""
        self.engine.open(name, None, self.now)  # type: ignore[arg-type]
        row = self.engine.legs.row(name)
        talker = Talker(self, row, codec, {"PCMU": 0, "PCMA": 8}[codec], port=4000 + 2 * row, ssrc=0x1000 + row)
        self.configure(name, talker, **changes)
        return talker

    def configure(self, name: str, talker: Talker, **changes: Any) -> None:
        """Negotiate as the telephone does."""
        fields: dict[str, Any] = {
            "remote_host": talker.host,
            "remote_port": talker.port,
            "codec": talker.codec,
            "payload_type": talker.payload_type,
            "receive_payload_type": talker.payload_type,
            "dtmf_send": 101,
            "dtmf_receive": 101,
            "send": True,
            "receive": True,
        }
        self.engine.configure(name, Negotiated(**fields | changes), self.now)

    def tick(self, count: int = 1) -> None:
        """Let ticks pass."""
        for _ in range(count):
            self.now += TICK
            self.engine.tick(self.now, 1_700_000_000 + self.now)

    def talk(self, frames: int, *saying: tuple[Talker, Samples]) -> None:
        """Ticks in each of which telephones say the next frame of their sound, over and over."""
        for frame in range(frames):
            for talker, sound in saying:
                start = frame * FRAME % len(sound)
                talker.say(sound[start : start + FRAME])
            self.tick()

    def told(self, kind: type[Any]) -> list[Any]:
        """Events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]


class FakeRecorder:
    """Keeps the blocks that a recording would write."""

    def __init__(self) -> None:
        self.blocks: list[NDArray[np.int16]] = []

    def append(self, block: NDArray[np.int16]) -> None:
        self.blocks.append(block.copy())

    @property
    def sound(self) -> NDArray[np.int16]:
        """int16[2, n]."""
        return np.concatenate(self.blocks or [np.empty((2, 0), np.int16)], axis=1)

    def as_recorder(self) -> Recorder:
        return self  # type: ignore[return-value]
