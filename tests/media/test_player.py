"""Playing: what is loaded is what is heard, and what cannot be played is said in one sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.errors import SoundError
from media.level import dbov
from media.music import builtin_music
from media.player import BUILTIN_MUSIC, Playback, SoundCache, load_sound, make_sound
from media.tone import render

Samples = NDArray[np.int16]


def sine(rate: int = 8000, seconds: float = 0.5, hertz: float = 440) -> NDArray[np.float64]:
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def ramp(count: int, start: int = 0) -> Samples:
    return np.arange(start, start + count).astype(np.int16)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def write_file(name: str, samples: NDArray[np.int16], rate: int = 8000, subtype: str | None = None) -> str:
        path = str(tmp_path / name)
        soundfile.write(path, samples, rate, subtype=subtype)
        return path

    return write_file


def test_a_file_of_8_khz_mono_is_heard_sample_for_sample(write: Callable[..., str]) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 12345).astype(np.int16)
    loaded = load_sound(write("a.wav", samples))
    assert loaded.dtype == np.int16
    np.testing.assert_array_equal(loaded, samples)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_any_channels_become_8_khz_mono(write: Callable[..., str], rate: int, channels: int) -> None:
    sound = np.repeat(sine(rate)[:, None], channels, axis=1)
    loaded = load_sound(write("a.wav", sound, rate))
    wanted = sine() * 32768
    assert abs(len(loaded) - 4000) <= 2
    assert np.abs(loaded[400:3600] - wanted[400:3600]).max() < 8


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "ULAW"), ("a.wav", "ALAW"), ("a.wav", "GSM610"), ("a.wav", "FLOAT"), ("a.wav", "PCM_24"),
     ("a.flac", None), ("a.ogg", None), ("a.mp3", None), ("a.au", None), ("a.aiff", None)],
)  # fmt: skip
def test_all_usual_formats_can_be_played(write: Callable[..., str], name: str, subtype: str | None) -> None:
    loaded = load_sound(write(name, sine(seconds=1), subtype=subtype))
    assert 7000 <= len(loaded) <= 11000
    assert abs(dbov(loaded[None, 2000:6000])[0] - dbov((sine() * 32768).astype(np.int16)[None])[0]) < 2


def test_different_channels_are_heard_in_equal_parts(write: Callable[..., str]) -> None:
    stereo = np.stack([np.full(100, 1000), np.full(100, 3000)], axis=1).astype(np.int16)
    assert load_sound(write("a.wav", stereo)).tolist() == [2000] * 100


def test_a_long_file_is_read_in_pieces_without_seams(write: Callable[..., str]) -> None:
    loaded = load_sound(write("a.wav", sine(16000, 40), 16000))
    assert len(loaded) == 40 * 8000
    assert np.abs(loaded[400:-400] - (sine(8000, 40) * 32768)[400:-400]).max() < 8


def test_samples_that_are_not_numbers_become_silence(write: Callable[..., str]) -> None:
    strange = np.array([np.nan, 0.5, np.inf, -np.inf], np.float32)
    assert load_sound(write("a.wav", strange, subtype="FLOAT")).tolist() == [0, 16384, 32767, -32768]


def sentence(refused: pytest.ExceptionInfo[SoundError], path: str) -> str:
    text = str(refused.value)
    assert path in text
    assert "\n" not in text
    assert refused.value.code == "sound"
    return text


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    path = str(tmp_path / "gone.wav")
    with pytest.raises(SoundError) as refused:
        load_sound(path)
    assert sentence(refused, path) == f"the sound {path} does not exist"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100, bytes(range(256)) * 40])
@pytest.mark.parametrize("name", ["a.wav", "a.raw", "a.mp3", "a", "a.flac"])
def test_a_file_that_is_no_sound_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SoundError) as refused:
        load_sound(str(path))
    sentence(refused, str(path))


def test_a_folder_a_pipe_and_a_name_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    for path in (str(tmp_path), pipe, "/dev/null"):
        with pytest.raises(SoundError) as refused:
            load_sound(path)
        assert sentence(refused, path) == f"the sound {path} is not a file"
    with pytest.raises(SoundError):
        load_sound("nul\0byte")
    with pytest.raises(SoundError):
        load_sound("x" * 5000)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(write: Callable[..., str]) -> None:
    path = write("a.wav", ramp(10))
    Path(path).chmod(0)
    with pytest.raises(SoundError, match="Permission denied"):
        load_sound(path)


def test_an_empty_sound_is_refused(write: Callable[..., str]) -> None:
    with pytest.raises(SoundError, match="is empty"):
        load_sound(write("a.wav", np.empty(0, np.int16)))


def test_a_sound_that_is_too_long_is_refused_before_it_is_read(write: Callable[..., str]) -> None:
    path = write("a.wav", np.zeros(8000 * 3, np.int16))
    assert len(load_sound(path, max_seconds=3)) == 24000
    with pytest.raises(SoundError, match="lasts 3 seconds, more than the 2 allowed"):
        load_sound(path, max_seconds=2)


def test_a_rate_that_no_sound_has_is_refused(write: Callable[..., str]) -> None:
    with pytest.raises(SoundError, match="samples per second"):
        load_sound(write("a.wav", ramp(10), 50))


def test_a_file_cut_in_the_middle_is_played_as_far_as_it_goes(write: Callable[..., str]) -> None:
    path = write("a.wav", ramp(8000))
    os.truncate(path, 44 + 8000)
    assert load_sound(path).tolist() == ramp(4000).tolist()


def test_a_sound_is_loaded_once_and_again_when_its_file_changes(write: Callable[..., str]) -> None:
    cache = SoundCache()
    path = write("a.wav", ramp(100))
    assert cache.peek(path) is None
    first = cache.get(path)
    assert cache.get(path) is first
    assert cache.peek(path) is first
    write("a.wav", ramp(200))
    assert cache.peek(path) is None
    assert len(cache.get(path)) == 200
    assert (len(cache), cache.bytes) == (1, 400)


def test_a_sound_whose_file_is_gone_is_not_played_from_memory(write: Callable[..., str]) -> None:
    cache = SoundCache()
    path = write("a.wav", ramp(100))
    cache.get(path)
    Path(path).unlink()
    with pytest.raises(SoundError, match="does not exist"):
        cache.get(path)


def test_the_cache_forgets_what_was_played_longest_ago(write: Callable[..., str]) -> None:
    cache = SoundCache(max_bytes=700)
    paths = [write(f"{number}.wav", ramp(100)) for number in range(4)]
    for path in paths[:3]:
        cache.get(path)
    cache.get(paths[0])
    cache.get(paths[3])
    assert [cache.peek(path) is not None for path in paths] == [True, False, True, True]
    assert cache.bytes == 600


def test_a_sound_larger_than_the_cache_is_played_but_not_kept(write: Callable[..., str]) -> None:
    cache = SoundCache(max_bytes=100)
    assert len(cache.get(write("a.wav", ramp(100)))) == 100
    assert (len(cache), cache.bytes) == (0, 0)


def test_nobody_can_spoil_a_cached_sound_for_the_others(write: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        SoundCache().get(write("a.wav", ramp(10)))[0] = 1


def test_the_built_in_music_needs_no_file() -> None:
    cache = SoundCache()
    assert cache.peek(BUILTIN_MUSIC) is None
    assert cache.get(BUILTIN_MUSIC) is cache.peek(BUILTIN_MUSIC) is builtin_music()


def test_a_sound_is_a_path_a_tone_or_a_silence(write: Callable[..., str]) -> None:
    cache = SoundCache()
    assert make_sound(write("a.wav", ramp(10)), cache).tolist() == list(range(10))
    np.testing.assert_array_equal(
        make_sound({"tone": "busy", "country": "us", "seconds": 2}, cache), render("busy", "us", 2)
    )
    np.testing.assert_array_equal(make_sound({"tone": 1004}, cache), render(1004))
    assert make_sound({"silence": 0.5}, cache).tolist() == [0] * 4000


@pytest.mark.parametrize(
    "wrong",
    [{}, {"noise": 1}, {"silence": -1}, {"silence": "1"}, {"silence": None}, {"silence": 1e12}, {"tone": "no such"},
     {"tone": "busy", "country": "xx"}, {"tone": "busy", "seconds": "long"}, {"tone": None}, {"tone": [1]},
     {"silence": float("nan")}, {"tone": 1004, "seconds": float("inf")}, {"tone": "busy", "country": ["us"]}],
)  # fmt: skip
def test_an_order_that_names_no_sound_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SoundError):
        make_sound(wrong, SoundCache())


def naive_playback(sounds: list[list[int]], *, repeat: bool, start: int, count: int) -> list[int]:
    joined = [sample for sound in sounds for sample in sound]
    if not joined:
        return [0] * count
    first = next(len(sound) for sound in sounds if sound)
    at, heard = start % first, []
    for _ in range(count):
        heard.append(joined[at % len(joined)] if repeat or at < len(joined) else 0)
        at += 1
    return heard


@given(
    lengths=st.lists(st.integers(0, 40), max_size=4),
    repeat=st.booleans(),
    start=st.integers(0, 50),
    frames=st.lists(st.integers(1, 30), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_playback_equals_one_sample_after_the_other(
    lengths: list[int], repeat: bool, start: int, frames: list[int]
) -> None:
    sounds = [ramp(length, 1 + 100 * place) for place, length in enumerate(lengths)]
    playback = Playback(sounds, repeat=repeat, start=start)
    heard: list[int] = []
    for count in frames:
        out = np.full(count, -1, np.int16)
        assert playback.fill(out) != playback.finished
        heard += out.tolist()
    assert heard == naive_playback([s.tolist() for s in sounds], repeat=repeat, start=start, count=len(heard))


def test_a_playback_finishes_with_the_frame_that_takes_its_last_sample() -> None:
    playback, out = Playback([ramp(320)]), np.empty(160, np.int16)
    assert playback.fill(out)
    assert not playback.finished
    assert not playback.fill(out)
    assert playback.finished


def test_nothing_to_play_is_finished_at_once_even_when_repeated() -> None:
    assert Playback([], repeat=True).finished
    assert Playback([np.empty(0, np.int16)], repeat=True).finished
