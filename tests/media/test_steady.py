"""Packets that are recognised at a glance are treated exactly as those that are looked at the long way."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.rtp import RtpPacket
from media.steady import Steady
from tests.media.studio import Studio, Talker, encode, sine


def heads(*packets: RtpPacket) -> NDArray[np.uint32]:
    octets = np.frombuffer(b"".join(bytes(packet)[:12] for packet in packets), ">u4")
    return octets.reshape(-1, 3).astype(np.uint32)


def packet(sequence: int, **changes: Any) -> RtpPacket:
    fields: dict[str, Any] = {"payload_type": 8, "marker": False, "timestamp": 77, "ssrc": 0xDEADBEEF, "payload": b""}
    return RtpPacket(**{**fields, **changes}, sequence=sequence)


def expecting(sequence: int) -> Steady:
    steady = Steady(4)
    steady.expect(np.array([2]), np.array([8], np.uint8), np.array([sequence]), np.array([0xDEADBEEF]))
    return steady


def test_only_the_next_packet_of_the_stream_is_expected() -> None:
    steady = expecting(65535)
    candidates = [
        packet(65535), packet(0), packet(65535, ssrc=1), packet(65535, marker=True), packet(65535, payload_type=0),
    ]  # fmt: skip
    found = [bool(steady.find(np.array([2]), heads(one))[0]) for one in candidates]
    assert found == [True, False, False, False, False]


def test_it_goes_on_over_the_wrap_and_forgets() -> None:
    steady, row = expecting(65535), np.array([2])
    steady.go_on(row, heads(packet(65535))[:, 0])
    assert not steady.find(row, heads(packet(65535)))[0]
    assert steady.find(row, heads(packet(65536)))[0]
    steady.forget(row)
    assert not steady.find(row, heads(packet(65536)))[0]


def test_of_several_packets_of_a_row_only_the_first_that_came_can_be_expected() -> None:
    steady, rows = expecting(7), np.array([2, 2])
    assert steady.find(rows, heads(packet(7), packet(7))).tolist() == [True, False]
    assert steady.find(rows, heads(packet(8), packet(7))).tolist() == [False, False]


def test_nothing_is_expected_of_a_row_at_first() -> None:
    assert not Steady(4).find(np.array([1]), heads(packet(0, payload_type=0, ssrc=0)))[0]


class Blind(Steady):
    """Recognises nothing, so that every packet goes the long way."""

    def find(self, rows: NDArray[np.intp], heads: NDArray[np.uint32]) -> NDArray[np.bool_]:
        return np.zeros(len(rows), bool)


def play(seed: int, blind: bool, frames: int = 60) -> tuple[Any, ...]:
    """A relayed pair and a mixed three over a bad network; everything that can be seen of it."""
    studio, rng = Studio(), random.Random(seed)
    if blind:
        studio.engine.receiver.steady = Blind(studio.io.capacity)
    talkers = [
        studio.open(name, codec) for name, codec in zip("abcde", ("PCMU", "PCMA", "PCMU", "PCMU", "PCMA"), strict=True)
    ]
    for name, room in zip("abcde", "ppttt", strict=True):
        studio.engine.join(name, room)
    heard: list[Any] = []
    late: list[tuple[Talker, RtpPacket]] = []
    for frame in range(frames):
        arriving = late
        late = []
        for talker in talkers:
            spoken = talker.next_packet(encode(sine(300 + 100 * talker.row), talker.codec))
            spoken.marker = rng.random() < 0.03
            fate = rng.random()
            if fate < 0.05:
                continue
            if fate < 0.15:
                late.append((talker, spoken))
                continue
            arriving.append((talker, spoken))
            if fate < 0.2:
                arriving.append((talker, spoken))
            if fate > 0.98:
                talker.ssrc += 1
            if fate > 0.97:
                arriving.append((talker, talker.next_packet(bytes(4), payload_type=101, advance=0)))
        for talker, spoken in arriving:
            talker.send(spoken)
        if frame == 30:
            studio.configure("a", talkers[0], receive=False)
        if frame == 40:
            talkers[2].port += 2
            studio.configure("c", talkers[2])
        studio.tick()
        heard.append([[bytes(one) for one in studio.io.sent_to(talker.row)] for talker in talkers])
    return heard, studio.events, [studio.engine.close(name, studio.now, studio.now) for name in "abcde"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_over_a_bad_network_both_ways_give_the_same_packets_events_and_reports(seed: int) -> None:
    assert play(seed, blind=False) == play(seed, blind=True)


def test_in_a_steady_stream_the_long_way_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio()
    talker, other = studio.open("a"), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    taken: list[int] = []
    receiver = studio.engine.receiver
    whole = receiver._take_others
    monkeypatch.setattr(receiver, "_take_others", lambda rest, now: taken.append(len(rest.rows)) or whole(rest, now))
    studio.talk(50, (talker, sine(440)), (other, sine(660)))
    assert taken == [2]
    assert len(studio.io.sent_to(talker.row)) == len(studio.io.sent_to(other.row)) == 50
