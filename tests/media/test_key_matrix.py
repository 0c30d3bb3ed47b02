"""Keys from every way to every way, through the engine: RFC 4733, SIP INFO and tones in band.

SIP is the switch's affair: it asks the engine to press a key that came in INFO (`send_digits`), and sends INFO when it
is told of a key; for whom it does so the engine has to put nothing into the sound.
"""

import itertools
from typing import Any

import numpy as np
import pytest

from media import rtp
from media.dtmf import make_digit
from media.errors import BadCommand
from media.protocol import Digit
from media.rtp import FRAME
from media.telephone_event import KEYS, Event, parse_event
from tests.media.studio import Samples, Studio, Talker, decode, sine
from tests.media.test_inband import tone_milliseconds

EVENT = 101
VOICE = sine(300, 10, 3000)
LOW = {"1": 697.0, "5": 770.0, "#": 941.0}
MOST_LEAKED = 60
"""Milliseconds of a tone that a partner may hear before it is recognised."""
WAYS: dict[str, dict[str, Any]] = {
    "rfc4733": {},
    "info": {"dtmf_send": None, "dtmf_receive": None, "dtmf_by_info": True},
    "inband": {"dtmf_send": None, "dtmf_receive": None},
}


def press(studio: Studio, talker: Talker, way: str, digit: str) -> None:
    """Press a key for 200 ms, in a phone's own way."""
    tone = make_digit(digit, 200)
    for frame in range(10):
        if way == "inband":
            talker.say(tone[frame * FRAME : (frame + 1) * FRAME])
        elif way == "rfc4733":
            for ended in (False,) if frame < 9 else (False, True, True, True):
                event = Event(KEYS.index(digit), ended, (frame + 1) * FRAME)
                packet = talker.next_packet(bytes(event), payload_type=EVENT, advance=0)
                packet.marker = not frame
                talker.send(packet)
        else:
            talker.say(VOICE[:FRAME])
            if not frame:
                studio.engine.send_digits("b", digit)
        studio.tick()
    if way == "rfc4733":
        talker.timestamp += 10 * FRAME


def keys_in(packets: list[rtp.RtpPacket]) -> list[str]:
    """Keys of the events among these packets, each as often as it was pressed."""
    found: dict[int, str] = {}
    for packet in packets:
        if packet.payload_type == EVENT:
            event = parse_event(packet.payload)
            assert event is not None
            found[packet.timestamp] = KEYS[event.code]
    return list(found.values())


def sound_in(packets: list[rtp.RtpPacket], codec: str) -> Samples:
    return np.concatenate([decode(one.payload, codec) for one in packets if one.payload_type in (0, 8)])


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("digit", ["1", "5", "#"])
@pytest.mark.parametrize("target", list(WAYS))
@pytest.mark.parametrize("source", list(WAYS))
def test_a_key_is_told_once_and_reaches_the_partner_in_his_way_only(
    source: str, target: str, digit: str, codec: str
) -> None:
    studio = Studio()
    first, second = studio.open("a", **WAYS[source]), studio.open("b", codec, **WAYS[target])
    for name in "ab":
        studio.engine.join(name, "room")
        studio.engine.detect_inband(name, on=(source if name == "a" else target) == "inband")
    studio.talk(10, (first, VOICE), (second, VOICE))
    studio.io.sent_to(second.row)
    if (source, target) == ("info", "info"):  # from INFO to INFO goes past the engine
        with pytest.raises(BadCommand):
            press(studio, first, source, digit)
    else:
        press(studio, first, source, digit)
    studio.talk(40, (first, VOICE), (second, VOICE))
    told = [] if source == "info" else [("a", digit, source)]
    assert [(one.leg, one.digit, one.method) for one in studio.told(Digit)] == told
    sent = studio.io.sent_to(second.row)
    tone = tone_milliseconds(sound_in(sent, codec), LOW[digit])
    assert keys_in(sent) == ([digit] if target == "rfc4733" else [])
    if target == "inband":
        assert tone == pytest.approx(200 if source == "inband" else 100, abs=30)
    else:
        assert tone <= (MOST_LEAKED if source == "inband" else 0)
    assert all(0 < (after.sequence - before.sequence) & 0xFFFF <= 2 for before, after in itertools.pairwise(sent))
    assert abs(int(decode(sent[-1].payload, codec).max()) - 3000) < 200, "the voice is there again"


def test_the_tones_of_one_party_do_not_keep_the_other_from_being_relayed() -> None:
    studio = Studio()
    first, second = studio.open("a", **WAYS["inband"]), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "room")
    studio.engine.detect_inband("a", on=True)
    assert studio.engine.relay.target[first.row] < 0
    assert studio.engine.relay.target[second.row] == first.row
    studio.engine.detect_inband("a", on=False)
    assert studio.engine.relay.target[first.row] == second.row


@pytest.mark.parametrize("target", ["rfc4733", "info"])
def test_a_held_key_is_one_key_and_silence_until_it_is_let_go(target: str) -> None:
    studio = Studio()
    first, second = studio.open("a", **WAYS["inband"]), studio.open("b", **WAYS[target])
    for name in "ab":
        studio.engine.join(name, "room")
    studio.engine.detect_inband("a", on=True)
    studio.talk(10, (first, VOICE))
    studio.io.sent_to(second.row)
    studio.talk(150, (first, make_digit("5", 3000)))
    studio.talk(20, (first, VOICE))
    sent = studio.io.sent_to(second.row)
    assert [one.digit for one in studio.told(Digit)] == ["5"]
    assert keys_in(sent) == (["5"] if target == "rfc4733" else [])
    assert tone_milliseconds(sound_in(sent, "PCMU"), LOW["5"]) <= MOST_LEAKED
