"""Linear 16 bit, mono, in network byte order (RFC 3551 section 4.5.11)."""

import numpy as np

from media.codec.codec import Format, Samples, check_frame, check_length
from media.errors import BadPayload


class L16Codec:
    """Encoder and decoder of one leg; it keeps no state."""

    def __init__(self, form: Format) -> None:
        self.format = form

    def encode(self, pcm: Samples) -> bytes:
        """Two octets per sample, the higher one first."""
        check_frame(pcm, self.format)
        return pcm.astype(">i2").tobytes()

    def decode(self, payload: bytes) -> Samples:
        """One sample per two octets."""
        check_length(payload, 2 * self.format.longest, self.format)
        if len(payload) % 2:
            raise BadPayload(f"{len(payload)} octets are no whole number of L16 samples")
        return np.frombuffer(payload, ">i2").astype(np.int16)

    def conceal(self) -> None:
        """L16 has no concealment of its own."""
