"""G.722 at 64 kbit/s: every octet holds two samples, so every payload can be decoded."""

from array import array

import G722
import numpy as np

from media.codec.codec import Format, Samples, check_frame, check_length
from media.codec.formats import G722 as FORMAT

_BITS_PER_SECOND = 64000


class G722Codec:
    """Encoder and decoder of one leg."""

    format: Format = FORMAT

    def __init__(self) -> None:
        self._encoder = G722.G722(FORMAT.rate, _BITS_PER_SECOND, False)
        self._decoder = G722.G722(FORMAT.rate, _BITS_PER_SECOND, False)

    def encode(self, pcm: Samples) -> bytes:
        """160 octets of int16[320]."""
        check_frame(pcm, FORMAT)
        encoded: bytes = self._encoder.encode(array("h", pcm.tobytes()))  # an array is read faster than an ndarray
        return encoded

    def decode(self, payload: bytes) -> Samples:
        """Two samples per octet, of 1 to 480 octets."""
        check_length(payload, FORMAT.longest // 2, FORMAT)
        return np.frombuffer(self._decoder.decode(payload), np.int16)

    def conceal(self) -> None:
        """G.722 conceals in appendices III and IV, which the library lacks."""
