"""The measure itself, on speech that was spoiled on purpose."""

import numpy as np
import pytest

from tests.impairment.score import place_of, score, scores
from tests.impairment.speech import RATE, speech


def test_speech_is_the_same_every_time_and_long_enough_to_be_judged() -> None:
    assert np.array_equal(speech(), speech())
    assert 8 < len(speech()) / RATE < 15


def test_unharmed_speech_scores_high_wherever_it_lies() -> None:
    heard = np.concatenate((np.zeros(3210, np.int16), speech(), np.zeros(800, np.int16)))
    assert place_of(speech(), heard) == 3210
    assert score(speech(), heard).mos > 4.4


def test_the_more_is_lost_the_lower_the_score() -> None:
    def without(share: float) -> float:
        frames = speech()[: len(speech()) // 160 * 160].reshape(-1, 160).copy()
        frames[np.random.default_rng(1).random(len(frames)) < share] = 0
        return score(speech()[: frames.size], frames.reshape(-1)).mos

    found = [without(share) for share in (0, 0.05, 0.2)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[2] > 1.5


def test_sayings_one_after_the_other_are_found_each_at_its_place() -> None:
    said = speech()
    heard = np.concatenate((np.zeros(100, np.int16), said, said, np.zeros(4000, np.int16)))
    assert [one.place for one in scores(said, heard, 2, 4000)] == [100, 100 + len(said)]


def test_too_little_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="heard 100 samples"):
        score(speech(), np.zeros(100, np.int16))
