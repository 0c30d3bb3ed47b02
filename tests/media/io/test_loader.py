import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media.errors import SoundError
from media.io.loader import Loaded, Loader
from media.music import builtin_music
from media.player import SoundCache


class Desk:
    """A loader and the bell that it rings."""

    def __init__(self) -> None:
        self.bell = threading.Event()
        self.loader = Loader(SoundCache(), self.bell.set)

    def wait(self) -> list[Loaded]:
        """What is loaded next."""
        assert self.bell.wait(10)
        self.bell.clear()
        return self.loader.poll()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.loader.close()


def test_a_file_is_fetched_once_and_then_at_hand(desk: Desk, tmp_path: Path) -> None:
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.full(800, 0.25), 8000)
    assert desk.loader.load("leg", "t", True, [path]) is None
    [(leg, token, repeat, sounds)] = desk.wait()
    assert (leg, token, repeat) == ("leg", "t", True)
    assert not isinstance(sounds, SoundError)
    ready = desk.loader.load("leg", "t", False, [path, path])
    assert ready is not None
    assert len(ready) == 2


def test_what_cannot_be_loaded_comes_back_as_an_error(desk: Desk) -> None:
    wrong: list[object] = [
        "/nowhere.wav",
        {"tone": "nothing"},
        {"silence": -1},
        {"silence": "x"},
        {},
        {"tone": []},
        5,
        None,
    ]
    for sound in wrong:
        assert desk.loader.load("leg", "t", False, [sound]) is None  # type: ignore[list-item]
        [(_, _, _, error)] = desk.wait()
        assert isinstance(error, SoundError), sound


def test_only_the_latest_order_of_a_leg_counts(desk: Desk) -> None:
    desk.loader.load("a", "old", False, [{"silence": 0.1}])
    desk.loader.load("a", "new", False, [{"silence": 0.2}])
    desk.loader.load("b", "t", False, [{"silence": 0.1}])
    desk.loader.forget("b")
    until = time.monotonic() + 10
    got: list[Loaded] = []
    while not got and time.monotonic() < until:
        got = desk.wait()
    assert [(leg, token) for leg, token, _, _ in got] == [("a", "new")]
    desk.loader.load("c", "t", False, [{"silence": 0.1}])
    assert [leg for leg, _, _, _ in desk.wait()] == ["c"]


def test_the_built_in_music_is_composed_before_anybody_asks_for_it() -> None:
    builtin_music.cache_clear()
    cache = SoundCache()
    loader = Loader(cache, lambda: None)
    until = time.monotonic() + 10
    while cache.peek("builtin") is None and time.monotonic() < until:
        time.sleep(0.01)
    assert loader.load("a", "t", True, ["builtin"]) is not None
    loader.close()


def test_the_built_in_music_is_at_hand_once_it_is_composed(desk: Desk) -> None:
    builtin_music()
    desk.loader.load("a", "t", False, [{"silence": 0.1}])
    desk.wait()  # the one thread has done what was asked before
    ready = desk.loader.load("a", "t", True, ["builtin"])
    assert ready is not None
    assert ready[0] is builtin_music()
