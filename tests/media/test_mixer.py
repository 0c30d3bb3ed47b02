"""Mixing against a twin that adds sample by sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from media.mixer import NO_ROOM, mix_by_matrix, mix_minus_self, mix_rows, scale_rows

Samples = NDArray[np.int16]


def saturate(value: float) -> int:
    return max(-32768, min(32767, round(value)))


def mix_naively(pcm: list[list[int]], room: list[int]) -> list[list[int]]:
    """What every leg hears, one sample at a time."""
    return [
        [
            saturate(sum(pcm[j][at] for j in range(len(pcm)) if j != i and room[j] == room[i]))
            if room[i] != NO_ROOM
            else 0
            for at in range(len(pcm[i]))
        ]
        for i in range(len(pcm))
    ]


@st.composite
def rooms(draw: st.DrawFn) -> tuple[Samples, NDArray[np.intp]]:
    rows = draw(st.integers(1, 12))
    values = st.integers(-32768, 32767)
    pcm = draw(arrays.arrays(np.int16, (rows, 8), elements=values, fill=values))
    return pcm, draw(arrays.arrays(np.intp, rows, elements=st.integers(-1, 4)))


def heard(pcm: Samples, room: NDArray[np.intp], gain: NDArray[np.float32] | None = None) -> Samples:
    out = np.full_like(pcm, 12345)
    mix_minus_self(pcm, room, gain, out)
    return out


@given(rooms())
@settings(max_examples=150, deadline=None)
def test_everybody_hears_the_sum_of_the_others(given_rooms: tuple[Samples, NDArray[np.intp]]) -> None:
    pcm, room = given_rooms
    assert heard(pcm, room).tolist() == mix_naively(pcm.tolist(), room.tolist())


@given(rooms(), st.lists(st.floats(0, 4, width=32), min_size=12, max_size=12))
@settings(max_examples=100, deadline=None)
def test_gain_is_applied_before_the_sum(given_rooms: tuple[Samples, NDArray[np.intp]], factors: list[float]) -> None:
    pcm, room = given_rooms
    gain = np.array(factors[: len(pcm)], np.float32)
    scaled = [[saturate(float(np.float32(x) * gain[i])) for x in row] for i, row in enumerate(pcm.tolist())]
    assert heard(pcm, room, gain).tolist() == mix_naively(scaled, room.tolist())


def test_two_legs_change_places() -> None:
    pcm = np.array([[1, 2], [3, 4], [5, 6]], np.int16)
    assert heard(pcm, np.array([7, NO_ROOM, 7])).tolist() == [[5, 6], [0, 0], [1, 2]]


def test_who_is_alone_or_in_no_room_hears_silence() -> None:
    pcm = np.array([[1, 2], [3, 4]], np.int16)
    assert heard(pcm, np.array([NO_ROOM, 3])).tolist() == [[0, 0], [0, 0]]


def test_a_loud_conference_saturates_and_never_wraps() -> None:
    pcm = np.full((1000, 4), -32768, np.int16)
    assert (heard(pcm, np.zeros(1000, np.intp)) == -32768).all()


@pytest.mark.parametrize("size", [2, 3, 5, 40, 600])
def test_many_rooms_of_one_size_are_mixed_apart(size: int) -> None:
    rng = np.random.default_rng(size)
    pcm = rng.integers(-3000, 3000, (1200, 160)).astype(np.int16)
    room = rng.permutation(1200) // size
    out = heard(pcm, room)
    total = np.zeros((room.max() + 1, 160), np.int64)
    np.add.at(total, room, pcm)
    np.testing.assert_array_equal(out, np.clip(total[room] - pcm, -32768, 32767))


def test_a_gain_of_one_leaves_the_samples_alone() -> None:
    pcm = np.array([[-32768, 32767]], np.int16)
    assert scale_rows(pcm, np.ones(1, np.float32)) is pcm


def test_a_muted_leg_is_not_heard_but_hears() -> None:
    pcm = np.array([[100, 200], [7, 8]], np.int16)
    assert heard(pcm, np.zeros(2, np.intp), np.array([0, 1], np.float32)).tolist() == [[7, 8], [0, 0]]


@pytest.mark.parametrize("rows", [[], [1], [0, 2], [0, 1, 2]])
def test_a_channel_of_a_recording_is_the_saturated_sum_of_its_legs(rows: list[int]) -> None:
    pcm = np.array([[30000, -5], [20000, 6], [-30000, 7]], np.int16)
    out = np.empty(2, np.int16)
    mix_rows(pcm, np.array(rows, np.intp), out)
    assert out.tolist() == [saturate(sum(int(pcm[row, at]) for row in rows)) for at in range(2)]


def test_a_supervisor_who_whispers_is_heard_by_the_agent_only() -> None:
    caller, agent, supervisor = range(3)
    pcm = np.array([[100], [20], [3]], np.int16)
    hears = np.zeros((3, 3), np.float32)
    hears[caller, agent] = hears[agent, caller] = hears[agent, supervisor] = 1
    hears[supervisor, [caller, agent]] = 0.5
    out = np.zeros_like(pcm)
    mix_by_matrix(pcm, np.arange(3), hears, out)
    assert out.ravel().tolist() == [20, 103, 60]


def test_the_matrix_saturates() -> None:
    pcm = np.array([[30000, -30000], [30000, -30000], [0, 0]], np.int16)
    out = np.zeros_like(pcm)
    mix_by_matrix(pcm, np.arange(3), 1 - np.eye(3, dtype=np.float32), out)
    assert out[2].tolist() == [32767, -32768]
