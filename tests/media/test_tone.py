"""Call progress tones: cadence, frequency, level, and loops without a seam."""

import numpy as np
import pytest
from numpy.typing import NDArray

from media.errors import SoundError
from media.level import dbm0
from media.tone import COMMON, COUNTRIES, SYNONYMS, Tone, ToneError, amplitude, cadence, find_tone, render

Samples = NDArray[np.int16]
NAMES = ("dial", "ringback", "busy", "congestion", "waiting", "special")
EVERY = [(country, name) for country in COUNTRIES for name in NAMES]


def naive_sines(frequencies: tuple[float, ...], level: float, count: int) -> list[float]:
    peak = 32767 * 10 ** ((level - 3.14 - 10 * np.log10(len(frequencies))) / 20)
    return [sum(peak * np.sin(2 * np.pi * (hertz * at / 8000)) for hertz in frequencies) for at in range(count)]


def strongest_hertz(sound: Samples, count: int) -> list[float]:
    """The `count` highest separate peaks of the spectrum."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 16))
    found: list[float] = []
    for place in np.argsort(spectrum)[::-1]:
        hertz = place * 8000 / (1 << 16)
        if all(abs(hertz - other) > 20 for other in found):
            found.append(hertz)
        if len(found) == count:
            break
    return sorted(found)


def sounding(samples: Samples) -> list[tuple[bool, int]]:
    """Runs of sound and silence, in 5 ms steps."""
    steps = samples[: len(samples) // 40 * 40].reshape(-1, 40)
    loud = (np.abs(steps).max(axis=1) > 200).tolist()
    runs: list[tuple[bool, int]] = []
    for step in loud:
        if runs and runs[-1][0] == step:
            runs[-1] = step, runs[-1][1] + 40
        else:
            runs.append((step, 40))
    return runs


def test_every_country_has_every_tone() -> None:
    assert set(COUNTRIES) >= {"us", "gb", "de", "gr", "ru", "ro", "cn", "fr", "it", "eu"}
    assert all(set(tones) == set(NAMES) for tones in COUNTRIES.values())


@pytest.mark.parametrize(("country", "name"), EVERY)
def test_a_tone_has_the_cadence_of_its_table(country: str, name: str) -> None:
    tone = COUNTRIES[country][name]
    samples = cadence(name, country)
    if tone.steady:
        assert np.abs(samples.reshape(-1, 80)).max(axis=1).min() > 1000
        return
    assert len(samples) == sum(round(burst.seconds * 8000) for burst in tone.bursts)
    wanted: list[tuple[bool, float]] = []
    for burst in tone.bursts:
        if wanted and wanted[-1][0] == bool(burst.frequencies):
            wanted[-1] = wanted[-1][0], wanted[-1][1] + burst.seconds * 8000
        else:
            wanted.append((bool(burst.frequencies), burst.seconds * 8000))
    runs = sounding(samples)
    assert [loud for loud, _ in runs] == [loud for loud, _ in wanted]
    assert all(abs(run - length) <= 80 for (_, run), (_, length) in zip(runs, wanted, strict=True))


@pytest.mark.parametrize(("country", "name"), EVERY)
def test_a_tone_has_its_frequencies_and_minus_ten_dbm0(country: str, name: str) -> None:
    tone, at = COUNTRIES[country][name], 0
    samples = cadence(name, country)
    for burst in tone.bursts:
        length = round(burst.seconds * 8000)
        sound = samples[at : at + length][40:-40]
        at += length
        if burst.frequencies:
            found = strongest_hertz(sound, len(burst.frequencies))
            assert np.allclose(found, sorted(burst.frequencies), atol=4)
            assert abs(dbm0(sound[None])[0] - tone.level) < 0.5


@pytest.mark.parametrize(("country", "name"), [("us", "dial"), ("eu", "dial"), ("gb", "dial")])
def test_a_steady_tone_equals_sines_made_one_sample_at_a_time(country: str, name: str) -> None:
    tone = find_tone(name, country)
    wanted = naive_sines(tone.bursts[0].frequencies, tone.level, 8000)
    assert np.abs(cadence(name, country) - np.array(wanted)).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("hertz", [440, 1004, 913.8, 20.5, 3900])
def test_a_steady_tone_repeats_without_a_seam(hertz: float) -> None:
    period = cadence(hertz)
    twice = np.concatenate([period, period]).astype(float)
    steps = np.abs(np.diff(twice, 2))
    seam = steps[len(period) - 3 : len(period) + 1].max()
    assert seam <= np.delete(steps, range(len(period) - 3, len(period) + 1)).max() + 2


@pytest.mark.parametrize(("country", "name"), EVERY)
def test_bursts_begin_and_end_softly(country: str, name: str) -> None:
    if COUNTRIES[country][name].steady:
        return
    samples = cadence(name, country).astype(int)
    ends = np.cumsum([round(burst.seconds * 8000) for burst in COUNTRIES[country][name].bursts])
    assert np.abs(samples[ends - 1]).max() < 200
    assert np.abs(samples[np.roll(ends, 1) % len(samples)]).max() < 200


def test_the_milliwatt_is_1004_hz_at_zero_dbm0() -> None:
    samples = cadence("milliwatt")
    assert len(samples) == 8000
    assert abs(strongest_hertz(samples, 1)[0] - 1004) < 0.5
    assert samples.max() == round(amplitude(0))


def test_a_frequency_may_be_a_number_or_text() -> None:
    np.testing.assert_array_equal(render(1004), render("1004"))
    assert abs(dbm0(render(1004)[None])[0] + 10) < 0.05


@pytest.mark.parametrize("seconds", [0.02, 1.0, 2.75])
def test_a_tone_lasts_as_long_as_it_is_asked_to(seconds: float) -> None:
    samples = render("busy", "us", seconds)
    assert len(samples) == round(seconds * 8000)
    period = cadence("busy", "us")
    assert samples.tolist() == [period[at % len(period)] for at in range(len(samples))]


def test_without_seconds_a_tone_is_one_period() -> None:
    assert len(render("ringback", "gb")) == 3 * 8000
    assert len(render("beep")) == 2000


def test_the_special_information_tone_rises_in_three_steps() -> None:
    samples = cadence("special", "de")
    thirds = [strongest_hertz(samples[at * 2640 + 100 : (at + 1) * 2640 - 100], 1)[0] for at in range(3)]
    assert np.allclose(thirds, [950, 1400, 1800], atol=2)


def test_names_may_be_written_otherwise() -> None:
    for word, name in SYNONYMS.items():
        assert find_tone(word.upper(), "fr") == find_tone(name, "fr")


@pytest.mark.parametrize("wrong", ["", "bsy", "nan", "inf", "-5", "19", "3901", "1e9"])
def test_a_tone_that_does_not_exist_is_refused_with_one_sentence(wrong: str) -> None:
    with pytest.raises(ToneError) as refused:
        render(wrong)
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, SoundError)


def test_an_unknown_country_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ToneError, match=r"'xx'.*cn, de, eu"):
        render("busy", "xx")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 1e9])
def test_a_length_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ToneError, match="seconds"):
        render("busy", "us", seconds)


def test_tables_hold_only_what_the_telephone_band_carries() -> None:
    tones: list[Tone] = [*COMMON.values(), *(tone for tones in COUNTRIES.values() for tone in tones.values())]
    for tone in tones:
        assert all(300 <= hertz <= 3400 for burst in tone.bursts for hertz in burst.frequencies)
        assert all(0 < burst.seconds <= 14 for burst in tone.bursts)


def test_nobody_can_spoil_a_tone_for_the_others() -> None:
    with pytest.raises(ValueError, match="read-only"):
        cadence("busy", "us")[0] = 1


# Written out a second time from E.180 Supplement 2, so that a slip in the table is seen: hertz, seconds on and off.
PUBLISHED = {
    ("us", "ringback"): ((440, 480), (2, 4)), ("us", "busy"): ((480, 620), (0.5, 0.5)),
    ("us", "congestion"): ((480, 620), (0.25, 0.25)), ("us", "dial"): ((350, 440), ()),
    ("gb", "ringback"): ((400, 450), (0.4, 0.2, 0.4, 2)), ("gb", "busy"): ((400,), (0.375, 0.375)),
    ("gb", "congestion"): ((400,), (0.4, 0.35, 0.225, 0.525)), ("gb", "dial"): ((350, 450), ()),
    ("de", "ringback"): ((425,), (1, 4)), ("de", "busy"): ((425,), (0.48, 0.48)),
    ("de", "congestion"): ((425,), (0.24, 0.24)), ("gr", "dial"): ((425,), (0.2, 0.3, 0.7, 0.8)),
    ("gr", "busy"): ((425,), (0.3, 0.3)), ("gr", "congestion"): ((425,), (0.15, 0.15)),
    ("ru", "ringback"): ((425,), (0.8, 3.2)), ("ru", "busy"): ((425,), (0.35, 0.35)),
    ("ro", "ringback"): ((425, 475), (1.85, 4.15)), ("ro", "busy"): ((450,), (0.167, 0.167)),
    ("ro", "congestion"): ((450,), (0.5, 0.5)), ("cn", "ringback"): ((450,), (1, 4)),
    ("cn", "busy"): ((450,), (0.35, 0.35)), ("cn", "congestion"): ((450,), (0.7, 0.7)),
    ("fr", "ringback"): ((440,), (1.5, 3.5)), ("fr", "busy"): ((440,), (0.5, 0.5)), ("fr", "dial"): ((440,), ()),
    ("it", "dial"): ((425,), (0.2, 0.2, 0.6, 1.0)), ("it", "busy"): ((425,), (0.5, 0.5)),
    ("it", "congestion"): ((425,), (0.2, 0.2)), ("it", "ringback"): ((425,), (1, 4)),
    ("it", "waiting"): ((425,), (0.4, 0.1, 0.25, 0.1, 0.15, 14)), ("de", "waiting"): ((425,), (0.2, 0.2, 0.2, 5)),
    ("cn", "waiting"): ((450,), (0.4, 4)), ("fr", "waiting"): ((440,), (0.3, 10)),
    ("gr", "waiting"): ((425,), (0.15, 0.15, 0.15, 8)), ("us", "waiting"): ((440,), (0.3, 9.7)),
    ("eu", "ringback"): ((425,), (1, 4)), ("eu", "busy"): ((425,), (0.5, 0.5)), ("eu", "dial"): ((425,), ()),
}  # fmt: skip


@pytest.mark.parametrize(("country", "name"), sorted(PUBLISHED))
def test_the_tables_hold_the_published_values(country: str, name: str) -> None:
    hertz, cadence_seconds = PUBLISHED[country, name]
    tone = COUNTRIES[country][name]
    assert tone.steady == (not cadence_seconds)
    if not tone.steady:
        assert tuple(burst.seconds for burst in tone.bursts) == cadence_seconds
    assert [burst.frequencies for burst in tone.bursts[::2]] == [hertz] * len(tone.bursts[::2])
