"""What legs sounded like: counters against a twin that looks at one sample after the other, and what a report says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.measures import CLIPPED, SILENT, Measures, one_way
from tests.media.speech import babble
from tests.media.studio import Samples, Studio, level, sine
from tests.media.test_voice import NaiveVoice

ROWS = 4
"""Rows 1 and 2 are in a room of two, row 3 is alone."""
PARTNER = np.array([0, 2, 1, 0])


class NaiveMeasures:
    """The same counters, one row and one sample at a time."""

    def __init__(self) -> None:
        self.counts = {
            row: dict.fromkeys(("frames", "silent", "clipped", "together", "both_speak"), 0) for row in range(4)
        }
        self.voices = [NaiveVoice() for _ in range(ROWS)]

    def listen(self, frames: dict[int, list[int]]) -> None:
        speaks = {row: self.voices[row].feed(np.array(frame, np.int16)) for row, frame in frames.items()}
        for row, frame in frames.items():
            count = self.counts[row]
            count["frames"] += 1
            count["silent"] += sum(x * x for x in frame) / len(frame) < float(SILENT)
            count["clipped"] += sum(abs(x) >= CLIPPED for x in frame)
            other = int(PARTNER[row])
            count["together"] += other in frames
            count["both_speak"] += speaks[row] and speaks.get(other, False)


@given(st.integers(0, 500), st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_the_measures_equal_their_naive_twin(seed: int, came: list[list[bool]]) -> None:
    sounds = [np.roll(babble(1, seed + row), 3000 * row).reshape(-1, 160) for row in range(3)]
    sounds[2] = np.clip(sounds[2].astype(int) * 4, -32124, 32124).astype(np.int16)
    measures, twin = Measures(ROWS), NaiveMeasures()
    rows = np.array([3, 0, 1, 0, 2])
    for tick, present in enumerate(came):
        said = {row: sounds[row - 1][tick] for row in (1, 2, 3)}
        pcm = np.stack([said.get(row, np.full(160, 7, np.int16)) for row in rows.tolist()])
        here = np.array([row > 0 and present[row - 1] for row in rows.tolist()])
        measures.listen(pcm, rows, here, PARTNER, tick)
        twin.listen({row: said[row].tolist() for row in (1, 2, 3) if present[row - 1]})
    for row in (1, 2, 3):
        assert {name: int(getattr(measures, name)[row]) for name in twin.counts[row]} == twin.counts[row]
    assert not measures.frames[0]


def test_a_row_for_another_leg_begins_at_nothing() -> None:
    measures = Measures(2)
    for tick in range(60):
        measures.listen(level(32124)[None], np.array([1]), np.array([True]), np.array([0, 0]), tick)
    assert measures.sounded(1).clipped_percent == 100
    measures.open(1)
    sounded = measures.sounded(1)
    assert (sounded.seconds, sounded.silence_percent, sounded.clipped_percent) == (0, None, None)
    assert not measures.only_silence(np.array([1]))[0]


@pytest.mark.parametrize(
    ("sends", "receives", "sent", "received", "only_silence", "verdict"),
    [
        (True, True, 500, 500, False, None),
        (True, True, 500, 0, False, "not_received"),
        (True, True, 20, 0, False, None),
        (True, False, 500, 0, False, None),
        (True, True, 0, 500, False, "not_sent"),
        (False, True, 0, 500, False, None),
        (True, True, 500, 500, True, "silence"),
    ],
)
def test_one_way_is_what_was_negotiated_and_does_not_happen(
    sends: bool, receives: bool, sent: int, received: int, only_silence: bool, verdict: str | None
) -> None:
    assert one_way(sends, receives, sent, received, only_silence=only_silence) == verdict


# The same through the engine, as a report tells it.


@pytest.fixture
def studio() -> Studio:
    return Studio()


def word(frames: int, pause: int, shift: int = 0) -> NDArray[np.int16]:
    """A second or so that speaks and pauses."""
    return np.roll(np.concatenate([sine(300, frames), np.zeros(pause * 160, np.int16)]), shift * 160)


def close(studio: Studio, name: str) -> dict[str, object]:
    return dict(studio.engine.close(name, studio.now, studio.now))


def test_a_pure_relay_says_that_its_sound_is_not_known(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    studio.talk(120, (a, sine(300)), (b, level(0)))
    for name in "ab":
        report = close(studio, name)
        assert report["decoded_seconds"] == 0
        assert report["packets_received"] == 120
        for unknown in ("silence_percent", "clipped_percent", "talk_over_percent", "buffer_ms", "one_way"):
            assert report[unknown] is None


def test_the_shares_of_a_recorded_conversation_are_reported(studio: Studio) -> None:
    """A says 0.5 s of every second, B 0.5 s that begin 0.25 s later: both at once in a quarter of the time and more,
    since a word counts for another 0.1 s."""
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
        studio.engine.detect_inband(name, on=True)
    studio.talk(500, (a, word(25, 25)), (b, word(25, 25, shift=12)))
    report = close(studio, "a")
    assert report["decoded_seconds"] == pytest.approx(10, abs=0.1)
    assert report["silence_percent"] == pytest.approx(50, abs=1)
    assert report["talk_over_percent"] == pytest.approx(100 * (25 - 12 + 5) / 50, abs=1)
    assert report["clipped_percent"] == 0
    assert report["buffer_ms"] == pytest.approx(40, abs=20)
    assert report["one_way"] is None


def test_a_microphone_that_is_too_loud_is_told_by_its_clipped_samples(studio: Studio) -> None:
    a = studio.open("a")
    studio.engine.detect_inband("a", on=True)
    square: Samples = np.where(np.arange(160) % 16 < 8, 32124, -1000).astype(np.int16)
    studio.talk(100, (a, square))
    assert close(studio, "a")["clipped_percent"] == pytest.approx(50, abs=0.3)


def test_a_leg_that_sends_only_silence_is_one_way(studio: Studio) -> None:
    a = studio.open("a")
    studio.engine.detect_inband("a", on=True)
    studio.engine.play("a", [level(5)], "t", repeat=True)
    studio.talk(101, (a, level(0)))
    assert studio.engine.survey.report()["only_silence"] == 1
    assert close(studio, "a")["one_way"] == "silence"


def test_a_leg_that_hears_us_and_sends_nothing_is_one_way(studio: Studio) -> None:
    studio.open("a")
    studio.engine.play("a", [level(5)], "t", repeat=True)
    studio.tick(220)
    assert studio.engine.survey.report()["not_received"] == 1
    assert close(studio, "a")["one_way"] == "not_received"


def test_losses_that_come_together_cost_more_than_random_ones(studio: Studio) -> None:
    lonely, bursty = studio.open("lonely"), studio.open("bursty")
    for at in range(500):
        for talker, lost in ((lonely, at % 10 == 5), (bursty, at % 50 in range(20, 25))):
            packet = talker.next_packet(bytes(160))
            if not lost:
                talker.send(packet)
        studio.tick()
    random, together = close(studio, "lonely"), close(studio, "bursty")
    assert (random["lost"], together["lost"]) == (50, 50)
    assert random["burst_ratio"] == 1.0
    assert together["burst_ratio"] == pytest.approx(5 * 0.9, abs=0.01)
    assert together["r_factor"] < random["r_factor"]  # type: ignore[operator]


def test_the_survey_tells_the_last_second_and_nothing_of_the_hour_before(studio: Studio) -> None:
    a = studio.open("a")
    studio.talk(101, (a, level(100)))
    assert studio.engine.survey.report()["mos_mean"] == pytest.approx(4.41, abs=0.01)
    for at in range(50):
        packet = a.next_packet(bytes(160))
        if at % 2:
            a.send(packet)
        studio.tick()
    worse = studio.engine.survey.report()
    assert worse["loss_percent"] == pytest.approx(50, abs=3)
    assert worse["mos_p5"] < 2.5
    studio.talk(101, (a, level(100)))
    assert studio.engine.survey.report()["loss_percent"] == 0
    studio.engine.close("a", studio.now, studio.now)
    assert studio.engine.survey.report()["mos_mean"] is None
