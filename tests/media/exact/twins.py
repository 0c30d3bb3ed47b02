"""What the engine should do, written once more in plain numbers: one packet, one leg, one sample at a time.

Nothing of the engine is used here; where a number comes from a recommendation its place is named.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

Held = TypeVar("Held")

FRAME = 160
F = np.float32

# --- RTP (RFC 3550 section 5.1, serial numbers of RFC 1982)


@dataclass
class Packet:
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    @classmethod
    def read(cls, datagram: bytes) -> "Packet":
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", datagram)
        assert first == 0x80
        return cls(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, datagram[12:])

    def __bytes__(self) -> bytes:
        second = self.payload_type + (0x80 if self.marker else 0)
        return struct.pack("!BBHII", 0x80, second, self.sequence % 2**16, self.timestamp % 2**32, self.ssrc) + (
            self.payload
        )


def steps(new: int, old: int, bits: int) -> int:
    """How far `new` is after `old` on a circle of so many bits; exactly opposite counts as before."""
    forward = (new - old) % 2**bits
    return forward if forward < 2 ** (bits - 1) else forward - 2**bits


@dataclass
class Arrivals:
    """What came from a leg: which packets are new, which begin another stream."""

    ssrc: int | None = None
    highest: int = 0
    seen: set[int] = field(default_factory=set)

    def take(self, packet: Packet) -> tuple[int | None, bool]:
        """The sequence number without wrap, None for what came before or is too old; whether a stream begins."""
        step = steps(packet.sequence, self.highest, 16)
        begins = packet.ssrc != self.ssrc or abs(step) > 3000  # RFC 3550 appendix A.1
        if begins:
            self.ssrc, self.highest, self.seen = packet.ssrc, packet.sequence, {packet.sequence}
            return packet.sequence, True
        number = self.highest + step
        if number in self.seen or step <= -64:
            return None, False
        self.seen.add(number)
        self.highest = max(self.highest, number)
        return number, False


@dataclass
class Departures:
    """The stream that goes out to a leg."""

    ssrc: int
    sequence: int
    timestamp: int
    payload_type: int
    stands_at: int = 0
    """Tick of which `timestamp` is the frame."""

    def clock(self, tick: int) -> int:
        return self.timestamp + FRAME * max(tick - self.stands_at, 0)

    def frame(self, payload: bytes, tick: int) -> bytes:
        """The frame of a tick, marked after a pause."""
        stamp, pause = self.clock(tick), tick > self.stands_at
        packet = Packet(self.payload_type, pause, self.sequence, stamp, self.ssrc, payload)
        self.sequence += 1
        self.timestamp, self.stands_at = stamp + FRAME, tick + 1
        return bytes(packet)


class Relay:
    """One direction of two who talk: packets keep their order, gaps and distances."""

    def __init__(self, out: Departures, translate: Callable[[bytes], bytes] = bytes) -> None:
        self.arrivals = Arrivals()
        self.out = out
        self.translate = translate
        self.shift: tuple[int, int] | None = None

    def take(self, datagram: bytes, tick: int, payload_type: int | None = None) -> list[bytes]:
        """What goes out for a packet, as it is or with another payload type and untranslated."""
        packet = Packet.read(datagram)
        number, begins = self.arrivals.take(packet)
        if number is None:
            return []
        out = self.out
        if begins or self.shift is None:
            self.shift = out.sequence - number, out.clock(tick) - packet.timestamp
        sequence, stamp = number + self.shift[0], packet.timestamp + self.shift[1]
        if sequence >= out.sequence:
            out.sequence = sequence + 1
            out.timestamp += steps(stamp, out.timestamp, 32) + FRAME
            out.stands_at = tick + 1
        payload = self.translate(packet.payload) if payload_type is None else packet.payload
        kind = out.payload_type if payload_type is None else payload_type
        return [bytes(Packet(kind, packet.marker, sequence, stamp, out.ssrc, payload))]


# --- G.711: decoding by tables 1 and 2, encoding segment by segment as the reference software of G.191 does it


def decode_mu_law(code: int) -> int:
    code ^= 0xFF
    magnitude = ((((code & 15) << 1) + 33 << (code >> 4 & 7)) - 33) * 4
    return -magnitude if code & 0x80 else magnitude


def decode_a_law(code: int) -> int:
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = (2 * step + 1) * 8 if segment == 0 else (2 * step + 33 << segment - 1) * 8
    return magnitude if code & 0x80 else -magnitude


def encode_mu_law(sample: int) -> int:
    magnitude = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment = 0
    while magnitude >> (segment + 6):
        segment += 1
    code = (7 - segment) << 4 | (15 - (magnitude >> (segment + 1) & 15))
    return code | (0x80 if sample >= 0 else 0)


def encode_a_law(sample: int) -> int:
    magnitude = (~sample if sample < 0 else sample) >> 4
    exponent = 0
    while magnitude > 31:
        magnitude >>= 1
        exponent += 1
    code = magnitude if exponent == 0 else (exponent << 4) + magnitude
    return (code | (0x80 if sample >= 0 else 0)) ^ 0x55


# G.711 tables 3 and 4: the number of the level that each level of the other law becomes; levels of mu-law count from 0,
# those of A-law from 1.
MU_TO_A = [
    1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    27, 29, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60,
    61, 62, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, *range(82, 129),
]  # fmt: skip
A_TO_MU = [
    1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34,
    35, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 48, 49, 49, *range(50, 64), 64, 64, *range(65, 80), 80,
    *range(80, 128),
]  # fmt: skip


def mu_to_a(payload: bytes) -> bytes:
    """Mu-law has positive signs set and everything inverted, A-law every other bit."""
    return bytes(((MU_TO_A[~code & 0x7F] - 1) | (code & 0x80)) ^ 0x55 for code in payload)


def a_to_mu(payload: bytes) -> bytes:
    return bytes((~A_TO_MU[(code ^ 0x55) & 0x7F] & 0x7F) | ((code ^ 0x55) & 0x80) for code in payload)


DECODE = {"PCMU": decode_mu_law, "PCMA": decode_a_law}
ENCODE = {"PCMU": encode_mu_law, "PCMA": encode_a_law}
TRANSLATE: dict[tuple[str, str], Callable[[bytes], bytes]] = {
    ("PCMU", "PCMU"): bytes,
    ("PCMA", "PCMA"): bytes,
    ("PCMU", "PCMA"): mu_to_a,
    ("PCMA", "PCMU"): a_to_mu,
}


def saturate(value: int) -> int:
    return max(-32768, min(32767, value))


# --- the jitter buffer


class Waiting(Generic[Held]):
    """Frames of one leg that wait, as a dictionary from how many ticks they wait yet to what they hold."""

    DEPTH, BEGIN, PAUSE, GROWTH, TOO_OLD = 16, 2, 10, 5, 50

    def __init__(self) -> None:
        self.next: int | None = None
        self.frames: dict[int, Held] = {}
        self.missing = 0
        self.late = 0

    def put(self, timestamp: int, value: Held) -> None:
        if self.next is None:
            self.begin(timestamp)
        assert self.next is not None
        offset = steps(timestamp, self.next, 32)
        ahead = (offset + FRAME // 2 - 1) // FRAME
        self.next += offset - ahead * FRAME
        if ahead >= self.DEPTH or ahead < -self.TOO_OLD:
            self.begin(timestamp)
            ahead = self.BEGIN
        if -min(self.missing, self.GROWTH) <= ahead < 0:
            self.frames = {frame - ahead: held for frame, held in self.frames.items()}
            self.next += ahead * FRAME
            ahead = 0
        if ahead < 0:
            self.late += 1
            return
        self.frames[ahead] = value

    def begin(self, timestamp: int) -> None:
        self.next = timestamp - self.BEGIN * FRAME
        self.frames = {}
        self.missing = 0

    def restart(self) -> None:
        """Another stream begins with the next frame."""
        self.next = None
        self.frames = {}

    def take(self) -> Held | None:
        value = self.frames.pop(0, None)
        self.frames = {number - 1: held for number, held in self.frames.items()}
        if self.next is not None:
            self.next += FRAME
        self.missing = 0 if value is not None else self.missing + 1
        if self.missing >= self.PAUSE:
            self.next = None
        return value

    @property
    def lacks(self) -> bool:
        """Whether the frame that was not there should have been."""
        return self.next is not None


# --- concealment (G.711 appendix I, as `media.conceal` says)


class Concealer:
    """The concealment of one leg; float32 where the engine keeps float32."""

    SHORTEST, LONGEST, FULL, SILENT, BLEND = 40, 120, 80, 480, 40

    def __init__(self) -> None:
        self.history = [0] * (2 * FRAME)
        self.gone = 0

    def apply(self, frame: list[int], *, lost: bool) -> list[int]:
        if lost and self.gone >= self.SILENT:
            frame = [0] * FRAME
        elif lost:
            if not self.gone:
                self.learn()
            frame = [int(np.rint(self.sample(self.gone + at))) for at in range(FRAME)]
            self.gone += FRAME
        elif self.gone:
            frame = self.blend(frame)
            self.gone = 0
        self.history = self.history[FRAME:] + frame
        return frame

    def learn(self) -> None:
        self.pitch = find_pitch(self.history)
        quarter = self.pitch // 4
        self.period = []
        for place in range(self.pitch):
            newest, older = F(self.history[place - self.pitch]), F(self.history[place - 2 * self.pitch])
            bend = F(min(max((place - self.pitch + quarter + 1) / quarter, 0), 1))
            self.period.append(newest + (older - newest) * bend)
        self.step = F(self.history[-1]) - F(self.history[-1 - self.pitch])

    def sample(self, at: int) -> np.float32:
        sound = self.period[at % self.pitch]
        if self.gone == 0 and at < self.LONGEST // 4:
            sound = sound + self.step * F(max(0, 1 - (at + 1) / (self.pitch // 4 + 1)))
        sound = sound * F(min(max(1 - (at - self.FULL) / (self.SILENT - self.FULL), 0), 1))
        return F(min(max(float(sound), -32768.0), 32767.0))

    def blend(self, frame: list[int]) -> list[int]:
        blended = list(frame)
        for at in range(self.BLEND):
            repeated = self.sample(self.gone + at)
            blended[at] = int(np.rint(repeated + (F(frame[at]) - repeated) * F((at + 1) / (self.BLEND + 1))))
        return blended


def find_pitch(history: list[int]) -> int:
    """The lag from 40 to 120 samples at which the last 160 agree best with their past, sought in two steps."""
    loudest = max(max(history), ~min(history))
    scaled = [x >> max(loudest.bit_length() - 8, 0) for x in history]
    halved = scaled[::2]
    longest, shortest = Concealer.LONGEST, Concealer.SHORTEST
    coarse = _best_of([(lag, _agreement(halved, lag // 2, 80)) for lag in range(longest, shortest - 1, -2)])
    lags = [min(max(coarse + change, shortest), longest) for change in (-1, 0, 1)]
    return _best_of([(lag, _agreement(scaled, lag, 160)) for lag in lags])


def _best_of(scores: list[tuple[int, float]]) -> int:
    return max(scores, key=lambda entry: entry[1])[0]


def _agreement(sound: list[int], lag: int, window: int) -> float:
    now, past = sound[-window:], sound[len(sound) - window - lag : len(sound) - lag]
    cross = sum(a * b for a, b in zip(now, past, strict=True))
    return cross * abs(cross) / max(sum(b * b for b in past), 1)


# --- one leg that is decoded


class Ear:
    """What a leg says, frame by frame: counted, delayed, decoded, concealed."""

    def __init__(self, codec: str) -> None:
        self.arrivals = Arrivals()
        self.waiting: Waiting[bytes] = Waiting()
        self.concealer = Concealer()
        self.decode = DECODE[codec]

    def take(self, datagram: bytes) -> None:
        """A packet of 20, 40, 60 or 80 ms came."""
        packet = Packet.read(datagram)
        number, begins = self.arrivals.take(packet)
        if begins:
            self.waiting.restart()
        for start in range(0, len(packet.payload) if number is not None else 0, FRAME):
            self.waiting.put((packet.timestamp + start) % 2**32, packet.payload[start : start + FRAME])

    def hear(self) -> list[int]:
        """What it says in this tick."""
        payload = self.waiting.take()
        said = [0] * FRAME if payload is None else [self.decode(code) for code in payload]
        return self.concealer.apply(said, lost=payload is None and self.waiting.lacks)
