"""G.711: mu-law and A-law by table, for all rows of a frame together.

Samples are 16-bit linear (mu-law: the 14-bit scale of the Recommendation times 4; A-law: the 13-bit scale times 8),
codes are octets as they travel in RTP (RFC 3551 section 4.5.14: mu-law inverted, A-law with even bits inverted).

A table of *pairs* (indexed by two neighbouring octets read as one uint16) halves the number of look-ups when
decoding; rows that all speak one law, as nearly always, are looked up in blocks whose indices stay in the second-level
cache.  Shape convention: `n` rows, one per call leg, `m` samples (even).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

PCMU: Final = 0
PCMA: Final = 1
SILENCE: Final = (0xFF, 0xD5)
"""The octet of a sample of value zero, by law."""

LAWS: Final = {"PCMU": PCMU, "PCMA": PCMA}
"""RTP encoding names (RFC 3551 table 4) to the law numbers used here."""

# ITU-T G.711 tables 3 and 4: where converting one law to the other is not "nearest level".  Character numbers are 1 +
# magnitude for A-law and magnitude for mu-law; each line is (first number, the numbers that it and its followers turn
# into).
_MU_TO_A: Final = (
    *(1 + number // 2 for number in range(16)), *range(9, 26), 27, 29, 31, *range(33, 45), 46,
    *range(48, 63), *range(64, 81), *range(82, 129),
)  # fmt: skip
_A_TO_MU: Final = (
    *range(1, 16, 2), *range(16, 32), *(32 + number // 2 for number in range(8)), *range(36, 48), 48, 48, 49, 49,
    *range(50, 64), 64, 64, *range(65, 81), *range(80, 128),
)  # fmt: skip

_BLOCK_ROWS: Final = 256
"""Rows per block: the intp indices of 256 rows of 160 samples are 320 kB."""

Codes = NDArray[np.uint8]
Samples = NDArray[np.int16]


def _mu_law_levels() -> Samples:
    """Sample value of each of the 256 mu-law octets (G.711 table 2, times 4)."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    magnitude = ((2 * mantissa + 33 << exponent) - 33) * 4
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law_levels() -> Samples:
    """Sample value of each of the 256 A-law octets (G.711 table 1, times 8)."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = (code >> 4 & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    magnitude = (2 * mantissa + np.where(exponent > 0, 33, 1) << np.maximum(exponent - 1, 0)) * 8
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _magnitude(scale: int) -> NDArray[np.int32]:
    """Magnitude of every int16 value in the law's own scale; a negative value is complemented, as the reference
    software does.
    """
    values = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    return np.where(values < 0, ~values, values) >> scale


def _mu_law_codes() -> Codes:
    """Octet of every sample, indexed by the sample's uint16 view (G.711 table 2, decision values of column 5)."""
    biased = np.minimum(_magnitude(2) + 33, 0x1FFF)
    exponent = np.frexp(biased)[1] - 6
    code = exponent << 4 | biased >> (exponent + 1) & 15
    code[32768:] |= 0x80
    return np.asarray(~code & 0xFF, np.uint8)


def _a_law_codes() -> Codes:
    """Octet of every sample, indexed by the sample's uint16 view (G.711 table 1, decision values of column 5)."""
    magnitude = _magnitude(4)
    exponent = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    code = exponent << 4 | magnitude >> np.maximum(exponent - 1, 0) & 15
    code[:32768] |= 0x80
    return np.asarray(code ^ 0x55, np.uint8)


def _pairs(single: NDArray[np.generic]) -> NDArray[np.generic]:
    """Table for two octets at a time, (65536, 2), from a table for one."""
    pair = np.arange(65536, dtype="<u2").view(np.uint8).reshape(-1, 2)
    return np.ascontiguousarray(single[pair])


def _relay_tables() -> NDArray[np.uint8]:
    """Octet to octet, (source law, wanted law, 256), the crossings by tables 3 and 4 of G.711."""
    same = np.arange(256, dtype=np.uint8)
    tables = np.stack([same, same, same, same]).reshape(2, 2, 256)
    mu_magnitude, a_magnitude = ~same & 0x7F, (same ^ 0x55) & 0x7F
    tables[PCMU, PCMA] = (same & 0x80) | ((np.array(_MU_TO_A, np.uint8)[mu_magnitude] - 1) ^ 0x55)
    tables[PCMA, PCMU] = (same & 0x80) | (np.array(_A_TO_MU, np.uint8)[a_magnitude] ^ 0x7F)
    return tables


DECODE: Final[Samples] = np.stack([_mu_law_levels(), _a_law_levels()])
"""(law, octet) -> sample."""
ENCODE: Final[Codes] = np.stack([_mu_law_codes(), _a_law_codes()])
"""(law, sample as uint16) -> octet."""
RELAY: Final[Codes] = _relay_tables()
"""(source law, wanted law, octet) -> octet, for packets that are passed on without being decoded."""

_DECODE_PAIRS: Final = np.stack([_pairs(table).view(np.int32).ravel() for table in DECODE])
_RELAY_PAIRS: Final = np.stack([_pairs(table).view(np.uint16).ravel() for row in RELAY for table in row])


def _look_up(
    tables: NDArray[np.generic], keys: NDArray[np.uint16], which: NDArray[np.integer], out: NDArray[np.generic]
) -> None:
    """Write tables[which[row], key] into `out`, for every key of every row."""
    if not len(keys):
        return
    first = which[0]
    if (which == first).all():
        for start in range(0, len(keys), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            np.take(tables[first], keys[block], out=out[block], mode="clip")
        return
    for table in np.unique(which):
        rows = np.flatnonzero(which == table)
        for start in range(0, len(rows), _BLOCK_ROWS):
            some = rows[start : start + _BLOCK_ROWS]
            out[some] = np.take(tables[table], keys[some], mode="clip")


def decode_rows(codes: Codes, law: Codes, out: Samples) -> None:
    """Decode every row by its own law.

    Parameters
    ----------
    codes : uint8[n, m]
        Octets as received, m even.
    law : uint8[n]
        `PCMU` or `PCMA` of each row.
    out : int16[n, m]
        Receives the samples; contiguous rows.
    """
    _look_up(_DECODE_PAIRS, codes.view(np.uint16), law, out.view(np.int32))


def encode_rows(pcm: Samples, law: Codes, out: Codes) -> None:
    """Encode every row by its own law: int16[n, m] samples into uint8[n, m] octets, law uint8[n]."""
    _look_up(ENCODE, pcm.view(np.uint16), law, out)


def transcode(codes: Codes, src: Codes, dst: Codes, out: Codes) -> None:
    """Turn octets of law `src` into octets of law `dst` without decoding.

    Parameters
    ----------
    codes, out : uint8[n, m]
        Octets in and out, m even; they may be the same array.
    src, dst : uint8[n]
        Law of each row before and after; equal laws copy the row.
    """
    _look_up(_RELAY_PAIRS, codes.view(np.uint16), (src << 1) + dst, out.view(np.uint16))
