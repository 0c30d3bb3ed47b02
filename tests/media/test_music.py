"""The built-in music on hold."""

import numpy as np
import pytest

from media.level import dbm0
from media.music import _add, builtin_music


def test_it_lasts_24_seconds_of_whole_frames() -> None:
    music = builtin_music()
    assert music.dtype == np.int16
    assert len(music) == 24 * 8000
    assert len(music) % 160 == 0


def test_it_is_quieter_than_speech_and_never_clips() -> None:
    music = builtin_music()
    assert -24 < dbm0(music[None])[0] < -18
    assert np.abs(music.astype(int)).max() < 12000


def test_it_never_falls_silent() -> None:
    quarters = builtin_music().reshape(-1, 2000)
    assert dbm0(quarters).min() > -40


def test_its_end_joins_its_beginning_without_a_click() -> None:
    music = builtin_music().astype(int)
    around = np.concatenate([music[-400:], music[:400]])
    bends = np.abs(np.diff(music, 2))
    assert np.abs(np.diff(around, 2))[396:402].max() <= np.percentile(bends, 90)


def test_it_stays_within_the_telephone_band() -> None:
    spectrum = np.abs(np.fft.rfft(builtin_music().astype(float))) ** 2
    hertz = np.fft.rfftfreq(24 * 8000, 1 / 8000)
    assert spectrum[hertz > 3450].sum() < 1e-3 * spectrum.sum()
    assert spectrum[hertz < 100].sum() < 1e-2 * spectrum.sum()


def test_it_is_composed_once_and_nobody_can_spoil_it() -> None:
    assert builtin_music() is builtin_music()
    with pytest.raises(ValueError, match="read-only"):
        builtin_music()[0] = 1


def test_a_note_at_the_end_sounds_on_at_the_beginning() -> None:
    loop = np.zeros(12_000)
    _add(loop, 1.99, np.ones(200), 0.5)
    assert np.flatnonzero(loop).tolist() == [*range(140), *range(11_940, 12_000)]
    assert set(loop.tolist()) == {0.0, 0.5}
