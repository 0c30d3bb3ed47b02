"""Sounds that are not digits: spoken words when espeak-ng is installed, and speech-like noise that is always there."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from media.resample import resample

FRAME = 160
Samples = NDArray[np.int16]

WORDS = {
    "en": "please hold the line menu options billing seven nine eight zero two street window orange people question "
    "really information company invoice delivery address Monday telephone under never evening",
    "de": "bitte bleiben Sie am Apparat wir verbinden Sie eins zwei drei sieben acht Rechnung Lieferung Fenster schön "
    "grün Montag Bestellung Anschrift heute morgen vielleicht niemals Straße über",
    "ru": "пожалуйста оставайтесь на линии мы соединим вас с оператором один два семь восемь счёт доставка улица окно "
    "понедельник сегодня завтра может быть никогда",
}
SENTENCES = {
    "en": "Good afternoon, you are speaking to the support line. I have looked at your order from last Tuesday, and I "
    "am sorry to say that two of the five parcels are still at the warehouse in Liverpool. We could send a new one to "
    "your office, or you may fetch it yourself between eight and half past six. Your number is nine four one seven, "
    "six three three six, zero eight five two. Would you like me to repeat that, or put you through to somebody?",
    "de": "Guten Tag, Sie sprechen mit der Störungsannahme. Ich sehe gerade, dass der Techniker schon am Mittwoch bei "
    "Ihnen war und die Leitung gemessen hat. Leider fehlt noch ein Bauteil, das wir erst übermorgen bekommen. Ihre "
    "Vorgangsnummer lautet sieben sieben null, drei neun sechs, vier acht eins. Kann ich sonst noch etwas für Sie tun?",
    "ru": "Добрый день, вы позвонили в службу поддержки. Я вижу, что мастер уже приходил к вам в среду и проверил "
    "линию. К сожалению, одна деталь ещё не пришла, и мы ждём её послезавтра. Номер вашей заявки семь семь ноль, три "
    "девять шесть, четыре восемь один. Могу ли я ещё чем-нибудь вам помочь?",
    "el": "Καλησπέρα σας, μιλάτε με την τεχνική υποστήριξη. Βλέπω ότι ο τεχνικός ήρθε ήδη την Τετάρτη και έλεγξε τη "
    "γραμμή. Δυστυχώς λείπει ακόμη ένα εξάρτημα, που θα έχουμε μεθαύριο. Ο αριθμός της αίτησής σας είναι επτά επτά "
    "μηδέν, τρία εννέα έξι, τέσσερα οκτώ ένα. Μπορώ να σας βοηθήσω σε κάτι άλλο;",
}
VOICES = ("", "+f2", "+m3", "+f5", "+croak")


def spoken(folder: Path) -> list[Samples]:
    """Several minutes in three languages and five voices at 8 kHz; nothing without espeak-ng."""
    if shutil.which("espeak-ng") is None:
        return []
    rng = np.random.default_rng(7)
    return [_speak(folder, language + voice, rng) for language in WORDS for voice in VOICES]


def recite(folder: Path) -> list[Samples]:
    """A quarter of an hour of whole sentences: four languages, six voices, slow and quick; nothing without
    espeak-ng."""
    if shutil.which("espeak-ng") is None:
        return []
    voices = ("", "+f1", "+f4", "+m2", "+m7", "+whisper")
    orders = [
        (language + voice, text, pitch, speed)
        for language, text in SENTENCES.items()
        for voice in voices
        for pitch, speed in ((25, 120), (80, 170))
    ]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda order: _recite(folder, *order), orders))


def _recite(folder: Path, voice: str, text: str, pitch: int, speed: int) -> Samples:
    path = folder / f"{voice}-{speed}.wav"
    order = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path), text]
    subprocess.run(order, check=True, timeout=60)
    samples, rate = soundfile.read(path, dtype="int16")
    return whole_frames(resample(np.asarray(samples, np.int16), rate))


def _speak(folder: Path, voice: str, rng: np.random.Generator) -> Samples:
    text = ", ".join(rng.permutation(WORDS[voice[:2]].split() * 2))
    path = folder / f"{voice}.wav"
    pitch, speed = str(rng.integers(20, 95)), str(rng.integers(130, 190))
    subprocess.run(["espeak-ng", "-v", voice, "-p", pitch, "-s", speed, "-w", str(path), text], check=True, timeout=60)
    samples, rate = soundfile.read(path, dtype="int16")
    return whole_frames(resample(np.asarray(samples, np.int16), rate))


def babble(seconds: float, seed: int) -> Samples:
    """Speech-like noise: gliding harmonics of a voice under moving formants, syllables, pauses and breath."""
    rng = np.random.default_rng(seed)
    count = round(seconds * 8000)
    time = np.arange(count) / 8000
    pitch = 60 + 240 * rng.random() + 40 * _wander(rng, count, 3)
    phase = 2 * np.pi * np.cumsum(np.maximum(pitch, 50)) / 8000
    formants = [_wander(rng, count, 4) * spread + middle for middle, spread in ((600, 250), (1500, 500), (2500, 300))]
    voice = np.zeros(count)
    for order in range(1, 16):
        hertz = order * pitch
        voice += sum(np.exp(-(((hertz - formant) / 130) ** 2)) for formant in formants) * np.sin(order * phase)
    breath = rng.normal(0, 0.02, count) * (1 + _wander(rng, count, 5))
    syllables = np.clip(np.sin(2 * np.pi * 3.3 * time) + 0.5 * _wander(rng, count, 2), 0, 1)
    sound = (voice + breath) * syllables
    return whole_frames(np.rint(sound / np.abs(sound).max() * rng.choice([4000, 12000, 30000])).astype(np.int16))


def _wander(rng: np.random.Generator, count: int, per_second: int) -> NDArray[np.float64]:
    """A smooth random curve between about -1 and 1."""
    knots = rng.uniform(-1, 1, count * per_second // 8000 + 3)
    return np.interp(np.arange(count), np.arange(len(knots)) * 8000 / per_second, knots)


def whole_frames(samples: Samples) -> Samples:
    return samples[: len(samples) // FRAME * FRAME]
