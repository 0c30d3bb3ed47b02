"""What a codec is: the description that SDP speaks of, and the three things that every codec object can do."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media.errors import BadPayload

FRAMES_PER_SECOND: Final = 50
"""Frames of 20 ms: what `encode` takes and `conceal` gives."""
LONGEST_MS: Final = 60
"""Longest packet time that is decoded."""

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Format:
    """A codec as SDP and RTP name it, and the sound that its objects take and give."""

    name: str
    """Encoding name of the rtpmap (RFC 8866 section 6.6)."""
    clock: int
    """RTP clock rate in Hz; not always the sample rate (G.722, Opus)."""
    rate: int
    """Samples per second of the int16 that the codec object takes and gives."""
    channels: int = 1
    """Channels in the rtpmap; the sound here is mono whatever stands there."""
    payload_type: int | None = None
    """Static payload type (RFC 3551 table 4), None when it is agreed upon per call."""
    frame_bytes: int | None = None
    """Octets of a 20 ms frame, None when they vary."""

    @property
    def ticks(self) -> int:
        """RTP clock units per 20 ms frame."""
        return self.clock // FRAMES_PER_SECOND

    @property
    def samples(self) -> int:
        """Samples per 20 ms frame."""
        return self.rate // FRAMES_PER_SECOND

    @property
    def longest(self) -> int:
        """Most samples that one payload may turn into."""
        return self.rate * LONGEST_MS // 1000

    @property
    def wideband(self) -> bool:
        """Whether it carries more than the telephone band."""
        return self.rate > 8000


class Codec(Protocol):
    """Encoder and decoder of one leg.

    Both directions keep state, so frames are fed in the order of sending and playing, each once.
    """

    @property
    def format(self) -> Format:
        """Description of the codec."""

    def encode(self, pcm: Samples) -> bytes:
        """Payload of one 20 ms frame, int16[format.samples]; ValueError for any other length."""

    def decode(self, payload: bytes) -> Samples:
        """Samples of one payload of up to 60 ms, int16[n] at `format.rate`; BadPayload when it is none.

        Any content and length is safe to give, and the object stays usable after a refusal.
        """

    def conceal(self) -> Samples | None:
        """The codec's own guess at a lost 20 ms frame, int16[format.samples]; None when it has no such thing."""


def check_frame(pcm: Samples, form: Format) -> None:
    """ValueError unless `pcm` is one 20 ms frame of int16."""
    if pcm.shape != (form.samples,) or pcm.dtype != np.int16:
        raise ValueError(f"{form.name} encodes int16[{form.samples}], not {pcm.dtype}{list(pcm.shape)}")


def check_length(payload: bytes, most: int, form: Format) -> None:
    """BadPayload unless `payload` has between one and `most` octets."""
    if not 0 < len(payload) <= most:
        raise BadPayload(f"{len(payload)} octets are no {form.name} payload of up to {LONGEST_MS} ms")
