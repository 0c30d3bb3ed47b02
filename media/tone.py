"""Call progress tones as 8 kHz samples, by country.

Levels are in dBm0: 0 dBm0 is the digital milliwatt of G.711, 3.14 dB below a full-scale sine.  ITU-T E.180/Q.35
recommends -10 dBm0 for tones, shared by the frequencies of a tone with several.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.errors import SoundError

RATE: Final = 8000
FULL_SCALE_DBM0: Final = 3.14
"""Level of a sine that touches the int16 limits (G.711 table 1: the A-law overload point is 3.14 dBm0)."""
_RAMP: Final = 16
"""Samples (2 ms) over which a burst fades in and out, so that it does not click."""
_MAX_SECONDS: Final = 600.0

Samples = NDArray[np.int16]


class Burst(NamedTuple):
    """One sound or pause of a cadence."""

    seconds: float
    """How long it lasts."""
    frequencies: tuple[float, ...] = ()
    """Hertz, together; none is a pause."""


class Tone(NamedTuple):
    """A cadence that is repeated until somebody stops it."""

    bursts: tuple[Burst, ...]
    """One period."""
    level: float = -10.0
    """dBm0 of the whole burst."""
    steady: bool = False
    """Whether it never pauses: its period ends where it began in phase and does not fade."""


class ToneError(SoundError):
    """The tone has no such name, country or frequency."""


def _cadence(frequencies: tuple[float, ...], *on_off: float) -> Tone:
    """Tone of alternating seconds of sound and pause; no seconds means a continuous tone."""
    if not on_off:
        return Tone((Burst(1.0, frequencies),), steady=True)
    return Tone(tuple(Burst(seconds, () if place % 2 else frequencies) for place, seconds in enumerate(on_off)))


def _information(*bursts: tuple[float, float]) -> Tone:
    """Special information tone: (hertz, seconds) one after the other, then a second of pause."""
    return Tone((*(Burst(seconds, (hertz,)) for hertz, seconds in bursts), Burst(1.0)))


# E.180/Q.35 section 7: 950, 1400 and 1800 Hz, 330 ms each with gaps up to 30 ms, then 1 s of silence.
_SPECIAL: Final = _information((950, 0.33), (1400, 0.33), (1800, 0.33))

# ITU-T E.180 Supplement 2, "Various tones used in national networks"; us also Telcordia GR-674, gb also BT SIN 350,
# eu the harmonised values of ETSI TR 101 041-1.  Ringing with a 25 Hz modulation (ro) is written as its two side tones.
COUNTRIES: Final[dict[str, dict[str, Tone]]] = {
    "eu": {
        "dial": _cadence((425,)),
        "ringback": _cadence((425,), 1.0, 4.0),
        "busy": _cadence((425,), 0.5, 0.5),
        "congestion": _cadence((425,), 0.2, 0.2),
        "waiting": _cadence((425,), 0.2, 0.6, 0.2, 3.0),
        "special": _SPECIAL,
    },
    "us": {
        "dial": _cadence((350, 440)),
        "ringback": _cadence((440, 480), 2.0, 4.0),
        "busy": _cadence((480, 620), 0.5, 0.5),
        "congestion": _cadence((480, 620), 0.25, 0.25),
        "waiting": _cadence((440,), 0.3, 9.7),
        "special": _information((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.38)),
    },
    "gb": {
        "dial": _cadence((350, 450)),
        "ringback": _cadence((400, 450), 0.4, 0.2, 0.4, 2.0),
        "busy": _cadence((400,), 0.375, 0.375),
        "congestion": _cadence((400,), 0.4, 0.35, 0.225, 0.525),
        "waiting": _cadence((400,), 0.1, 2.9),
        "special": _SPECIAL,
    },
    "de": {
        "dial": _cadence((425,)),
        "ringback": _cadence((425,), 1.0, 4.0),
        "busy": _cadence((425,), 0.48, 0.48),
        "congestion": _cadence((425,), 0.24, 0.24),
        "waiting": _cadence((425,), 0.2, 0.2, 0.2, 5.0),
        "special": _SPECIAL,
    },
    "gr": {
        "dial": _cadence((425,), 0.2, 0.3, 0.7, 0.8),
        "ringback": _cadence((425,), 1.0, 4.0),
        "busy": _cadence((425,), 0.3, 0.3),
        "congestion": _cadence((425,), 0.15, 0.15),
        "waiting": _cadence((425,), 0.15, 0.15, 0.15, 8.0),
        "special": _SPECIAL,
    },
    "ru": {
        "dial": _cadence((425,)),
        "ringback": _cadence((425,), 0.8, 3.2),
        "busy": _cadence((425,), 0.35, 0.35),
        "congestion": _cadence((425,), 0.175, 0.175),
        "waiting": _cadence((425,), 0.2, 5.0),
        "special": _SPECIAL,
    },
    "ro": {
        "dial": _cadence((450,)),
        "ringback": _cadence((425, 475), 1.85, 4.15),
        "busy": _cadence((450,), 0.167, 0.167),
        "congestion": _cadence((450,), 0.5, 0.5),
        "waiting": _cadence((425,), 0.15, 0.15, 0.15, 4.0),
        "special": _SPECIAL,
    },
    "cn": {
        "dial": _cadence((450,)),
        "ringback": _cadence((450,), 1.0, 4.0),
        "busy": _cadence((450,), 0.35, 0.35),
        "congestion": _cadence((450,), 0.7, 0.7),
        "waiting": _cadence((450,), 0.4, 4.0),
        "special": _SPECIAL,
    },
    "fr": {
        "dial": _cadence((440,)),
        "ringback": _cadence((440,), 1.5, 3.5),
        "busy": _cadence((440,), 0.5, 0.5),
        "congestion": _cadence((440,), 0.25, 0.25),
        "waiting": _cadence((440,), 0.3, 10.0),
        "special": _SPECIAL,
    },
    "it": {
        "dial": _cadence((425,), 0.2, 0.2, 0.6, 1.0),
        "ringback": _cadence((425,), 1.0, 4.0),
        "busy": _cadence((425,), 0.5, 0.5),
        "congestion": _cadence((425,), 0.2, 0.2),
        "waiting": _cadence((425,), 0.4, 0.1, 0.25, 0.1, 0.15, 14.0),
        "special": _SPECIAL,
    },
}

# The same everywhere: the reference signal of ITU-T O.6 (1004 Hz at 0 dBm0) and the beep before a message is recorded.
COMMON: Final[dict[str, Tone]] = {
    "milliwatt": Tone((Burst(1.0, (1004,)),), level=0.0, steady=True),
    "beep": Tone((Burst(0.25, (1000,)),)),
    "silence": Tone((Burst(1.0),)),
}

# Other names by which people ask for a tone.
SYNONYMS: Final = {
    "ring": "ringback",
    "ringing": "ringback",
    "reorder": "congestion",
    "sit": "special",
    "call waiting": "waiting",
    "callwaiting": "waiting",
    "information": "special",
}


def find_tone(name: str | float, country: str = "eu") -> Tone:
    """Tone of a name ("busy", "milliwatt", "1004") or of a frequency in hertz; ToneError when there is none."""
    if country not in COUNTRIES:
        raise ToneError(f"no tones are known for country {country!r}; known are {', '.join(sorted(COUNTRIES))}")
    known = COMMON | COUNTRIES[country]
    word = str(name).strip().lower()
    tone = known.get(SYNONYMS.get(word, word))
    return tone or _steady(word, known)


def _steady(word: str, known: dict[str, Tone]) -> Tone:
    """Continuous tone of a frequency written as text."""
    try:
        hertz = float(word)
    except ValueError:
        names = ", ".join(sorted(known))
        raise ToneError(f"there is no tone {word!r}; known are {names}, or a frequency in hertz") from None
    if not 20 <= hertz <= 3900:
        raise ToneError(f"a tone of {word} Hz cannot be played: the telephone band is 20 to 3900 Hz")
    return Tone((Burst(1.0, (hertz,)),), steady=True)


@lru_cache(maxsize=64)
def cadence(name: str | float, country: str = "eu") -> Samples:
    """One period of a tone, int16[n] (read only), that may be repeated without a seam."""
    tone = find_tone(name, country)
    if tone.steady:
        samples = _endless(tone.bursts[0].frequencies, tone.level)
    else:
        samples = np.concatenate([_burst(burst, tone.level) for burst in tone.bursts])
    samples.flags.writeable = False
    return samples


def render(name: str | float, country: str = "eu", seconds: float | None = None) -> Samples:
    """A tone for `seconds`, int16[n], its cadence repeated and cut; without seconds one period."""
    period = cadence(name, country)
    if seconds is None:
        return period
    if not 0 < seconds <= _MAX_SECONDS:
        raise ToneError(f"a tone lasts between 0 and {_MAX_SECONDS:.0f} seconds, not {seconds}")
    return np.resize(period, max(1, round(seconds * RATE)))


def amplitude(level: float) -> float:
    """Peak of a sine of `level` dBm0, in int16 units."""
    return float(32767 * 10 ** ((level - FULL_SCALE_DBM0) / 20))


def _endless(frequencies: tuple[float, ...], level: float) -> Samples:
    """Whole periods of all frequencies: one second for whole hertz, else ten seconds of the nearest tenth."""
    seconds = 1 if all(float(hertz).is_integer() for hertz in frequencies) else 10
    frequencies = tuple(round(hertz * seconds) / seconds for hertz in frequencies)
    return _sines(frequencies, level, seconds * RATE)


def _burst(burst: Burst, level: float) -> Samples:
    count = round(burst.seconds * RATE)
    if not burst.frequencies:
        return np.zeros(count, np.int16)
    samples = _sines(burst.frequencies, level, count)
    ramp = np.sin(np.linspace(0, np.pi / 2, _RAMP, endpoint=False)) ** 2
    samples[:_RAMP] = np.rint(samples[:_RAMP] * ramp)
    samples[-_RAMP:] = np.rint(samples[-_RAMP:] * ramp[::-1])
    return samples


def _sines(frequencies: tuple[float, ...], level: float, count: int) -> Samples:
    """Sum of sines that together have `level` dBm0."""
    turns = np.outer(frequencies, np.arange(count)) / RATE
    peak = amplitude(level - 10 * np.log10(len(frequencies)))
    return np.asarray(np.rint(peak * np.sin(2 * np.pi * turns).sum(axis=0)), np.int16)
