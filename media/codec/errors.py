"""Errors of the codecs.

MediaError
├── BadPayload     a payload that the codec cannot be fed with
├── UnknownCodec   a name and clock that no codec here answers to
└── CodecMissing   the library behind a codec is not installed
"""

from media.errors import MediaError


class BadPayload(MediaError):
    """A payload that the codec cannot be fed with; the codec object stays usable."""

    code = "bad_payload"


class UnknownCodec(MediaError):
    """A name and clock that no codec here answers to."""

    code = "unknown_codec"


class CodecMissing(MediaError):
    """The library behind a codec is not installed."""

    code = "codec_missing"
