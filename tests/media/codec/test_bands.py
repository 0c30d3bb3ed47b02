"""Twice and half the sample rate."""

import time

import numpy as np
import pytest

from media.codec.bands import DELAY, TAPS, Doubler, Halver
from tests.media.codec.sound import sine

Row = list[int]


def nearest(sum_of_products: int) -> int:
    return max(-32768, min(32767, round(sum_of_products / 32768)))


def naive_half(sound: Row) -> Row:
    """Sample by sample: y[k] = sum of h[j] x[2k + 1 - j]."""
    past = [0] * 30 + sound
    taps = {2 * place: tap for place, tap in enumerate(TAPS)} | {15: 16384}
    return [
        nearest(sum(tap * past[30 + 2 * k + 1 - j] for j, tap in taps.items())) for k in range(len(sound) // 2)
    ]  # fmt: skip


def naive_double(sound: Row) -> Row:
    """Sample by sample: zeros between the samples, then y[m] = sum of 2 h[j] x[m - j]."""
    stuffed = [0] * 30 + [value for sample in sound for value in (sample, 0)]
    taps = {2 * place: 2 * tap for place, tap in enumerate(TAPS)} | {15: 32768}
    return [nearest(sum(tap * stuffed[30 + m - j] for j, tap in taps.items())) for m in range(2 * len(sound))]


def noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Loud, with stretches of full scale that saturate."""
    sound = rng.integers(-32768, 32768, shape).astype(np.int16)
    sound[..., 40:90] = np.where(sound[..., 40:90] > 0, 32767, -32768)
    return sound


@pytest.mark.parametrize(
    ("kind", "naive", "taken", "given"), [(Halver, naive_half, 320, 160), (Doubler, naive_double, 160, 320)]
)
def test_equal_to_the_naive_twin_sample_for_sample_whatever_rows_take_part(kind, naive, taken, given) -> None:
    rng = np.random.default_rng(1)
    rows = 150
    bands = kind(rows)
    fed: list[Row] = [[] for _ in range(rows)]
    heard: list[Row] = [[] for _ in range(rows)]
    for turn in range(3):
        chosen = rng.permutation(rows)[: (150, 70, 140)[turn]].astype(np.intp)
        pcm = noise(rng, (len(chosen), taken))
        out = np.empty((len(chosen), given), np.int16)
        bands.apply(chosen, pcm, out)
        for place, row in enumerate(chosen):
            fed[row] += pcm[place].tolist()
            heard[row] += out[place].tolist()
    for row in range(rows):
        assert heard[row] == naive(fed[row])


@pytest.mark.parametrize(("kind", "taken", "given"), [(Halver, 320, 160), (Doubler, 160, 320)])
def test_a_row_that_is_reset_begins_anew_and_its_neighbours_do_not(kind, taken, given) -> None:
    rng = np.random.default_rng(2)
    rows = np.arange(3, dtype=np.intp)
    first, second = noise(rng, (3, taken)), noise(rng, (3, taken))
    used, untouched, fresh = kind(3), kind(3), kind(3)
    out, wanted, anew = (np.empty((3, given), np.int16) for _ in range(3))
    for bands in (used, untouched):
        bands.apply(rows, first, wanted)
    used.reset(1)
    used.apply(rows, second, out)
    untouched.apply(rows, second, wanted)
    fresh.apply(rows, second, anew)
    assert np.array_equal(out[[0, 2]], wanted[[0, 2]])
    assert np.array_equal(out[1], anew[1])
    assert not np.array_equal(out[1], wanted[1])


def test_no_rows_are_no_work() -> None:
    none = np.empty(0, np.intp)
    Halver(2).apply(none, np.empty((0, 320), np.int16), np.empty((0, 160), np.int16))
    Doubler(2).apply(none, np.empty((0, 160), np.int16), np.empty((0, 320), np.int16))


def through(bands, sound: np.ndarray, taken: int, given: int) -> np.ndarray:
    row = np.zeros(1, np.intp)
    out = np.empty((len(sound) // taken, given), np.int16)
    for place, frame in enumerate(sound.reshape(-1, taken)):
        bands.apply(row, frame[None], out[place : place + 1])
    return out.ravel()


def amplitude(sound: np.ndarray, hertz: float, rate: int) -> float:
    """Of one component, over whole periods after the first 100 ms."""
    steady = sound[rate // 10 : rate // 10 + rate // 2].astype(float)
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(steady)) / rate)
    return float(abs(steady @ turning)) * 2 / len(steady)


@pytest.mark.parametrize("hertz", [100, 300, 1000, 2000, 3000, 3400])
def test_the_telephone_band_passes_within_half_a_decibel(hertz: int) -> None:
    half = through(Halver(1), sine(hertz, 16000, 1), 320, 160)
    double = through(Doubler(1), sine(hertz, 8000, 1), 160, 320)
    assert abs(20 * np.log10(amplitude(half, hertz, 8000) / 8000)) < 0.1
    assert abs(20 * np.log10(amplitude(double, hertz, 16000) / 8000)) < 0.1


@pytest.mark.parametrize("hertz", [4600, 4800, 5000, 6000, 7000, 7900])
def test_what_8_khz_cannot_carry_is_rejected_by_forty_decibels(hertz: int) -> None:
    half = through(Halver(1), sine(hertz, 16000, 1, peak=30000), 320, 160)
    assert amplitude(half, 8000 - hertz, 8000) < 30000 / 150


@pytest.mark.parametrize("hertz", [100, 1000, 2000, 3000, 3400])
def test_the_image_above_4_khz_is_rejected_by_forty_decibels(hertz: int) -> None:
    double = through(Doubler(1), sine(hertz, 8000, 1, peak=30000), 160, 320)
    assert amplitude(double, 8000 - hertz, 16000) < 30000 / 150


def test_both_ways_together_are_late_by_less_than_two_milliseconds() -> None:
    click = np.zeros(800, np.int16)
    click[200] = 20000
    narrow = through(Halver(1), through(Doubler(1), click, 160, 320), 320, 160)
    assert abs(int(narrow.argmax()) - 200) <= 2 * DELAY + 1
    impulse = np.zeros(960, np.int16)
    impulse[400] = 20000
    assert (int(np.abs(through(Halver(1), impulse, 320, 160)).argmax()) * 2 - 400) / 16 <= 1


def test_what_a_row_costs_at_1200_rows(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    rows = np.arange(1200, dtype=np.intp)
    wide = rng.integers(-9000, 9000, (1200, 320)).astype(np.int16)
    narrow = np.empty((1200, 160), np.int16)
    halver, doubler = Halver(1200), Doubler(1200)
    half = min(_cost(lambda: halver.apply(rows, wide, narrow)) for _ in range(20)) / 1200
    double = min(_cost(lambda: doubler.apply(rows, narrow, wide)) for _ in range(20)) / 1200
    with capsys.disabled():
        print(f"\nbands at 1200 rows: {half:.2f} us to halve, {double:.2f} us to double the rate of a row")
    assert half < 10
    assert double < 10


def _cost(work) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e6
