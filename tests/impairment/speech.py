"""Speech to send: sentences that espeak-ng says, at 8 kHz, the same in every run."""

import functools
import io
import subprocess
import wave

import numpy as np
import soxr
from numpy.typing import NDArray

RATE = 8000
PEAK = 16000
"""6 dB below full scale."""
ROOM = 32
"""Noise of a quiet room, 60 dB below full scale: G.711 alone costs 0.6 of a score where silence is digital zero, and
0.1 with such a room, as with any real microphone."""

SENTENCES = """The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background.
It is easy to tell the depth of a well. These days a chicken leg is a rare dish."""
"""The first of the Harvard sentences (IEEE 297-1969), which were made for measuring speech."""


@functools.cache
def speech(text: str = SENTENCES, voice: str = "en-us") -> NDArray[np.int16]:
    """The sentences in a quiet room, with half a second before and after; not to be written into."""
    command = ("espeak-ng", "-v", voice, "-s", "150", "--stdout")
    spoken = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=20).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        samples = np.frombuffer(file.readframes(0x7FFFFFF), "<i2").astype(np.float32)
        at_8_khz = soxr.resample(samples, file.getframerate(), RATE)
    scaled = np.rint(at_8_khz * (PEAK / np.abs(at_8_khz).max())).astype(np.int16)
    pause = np.zeros(RATE // 2, np.int16)
    spoken_alone = np.concatenate((pause, scaled, pause))
    room = np.random.default_rng(1).normal(0, ROOM, len(spoken_alone))
    return np.rint(spoken_alone + room).astype(np.int16)
