"""Comfort noise: a leg that pauses sounds quiet and not broken, and nothing waits for it."""

import itertools

import numpy as np
import pytest

from media import rtp
from media.comfort import LEVELS, LOUDEST, OVERLOAD, ComfortNoise
from media.protocol import MediaResumed, MediaSilent
from media.rtp import FRAME
from tests.media.studio import FakeRecorder, Samples, Studio, Talker, loudest_hz, sine
from tests.media.test_voices import CodedTalker

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
    assert LEVELS[octet] == pytest.approx(wanted)


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
    first, second = studio.open("a"), studio.open("b", codec="PCMA", comfort_noise=True)
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
    first, second = studio.open("a"), studio.open("b", comfort_noise=True)
    for name in "ab":
        studio.engine.join(name, "room")
    studio.tick(2)
    studio.talk(1, (first, VOICE))
    rest(first, bytes(500))
    studio.tick()
    assert len(studio.io.sent_to(second.row)[-1].payload) == 32


def test_a_pause_of_a_relay_and_what_follows_it_keep_their_numbers(studio: Studio) -> None:
    first, second = studio.open("a"), studio.open("b", comfort_noise=True)
    for name in "ab":
        studio.engine.join(name, "room")
    studio.talk(2, (first, VOICE))
    pause(studio, first, ticks=PAUSE)
    studio.talk(2, (first, VOICE))
    sent = studio.io.sent_to(second.row)
    assert [packet.payload_type for packet in sent] == [0, 0, rtp.COMFORT_NOISE, 0, 0]
    assert [(packet.sequence - sent[0].sequence) & 0xFFFF for packet in sent] == [0, 1, 2, 3, 4]
    passed = [(packet.timestamp - sent[0].timestamp) & 0xFFFFFFFF for packet in sent]
    assert passed == [0, 160, 320, 320 + PAUSE * FRAME, 480 + PAUSE * FRAME]


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_a_partner_who_takes_no_comfort_noise_is_sent_sound_until_speech_goes_on(studio: Studio, codec: str) -> None:
    first, second = studio.open("a"), studio.open("b", codec)
    for name in "ab":
        studio.engine.join(name, "room")
    studio.talk(20, (first, VOICE))
    second.hears()
    pause(studio, first, bytes([45]), ticks=PAUSE)
    assert studio.engine.relay.resting == 1
    sent = list(studio.io.sent)
    noise = second.hears()
    studio.talk(5, (first, VOICE))
    assert len(noise) == PAUSE * FRAME
    assert effective(noise) == pytest.approx(OVERLOAD * 10 ** (-45 / 20), rel=0.15)
    assert studio.engine.relay.resting == 0
    packets = [rtp.parse(datagram) for row, datagram in sent if row == second.row] + studio.io.sent_to(second.row)
    assert len(packets) == PAUSE + 5
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)} == {FRAME}
    assert not any(packet.marker for packet in packets)


def test_who_is_sent_sound_in_a_pause_is_not_when_the_pair_is_parted(studio: Studio) -> None:
    first, second = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "room")
    studio.talk(5, (first, VOICE))
    rest(first)
    studio.tick(2)
    studio.engine.leave("a")
    studio.io.sent_to(second.row)
    studio.tick(2)
    assert studio.engine.relay.resting == 0
    assert not studio.io.sent_to(second.row)


def test_noise_that_was_overtaken_by_speech_makes_no_pause_in_a_relay(studio: Studio) -> None:
    first, second = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "room")
    studio.talk(5, (first, VOICE))
    late = first.next_packet(bytes([40]), payload_type=rtp.COMFORT_NOISE, advance=FRAME)
    studio.talk(1, (first, VOICE))
    first.send(late)
    studio.tick()
    assert studio.engine.relay.resting == 0
    assert len(studio.io.sent_to(second.row)) == 6


def test_pauses_of_many_legs_are_taken_at_once_and_each_counts_once(studio: Studio) -> None:
    talkers = [studio.open(str(number)) for number in range(20)]
    for number in range(20):
        studio.engine.join(str(number), "room")
    studio.talk(3, *((talker, VOICE) for talker in talkers))
    packets = [talker.next_packet(bytes([60] * (1 + at % 3)), payload_type=13) for at, talker in enumerate(talkers)]
    for talker, packet in zip(talkers * 2, packets * 2, strict=True):
        talker.send(packet)
    studio.tick()
    receiver = studio.engine.receiver
    rows = [talker.row for talker in talkers]
    assert receiver.comfort.count == 20
    assert receiver.reception.received[rows].tolist() == [4] * 20
    assert receiver.reception.duplicates[rows].tolist() == [1] * 20


def test_pauses_count_among_what_was_decoded_and_as_silence(studio: Studio) -> None:
    first, *_ = room_of_three(studio)
    studio.talk(50, (first, VOICE))
    pause(studio, first, bytes([70]), ticks=50)
    report = studio.engine.close("a", studio.now, 0.0)
    assert report["decoded_seconds"] == pytest.approx(2.0, abs=0.1)
    assert report["silence_percent"] == pytest.approx(50, abs=5)


def test_who_is_not_to_send_any_more_makes_no_noise(studio: Studio) -> None:
    first, second, _ = room_of_three(studio)
    studio.talk(5, (first, VOICE))
    rest(first)
    studio.tick(5)
    studio.configure("a", first, receive=False)
    studio.tick(5)
    second.hears()
    studio.tick(5)
    assert not second.hears().any()


def test_a_pause_with_a_clock_of_its_own_ends_with_speech(studio: Studio) -> None:
    first, *_ = room_of_three(studio)
    studio.talk(5, (first, VOICE))
    strange = first.next_packet(bytes([50]), payload_type=rtp.COMFORT_NOISE, advance=FRAME)
    strange.timestamp = (strange.timestamp + 1_000_000) & 0xFFFFFFFF
    first.send(strange)
    studio.tick(10)
    assert studio.engine.receiver.comfort.count == 1
    studio.talk(5, (first, VOICE))
    assert studio.engine.receiver.comfort.count == 0


def test_a_leg_of_g722_pauses_too() -> None:
    studio = Studio()
    coded, plain = CodedTalker(studio, "a", "G722", 8000, 9), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "room")
    for _ in range(20):
        coded.say(600)
        studio.tick()
    plain.hears()
    noise = rtp.RtpPacket(13, False, coded.sequence & 0xFFFF, coded.timestamp & 0xFFFFFFFF, 0x77 + coded.row, b"-")
    coded.sequence += 1
    coded.timestamp += PAUSE * FRAME
    studio.io.arrive(coded.row, bytes(noise), "192.0.2.1", 4000 + 2 * coded.row)
    studio.tick(PAUSE)
    heard = plain.hears()[10 * FRAME :]
    assert effective(heard) == pytest.approx(OVERLOAD * 10 ** (-45 / 20), rel=0.2)
    for _ in range(20):
        coded.say(600)
        studio.tick()
    assert abs(loudest_hz(plain.hears()[-10 * FRAME :]) - 600) < 10
    assert studio.engine.receiver.comfort.count == 0
    assert studio.engine.close("a", studio.now, 0.0)["lost"] == 0


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
    row = np.array([2])
    comfort.begin(row, np.array([0]), np.array([40], np.uint8))
    comfort.begin(row, np.array([160]), np.array([50], np.uint8))
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
