"""Comfort noise: a leg that pauses sounds quiet and not broken, and nothing waits for it."""

import itertools

import numpy as np
import pytest

from media import rtp
from media.comfort import LOUDEST, OVERLOAD, ComfortNoise, read_level
from media.protocol import MediaResumed, MediaSilent
from media.rtp import FRAME
from tests.media.studio import FakeRecorder, Samples, Studio, Talker, sine

VOICE = sine(300, 10)
PAUSE = 60
"""Ticks: longer than the 200 ms after which a stream that sends nothing is taken to have ended."""


@pytest.fixture
def studio() -> Studio:
    return Studio()


def rest(talker: Talker, payload: bytes = bytes([45])) -> None:
    """One packet of comfort noise; it takes the place of a frame."""
    talker.send(talker.next_packet(payload, payload_type=rtp.COMFORT_NOISE, advance=FRAME))


def pause(studio: Studio, talker: Talker, payload: bytes = bytes([45]), ticks: int = PAUSE) -> None:
    """Say nothing, in a stream whose timestamps go on."""
    rest(talker, payload)
    studio.tick(ticks)
    talker.timestamp += (ticks - 1) * FRAME


def effective(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound.astype(float) ** 2)))


def room_of_three(studio: Studio) -> list[Talker]:
    talkers = [studio.open(name) for name in "abc"]
    for name in "abc":
        studio.engine.join(name, "room")
    return talkers


@pytest.mark.parametrize(("octet", "level"), [(40, 40), (127, None), (5, LOUDEST), (0x80 | 50, 50), (126, 126)])
def test_the_level_is_read_and_bounded(octet: int, level: int | None) -> None:
    wanted = 0.0 if level is None else OVERLOAD * 10 ** (-level / 20)
    assert read_level(bytes([octet, 1, 2])) == pytest.approx(wanted)


def test_an_empty_packet_is_silence() -> None:
    assert read_level(b"") == 0


@pytest.mark.parametrize("level", [35, 45, 60])
def test_a_pause_is_heard_as_noise_of_its_level_until_speech_goes_on(studio: Studio, level: int) -> None:
    first, second, _ = room_of_three(studio)
    studio.talk(20, (first, VOICE))
    second.hears()
    rest(first, bytes([level]))
    studio.tick(4)  # what waits in the jitter buffer, and the frame of the packet itself
    second.hears()
    studio.tick(PAUSE - 4)
    first.timestamp += (PAUSE - 1) * FRAME
    noise = second.hears()
    assert effective(noise) == pytest.approx(OVERLOAD * 10 ** (-level / 20), rel=0.1)
    frames = noise.reshape(-1, FRAME)
    assert all((one != other).any() for one, other in itertools.pairwise(frames)), "no hum of 50 Hz"
    studio.talk(20, (first, VOICE))
    heard = second.hears()
    assert effective(heard[-10 * FRAME :]) == pytest.approx(effective(VOICE), rel=0.02)


def test_a_pause_is_no_loss_and_no_gap_of_a_recording(studio: Studio) -> None:
    first, second, _ = room_of_three(studio)
    recorder = FakeRecorder()
    studio.engine.record("tape", recorder.as_recorder(), ["a"], ["b"])
    before = studio.engine.tick_number
    studio.talk(20, (first, VOICE), (second, VOICE))
    pause(studio, first)
    studio.talk(20, (first, VOICE), (second, VOICE))
    ticks = studio.engine.tick_number - before
    studio.engine.stop_record("tape")
    left = recorder.sound[0]
    assert len(left) == ticks * FRAME
    silent = left[25 * FRAME : (20 + PAUSE) * FRAME]
    assert 0 < effective(silent) < 300
    report = studio.engine.close("a", studio.now, 0.0)
    assert (report["lost"], report["late"], report["packets_received"]) == (0, 0, 41)


def test_without_comfort_noise_the_same_gap_is_concealed(studio: Studio) -> None:
    first, second, _ = room_of_three(studio)
    studio.talk(20, (first, VOICE))
    second.hears()
    studio.tick(4)
    assert effective(second.hears()[2 * FRAME : 3 * FRAME]) > 2000


def test_the_silence_timer_goes_on_in_a_pause(studio: Studio) -> None:

    first, _, _ = room_of_three(studio)
    studio.talk(5, (first, VOICE))
    rest(first)
    began = studio.now
    studio.tick(5000)
    (silent,) = [one for one in studio.told(MediaSilent) if one.leg == "a"]
    assert silent.seconds < studio.now - began
    rest(first)
    studio.tick()
    assert [one.leg for one in studio.told(MediaResumed)] == ["a"]


def test_a_relay_hands_noise_on_numbered_like_the_rest(studio: Studio) -> None:
    first, second = studio.open("a"), studio.open("b", codec="PCMA")
    for name in "ab":
        studio.engine.join(name, "room")
    studio.tick(2)
    studio.talk(2, (first, VOICE))
    rest(first, bytes([50, 7, 8]))
    studio.tick()
    studio.talk(1, (first, VOICE))
    sent = studio.io.sent_to(second.row)[-4:]
    assert [packet.payload_type for packet in sent] == [8, 8, rtp.COMFORT_NOISE, 8]
    assert [(packet.sequence - sent[0].sequence) & 0xFFFF for packet in sent] == [0, 1, 2, 3]
    assert [(packet.timestamp - sent[0].timestamp) & 0xFFFFFFFF for packet in sent] == [0, 160, 320, 480]
    assert sent[2].payload == bytes([50, 7, 8]), "no octet of it goes through the table of laws"
    assert len({packet.ssrc for packet in sent}) == 1


def test_a_relay_hands_on_no_more_than_a_packet_of_noise_may_have(studio: Studio) -> None:
    first, second = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "room")
    studio.tick(2)
    studio.talk(1, (first, VOICE))
    rest(first, bytes(500))
    studio.tick()
    assert len(studio.io.sent_to(second.row)[-1].payload) == 32


def test_a_late_packet_of_noise_does_not_silence_speech_that_came_after_it(studio: Studio) -> None:
    first, second, _ = room_of_three(studio)
    studio.talk(5, (first, VOICE))
    late = first.next_packet(bytes([40]), payload_type=rtp.COMFORT_NOISE, advance=FRAME)
    studio.talk(5, (first, VOICE))
    first.send(late)
    studio.talk(5, (first, VOICE))
    second.hears()
    studio.tick(3)
    assert effective(second.hears()[2 * FRAME :]) > 2000, "it is a loss again, and concealed"


def test_another_stream_and_another_leg_begin_without_a_pause() -> None:
    comfort = ComfortNoise(4)
    comfort.begin(2, 0, bytes([40]))
    comfort.begin(2, 160, bytes([50]))
    assert comfort.count == 1
    comfort.end(2)
    comfort.end(2)
    said = np.zeros((1, FRAME), np.int16)
    pauses = comfort.fill(said, np.array([2]), np.zeros(1, bool), np.zeros(1, np.int64), 7)
    assert comfort.count == 0
    assert not pauses.any()
    assert not said.any()


def test_a_closed_leg_pauses_no_more(studio: Studio) -> None:
    first, _, _ = room_of_three(studio)
    studio.talk(2, (first, VOICE))
    rest(first)
    studio.tick()
    assert studio.engine.receiver.comfort.count == 1
    studio.engine.close("a", studio.now, 0.0)
    assert studio.engine.receiver.comfort.count == 0
