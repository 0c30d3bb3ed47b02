"""Mixing: everybody in a room hears everybody but himself.

Sums saturate at the int16 limits, so a loud conference clips and never wraps.  Rooms of equal
size are done together: their rows are gathered into one (rooms, size, m) block, so there is no loop over rooms, only
over the few different sizes. Rooms of two, nearly all rooms there are, only change places.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_ROOM: Final = -1
"""Room number of a row that is mixed with nobody: it hears silence."""

_BLOCK_ROWS: Final = 512
"""Rows gathered at a time: 512 rows of 160 int32 sums are 320 kB."""

Samples = NDArray[np.int16]
Rooms = NDArray[np.intp]
Gains = NDArray[np.float32]


@dataclass(slots=True)
class Seating:
    """Who is in which room, as `mix_seated` wants it; it holds until somebody comes or goes."""

    lonely: Rooms
    """intp[k]: rows that hear silence, since they are in no room."""
    rooms: list[Rooms]
    """intp[rooms, size]: the members of all rooms of one size."""


def seat(room: Rooms) -> Seating:
    """Seat rows by their room numbers, intp[n], `NO_ROOM` for none."""
    order, first, size = _sorted_rooms(room)
    rooms = [order[first[size == members, None] + np.arange(members)] for members in np.unique(size)]
    return Seating(np.flatnonzero(room == NO_ROOM), rooms)


def mix_seated(said: Samples, seating: Seating, out: Samples) -> None:
    """Give every row of int16[n, m] the sum of the other rows of its room; `out` is another array."""
    if len(seating.lonely):
        out[seating.lonely] = 0
    for rows in seating.rooms:
        _mix_rooms(said, rows, out)


def mix_minus_self(pcm: Samples, room: Rooms, gain: Gains | None, out: Samples) -> None:
    """Give every row the sum of the other rows of its room.

    Parameters
    ----------
    pcm : int16[n, m]
        What each leg said.
    room : intp[n]
        Room of each row, `NO_ROOM` for none; numbers need not be dense.
    gain : float32[n] or None
        Factor for what a row says (1 leaves it, 0 mutes it); the scaled row is rounded and saturated before it is
        added.
    out : int16[n, m]
        What each leg hears; another array than `pcm`.
    """
    mix_seated(pcm if gain is None else scale_rows(pcm, gain), seat(room), out)


def scale_rows(pcm: Samples, gain: Gains) -> Samples:
    """Every row times its factor, rounded to the nearest (even) integer and saturated: int16[n, m], float32[n] ->
    int16[n, m].
    """
    if (gain == 1).all():
        return pcm
    scaled = pcm * gain[:, None]
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    return scaled.astype(np.int16)


def mix_rows(pcm: Samples, rows: Rooms, out: Samples) -> None:
    """Write the saturated sum of some rows, pcm[rows], into out int16[m]: one channel of a recording; no rows give
    silence.
    """
    if len(rows) == 1:
        out[:] = pcm[rows[0]]
        return
    total = pcm[rows].sum(axis=0, dtype=np.int32)
    np.clip(total, -32768, 32767, out=out, casting="unsafe")


def mix_by_matrix(pcm: Samples, rows: Rooms, matrix: NDArray[np.float32], out: Samples) -> None:
    """Mix one room whose members do not all hear the same: listening, whispering and barging are factors in a matrix.

    Parameters
    ----------
    pcm, out : int16[n, m]
        What each leg said and hears.
    rows : intp[k]
        The members of the room; only their rows of `out` are written.
    matrix : float32[k, k]
        matrix[i, j] is how loud member i hears member j.
    """
    heard = matrix @ pcm[rows].astype(np.float32)
    np.rint(heard, out=heard)
    np.clip(heard, -32768, 32767, out=heard)
    out[rows] = heard.astype(np.int16)


def _sorted_rooms(room: Rooms) -> tuple[Rooms, Rooms, Rooms]:
    """Rows sorted by room, and of each room where it begins in that order and how many rows it has."""
    order = np.argsort(room, kind="stable")
    order = order[np.searchsorted(room[order], NO_ROOM, side="right") :]
    _, first, size = np.unique(room[order], return_index=True, return_counts=True)
    return order, first, size


def _mix_rooms(said: Samples, rows: Rooms, out: Samples) -> None:
    """Mix rooms of one size: rows intp[rooms, size]."""
    number, size = rows.shape
    if size == 1:
        out[rows[:, 0]] = 0
        return
    if size == 2:
        out[rows[:, 0]] = said[rows[:, 1]]
        out[rows[:, 1]] = said[rows[:, 0]]
        return
    if size == 3:
        _mix_threes(said, rows, out)
        return
    rooms_at_once = max(1, _BLOCK_ROWS // size)
    for start in range(0, number, rooms_at_once):
        _mix_block(said, rows[start : start + rooms_at_once], out)


def _mix_threes(said: Samples, rows: Rooms, out: Samples) -> None:
    """Mix rooms of three: each hears the sum of two, which is made in int16."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        seats = np.ascontiguousarray(rows[start : start + _BLOCK_ROWS].T)
        voices = [said[seat] for seat in seats]
        for seat, (one, other) in zip(seats, (voices[1:], voices[::2], voices[:2]), strict=True):
            out[seat] = _add(one, other)


def _add(one: Samples, other: Samples) -> Samples:
    """Saturated sum of int16[n, m] each: a sum that wrapped differs in sign from both."""
    total = one + other
    wrapped = one ^ total
    wrapped &= other ^ total
    if wrapped.min(initial=0) < 0:
        loud = np.flatnonzero((wrapped < 0).any(axis=1))
        total[loud] = np.clip(np.add(one[loud], other[loud], dtype=np.int32), -32768, 32767)
    return total


def _mix_block(said: Samples, rows: Rooms, out: Samples) -> None:
    """Mix rooms of any size, whatever their loudness."""
    voices = said[rows]
    mix = voices.sum(axis=1, dtype=np.int32, keepdims=True) - voices
    out[rows] = np.clip(mix, -32768, 32767, out=mix)
