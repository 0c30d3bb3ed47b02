import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.serial import distance16, distance32


@given(st.integers(0, 0xFFFF), st.integers(-0x8000, 0x7FFF))
def test_a_distance_of_sequence_numbers_survives_the_wrap(old: int, step: int) -> None:
    assert distance16((old + step) & 0xFFFF, old) == step


@given(st.integers(0, 0xFFFFFFFF), st.integers(-0x80000000, 0x7FFFFFFF))
def test_a_distance_of_timestamps_survives_the_wrap(old: int, step: int) -> None:
    assert distance32((old + step) & 0xFFFFFFFF, old) == step


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40)), min_size=1))
def test_arrays_give_what_single_numbers_give(pairs: list[tuple[int, int]]) -> None:
    new, old = np.array(pairs, np.int64).T
    assert distance16(new, old).tolist() == [distance16(a, b) for a, b in pairs]
    assert distance32(new, old).tolist() == [distance32(a, b) for a, b in pairs]
