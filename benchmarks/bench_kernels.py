"""Cost of the media kernels at 1,200 rows, microseconds for one row's frame of 20 ms, beside a copy of the same array.

The copy is the floor: no kernel can be cheaper than reading its input and writing it somewhere.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.answer import AnswerDetector
from media.conceal import Concealer
from media.dtmf import DigitDetector, make_digits
from media.g711 import decode_rows, encode_rows, transcode
from media.level import dbov
from media.measures import Measures
from media.mixer import mix_minus_self
from media.progress import ProgressDetector
from media.quality import JitterMeter, r_factor
from media.recorder import Recorder
from media.tone import render
from media.voice import VoiceDetector, mean_square

ROWS: Final = 1200
FRAME: Final = 160
_ROUNDS: Final = 40
_REPEATS: Final = 5

Kernel = Callable[[], object]
Case = tuple[str, Kernel, NDArray[Any]]


def run() -> list[dict[str, Any]]:
    """Measure every kernel: name, unit, value, floor (a copy of its input in the same run) and their ratio."""
    return [_measure(name, kernel, source) for name, kernel, source in _cases()]


def _measure(name: str, kernel: Kernel, source: NDArray[Any]) -> dict[str, Any]:
    target = np.empty_like(source)
    value, floor = _fastest(kernel), _fastest(lambda: np.copyto(target, source))
    row_frames = ROWS / 1e6
    return {
        "name": name,
        "unit": "us/frame",
        "value": round(value / row_frames, 4),
        "floor": round(floor / row_frames, 4),
        "ratio": round(value / floor, 1),
    }


def _fastest(work: Kernel) -> float:
    """Seconds of the fastest of many rounds: what the work costs when nobody else uses the processor."""
    best = float("inf")
    for _ in range(_ROUNDS):
        before = time.perf_counter()
        for _ in range(_REPEATS):
            work()
        best = min(best, (time.perf_counter() - before) / _REPEATS)
    return best


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(1)
    pcm = rng.normal(0, 3000, (ROWS, FRAME)).astype(np.int16)
    yield from _codec_cases(rng, pcm)
    yield from _mixer_cases(pcm)
    yield from _dtmf_cases(pcm)
    yield from _conceal_cases(rng, pcm)
    yield "level", lambda: dbov(pcm), pcm
    yield from _measure_cases(pcm)
    yield from _progress_cases(pcm)
    yield from _quality_cases(rng)
    yield from _recorder_cases(pcm)


def _codec_cases(rng: np.random.Generator, pcm: NDArray[np.int16]) -> Iterator[Case]:
    codes = rng.integers(0, 256, (ROWS, FRAME), dtype=np.uint8)
    law = rng.integers(0, 2, ROWS).astype(np.uint8)
    decoded, coded = np.empty_like(pcm), np.empty_like(codes)
    yield "g711 decode", lambda: decode_rows(codes, law, decoded), codes
    yield "g711 encode", lambda: encode_rows(pcm, law, coded), pcm
    yield "g711 transcode", lambda: transcode(codes, law, 1 - law, coded), codes


def _mixer_cases(pcm: NDArray[np.int16]) -> Iterator[Case]:
    rows, out = np.arange(ROWS), np.empty_like(pcm)
    gain = np.full(ROWS, 0.7, np.float32)
    yield "mix, rooms of 2", lambda: mix_minus_self(pcm, rows // 2, None, out), pcm
    yield "mix, rooms of 3", lambda: mix_minus_self(pcm, rows // 3, None, out), pcm
    yield "mix, scattered rooms of 3 with gain", lambda: mix_minus_self(pcm, rows % 400, gain, out), pcm
    yield "mix, one room", lambda: mix_minus_self(pcm, rows * 0, None, out), pcm


def _dtmf_cases(pcm: NDArray[np.int16]) -> Iterator[Case]:
    rows, detector = np.arange(ROWS), DigitDetector(ROWS)
    pressed = _frames_with_digits(pcm)
    at = iter(range(10**9))
    yield "dtmf, noise", lambda: detector.feed(pcm, rows), pcm
    yield "dtmf, digits on 5 % of the rows", lambda: detector.feed(pressed[next(at) % len(pressed)], rows), pcm


def _frames_with_digits(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Ten frames in which every twentieth row sends digits of 100 ms, one after the other and not all in step."""
    digits = make_digits("5", 100, 100).reshape(-1, FRAME)
    frames = np.tile(pcm, (len(digits), 1, 1))
    for row in range(0, ROWS, 20):
        frames[:, row] = np.roll(digits, row // 20, axis=0)
    return frames


def _conceal_cases(rng: np.random.Generator, pcm: NDArray[np.int16]) -> Iterator[Case]:
    none, some = np.zeros(ROWS, np.bool_), rng.random((50, ROWS)) < 0.01
    concealer, at = Concealer(ROWS), itertools.count()

    def hear(lost: NDArray[np.bool_]) -> None:
        np.copyto(concealer.next(), pcm)
        concealer.apply(lost)

    yield "write and conceal, nothing lost", lambda: hear(none), pcm
    yield "write and conceal, 1 % lost", lambda: hear(some[next(at) % 50]), pcm


def _measure_cases(pcm: NDArray[np.int16]) -> Iterator[Case]:
    """Silence, clipping, voices and talk-over, as every decoded row pays for them each tick."""
    rows, measures = np.arange(ROWS), Measures(ROWS)
    present, partner = np.ones(ROWS, np.bool_), rows ^ 1
    voice, power = VoiceDetector(ROWS), mean_square(pcm)
    yield "measures", lambda: measures.listen(pcm, rows, present, partner, 1), pcm
    yield "voice activity alone", lambda: voice.feed(power, rows), power


def _progress_cases(pcm: NDArray[np.int16]) -> Iterator[Case]:
    """Busy, information tones and fax on legs that are listened to: all sound is looked at, silence is not."""
    rows, detector, answers = np.arange(ROWS), ProgressDetector(ROWS), AnswerDetector(ROWS)
    busy = np.tile(render("busy", "de")[:FRAME], (ROWS, 1))
    yield "call progress, noise", lambda: detector.feed(pcm, rows), pcm
    yield "call progress, busy", lambda: detector.feed(busy, rows), busy
    speaks = rows % 2 == 0
    yield "who answers", lambda: answers.feed(speaks, rows), speaks


def _quality_cases(rng: np.random.Generator) -> Iterator[Case]:
    meter, rows = JitterMeter(ROWS), np.arange(ROWS)
    arrival = rng.integers(0, 2**32, ROWS, dtype=np.uint32)
    loss = rng.random(ROWS) * 5
    yield "jitter", lambda: meter.update(rows, arrival, arrival), arrival
    yield "e-model", lambda: r_factor(loss, loss), loss


def _recorder_cases(pcm: NDArray[np.int16]) -> Iterator[Case]:
    """What the tick pays: the queue is emptied at once, as the writer thread would."""
    recorder = Recorder("", lambda: None, 60.0)
    blocks = pcm.reshape(ROWS // 2, 2, FRAME)

    def append_all() -> None:
        for block in blocks:
            recorder.append(block)
        recorder.take()
        recorder.release(recorder.queued)

    yield "recorder append, two rows each", append_all, pcm


if __name__ == "__main__":
    for result in run():
        print(json.dumps(result))
