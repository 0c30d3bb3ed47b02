"""Person or machine: the rule against a twin, and how often it is wrong on spoken greetings."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media import answer
from media.answer import HUMAN, MACHINE, UNDECIDED, AnswerDetector
from media.resample import resample
from media.voice import VoiceDetector, mean_square

Samples = NDArray[np.int16]
FRAME = 160

PERSONS = {
    "en": ["Hello?", "Hello, Anna speaking.", "Smith.", "Good morning, Miller and sons.", "Hi, this is John."],
    "de": ["Hallo?", "Ja bitte?", "Weber.", "Guten Tag, Weber am Apparat.", "Müller, guten Morgen."],
    "ru": ["Алло?", "Да, слушаю.", "Слушаю вас."],
}
MACHINES = {
    "en": [
        "You have reached the mailbox of John Smith. Please leave a message after the tone.",
        "Hi, I can't come to the phone right now. Please leave your name and number.",
    ],
    "de": [
        "Dies ist die Mailbox von Anna Weber. Bitte hinterlassen Sie eine Nachricht nach dem Ton.",
        "Der Teilnehmer ist vorübergehend nicht erreichbar. Bitte versuchen Sie es später.",
    ],
    "ru": ["Абонент временно недоступен. Пожалуйста, перезвоните позже."],
}


class NaiveAnswer:
    """One row, told from the whole history every time."""

    def __init__(self) -> None:
        self.history: list[bool] = []
        self.decided = False

    def feed(self, speaks: bool) -> int:
        self.history.append(speaks)
        if self.decided or True not in self.history:
            return UNDECIDED
        words = self.history[self.history.index(True) :]
        pause = words[::-1].index(True)
        if len(words) - pause > answer.LONGEST_OF_A_PERSON:
            self.decided = True
            return MACHINE
        self.decided = pause >= answer.PAUSE
        return HUMAN if self.decided else UNDECIDED


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=8), st.integers(0, 60))
def test_the_detector_equals_its_naive_twin(runs: list[tuple[bool, int]], shift: int) -> None:
    speaks = np.repeat([one for one, _ in runs], [count for _, count in runs])
    both = np.stack([speaks, np.roll(speaks, shift)])
    detector, rows, twins = AnswerDetector(2), np.array([1, 0]), [NaiveAnswer(), NaiveAnswer()]
    for at in range(both.shape[1]):
        first, verdict = detector.feed(both[:, at], rows)
        assert verdict.tolist() == [twin.feed(bool(one)) for twin, one in zip(twins, both[:, at], strict=True)]
        assert first.tolist() == [bool(row[at] and not row[:at].any()) for row in both]
    detector.reset(1)
    assert detector.seconds(1) == 0


def speak(folder: Path, texts: dict[str, list[str]], rng: np.random.Generator) -> list[Samples]:
    sounds = []
    for language, lines in texts.items():
        for text in lines:
            for voice, speed in (("", 160), ("+f2", 130), ("+m3", 190)):
                path = folder / "greeting.wav"
                order = ["espeak-ng", "-v", language + voice, "-s", str(speed), "-w", str(path), text]
                subprocess.run(order, check=True, timeout=30)
                samples, rate = soundfile.read(path, dtype="int16")
                sound = resample(np.asarray(samples, np.int16), rate) * 0.4
                sounds.append(np.concatenate([np.zeros(rng.integers(1600, 8000)), sound, np.zeros(16000)]))
    return sounds


def decide(sounds: list[NDArray[np.float64]], rng: np.random.Generator) -> NDArray[np.int64]:
    """What is decided of sounds over a little noise."""
    length = max(map(len, sounds)) // FRAME * FRAME
    line = rng.normal(0, 60, (len(sounds), length))
    for row, sound in enumerate(sounds):
        line[row, : len(sound)] += sound[:length]
    pcm, rows = line.astype(np.int16), np.arange(len(sounds))
    voice, detector, verdicts = VoiceDetector(len(sounds)), AnswerDetector(len(sounds)), np.zeros(len(sounds), int)
    for at in range(0, length, FRAME):
        verdicts += detector.feed(voice.feed(mean_square(pcm[:, at : at + FRAME]), rows), rows)[1]
    return verdicts


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_hardly_a_spoken_greeting_of_a_person_is_taken_for_a_machine_and_no_machine_for_a_person(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(1)
    persons = decide(speak(tmp_path, PERSONS, rng), rng)
    machines = decide(speak(tmp_path, MACHINES, rng), rng)
    assert np.count_nonzero(persons == HUMAN) >= 0.92 * len(persons)
    assert not np.count_nonzero(persons == UNDECIDED)
    assert (machines == MACHINE).all()
