"""Sounds at the rate of a codec, and how much of them comes through."""

import numpy as np

from media.codec.codec import Codec, Format, Samples
from media.resample import resample
from tests.media.speech import babble


def sine(hertz: float, rate: int, seconds: float = 2, peak: float = 8000) -> Samples:
    return np.rint(peak * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


def speech(form: Format, seconds: float = 3, seed: int = 3) -> Samples:
    return resample(babble(seconds, seed), 8000, form.rate)


def frames(sound: Samples, form: Format) -> list[Samples]:
    whole = len(sound) // form.samples * form.samples
    return list(sound[:whole].reshape(-1, form.samples))


def encoded(codec: Codec, sound: Samples) -> list[bytes]:
    return [codec.encode(frame) for frame in frames(sound, codec.format)]


def decoded(codec: Codec, payloads: list[bytes]) -> Samples:
    return np.concatenate([codec.decode(payload) for payload in payloads])


def level(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound.astype(float) ** 2)))


def signal_to_noise(sent: Samples, heard: Samples, rate: int) -> float:
    """Decibels at the best delay of up to 12 ms and the best gain, without the first 100 ms."""
    start, latest = rate // 10, rate * 12 // 1000
    signal = sent[start : len(heard) - latest].astype(float)
    return max(_ratio(signal, heard[start + delay :][: len(signal)].astype(float)) for delay in range(latest))


def _ratio(signal: np.ndarray, heard: np.ndarray) -> float:
    gain = signal @ heard / (heard @ heard + 1e-9)
    if gain <= 0:
        return -np.inf
    noise = signal - gain * heard
    return float(10 * np.log10(signal @ signal / (noise @ noise + 1e-9)))
