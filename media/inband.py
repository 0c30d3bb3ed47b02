"""Keys that come as tones in the sound (ITU-T Q.23), because their leg negotiated no telephone events."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.dtmf import DigitDetector
from media.keys import Keys
from media.legs import Legs, Negotiated
from media.rooms import Rooms
from media.voices import Voices

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]

METHOD: Final = "inband"


class InBand:
    """The rows whose sound is searched for keys, and what their partners hear of these.

    A partner whom keys reach otherwise gets them as events, or from the switch in SIP INFO, and hears silence in place
    of the tone as soon as that is recognised. Its beginning he hears, about 40 ms: too little for anybody to count it
    as another key (Q.24 section 2), and therefore such a pair is not relayed but mixed.
    """

    def __init__(self, legs: Legs, rooms: Rooms, keys: Keys, voices: Voices) -> None:
        self._legs = legs
        self._rooms = rooms
        self._keys = keys
        self._voices = voices
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
        self._rooms.search(row, on=on)

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
            if partner is not None and not partner[1].dtmf_by_info:
                self._keys.press(partner[0], digit, tick)
        for row in rows[self._detector.sounding(rows)].tolist():
            if self._partner(row) is not None:
                said[place[row]] = 0
                self._voices.hush(row)
        return found

    def _partner(self, row: int) -> tuple[int, Negotiated] | None:
        """The other one of two who talk, if keys reach him otherwise and he may be sent to."""
        partner = self._rooms.partner(row)
        negotiated = None if partner is None else self._legs.negotiated[partner]
        if partner is None or negotiated is None or not negotiated.takes_keys:
            return None
        return (partner, negotiated) if self._legs.sends[partner] and self._legs.receives[row] else None
