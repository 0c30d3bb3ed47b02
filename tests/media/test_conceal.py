"""Concealment of lost packets against a twin that works one sample of one row at a time."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.conceal import FRAME, FULL, Concealer, find_pitch
from tests.media.exact import twins

Samples = NDArray[np.int16]


def voiced(hertz: float, frames: int, peak: float = 9000) -> Samples:
    """A steady vowel of a few harmonics: int16[frames, 160]."""
    at = np.arange(frames * FRAME) / 8000
    sound = np.sum([np.sin(2 * np.pi * hertz * order * at + order) / order for order in range(1, 6)], axis=0)
    return np.asarray(np.rint(peak * sound / np.abs(sound).max()), np.int16).reshape(frames, FRAME)


def hear(concealer: Concealer, pcm: Samples, lost: Sequence[bool]) -> Samples:
    """One frame of every row, int16[n, 160], through the concealer."""
    frame = concealer.next()[: len(pcm)]
    frame[:] = pcm
    concealer.apply(np.array(lost))
    return frame.copy()


def play(sound: Samples, lost: list[bool]) -> Samples:
    """What one listener hears of a sound with frames lost."""
    concealer = Concealer(1)
    heard = []
    for frame, gone in zip(sound, lost, strict=True):
        heard.append(hear(concealer, np.where(gone, 31000, frame)[None], [gone])[0])
    return np.stack(heard)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Samples, NDArray[np.bool_]]:
    """Sound of a few rows, int16[frames, rows, 160], and which frames are lost, bool[frames, rows]."""
    rows, frames = draw(st.integers(1, 3)), draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["voice", "noise", "loud", "quiet", "silence"]))
    if kind == "voice":
        sound = np.stack([voiced(float(rng.uniform(60, 220)), frames) for _ in range(rows)], axis=1)
    else:
        limit = {"noise": 5000, "loud": 32768, "quiet": 3, "silence": 1}[kind]
        sound = rng.integers(-limit + 1 if limit < 32768 else -limit, limit, (frames, rows, FRAME)).astype(np.int16)
    lost = draw(st.lists(st.booleans(), min_size=frames * rows, max_size=frames * rows))
    return sound, np.array(lost).reshape(frames, rows)


@given(streams())
@settings(max_examples=60, deadline=None)
def test_concealment_equals_its_twin_sample_for_sample(stream: tuple[Samples, NDArray[np.bool_]]) -> None:
    sound, lost = stream
    concealer, naive = Concealer(sound.shape[1]), [twins.Concealer() for _ in range(sound.shape[1])]
    for frames, gone in zip(sound, lost, strict=True):
        pcm = hear(concealer, frames, gone)
        wanted = [twin.apply(row.tolist(), lost=bool(g)) for twin, row, g in zip(naive, frames, gone, strict=True)]
        assert pcm.tolist() == wanted


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5, 300, 32767]), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_the_pitch_of_anything_equals_that_of_the_twin(seed: int, loudest: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    history = np.cumsum(rng.integers(-loudest, loudest + 1, (rows, 2 * FRAME)), axis=1) * rng.integers(0, 2, 2 * FRAME)
    history = np.clip(history, -32768, 32767).astype(np.int16)
    assert find_pitch(history).tolist() == [twins.find_pitch(row) for row in history.tolist()]


@pytest.mark.parametrize("hertz", [67, 80, 100, 133, 160, 199])
def test_the_pitch_of_a_voice_is_found(hertz: float) -> None:
    pitch = find_pitch(voiced(hertz, 2).reshape(1, -1))[0]
    assert min(abs(pitch - order * 8000 / hertz) for order in (1, 2, 3)) <= 1


@pytest.mark.parametrize("hertz", [80, 123, 160])
def test_a_lost_frame_of_a_vowel_is_hardly_heard(hertz: float) -> None:
    sound = voiced(hertz, 8)
    heard = play(sound, [False] * 4 + [True] + [False] * 3)
    wrong = (heard[4].astype(float) - sound[4])[:FULL]
    assert np.sqrt(np.mean(wrong**2)) < 0.3 * np.sqrt(np.mean(sound[4].astype(float) ** 2))


def test_nothing_lost_changes_nothing() -> None:
    sound = voiced(110, 6)
    np.testing.assert_array_equal(play(sound, [False] * 6), sound)


def test_a_long_loss_fades_to_silence_after_60_ms() -> None:
    heard = play(voiced(110, 10), [False] * 4 + [True] * 6)
    loudness = [int(np.abs(frame).max()) for frame in heard]
    assert loudness[4] > loudness[5] > loudness[6] > 0
    assert loudness[7:] == [0, 0, 0]


def test_there_is_no_click_where_sound_stops_and_comes_back() -> None:
    sound = voiced(110, 12)
    heard = play(sound, [at in (4, 7, 8) for at in range(12)]).ravel().astype(int)
    assert np.abs(np.diff(heard)).max() < 2 * np.abs(np.diff(sound.ravel().astype(int))).max()


def test_a_stream_that_was_never_heard_is_silent() -> None:
    assert not play(np.zeros((3, FRAME), np.int16), [True] * 3).any()


def test_a_row_that_is_reset_repeats_nothing_of_the_leg_before() -> None:
    concealer = Concealer(2)
    for frame in voiced(100, 3):
        hear(concealer, np.stack([frame, frame]), [False, False])
    concealer.reset(0)
    pcm = hear(concealer, np.zeros((2, FRAME), np.int16), [True, True])
    assert not pcm[0].any()
    assert pcm[1].any()


def test_all_rows_may_be_lost_at_once() -> None:
    frames = voiced(90, 4)
    concealer = Concealer(400)
    for frame in frames:
        hear(concealer, np.tile(frame, (400, 1)), [False] * 400)
    pcm = hear(concealer, np.zeros((400, FRAME), np.int16), [True] * 400)
    assert (pcm == pcm[0]).all()
    np.testing.assert_array_equal(pcm[0], play(np.vstack([frames, frames[:1]]), [False] * 4 + [True])[4])
