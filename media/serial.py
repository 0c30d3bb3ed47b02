"""Serial number arithmetic (RFC 1982) for RTP sequence numbers (16 bits) and timestamps (32 bits).

Both functions take ints or int64 arrays and give the signed distance from `old` to `new`, right across the wrap.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", int, NDArray[np.int64])


def distance16(new: Number, old: Number) -> Number:
    """How far `new` is after `old` on the circle of 65,536 sequence numbers, -32,768 to 32,767."""
    return ((new - old + 0x8000) & 0xFFFF) - 0x8000


def distance32(new: Number, old: Number) -> Number:
    """How far `new` is after `old` on the circle of 2**32 timestamps, in ticks of the clock."""
    return ((new - old + 0x80000000) & 0xFFFFFFFF) - 0x80000000
