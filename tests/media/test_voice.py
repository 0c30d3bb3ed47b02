"""Voice told from noise: a twin that works row by row, and what it must and must not take for a voice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media import voice
from media.level import power
from media.tone import amplitude
from media.voice import VoiceDetector, mean_square
from tests.media.speech import babble

Samples = NDArray[np.int16]
FRAME = 160


class NaiveVoice:
    """One row in plain arithmetic."""

    def __init__(self) -> None:
        self.floor, self.hang = -1.0, 0

    def feed(self, frame: Samples) -> bool:
        power = float(np.float32(np.mean(frame.astype(float) ** 2)))
        if self.floor < 0:
            self.floor = min(power, float(voice.HIGHEST_FLOOR))
        if power < self.floor:
            self.floor += (power - self.floor) * float(voice.FALL)
        else:
            self.floor = min(self.floor * float(voice.RISE), float(voice.HIGHEST_FLOOR))
        loud = power > self.floor * float(voice.OVER_FLOOR) and power > float(voice.QUIETEST)
        self.floor = max(self.floor, 1)
        self.hang = voice.HANG_OVER if loud else max(self.hang - 1, 0)
        return self.hang > 0


def hear(samples: Samples) -> list[bool]:
    detector, row = VoiceDetector(1), np.array([0])
    return [bool(detector.feed(mean_square(frame), row)[0]) for frame in samples.reshape(-1, 1, FRAME)]


def noise(level: float, frames: int, seed: int = 1) -> Samples:
    rms = amplitude(level) / np.sqrt(2)
    return np.asarray(np.random.default_rng(seed).normal(0, rms, frames * FRAME), np.int16)


@given(st.integers(0, 1000), st.sampled_from([-60.0, -45.0, -30.0]))
@settings(max_examples=15, deadline=None)
def test_the_detector_equals_its_naive_twin(seed: int, level: float) -> None:
    sounds = [np.clip(babble(2, seed + row).astype(int) + noise(level, 100, row), -32768, 32767) for row in range(3)]
    frames = np.stack(sounds).astype(np.int16).reshape(3, -1, FRAME)
    detector, rows, twins = VoiceDetector(3), np.arange(3), [NaiveVoice() for _ in range(3)]
    for at in range(frames.shape[1]):
        told = detector.feed(mean_square(frames[:, at]), rows)
        assert told.tolist() == [twin.feed(frame) for twin, frame in zip(twins, frames[:, at], strict=True)]


def test_the_quick_power_is_the_exact_one() -> None:
    pcm = np.concatenate([babble(1, 3), noise(-60, 10)]).reshape(-1, FRAME)
    np.testing.assert_allclose(mean_square(pcm), power(pcm), rtol=1e-6)


@pytest.mark.parametrize("level", [-70, -50, -35, -25])
def test_steady_noise_is_no_voice_from_its_first_frame_on(level: float) -> None:
    assert not any(hear(noise(level, 1500)))


def test_a_voice_that_begins_at_once_is_heard_and_ends_within_200_ms() -> None:
    told = hear(np.concatenate([noise(-20, 25), noise(-65, 50), noise(-20, 25), noise(-65, 50)]))
    assert all(told[75:100])
    assert not any(told[110:])


def test_a_row_that_is_reset_takes_its_first_frame_for_noise_again() -> None:
    detector, row = VoiceDetector(1), np.array([0])
    loud = mean_square(noise(-20, 1).reshape(1, -1))
    detector.feed(loud / 1e5, row)
    assert detector.feed(loud, row)[0]
    detector.reset(0)
    assert not detector.feed(loud, row)[0]
