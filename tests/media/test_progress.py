"""Call progress: every country's tones, fax, what must not be taken for them, and a twin in plain arithmetic."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media import progress
from media.music import builtin_music
from media.progress import BANDS, BUSY, CED, CNG, NOTHING, OTHER, SIT1, SIT3, Heard, ProgressDetector, bands_of
from media.tone import COUNTRIES, amplitude, render
from tests.media.speech import babble, spoken, whole_frames
from tests.media.test_dtmf import through_g711

Samples = NDArray[np.int16]
FRAME = 160


def sine(hertz: float, seconds: float, level: float = -13.0) -> Samples:
    turns = hertz * np.arange(round(seconds * 8000)) / 8000
    return np.rint(amplitude(level) * np.sin(2 * np.pi * turns)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * 8000), np.int16)


def line(*pieces: Samples, noise: float = 30.0, seed: int = 0) -> Samples:
    """A line with noise so many dB under -10 dBm0, as G.711."""
    sound = np.concatenate(pieces).astype(float)
    rng = np.random.default_rng(seed)
    sound += rng.normal(0, amplitude(-10 - noise) / np.sqrt(2), len(sound))
    return whole_frames(through_g711(np.clip(np.rint(sound), -32768, 32767).astype(np.int16), seed % 2))


def hear(samples: Samples) -> list[tuple[float, Heard]]:
    """Signals and when they were told."""
    detector = ProgressDetector(1)
    told: list[tuple[float, Heard]] = []
    for at, frame in enumerate(samples.reshape(-1, 1, FRAME)):
        told += [(at * 0.02, heard) for heard in detector.feed(frame, np.array([0]))]
    return told


def kinds(samples: Samples) -> set[str]:
    return {heard.kind for _, heard in hear(samples)}


EVERY = [(country, name) for country in COUNTRIES for name in COUNTRIES[country]]
SIGNALS = {"busy": {"busy"}, "congestion": {"busy"}, "special": {"sit"}}


@pytest.mark.parametrize(("country", "name"), EVERY)
def test_the_tones_of_every_country_are_what_they_are_and_nothing_else(country: str, name: str) -> None:
    for seed, noise in enumerate((60, 22)):
        samples = line(silence(0.013 * (seed + 1)), render(name, country, 16.0), noise=noise, seed=seed)
        assert kinds(samples) == SIGNALS.get(name, set())


@pytest.mark.parametrize(("country", "name"), [key for key in EVERY if key[1] in ("busy", "congestion")])
def test_busy_is_told_after_four_cycles_and_with_every_further_one(country: str, name: str) -> None:
    """Four sounds with their pauses, and the fifth begins; GB congestion has cycles of two sounds and takes five."""
    period = len(render(name, country)) / 8000
    told = hear(line(silence(0.5), render(name, country, 20.0)))
    cycles = 2.5 if (country, name) == ("gb", "congestion") else 4
    first, heard = told[0]
    assert heard.seconds == pytest.approx(first - 0.5, abs=0.06)
    assert first - 0.5 == pytest.approx(cycles * period, abs=0.25)
    assert told[-1][1].seconds > 18.9


@pytest.mark.parametrize("hertz", [1064, 1100, 1136])
def test_a_calling_fax_is_told_once_its_tone_came_twice(hertz: float) -> None:
    told = hear(line(silence(1), sine(hertz, 0.5), silence(3), sine(hertz, 0.5), silence(0.5)))
    assert [(heard.kind, round(at, 1)) for at, heard in told] == [("cng", 5.0)]
    assert hear(line(silence(1), sine(hertz, 0.5), silence(1.5), sine(hertz, 0.5), silence(0.5))) == []
    assert hear(line(silence(1), sine(hertz, 6), silence(1))) == []


@pytest.mark.parametrize("hertz", [2087, 2100, 2113])
def test_an_answering_fax_is_told_after_half_a_second_also_with_phase_reversals(hertz: float) -> None:
    steady = sine(hertz, 3)
    for tone in (steady, np.where(np.arange(len(steady)) // 3600 % 2, -steady, steady)):
        told = hear(line(silence(0.33), tone, silence(0.2)))
        assert [(heard.kind, round(at, 1)) for at, heard in told] == [("ced", 0.8)]


def test_falling_and_short_tones_are_no_information_tone() -> None:
    rising = [sine(hertz, 0.33) for hertz in (950, 1400, 1800)]
    assert kinds(line(silence(0.1), *rising, silence(0.5))) == {"sit"}
    assert kinds(line(silence(0.1), *rising[::-1], silence(0.5))) == set()
    assert kinds(line(silence(0.1), *(tone[:900] for tone in rising), silence(0.5))) == set()
    apart = [piece for tone in rising for piece in (tone, silence(0.3))]
    assert kinds(line(silence(0.1), *apart)) == set()


def test_a_tone_that_keeps_no_time_is_not_busy() -> None:
    rng = np.random.default_rng(2)
    pieces = [piece for _ in range(60) for piece in (sine(425, rng.uniform(0.1, 0.8)), silence(rng.uniform(0.1, 0.8)))]
    assert len(hear(line(*pieces))) <= 1


def test_speech_between_two_busy_tones_makes_it_begin_anew() -> None:
    busy = render("busy", "de", 3.0)
    assert kinds(line(busy, babble(2, 1), busy)) == set()


def test_twenty_minutes_of_babble_music_and_words_hold_no_signal(tmp_path: Path) -> None:
    sounds = [babble(30, seed) for seed in range(40)] + [through_g711(whole_frames(builtin_music()), 0)]
    sounds += [through_g711(sound, 1) for sound in spoken(tmp_path)]
    frames = [whole_frames(sound).reshape(-1, FRAME) for sound in sounds]
    detector = ProgressDetector(len(frames))
    for at in range(max(map(len, frames))):
        rows = np.array([row for row, sound in enumerate(frames) if at < len(sound)])
        assert detector.feed(np.stack([frames[row][at] for row in rows]), rows) == []


# The twin: bands by least squares in double precision, states one row at a time.


def naive_band(frame: Samples) -> int:
    sound = frame.astype(float)
    energy = float(sound @ sound)
    if energy / FRAME < float(progress.QUIETEST):
        return NOTHING
    shares = []
    for low, high in BANDS:
        turns = 2 * np.pi * np.outer(np.linspace(low, high, 60), np.arange(FRAME)) / 8000
        left, strength, _ = np.linalg.svd(np.concatenate([np.cos(turns), np.sin(turns)]).T, full_matrices=False)
        inside = left[:, strength > 0.03 * strength[0]].T @ sound
        shares.append(float(inside @ inside) / energy)
    best = int(np.argmax(shares))
    return best if shares[best] >= float(progress.SHARE) else OTHER


class NaiveProgress:
    """`ProgressDetector` of one row."""

    def __init__(self) -> None:
        self.sounds, self.level, self.run, self.odd = False, 0.0, 0, 0
        self.cycles: list[tuple[int, int]] = []
        self.on, self.regular, self.total = 0, 0, 0
        self.stage, self.sit_run, self.gap = 0, 0, 0
        self.cng, self.since = 0, 0
        self.ced, self.ced_odd = 0, 0

    def feed(self, band: int, power: float) -> list[str]:
        found = ["busy"] if self._busy(band, power) else []
        found += ["sit"] if self._sit(band) else []
        found += ["cng"] if self._cng(band) else []
        return found + (["ced"] if self._ced(band) else [])

    def _busy(self, band: int, power: float) -> bool:
        tone = band == BUSY
        pause = not tone and (band == NOTHING or power < self.level * float(progress.UNDER_TONE))
        self.odd = 0 if tone or pause else self.odd + 1
        self.run += 1
        self.total += 1
        told, changes = False, False
        if pause and self.sounds:
            self.on, self.sounds, changes = self.run, False, True
        elif tone and not self.sounds:
            told = self._cycle(self.on, self.run)
            self.sounds, changes = True, True
        if self.odd > 1 or self.run > progress.LONGEST + progress.TOLERANCE:
            self.cycles, self.on, self.regular, told = [], 0, 0, False
            self.sounds = tone
            self.level = 0.0
        if tone:
            self.level = power
        if changes:
            self.run = 0
        return told

    def _cycle(self, on: int, off: int) -> bool:
        self.cycles = [(on, off), *self.cycles][:3]
        regular = all(progress.SHORTEST <= length <= progress.LONGEST for length in (on, off))
        near = [
            old[0] > 0 and abs(old[0] - on) <= progress.TOLERANCE and abs(old[1] - off) <= progress.TOLERANCE
            for old in [*self.cycles[1:], (0, 0), (0, 0)][:2]
        ]
        before = self.cycles[1][0] if len(self.cycles) > 1 else 0
        uneven = max(on, before) > progress.MOST_UNEVEN * min(on, before)
        regular = regular and (near[0] or (near[1] and not uneven))
        self.regular = self.regular + 1 if regular else 0
        if not self.regular and (before == 0 or (len(self.cycles) > 2 and self.cycles[2][0] > 0)):
            self.total = on + off
        return self.regular >= progress.REGULAR

    def _sit(self, band: int) -> bool:
        which = band - SIT1 + 1 if SIT1 <= band <= SIT3 else 0
        if which and which == self.stage:
            self.sit_run, self.gap = self.sit_run + 1, 0
            return self.stage == 3 and self.sit_run == progress.SIT_SOUND
        if which == 1 or (which and which == self.stage + 1 and self.sit_run >= progress.SIT_SOUND):
            self.stage, self.sit_run, self.gap = which, 1, 0
            return False
        self.gap += 1
        if self.gap > progress.SIT_GAP:
            self.stage = self.sit_run = 0
        return False

    def _cng(self, band: int) -> bool:
        if band == CNG:
            self.cng += 1
            self.since += self.since > 0
            self._limit()
            return False
        sound, self.cng = self.cng, 0
        pause = self.since - sound
        self.since += self.since > 0
        if not sound:
            self._limit()
            return False
        right = progress.CNG_SOUND[0] <= sound <= progress.CNG_SOUND[1]
        self.since = int(right)
        return right and progress.CNG_PAUSE[0] <= pause <= progress.CNG_PAUSE[1]

    def _limit(self) -> None:
        if self.since > progress.CNG_PAUSE[1] + progress.CNG_SOUND[1] + 2:
            self.since = 0

    def _ced(self, band: int) -> bool:
        self.ced_odd = 0 if band == CED else self.ced_odd + 1
        self.ced = 0 if self.ced_odd > 1 else self.ced + (band == CED)
        return band == CED and self.ced == progress.CED_SOUND


def a_sound(seed: int) -> Samples:
    """A little of everything."""
    rng = np.random.default_rng(seed)
    country = str(rng.choice(sorted(COUNTRIES)))
    pool = [
        render(str(rng.choice(["busy", "congestion", "special", "ringback"])), country, float(rng.uniform(1, 6))),
        babble(1, seed), silence(float(rng.uniform(0.1, 0.9))), sine(1100, float(rng.uniform(0.4, 0.6))),
        silence(float(rng.uniform(2.4, 3.4))), sine(1100, 0.5), sine(2100, float(rng.uniform(0.3, 0.9))),
    ]  # fmt: skip
    return line(*(pool[at] for at in rng.permutation(len(pool))), noise=float(rng.uniform(15, 50)), seed=seed)


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_the_detector_equals_its_naive_twin(seed: int) -> None:
    rows = np.array([2, 0, 1])
    sounds = [a_sound(seed + row) for row in range(3)]
    frames = np.stack([sound[: min(map(len, sounds))] for sound in sounds]).reshape(3, -1, FRAME)
    detector, twins = ProgressDetector(3), [NaiveProgress() for _ in range(3)]
    for at in range(frames.shape[1]):
        pcm = frames[rows, at]
        band, power = bands_of(pcm)
        if at % 40 == 0:
            assert band.tolist() == [naive_band(frame) for frame in pcm]
        told = [(heard.row, heard.kind) for heard in detector.feed(pcm, rows)]
        wanted = [
            (row, kind)
            for row, code, loud in zip(rows.tolist(), band.tolist(), power.tolist(), strict=True)
            for kind in twins[row].feed(code, loud)
        ]
        assert sorted(told) == sorted(wanted)


def test_a_row_that_is_reset_begins_anew() -> None:
    detector, row = ProgressDetector(2), np.array([1])
    frames = line(render("busy", "de", 5.0)).reshape(-1, 1, FRAME)
    assert any(detector.feed(frame, row) for frame in frames)
    detector.reset(1)
    assert not any(detector.feed(frame, row) for frame in frames[:150])
