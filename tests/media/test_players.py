import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.player import Playback
from media.players import Finished, Players
from media.rtp import FRAME

PLACE = np.array([-1, 0, 1, 2, -1])


def play(
    players: Players, ticks: int, start: int = 0
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int16]], list[Finished]]:
    frames, finished = [], []
    for tick in range(start, start + ticks):
        out = np.zeros((3, FRAME), np.int16)
        finished += players.add(out, PLACE, tick)
        frames.append(out)
    return np.concatenate(frames, axis=1), finished


@given(st.integers(1, 1000), st.integers(0, 50))
def test_a_loop_equals_its_naive_twin(length: int, began: int) -> None:
    sound = np.arange(1, length + 1, dtype=np.int16)
    players, twin = Players(), Playback([sound], repeat=True)
    players.start(2, [sound], "t", began, repeat=True)
    heard, finished = play(players, 12, began)
    expected = np.empty(12 * FRAME, np.int16)
    twin.fill(expected)
    assert heard[1].tolist() == expected.tolist()
    assert finished == []
    assert not heard[0].any()


def test_listeners_of_one_loop_have_places_of_their_own() -> None:
    sound = np.arange(1, 1001, dtype=np.int16)
    players = Players()
    players.start(1, [sound], "", 0, repeat=True)
    play(players, 1)
    players.start(2, [sound], "", 1, repeat=True)
    heard, _ = play(players, 1, 1)
    assert (heard[0, 0], heard[1, 0]) == (161, 1)
    players.stop(1)
    heard, _ = play(players, 1, 2)
    assert (heard[0, 0], heard[1, 0]) == (0, 161)


def test_a_list_is_played_without_a_seam_and_its_end_is_told_once() -> None:
    players = Players()
    players.start(1, [np.full(100, 5, np.int16), np.full(100, 6, np.int16)], "t", 0, repeat=False)
    heard, finished = play(players, 4)
    assert heard[0, :200].tolist() == [5] * 100 + [6] * 100
    assert not heard[0, 200:].any()
    assert finished == [Finished(1, "t")]
    assert len(players) == 0


def test_sounds_are_added_to_what_is_heard_and_saturate() -> None:
    players = Players()
    players.start(1, [np.full(FRAME, 30000, np.int16)], "t", 0, repeat=True)
    out = np.full((3, FRAME), 20000, np.int16)
    players.add(out, PLACE, 0)
    assert out[0].tolist() == [32767] * FRAME
    assert out[1].tolist() == [20000] * FRAME


def test_a_row_that_hears_nothing_now_keeps_its_place_in_a_list() -> None:
    players = Players()
    players.start(4, [np.arange(320, dtype=np.int16)], "t", 0, repeat=False)
    assert play(players, 10)[1] == []
    assert 4 in players


def test_what_is_played_anew_replaces_what_was_played() -> None:
    players = Players()
    players.start(1, [np.full(500, 5, np.int16)], "old", 0, repeat=False)
    players.start(1, [np.full(160, 6, np.int16)], "new", 0, repeat=False)
    heard, finished = play(players, 5)
    assert heard[0].max() == 6
    assert finished == [Finished(1, "new")]


def test_an_empty_list_is_over_at_once() -> None:
    players = Players()
    players.start(1, [np.empty(0, np.int16)], "t", 0, repeat=True)
    assert play(players, 1)[1] == [Finished(1, "t")]
