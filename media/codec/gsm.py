"""GSM 06.10 full rate (ETSI EN 300 961): 33 octets per 20 ms (RFC 3551 section 4.5.8.1).

The arithmetic is that of libsndfile, which is loaded for sound files anyway (FFmpeg decodes GSM but cannot encode it).
libsndfile knows files only, so each direction is an endless raw file whose contents pass through a `_Pipe`.
"""

from typing import BinaryIO, Final, cast

import numpy as np
import soundfile

from media.codec.codec import Format, Samples, check_frame, check_length
from media.codec.formats import GSM as FORMAT
from media.errors import BadPayload

_FRAME: Final = 33
_SIGNATURE: Final = 0xD
"""Upper half of the first octet of every frame."""
_LONGEST_FILE: Final = _FRAME * 50 * 86400 * 400
"""Size that the file to be decoded claims: 400 days, within the 2^31 frames that libsndfile counts."""


class _Pipe:
    """A file of which only the frames under way exist."""

    def __init__(self) -> None:
        self._under_way = bytearray()
        self._asked_for_end = False

    def write(self, data: bytes) -> int:
        """Append."""
        self._under_way += data
        return len(data)

    def read(self, count: int) -> bytes:
        """Take up to `count` octets out."""
        taken = bytes(self._under_way[:count])
        del self._under_way[:count]
        return taken

    def seek(self, _offset: int, whence: int = 0) -> int:
        """Only remembered, to answer the question for the length of the file."""
        self._asked_for_end = whence == 2
        return self.tell()

    def tell(self) -> int:
        """The claimed length after a seek to the end, else the start."""
        return _LONGEST_FILE if self._asked_for_end else 0


def _file(pipe: _Pipe, mode: str) -> soundfile.SoundFile:
    return soundfile.SoundFile(
        cast(BinaryIO, pipe), mode, samplerate=FORMAT.rate, channels=1, format="RAW", subtype="GSM610", endian="FILE"
    )


class GsmCodec:
    """Encoder and decoder of one leg."""

    format: Format = FORMAT

    def __init__(self) -> None:
        self._encoded, self._payloads = _Pipe(), _Pipe()
        self._encoder = _file(self._encoded, "w")
        self._decoder = _file(self._payloads, "r")
        self._decoder.read(FORMAT.samples, dtype="int16")  # stands for the frame it looked for while it was opened

    def encode(self, pcm: Samples) -> bytes:
        """33 octets of int16[160]; the lowest three bits of a sample are not used."""
        check_frame(pcm, FORMAT)
        self._encoder.write(pcm)
        return self._encoded.read(_FRAME)

    def decode(self, payload: bytes) -> Samples:
        """160 samples per frame, of one to three frames."""
        check_length(payload, 3 * _FRAME, FORMAT)
        if len(payload) % _FRAME:
            raise BadPayload(f"{len(payload)} octets are no whole number of GSM frames")
        if any(first >> 4 != _SIGNATURE for first in payload[::_FRAME]):
            raise BadPayload("a GSM frame begins with 0xD")
        self._payloads.write(payload)
        samples = np.empty(len(payload) // _FRAME * FORMAT.samples, np.int16)
        self._decoder.read(out=samples)
        return samples

    def conceal(self) -> None:
        """GSM conceals in EN 300 963, which libsndfile lacks."""
