"""Legs whose codec is no table of G.711: what they say is decoded, and what they hear coded, one leg after another.

A codec keeps a state from frame to frame, so its payloads are decoded in the order of their time, when their turn
comes. Timestamps are counted at 8 kHz here whatever the clock of the codec is.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codec.bands import Doubler, Halver
from media.codec.catalogue import open_codec
from media.codec.codec import Codec
from media.codec.errors import BadPayload
from media.legs import G711, Legs
from media.playout import Gap, Playout
from media.rtp import FRAME
from media.serial import distance32

WIDE: Final = 2 * FRAME
"""Samples of 20 ms at 16 kHz."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Voice:
    """One coded leg."""

    def __init__(self, codec: Codec) -> None:
        self.format = codec.format
        self.playout = Playout()
        self.undecodable = 0
        """Payloads that are none of this codec."""
        self._codec = codec
        self._factor = self.format.clock // 8000
        self._frame = self.format.samples
        self._decoded = np.empty(0, np.int16)
        self._clock: int | None = None

    def restart(self) -> None:
        """Another stream begins."""
        self.playout.restart()
        self._decoded = self._decoded[:0]
        self._clock = None

    def position(self, timestamp: int) -> int:
        """Where a timestamp lies on a clock of 8 kHz that does not wrap."""
        clock = timestamp if self._clock is None else self._clock + distance32(timestamp, self._clock & 0xFFFFFFFF)
        self._clock = clock
        return clock // self._factor

    def hear(self) -> Samples | Gap:
        """The next 20 ms of what the leg says, int16[rate / 50]."""
        while len(self._decoded) < self._frame:
            taken = self.playout.take()
            if taken is Gap.PAUSE:
                return taken
            piece = self._make_up() if isinstance(taken, Gap) else self._decode(taken)
            if piece is None:
                return Gap.LOST
            self._decoded = np.concatenate([self._decoded, piece])
        frame, self._decoded = self._decoded[: self._frame], self._decoded[self._frame :]
        return frame

    def say(self, pcm: Samples) -> bytes:
        """Code 20 ms, int16[rate / 50]."""
        return self._codec.encode(pcm)

    def _make_up(self) -> Samples | None:
        return self._codec.conceal()

    def _decode(self, payload: bytes) -> Samples | None:
        try:
            pcm = self._codec.decode(payload)
        except BadPayload:
            self.undecodable += 1
            self.playout.advance(FRAME)
            return None
        self.playout.advance(len(pcm) * 8000 // self.format.rate)
        return pcm


class Voices:
    """All coded legs."""

    def __init__(self, legs: Legs, open_: Callable[[str, int], Codec] = open_codec) -> None:
        self._legs = legs
        self._open = open_
        self._voices: dict[int, Voice] = {}
        self._halver = Halver(legs.capacity)
        self._doubler = Doubler(legs.capacity)

    def __len__(self) -> int:
        return len(self._voices)

    def configure(self, row: int) -> None:
        """A leg was configured: open its codec, keep it, or close it. Raises MediaError when it cannot be had."""
        negotiated = self._legs.negotiated[row]
        form = None if negotiated is None else negotiated.format
        if form is None:
            self._voices.pop(row, None)
            return
        voice = self._voices.get(row)
        if voice is None or voice.format != form:
            self._voices[row] = Voice(self._open(form.name, form.clock))
            self._halver.reset(row)
            self._doubler.reset(row)

    def close(self, row: int) -> None:
        """A leg is gone."""
        self._voices.pop(row, None)

    def get(self, row: int) -> Voice | None:
        """The voice of a row, None when it speaks G.711."""
        return self._voices.get(row)

    def restart(self, rows: Rows) -> None:
        """Other streams begin on these rows."""
        for row in rows.tolist() if self._voices else ():
            voice = self._voices.get(row)
            if voice is not None:
                voice.restart()

    def review(self) -> None:
        """Once a second, look after the jitter buffers."""
        for voice in self._voices.values():
            voice.playout.review()

    def hear(self, ears: Rows, said: Samples, present: Flags, lost: Flags) -> None:
        """Put what the coded legs say among what all say.

        Parameters
        ----------
        ears : intp[n]
            Row of each ear.
        said : int16[n, 160]
            Receives the frames of the coded legs, at 8 kHz.
        present, lost : bool[n]
            Whether there is a frame, and whether one is missing; set for the coded legs.
        """
        wide_ears: list[int] = []
        wide: list[Samples] = []
        for ear in np.flatnonzero(self._legs.coding[ears] != G711).tolist():
            voice = self._voices.get(int(ears[ear]))
            heard = Gap.PAUSE if voice is None else voice.hear()
            present[ear], lost[ear] = not isinstance(heard, Gap), heard is Gap.LOST
            if isinstance(heard, Gap):
                continue
            if len(heard) == FRAME:
                said[ear] = heard
                continue
            wide_ears.append(ear)
            wide.append(heard)
        if wide:
            at = np.array(wide_ears, np.intp)
            narrow = np.empty((len(wide), FRAME), np.int16)
            self._halver.apply(ears[at], np.stack(wide), narrow)
            said[at] = narrow

    def say(self, rows: Rows, heard: Samples) -> list[bytes]:
        """Code what these rows hear, int16[n, 160] at 8 kHz: one payload per row."""
        voices = [self._voices[row] for row in rows.tolist()]
        is_wide = np.array([voice.format.wideband for voice in voices], bool)
        doubled = np.empty((len(rows), WIDE), np.int16)
        if is_wide.any():
            wide = np.empty((int(is_wide.sum()), WIDE), np.int16)
            self._doubler.apply(rows[is_wide], np.ascontiguousarray(heard[is_wide]), wide)
            doubled[is_wide] = wide
        return [voice.say(doubled[index] if is_wide[index] else heard[index]) for index, voice in enumerate(voices)]
