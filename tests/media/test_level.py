"""Levels against sums made sample by sample."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from media.level import FLOOR_DBOV, audio_level, dbm0, dbov, peak, power
from media.tone import render

FRAMES = arrays.arrays(np.int16, st.tuples(st.integers(1, 4), st.just(160)), elements=st.integers(-32768, 32767))


@given(FRAMES)
@settings(max_examples=60, deadline=None)
def test_power_equals_the_mean_of_the_squares(pcm: NDArray[np.int16]) -> None:
    assert power(pcm).tolist() == [sum(int(x) ** 2 for x in row) / 160 for row in pcm]


@given(FRAMES)
@settings(max_examples=60, deadline=None)
def test_peak_equals_the_largest_magnitude(pcm: NDArray[np.int16]) -> None:
    assert peak(pcm).tolist() == [max(abs(int(x)) for x in row) for row in pcm]


@given(FRAMES)
@settings(max_examples=60, deadline=None)
def test_level_equals_ten_logarithms_of_the_power(pcm: NDArray[np.int16]) -> None:
    for row, level, octet in zip(pcm, dbov(pcm), audio_level(pcm), strict=True):
        mean = sum(int(x) ** 2 for x in row) / 160 / 32768**2
        wanted = max(10 * math.log10(mean), FLOOR_DBOV) if mean else FLOOR_DBOV
        assert math.isclose(level, wanted, abs_tol=1e-9)
        assert octet == max(0, min(127, round(-wanted)))


def test_the_digital_milliwatt_has_zero_dbm0() -> None:
    assert abs(dbm0(render("milliwatt").reshape(1, -1))[0]) < 0.01


def test_silence_has_the_floor_and_the_octet_127() -> None:
    silence = np.zeros((1, 160), np.int16)
    assert dbov(silence)[0] == FLOOR_DBOV
    assert audio_level(silence)[0] == 127


def test_the_loudest_frame_has_zero_dbov() -> None:
    assert abs(dbov(np.full((1, 160), -32768, np.int16))[0]) < 1e-9
