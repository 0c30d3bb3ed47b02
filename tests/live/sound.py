"""What a test hears: 16-bit mono sound at 8 kHz as numpy arrays."""

import numpy as np
from numpy.typing import NDArray

RATE = 8000


def tone(hz: float, seconds: float, peak: int = 8000) -> NDArray[np.int16]:
    """A sine of `hz`; `peak` 8000 is 12 dB below full scale."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.round(peak * np.sin(2 * np.pi * hz * time)).astype(np.int16)


def spectrum(pcm: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and the power at each, through a Hann window."""
    samples = pcm.astype(np.float64)
    windowed = (samples - samples.mean()) * np.hanning(len(samples))
    power = np.square(np.abs(np.fft.rfft(windowed))).astype(np.float64)
    return np.fft.rfftfreq(len(samples), 1 / RATE).astype(np.float64), power


def dominant_frequency(pcm: NDArray[np.int16]) -> float:
    """The loudest frequency in Hz, 0 for silence or for less than 50 ms of sound."""
    if len(pcm) < RATE // 20 or not np.any(pcm):
        return 0.0
    frequencies, power = spectrum(pcm)
    return float(frequencies[int(np.argmax(power))])


def share_of(hz: float, pcm: NDArray[np.int16], width: float = 30.0) -> float:
    """How much of the power lies within `width` Hz of `hz`, from 0 to 1; 0 for silence, which A-law sends as 8s."""
    if len(pcm) < RATE // 20 or not np.ptp(pcm):
        return 0.0
    frequencies, power = spectrum(pcm)
    return float(power[np.abs(frequencies - hz) <= width].sum() / power.sum())


def loudness(pcm: NDArray[np.int16]) -> float:
    """Root mean square in dB below full scale; -100 for silence."""
    if not len(pcm) or not np.any(pcm):
        return -100.0
    return float(20 * np.log10(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)) / 32768))


def longest_silence(pcm: NDArray[np.int16], below: int = 50) -> float:
    """The longest time in seconds in which no 20 ms frame reaches `below`."""
    frames = pcm[: len(pcm) // 160 * 160].reshape(-1, 160)
    longest = current = 0
    for quiet in np.abs(frames.astype(np.int32)).max(axis=1, initial=0) < below:
        current = current + 1 if quiet else 0
        longest = max(longest, current)
    return longest * 0.02
