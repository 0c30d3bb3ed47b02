"""In-band digits: what must be heard (Q.24), what must not, and a twin of the detector that works sample by sample."""

import cmath
import itertools
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media import dtmf
from media.dtmf import DIGITS, HIGH, LOW, DigitDetector, is_digit, make_digit, make_digits
from media.g711 import DECODE, ENCODE
from media.tone import COUNTRIES, amplitude, render
from tests.media.speech import babble, recite, spoken, whole_frames

Samples = NDArray[np.int16]
FRAME = 160


def through_g711(samples: Samples, law: int) -> Samples:
    return np.asarray(DECODE[law][ENCODE[law][samples.view(np.uint16)]])


def hear(samples: Samples, row: int = 0, rows: int = 1) -> str:
    """Digits that a detector tells of a sound."""
    detector = DigitDetector(rows)
    found = []
    for frame in whole_frames(samples).reshape(-1, 1, FRAME):
        found += detector.feed(frame, np.array([row]))
    assert all(told == row for told, _ in found)
    return "".join(digit for _, digit in found)


def hear_all(sounds: list[Samples]) -> list[tuple[int, str]]:
    """Digits told of many sounds that are fed together, a row each."""
    detector = DigitDetector(len(sounds))
    found = []
    frames = [whole_frames(sound).reshape(-1, FRAME) for sound in sounds]
    for at in range(max(map(len, frames))):
        rows = np.array([row for row, sound in enumerate(frames) if at < len(sound)])
        found += detector.feed(np.stack([frames[row][at] for row in rows]), rows)
    return found


class Line:
    """A line that sends digits not quite as it should."""

    def __init__(self, seed: int, *, error: float = 0.0, twist: float = 0.0, noise: float = 40.0, level: float = -9.0):
        self.rng = np.random.default_rng(seed)
        self.error, self.twist, self.noise, self.level = error, twist, noise, level

    def send(self, digits: str, sound: float = 40, pause: float = 40) -> Samples:
        """`twist` is dB of the low frequency over the high one, `noise` dB of the digit over the noise."""
        low, high = amplitude(self.level + min(0, self.twist)), amplitude(self.level - max(0, self.twist))
        silence = np.zeros(round(pause * 8))
        pieces = [np.zeros(self.rng.integers(150, 400))]
        for digit in digits:
            pieces += [self._wave(digit, round(sound * 8), low, high), silence]
        line = np.concatenate([*pieces, np.zeros(800)])
        line += self.rng.normal(0, math.sqrt((low**2 + high**2) / 2 / 10 ** (self.noise / 10)), len(line))
        return np.asarray(np.clip(np.rint(line), -32768, 32767), np.int16)

    def _wave(self, digit: str, count: int, low: float, high: float) -> NDArray[np.float64]:
        place = DIGITS.index(digit)
        wave = np.zeros(count)
        for hertz, peak in ((LOW[place // 4], low), (HIGH[place % 4], high)):
            turns = hertz * (1 + self.rng.choice([-1, 1]) * self.error) * np.arange(count) / 8000
            wave += peak * np.sin(2 * np.pi * (turns + self.rng.random()))
        return wave


@pytest.mark.parametrize("digit", DIGITS)
def test_every_digit_that_is_made_is_heard_once(digit: str) -> None:
    assert hear(np.concatenate([make_digit(digit), np.zeros(1600, np.int16)])) == digit


@pytest.mark.parametrize("twist", [-8, 0, 8])
@pytest.mark.parametrize("error", [0.0, 0.015])
@pytest.mark.parametrize("law", [0, 1])
def test_the_shortest_digits_are_all_heard_at_the_limits_of_q24(error: float, twist: float, law: int) -> None:
    """40 ms with 40 ms between, 1.5 % off, 8 dB of twist, 15 dB over the noise, loud and quiet, at any offset."""
    for seed, level in enumerate((-4, -15, -25)):
        line = Line(seed, error=error, twist=twist, noise=15, level=level)
        digits = "".join(line.rng.permutation(list(DIGITS))) + "5533"
        assert hear(through_g711(line.send(digits), law)) == digits


@pytest.mark.parametrize("offset", range(0, 160, 7))
def test_it_does_not_matter_where_in_a_frame_a_digit_begins(offset: int) -> None:
    sound = np.concatenate([np.zeros(offset, np.int16), make_digits("7711", 40, 40), np.zeros(640, np.int16)])
    assert hear(sound) == "7711"


@pytest.mark.parametrize("error", [0.035, 0.05])
def test_frequencies_that_are_too_far_off_are_refused(error: float) -> None:
    assert hear(Line(1, error=error, noise=30).send(DIGITS, 100, 60)) == ""


@pytest.mark.parametrize("digit", range(16))
@pytest.mark.parametrize(("error", "true"), [(0.018, True), (-0.018, True), (0.026, False), (-0.026, False)])
def test_the_fine_stage_measures_frequencies_to_less_than_half_a_percent(digit: int, error: float, true: bool) -> None:
    turns = np.arange(FRAME) / 8000
    for low, high in ((1 + error, 1.0), (1.0, 1 + error)):
        wave = np.sin(2 * np.pi * LOW[digit // 4] * low * turns) + np.sin(
            1 + 2 * np.pi * HIGH[digit % 4] * high * turns
        )
        assert is_digit((wave * 3000).astype(np.int16)[None], np.array([digit], np.int8)).tolist() == [true]


def test_the_fine_stage_refuses_sound_that_swells() -> None:
    swelling = make_digit("5", 20) * np.linspace(0.3, 1, FRAME)
    assert not is_digit(swelling.astype(np.int16)[None], np.array([5], np.int8))[0]
    assert is_digit(make_digit("5", 20)[None], np.array([5], np.int8))[0]


@pytest.mark.parametrize("twist", [-14, 14])
def test_frequencies_of_very_different_loudness_are_refused(twist: float) -> None:
    assert hear(Line(1, twist=twist, noise=40).send(DIGITS, 100, 60)) == ""


def test_a_burst_of_20_ms_is_no_digit() -> None:
    assert hear(Line(2).send(DIGITS, 18, 60)) == ""


def test_a_digit_under_the_threshold_is_not_heard() -> None:
    assert hear(Line(3, level=-50).send(DIGITS, 100, 60)) == ""


def test_a_long_digit_is_told_once_within_60_ms_of_its_beginning() -> None:
    detector = DigitDetector(1)
    told = [detector.feed(frame, np.array([0])) for frame in make_digit("9", 10_000).reshape(-1, 1, FRAME)]
    assert [bool(found) for found in told].index(True) <= 2
    assert sum(map(len, told)) == 1


@pytest.mark.parametrize("at", range(360, 1000, 40))
def test_a_gap_of_8_ms_does_not_make_two_digits_of_one(at: int) -> None:
    sound = make_digit("6", 200)
    sound[at : at + 64] = 0
    assert hear(np.concatenate([sound, np.zeros(800, np.int16)])) == "6"


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_call_progress_tones_are_no_digits(country: str) -> None:
    for name in COUNTRIES[country]:
        assert hear(render(name, country, 8.0)) == ""


@pytest.mark.parametrize("hertz", [*LOW, *HIGH])
def test_one_frequency_alone_is_no_digit(hertz: float) -> None:
    assert hear(render(hertz, seconds=2.0)) == ""


def test_two_frequencies_of_one_group_are_no_digit() -> None:
    time_line = np.arange(16000) / 8000
    for first, second in itertools.chain(itertools.combinations(LOW, 2), itertools.combinations(HIGH, 2)):
        both = np.sin(2 * np.pi * first * time_line) + np.sin(2 * np.pi * second * time_line)
        assert hear((both * 6000).astype(np.int16)) == ""


def test_noise_is_no_digit() -> None:
    rng = np.random.default_rng(4)
    noise = [rng.normal(0, deviation, 8000 * 20).astype(np.int16) for deviation in (100, 1000, 6000)]
    assert hear_all(noise) == []


def test_minutes_of_speech_like_noise_hold_no_digit() -> None:
    assert hear_all([through_g711(babble(12, seed), 0) for seed in range(25)]) == []


def test_minutes_of_spoken_words_hold_no_digit(tmp_path: Path) -> None:
    sounds = spoken(tmp_path)
    if not sounds:
        pytest.skip("espeak-ng is not installed")
    assert sum(map(len, sounds)) / 8000 > 180
    assert hear_all([through_g711(sound, 1) for sound in sounds]) == []


def test_no_false_digit_in_30_minutes_of_speech(tmp_path: Path) -> None:
    """Six voices in four languages, each slow and quick, high and low, through either law and from loud to quiet.

    The rows are spoken once and heard again shifted by a part of a frame, at other levels, as other lines would bring
    them: what the detector gets differs in every sample.
    """
    sounds = recite(tmp_path)
    if not sounds:
        pytest.skip("espeak-ng is not installed")
    heard = [
        through_g711(whole_frames((sound[shift:] * gain).astype(np.int16)), law)
        for sound in sounds
        for shift, gain, law in ((0, 1.0, 0), (53, 0.5, 1), (107, 0.2, 0))
    ]
    assert sum(map(len, heard)) / 8000 > 30 * 60
    assert hear_all(heard) == []


def test_digits_over_a_quiet_prompt_are_heard() -> None:
    """The echo of the menu is still on the line, 20 dB weaker, when the caller presses a key."""
    digits = Line(5).send("1234567890*#", 80, 80)
    echo = babble(len(digits) / 8000 + 1, 3)[: len(digits)].astype(float)
    echo *= np.sqrt(np.mean(digits[400:1000].astype(float) ** 2)) / np.sqrt(np.mean(echo**2)) / 10
    assert hear(np.clip(digits + echo, -32768, 32767).astype(np.int16)) == "1234567890*#"


def test_rows_do_not_disturb_each_other() -> None:
    sounds = [Line(seed, noise=20).send(DIGITS[seed:] + DIGITS[:seed], 50, 50) for seed in range(16)]
    found = hear_all(sounds)
    for row in range(16):
        assert "".join(digit for told, digit in found if told == row) == DIGITS[row:] + DIGITS[:row]


def test_a_row_that_is_reset_forgets_the_digit_it_was_hearing() -> None:
    detector, row = DigitDetector(2), np.array([1])
    frame = make_digit("1", 20)[None]
    first = [found for _ in range(4) for found in detector.feed(frame, row)]
    detector.reset(1)
    again = [found for _ in range(4) for found in detector.feed(frame, row)]
    assert first == again == [(1, "1")]


def test_many_digits_in_one_frame_are_bounded_and_told_in_the_next() -> None:
    rows = np.arange(1000)
    sound = make_digit("0", 160)
    detector = DigitDetector(1000)
    told: list[int] = []
    for frame in sound.reshape(-1, FRAME):
        found = [row for row, _ in detector.feed(np.tile(frame, (1000, 1)), rows)]
        assert len(found) <= 2 * dtmf._MOST_DECISIONS
        told += found
    assert sorted(told) == list(range(1000))


def test_a_sound_that_is_nearly_a_digit_is_looked_at_closely_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def refuse(pcm: Samples, digit: NDArray[np.int8]) -> NDArray[np.bool_]:
        looked.extend(digit.tolist())
        return np.zeros(len(pcm), np.bool_)

    monkeypatch.setattr(dtmf, "is_digit", refuse)
    assert hear(make_digit("3", 1000)) == ""
    assert looked == [DIGITS.index("3")] * dtmf._MOST_TRIES


def test_unknown_digits_cannot_be_made() -> None:
    for wrong in ("E", "", "12", " "):
        with pytest.raises(ValueError, match="no DTMF digit"):
            make_digit(wrong)


def test_digits_are_made_with_pauses() -> None:
    sound = make_digits("1#", 50, 70)
    assert len(sound) == 2 * (400 + 560)
    assert not sound[400:960].any()
    assert len(make_digits("")) == 0


# The twin: the same rules one sample, one row at a time.


class NaiveDetector:
    """`DigitDetector` of one row in plain arithmetic."""

    def __init__(self) -> None:
        self.sound = [0] * FRAME
        self.shown, self.points, self.told, self.missed, self.tries = -1, 0, -1, 0, 0

    def feed(self, frame: list[int]) -> list[str]:
        self.sound = self.sound[-FRAME:] + frame
        found = []
        for begin in (80, 160):
            window = self.sound[begin : begin + FRAME]
            if not self._follow(*self._judge(window)):
                continue
            self.tries += 1
            if naive_is_digit(self.sound[begin - 80 : begin + 80], self.shown):
                self.told, self.missed = self.shown, 0
                found.append(DIGITS[self.shown])
        return found

    def _follow(self, digit: int, clear: bool) -> bool:
        weight = (2 if clear else 1) if digit >= 0 else 0
        self.points = (self.points if digit >= 0 and digit == self.shown else 0) + weight
        self.tries = self.tries if digit >= 0 and digit == self.shown else 0
        self.shown = digit
        self.missed = 0 if digit >= 0 and digit == self.told else self.missed + 1
        if self.missed >= dtmf._MISSES:
            self.told = -1
        return self.points >= dtmf._NEEDED and digit != self.told and self.tries < dtmf._MOST_TRIES

    def _judge(self, window: list[int]) -> tuple[int, bool]:
        energy = sum(x * x for x in window)
        low, low_at, low_ok = strongest(window, LOW)
        high, high_at, high_ok = strongest(window, HIGH)
        raw_low, raw_high = (max(share(window, hertz) for hertz in group) for group in (LOW, HIGH))
        if raw_low + raw_high <= dtmf._SUSPECT * energy or min(raw_low, raw_high) <= dtmf._QUIETEST**2 * 10:
            return -1, False
        even = min(low, high) * dtmf._COARSE_TWIST > max(low, high)
        if not (low_ok and high_ok and even and low + high > dtmf._VAGUE * energy):
            return -1, False
        return low_at * 4 + high_at, low + high > dtmf._CLEAR * energy


def correlate(sound: list[int], hertz: float) -> complex:
    return sum(x * cmath.exp(-2j * math.pi * hertz * at / 8000) for at, x in enumerate(sound))


def share(window: list[int], hertz: float) -> float:
    return abs(correlate(window, hertz)) ** 2 * 2 / FRAME


def strongest(window: list[int], group: tuple[float, ...]) -> tuple[float, int, bool]:
    powers = [share(window, hertz) for hertz in group]
    at = powers.index(max(powers))
    first, second = correlate(window[:80], group[at]), correlate(window[80:], group[at])
    turn = second * cmath.exp(-2j * math.pi * group[at] * 80 / 8000) * first.conjugate()
    deviation = abs(cmath.phase(turn)) * 8000 / (2 * math.pi * 80)
    alone = sum(power * dtmf._ABOVE_GROUP > powers[at] for power in powers) == 1
    x = math.pi * min(deviation, 35) * FRAME / 8000
    loss = (math.sin(x) / x) ** 2 if x else 1.0
    return powers[at] / loss, at, alone and deviation < dtmf._COARSE_DEVIATION * group[at]


def naive_is_digit(window: list[int], digit: int) -> bool:
    """The same fit in double precision through a general solver."""
    sound, at = np.array(window, float), (np.arange(FRAME) - 79.5) / 80
    nominal = np.array([LOW[digit // 4], HIGH[digit % 4]])
    hertz = nominal
    for _ in range(2):
        waves = np.exp(1j * np.pi * FRAME / 8000 * np.outer(hertz, at))
        basis = np.concatenate([waves.real, -waves.imag, waves.real * at, -waves.imag * at])
        weight, *_ = np.linalg.lstsq(basis.T, sound)
        constant, linear = weight[0:2] + 1j * weight[2:4], weight[4:6] + 1j * weight[6:8]
        change = linear * constant.conj() / np.maximum(np.abs(constant), 1e-6) ** 2
        hertz = np.clip(hertz + change.imag * 50 / np.pi, nominal * 0.95, nominal * 1.05)
    left = ((sound - weight @ basis) ** 2).sum()
    strength = np.abs(constant)
    steady = (np.abs(change.real) * 2 < dtmf._SWELL).all() and left <= dtmf._LEFT_OVER * (sound**2).sum()
    near = (np.abs(hertz - nominal) < dtmf._DEVIATION * nominal).all()
    return bool(steady and near and strength.min() > dtmf._QUIETEST and strength.min() * dtmf._TWIST > strength.max())


@given(
    seed=st.integers(0, 1000),
    digits=st.text(DIGITS, min_size=1, max_size=2),
    error=st.sampled_from([0.0, 0.012, 0.03]),
    twist=st.sampled_from([-15.0, -6.0, 0.0, 6.0]),
    noise=st.sampled_from([5.0, 15.0, 30.0]),
    sound=st.sampled_from([15, 40, 70]),
)
@settings(max_examples=25, deadline=None)
def test_the_detector_equals_its_naive_twin(
    seed: int, digits: str, error: float, twist: float, noise: float, sound: float
) -> None:
    line = Line(seed, error=error, twist=twist, noise=noise)
    compare_with_twin(line.send(digits, sound, 40))


@given(st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_the_detector_equals_its_naive_twin_on_speech_like_noise(seed: int) -> None:
    compare_with_twin(babble(0.6, seed))


def compare_with_twin(samples: Samples) -> None:
    detector, twin = DigitDetector(1), NaiveDetector()
    for frame in whole_frames(samples).reshape(-1, 1, FRAME):
        told = detector.feed(frame, np.array([0]))
        assert [digit for _, digit in told] == twin.feed(frame[0].tolist())
        state = (detector._shown[0], min(detector._points[0], dtmf._NEEDED), detector._told[0])
        assert state == (twin.shown, min(twin.points, dtmf._NEEDED), twin.told)


def test_listening_to_1200_rows_is_cheap() -> None:
    """The bar is 1 us of CPU per row and frame; the test allows four times that for a busy machine."""
    rows = np.arange(1200)
    frames = np.random.default_rng(0).normal(0, 3000, (1200, FRAME)).astype(np.int16)
    detector = DigitDetector(1200)
    best = min(_cpu_seconds(detector, frames, rows) for _ in range(15))
    assert best / 1200 < 4e-6


def _cpu_seconds(detector: DigitDetector, frames: Samples, rows: NDArray[np.intp]) -> float:
    before = time.thread_time()
    detector.feed(frames, rows)
    return time.thread_time() - before
