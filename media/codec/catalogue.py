"""The codecs that a leg can speak besides G.711, by the name and clock of their rtpmap."""

from collections.abc import Callable, Iterable
from typing import Final

from media.codec.codec import Codec, Format
from media.codec.formats import G722, GSM, L16_NARROW, L16_WIDE, OPUS
from media.errors import CodecMissing, UnknownCodec

FORMATS: Final[dict[tuple[str, int], Format]] = {
    ("G722", 8000): G722,
    ("GSM", 8000): GSM,
    ("L16", 8000): L16_NARROW,
    ("L16", 16000): L16_WIDE,
    ("opus", 48000): OPUS,
}
"""(encoding name, clock rate in Hz) -> format; which one is preferred is the caller's affair."""

_BY_FOLDED_NAME: Final = {(name.casefold(), clock): form for (name, clock), form in FORMATS.items()}


def find_format(name: str, clock: int) -> Format | None:
    """The format of that rtpmap, None when it is not spoken here; encoding names have no case (RFC 4855 section 3)."""
    return _BY_FOLDED_NAME.get((name.casefold(), clock))


def open_codec(name: str, clock: int) -> Codec:
    """Encoder and decoder for one leg.

    Loads the codec's library when it is asked for the first time (Opus: 36 MB of memory).

    Raises
    ------
    UnknownCodec
        No codec of that name and clock.
    CodecMissing
        Its library is not installed.
    """
    form = find_format(name, clock)
    if form is None:
        raise UnknownCodec(f"there is no codec {name}/{clock}")
    try:
        return _OPENERS[form.name](form)
    except ImportError as error:
        raise CodecMissing(f"the codec {form.name} needs the Python package {_PACKAGES[form.name]}: {error}") from error


def preload(names: Iterable[str]) -> None:
    """Load what the codecs of these names need, so that no tick waits for it; laws of G.711 need nothing.

    Raises CodecMissing.
    """
    wanted = {name.casefold() for name in names}
    for form in FORMATS.values():
        if form.name.casefold() in wanted:
            open_codec(form.name, form.clock)


def _open_g722(_form: Format) -> Codec:
    from media.codec.g722 import G722Codec

    return G722Codec()


def _open_gsm(_form: Format) -> Codec:
    from media.codec.gsm import GsmCodec

    return GsmCodec()


def _open_l16(form: Format) -> Codec:
    from media.codec.l16 import L16Codec

    return L16Codec(form)


def _open_opus(_form: Format) -> Codec:
    from media.codec.opus import OpusCodec

    return OpusCodec()


_OPENERS: Final[dict[str, Callable[[Format], Codec]]] = {
    "G722": _open_g722,
    "GSM": _open_gsm,
    "L16": _open_l16,
    "opus": _open_opus,
}
_PACKAGES: Final = {"G722": "g722", "GSM": "soundfile", "L16": "numpy", "opus": "av"}
