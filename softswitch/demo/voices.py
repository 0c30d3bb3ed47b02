"""What the people of the demonstration say: a sentence for each phone, or a tone when nothing can speak."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ivr.errors import SpeechError
from ivr.prompts import Prompt
from ivr.speech import Speaker

RATE = 8000
"""Hertz."""
BREATH = 0.7
"""Seconds between a sentence and its repetition."""

OFFERS_HELP = (
    "Good day, you are speaking with our office. How may I help you?",
    "Hello, thank you for waiting. What can I do for you?",
    "Yes, of course. One moment please, I am looking at your order.",
)
NEEDS_HELP = (
    "Good day. My parcel was to come on Monday, and it is not here yet.",
    "Hello. I should like to order four more of the blue chairs, please.",
    "Good morning. There is a mistake in my last bill, could you have a look?",
    "Hello, I have forgotten how the new machine is switched off.",
)


def sentences(agents: Iterable[str], callers: Iterable[str]) -> dict[str, str]:
    """Who says what."""
    said = {number: OFFERS_HELP[place % len(OFFERS_HELP)] for place, number in enumerate(agents)}
    return said | {number: NEEDS_HELP[place % len(NEEDS_HELP)] for place, number in enumerate(callers)}


async def record(folder: Path, said: Mapping[str, str]) -> dict[str, str]:
    """A WAV file for each phone, at 8 kHz with 16 bits."""
    speaker = Speaker(folder / "spoken")
    try:
        return dict(
            zip(said, await asyncio.gather(*(_record(speaker, folder, *one) for one in said.items())), strict=True)
        )
    finally:
        await speaker.close()


async def _record(speaker: Speaker, folder: Path, number: str, sentence: str) -> str:
    try:
        return str(await speaker.ensure(Prompt(text=sentence, language="en")))
    except SpeechError:
        path = folder / f"{number}.wav"
        soundfile.write(path, tone(250.0 + 10 * (int(number) % 100)), RATE, subtype="PCM_16")
        return str(path)


def tone(hz: float, seconds: float = 1.5) -> NDArray[np.int16]:
    """A sine, 12 dB below full scale."""
    return np.round(8192 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def load(path: str) -> NDArray[np.int16]:
    """What a phone says over and over."""
    samples, _ = soundfile.read(path, dtype="int16")
    breath = np.zeros(round(BREATH * RATE), np.int16)
    return np.concatenate((np.asarray(samples, np.int16), breath))
