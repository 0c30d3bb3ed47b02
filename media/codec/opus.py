"""Opus (RFC 6716) in RTP (RFC 7587), mono speech at 16 kHz, by FFmpeg's binding of libopus.

FFmpeg always decodes to 48 kHz, so a filter behind it keeps every third sample.  It has no call for a lost packet
either, but libopus takes a packet that is nothing but its first octet for one (`conceal`).  What FFmpeg cannot reach is
the redundancy of the next packet (decode_fec): ours is sent for the other side's benefit.
"""

from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from media.codec.codec import LONGEST_MS, Format, Samples, check_frame, check_length
from media.codec.formats import OPUS as FORMAT
from media.errors import BadPayload

BITS_PER_SECOND: Final = 24000
_ENCODER: Final = {
    "application": "voip",
    "frame_duration": "20",
    "fec": "1",
    "packet_loss": "10",  # in percent; without it libopus adds no redundancy
    "compression_level": "8",  # PESQ of six voices and cost: 2.95, 48 us at 0; 3.13, 140 us at 5; 3.53, 185 us from 8
}
_LONGEST_PAYLOAD: Final = 1500
_DECODER_RATE: Final = 48000

# RFC 6716 table 2: duration of a frame in units of 2.5 ms, by configuration number.
_DURATIONS: Final = (*(4, 8, 16, 24) * 3, *(4, 8) * 2, *(1, 2, 4, 8) * 4)
_NOTHING: Final = bytes((9 << 3,))
"""A packet of one 20 ms frame that has no octets, concealed in the mode of the packet before it."""

# Equiripple low-pass for 48 kHz, 48 taps times 2^15, first half: 0.2 dB to 7 kHz, -46 dB from 9 kHz, late by 0.5 ms.
_HALF_OF_LOW_PASS: Final = (
    -148, -100, 34, 220, 282, 112, -180, -310, -90, 331, 531, 212, -430, -774, -338, 641, 1237, 620, -1005, -2219,
    -1328, 2184, 6922, 10302,
)  # fmt: skip


_LOW_PASS: Final = np.array((*_HALF_OF_LOW_PASS, *reversed(_HALF_OF_LOW_PASS))) / (2.0 * sum(_HALF_OF_LOW_PASS))
_PAST: Final = len(_LOW_PASS) - 3


class _Thinning:
    """Every third sample of a low-passed stream: 48 kHz to 16 kHz."""

    def __init__(self) -> None:
        self._past: NDArray[np.float64] = np.zeros(_PAST)

    def feed(self, pcm: NDArray[np.int16]) -> Samples:
        """int16[3 n] -> int16[n]."""
        stream = np.concatenate((self._past, pcm.astype(np.float64)))
        self._past = stream[-_PAST:]
        thin = np.zeros(len(pcm) // 3)
        for phase in range(3):
            thin += np.convolve(stream[2 - phase :: 3], _LOW_PASS[phase::3], "valid")
        return np.clip(np.rint(thin), -32768, 32767).astype(np.int16)


def milliseconds(payload: bytes) -> float:
    """Duration of a packet (RFC 6716 sections 3.1 and 3.2); BadPayload when it names no frames."""
    check_length(payload, _LONGEST_PAYLOAD, FORMAT)
    frames = _frames(payload)
    if not frames:
        raise BadPayload("an Opus packet without frames")
    return frames * _DURATIONS[payload[0] >> 3] * 2.5


def _frames(payload: bytes) -> int:
    code = payload[0] & 3
    if code < 3:
        return (1, 2, 2)[code]
    return payload[1] & 63 if len(payload) > 1 else 0


def _encoder() -> AudioCodecContext:
    context = AudioCodecContext.create("libopus", "w")
    context.sample_rate = FORMAT.rate
    context.layout = "mono"
    context.format = "s16"
    context.bit_rate = BITS_PER_SECOND
    context.options = dict(_ENCODER)
    context.open()
    return context


def _decoder() -> AudioCodecContext:
    context = AudioCodecContext.create("libopus", "r")
    context.sample_rate = _DECODER_RATE
    context.layout = "mono"  # libopus mixes stereo packets down
    context.open()
    return context


class OpusCodec:
    """Encoder and decoder of one leg."""

    format: Format = FORMAT

    def __init__(self) -> None:
        self._encoder = _encoder()
        self._decoder = _decoder()
        self._thinning = _Thinning()

    def encode(self, pcm: Samples) -> bytes:
        """A packet of one 20 ms frame of int16[320]; the encoder looks 6.5 ms ahead."""
        check_frame(pcm, FORMAT)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = FORMAT.rate
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def decode(self, payload: bytes) -> Samples:
        """Samples of a packet of any mode, bandwidth and number of channels, 2.5 to 60 ms."""
        lasts = milliseconds(payload)
        if lasts > LONGEST_MS:
            raise BadPayload(f"an Opus packet of {lasts:g} ms")
        return self._decode(payload)

    def conceal(self) -> Samples:
        """libopus goes on from what it heard last, as RFC 6716 section 4.4 asks for."""
        return self._decode(_NOTHING)

    def _decode(self, packet: bytes) -> Samples:
        try:
            frames = self._decoder.decode(av.Packet(packet))
        except av.FFmpegError as error:
            raise BadPayload("a damaged Opus packet") from error
        if len(frames) != 1:
            raise BadPayload("an Opus packet without sound")
        return self._thinning.feed(np.frombuffer(memoryview(frames[0].planes[0]), np.int16, frames[0].samples))
