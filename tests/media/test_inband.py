"""Keys as tones from a leg without events, to a partner that takes events, to one that does not, and in rooms."""

import itertools
from typing import Any

import numpy as np
import pytest

from media import rtp
from media.dtmf import make_digit
from media.protocol import Digit
from media.rtp import FRAME
from media.telephone_event import KEYS, parse_event
from tests.media.studio import Samples, Studio, Talker, decode, sine

EVENT = 101
VOICE = sine(300, 10, 3000)
MOST_LEAKED = 60
"""Milliseconds of a tone that a partner may hear before it is recognised."""


@pytest.fixture
def studio() -> Studio:
    return Studio()


def pair(studio: Studio, **partner: Any) -> tuple[Talker, Talker]:
    """A leg without events that talks to one with events, or as `partner` says."""
    first = studio.open("a", dtmf_send=None, dtmf_receive=None)
    second = studio.open("b", **partner)
    for name in "ab":
        studio.engine.join(name, "room")
    studio.engine.detect_inband("a", on=True)
    studio.tick(2)
    studio.io.sent_to(second.row)
    return first, second


def press(studio: Studio, talker: Talker, digit: str, milliseconds: int = 100) -> None:
    """Hold a key, then talk on."""
    tone = make_digit(digit, milliseconds)
    studio.talk(10, (talker, VOICE))
    studio.talk(len(tone) // FRAME, (talker, tone))
    studio.talk(40, (talker, VOICE))


def events(packets: list[rtp.RtpPacket]) -> list[tuple[str, int]]:
    """Keys and timestamps of the events, each once."""
    found: dict[tuple[str, int], None] = {}
    for packet in packets:
        if packet.payload_type == EVENT:
            event = parse_event(packet.payload)
            assert event is not None
            found[KEYS[event.code], packet.timestamp] = None
    return list(found)


def sound_of(packets: list[rtp.RtpPacket]) -> Samples:
    """What a telephone hears of these packets."""
    return np.concatenate([decode(packet.payload) for packet in packets if packet.payload_type == 0])


def tone_milliseconds(sound: Samples, hz: float) -> float:
    """For how long a frequency is there."""
    frames = sound[: len(sound) // 80 * 80].reshape(-1, 80).astype(float)
    wave = np.exp(2j * np.pi * hz * np.arange(80) / 8000)
    return 10.0 * np.count_nonzero(np.abs(frames @ wave) / 40 > 1500)


@pytest.mark.parametrize("milliseconds", [60, 100, 600])
@pytest.mark.parametrize("digit", ["1", "5", "#", "D"])
def test_a_partner_with_events_gets_one_and_silence_in_place_of_the_tone(
    studio: Studio, digit: str, milliseconds: int
) -> None:
    first, second = pair(studio)
    press(studio, first, digit, milliseconds)
    assert [(one.digit, one.method) for one in studio.told(Digit)] == [(digit, "inband")]
    sent = studio.io.sent_to(second.row)
    assert [key for key, _ in events(sent)] == [digit]
    studio.io.sent.clear()
    studio.talk(10, (first, VOICE))
    heard = second.hears()
    assert np.abs(heard[-5 * FRAME :]).max() > 2500, "the voice is there again"


@pytest.mark.parametrize("digit", ["1", "9"])
def test_of_a_long_tone_only_its_beginning_is_heard(studio: Studio, digit: str) -> None:
    first, second = pair(studio)
    studio.talk(10, (first, VOICE))
    second.hears()
    press(studio, first, digit, 1000)
    heard = sound_of(studio.io.sent_to(second.row))
    low = {"1": 697.0, "9": 852.0}[digit]
    assert 0 < tone_milliseconds(heard, low) <= MOST_LEAKED + 40, "recognised, and what the relay had sent already"


def test_the_stream_of_the_partner_goes_on_without_a_seam(studio: Studio) -> None:
    first, second = pair(studio)
    press(studio, first, "5", 300)
    numbers = [packet.sequence for packet in studio.io.sent_to(second.row)]
    steps = {(after - before) & 0xFFFF for before, after in itertools.pairwise(numbers)}
    assert steps == {1}


def test_a_partner_without_events_hears_the_tone_itself_and_no_other(studio: Studio) -> None:
    first, second = pair(studio, dtmf_send=None, dtmf_receive=None)
    press(studio, first, "7", 200)
    assert tone_milliseconds(second.hears(), 852.0) == pytest.approx(200, abs=30)


def test_a_partner_that_must_not_be_sent_to_gets_nothing(studio: Studio) -> None:
    first, second = pair(studio, send=False)
    press(studio, first, "7", 200)
    assert not studio.io.sent_to(second.row)
    assert len(studio.told(Digit)) == 1


def test_in_a_room_of_three_the_tone_is_sound(studio: Studio) -> None:
    first, second = pair(studio)
    studio.open("c")
    studio.engine.join("c", "room")
    press(studio, first, "7", 200)
    sent = studio.io.sent_to(second.row)
    assert not events(sent)
    assert tone_milliseconds(sound_of(sent), 852.0) >= 160


def test_who_presses_while_his_call_ends_leaves_nothing_behind(studio: Studio) -> None:
    first, second = pair(studio)
    studio.talk(5, (first, make_digit("3", 100)))
    studio.engine.close("b", studio.now, 0.0)
    studio.tick(20)
    studio.engine.close("a", studio.now, 0.0)
    assert not studio.engine.keys.is_sending(second.row)
    assert len(studio.engine.in_band) == 0
