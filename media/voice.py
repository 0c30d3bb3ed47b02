"""Who speaks: voice told from noise by its level over a floor that follows the noise, for many legs at once.

The floor of a row falls quickly to whatever is quieter and rises slowly, so it comes to lie on the noise between words.
A frame well above it is voice, and so are the few frames after it, since words fade.

Measured against webrtcvad (mode 2) on 15 synthesised voices in noise, missed and false frames: 25 dB over the noise
0.9 and 0.1 % here, 4.4 and 0.1 % there; 15 dB 7.8 and 0.0 against 8.7 and 0.1 %; 8 dB 23 and 0 against 10 and 0 %;
15 dB over brown noise 4.6 and 9.3 against 7.2 and 0.1 %. It takes 2.4 us for a frame of one row, this a twentieth of
that for rows together, and telephone lines are 25 dB and better: so this one is used.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.tone import amplitude

QUIETEST: Final = np.float32(amplitude(-43.0) ** 2 / 2)
"""Mean square under which nothing is voice."""
OVER_FLOOR: Final = np.float32(10 ** (6 / 10))
"""How much voice stands above the noise: 6 dB."""
RISE: Final = np.float32(10 ** (0.03 / 10))
"""By what the floor rises each frame: 1.5 dB a second."""
FALL: Final = np.float32(0.4)
"""Share of the way down to a quieter frame that the floor goes at once."""
HIGHEST_FLOOR: Final = np.float32(amplitude(-20.0) ** 2 / 2)
"""A voice that never pauses does not lift the floor above this."""
UNKNOWN: Final = np.float32(-1)
"""Floor of a row that was not heard yet: its first frame is taken for noise."""
HANG_OVER: Final = 6
"""Frames after the last loud one that still count as voice: 120 ms."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]
Powers = NDArray[np.float32]


class VoiceDetector:
    """Listens for voices; each row has its own floor.

    Parameters
    ----------
    rows : int
        How many rows there are.
    """

    def __init__(self, rows: int) -> None:
        self._floor = np.full(rows, UNKNOWN, np.float32)
        self._hang = np.zeros(rows, np.int8)

    def reset(self, row: int) -> None:
        """Another leg has this row now."""
        self._floor[row] = UNKNOWN
        self._hang[row] = 0

    def feed(self, power: Powers, rows: Rows) -> Flags:
        """Listen to one frame of some rows.

        Parameters
        ----------
        power : float32[k]
            Mean square of each frame.
        rows : intp[k]
            Which row each of them belongs to, none twice.

        Returns
        -------
        bool[k]
            Whether somebody speaks.
        """
        floor = self._floor[rows]
        floor = np.where(floor < 0, np.minimum(power, HIGHEST_FLOOR), floor)
        floor = np.where(power < floor, floor + (power - floor) * FALL, np.minimum(floor * RISE, HIGHEST_FLOOR))
        loud = (power > floor * OVER_FLOOR) & (power > QUIETEST)
        hang = np.where(loud, HANG_OVER, np.maximum(self._hang[rows] - 1, 0)).astype(np.int8)
        self._floor[rows] = np.maximum(floor, 1)
        self._hang[rows] = hang
        return np.asarray(hang > 0)


def mean_square(pcm: Samples) -> Powers:
    """Power of each frame, int16[k, m] -> float32[k]; quicker than `level.power`, and exact to six digits."""
    sound = pcm.astype(np.float32)
    return np.asarray(np.einsum("km,km->k", sound, sound) / np.float32(pcm.shape[1]), np.float32)
