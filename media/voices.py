"""Legs whose codec is no table of G.711: what they say is decoded, and what they hear coded, one leg after another.

A codec keeps a state from frame to frame, so its payloads are decoded in the order of their time, when their turn
comes. Timestamps are counted at 8 kHz here whatever the clock of the codec is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codec.bands import Doubler, Halver
from media.codec.catalogue import open_codec
from media.codec.codec import Codec
from media.errors import BadPayload
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
        self._filler = Doubler(legs.capacity)
        self._frames: dict[int, Samples] = {}
        """What the wideband legs said in this tick, int16[320]."""

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
            for band in (self._halver, self._doubler, self._filler):
                band.reset(row)

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
        self._frames.clear()
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
            self._frames[int(ears[ear])] = heard
        if wide:
            at = np.array(wide_ears, np.intp)
            narrow = np.empty((len(wide), FRAME), np.int16)
            self._halver.apply(ears[at], np.stack(wide), narrow)
            said[at] = narrow

    def stamp(self, ears: Rows, stamps: NDArray[np.int64]) -> None:
        """Put the times of the coded legs' frames, on clocks of 8 kHz, among those of all: int64[n]."""
        for ear in np.flatnonzero(self._legs.coding[ears] != G711).tolist():
            voice = self._voices.get(int(ears[ear]))
            if voice is not None:
                stamps[ear] = voice.playout.position - FRAME

    def hush(self, row: int) -> None:
        """Forget what a row said in this tick in wideband: what is said at 8 kHz counts."""
        self._frames.pop(row, None)

    def mix_wide(self, rooms: Sequence[Rows], said: Samples, place: Rows) -> dict[int, Samples]:
        """What the members of wideband rooms hear of each other.

        Parameters
        ----------
        rooms : intp[k] each
            Rows of the members of each room.
        said : int16[n, 160]
            What everybody said at 8 kHz, with what was made up for lost frames.
        place : intp[capacity]
            Where in `said` each row is.

        Returns
        -------
        dict
            int16[320] by row: the sum of the others, saturated.
        """
        heard: dict[int, Samples] = {}
        for rows in rooms:
            self._fill_in(rows, said, place)
            frames = np.stack([self._frames[row] for row in rows.tolist()]).astype(np.int32)
            mixes = np.clip(frames.sum(axis=0) - frames, -32768, 32767).astype(np.int16)
            heard.update(zip(rows.tolist(), mixes, strict=True))
        return heard

    def _fill_in(self, rows: Rows, said: Samples, place: Rows) -> None:
        """Let the members that lack a wideband frame say what was made up for it."""
        lacking = np.array([row for row in rows.tolist() if row not in self._frames], np.intp)
        if not len(lacking):
            return
        made_up = np.empty((len(lacking), WIDE), np.int16)
        self._filler.apply(lacking, said[place[lacking]], made_up)
        self._frames.update(zip(lacking.tolist(), made_up, strict=True))

    def say(self, rows: Rows, heard: Samples, wide: Mapping[int, Samples]) -> list[bytes]:
        """Code what these rows hear: int16[n, 160] at 8 kHz, over what `mix_wide` made; one payload per row."""
        voices = [self._voices[row] for row in rows.tolist()]
        doubled = np.zeros((len(rows), WIDE), np.int16)
        at = np.flatnonzero([voice.format.wideband for voice in voices])
        if len(at):
            upper = np.empty((len(at), WIDE), np.int16)
            self._doubler.apply(rows[at], np.ascontiguousarray(heard[at]), upper)
            doubled[at] = upper
        payloads = []
        for index, voice in enumerate(voices):
            pcm = doubled[index] if voice.format.wideband else heard[index]
            mix = wide.get(int(rows[index]))
            if mix is not None:
                pcm = np.clip(pcm.astype(np.int32) + mix, -32768, 32767).astype(np.int16)
            payloads.append(voice.say(pcm))
        return payloads
