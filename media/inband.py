"""Keys that come as tones in the sound (ITU-T Q.23), because their leg negotiated no telephone events."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.dtmf import DigitDetector
from media.keys import Keys
from media.legs import Legs
from media.rooms import Rooms

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]

METHOD: Final = "inband"


class InBand:
    """The rows whose sound is searched for keys, and what their partners hear of these.

    A partner that negotiated events gets them, and silence in place of the tone as soon as that is recognised; of its
    beginning he hears about 40 ms, too little for anybody to count it as another key (Q.24 section 2).
    """

    def __init__(self, legs: Legs, rooms: Rooms, keys: Keys) -> None:
        self._legs = legs
        self._rooms = rooms
        self._keys = keys
        self._detector = DigitDetector(legs.capacity)
        self._rows: set[int] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def detect(self, row: int, *, on: bool) -> None:
        """Begin or end the search in a row."""
        if on == (row in self._rows):
            return
        (self._rows.add if on else self._rows.discard)(row)
        self._detector.reset(row)
        self._rooms.tap(row, 1 if on else -1)

    def forget(self, row: int) -> None:
        """A leg is gone."""
        self._rows.discard(row)

    def feed(self, said: Samples, place: Rows, tick: int) -> list[tuple[int, str]]:
        """Search the frame of this tick, int16[e, 160] by ear; what partners must not hear becomes silence in it.

        `place`, intp[capacity], is the ear of each row. Returns the rows that pressed a key, and which.
        """
        rows = np.fromiter(self._rows, np.intp, len(self._rows))
        found = self._detector.feed(said[place[rows]], rows)
        for row, digit in found:
            partner = self._partner(row)
            if partner is not None:
                self._keys.press(partner, digit, tick)
        for row in rows[self._detector.sounding(rows)].tolist():
            partner = self._partner(row)
            if partner is not None:
                said[place[row]] = 0
                self._keys.spare(partner, tick)
        return found

    def _partner(self, row: int) -> int | None:
        """The other one of two who talk, if he takes events and may be sent to."""
        partner = self._rooms.partner(row)
        negotiated = None if partner is None else self._legs.negotiated[partner]
        if partner is None or negotiated is None or negotiated.dtmf_send is None:
            return None
        return partner if self._legs.sends[partner] and self._legs.receives[row] else None
