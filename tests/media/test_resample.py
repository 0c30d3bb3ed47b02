"""Sample rates."""

import numpy as np
import pytest

from media.resample import RATE, Resampler, resample, to_int16


def sine(hertz: float, rate: int, seconds: float, peak: float = 10000) -> np.ndarray:
    return np.rint(peak * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_its_pitch_its_level_and_its_length(rate: int) -> None:
    changed = resample(sine(1000, rate, 1), rate)
    wanted = sine(1000, RATE, 1)
    assert abs(len(changed) - RATE) <= 1
    inner = slice(400, 7600)
    assert np.abs(changed[inner].astype(int) - wanted[inner]).max() <= 3


def test_what_the_telephone_band_cannot_carry_is_removed_and_not_folded_back() -> None:
    changed = resample(sine(7000, 48000, 1), 48000)
    assert np.abs(changed[400:-400]).max() <= 3


def test_the_same_rate_is_left_alone() -> None:
    samples = sine(440, RATE, 0.1)
    assert resample(samples, RATE) is samples


def test_loud_sound_saturates() -> None:
    square = np.repeat(np.array([32767, -32768] * 50, np.int16), 60)
    changed = resample(square, 16000)
    assert changed.max() == 32767
    assert changed.min() == -32768


def test_a_stream_in_pieces_equals_the_whole() -> None:
    samples = sine(700, 16000, 0.5)
    whole = resample(samples, 16000)
    stream = Resampler(16000)
    pieces = [stream.feed(samples[start : start + 333]) for start in range(0, len(samples), 333)]
    joined = to_int16(np.concatenate([*pieces, stream.flush()]))
    assert abs(len(joined) - len(whole)) <= 1
    inner = slice(200, 3800)
    assert np.abs(joined[inner].astype(int) - whole[inner]).max() <= 1


def test_samples_that_are_not_numbers_become_silence() -> None:
    strange = np.array([np.nan, np.inf, -np.inf, 0.5, -0.5, 1.5], np.float32)
    assert to_int16(strange).tolist() == [0, 32767, -32768, 0, 0, 2]
