"""Legs with codecs of their own: heard, mixed, relayed and played to like all others."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from media.codec.catalogue import find_format, open_codec
from media.legs import Negotiated
from media.rtp import FRAME, RtpPacket
from tests.media.studio import Studio, loudest_hz, sine

Samples = NDArray[np.int16]

CODECS = [("G722", 8000, 9), ("GSM", 8000, 3), ("L16", 8000, 97), ("L16", 16000, 97), ("OPUS", 48000, 96)]
STEP = {("G722", 8000): 160, ("GSM", 8000): 160, ("L16", 8000): 160, ("L16", 16000): 320, ("OPUS", 48000): 960}


@dataclass
class CodedTalker:
    """A telephone with a codec of its own."""

    studio: Studio
    name: str
    codec: str
    clock: int
    payload_type: int
    sequence: int = 65530
    timestamp: int = 0xFFFFF000
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.studio.engine.open(self.name, None, self.studio.now)  # type: ignore[arg-type]
        self.row = self.studio.engine.legs.row(self.name)
        self.box = open_codec(self.codec, self.clock)
        form = find_format(self.codec, self.clock)
        assert form is not None
        self.form = form
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Negotiate what this telephone speaks."""
        fields: dict[str, Any] = {
            "remote_host": "192.0.2.1", "remote_port": 4000 + 2 * self.row, "codec": self.codec, "clock": self.clock,
            "payload_type": self.payload_type, "receive_payload_type": self.payload_type, "dtmf_send": 101,
            "dtmf_receive": 101, "send": True, "receive": True,
        }  # fmt: skip
        self.studio.engine.configure(self.name, Negotiated(**fields | changes), self.studio.now)

    def say(self, hz: float, *, lost: bool = False) -> None:
        """The next 20 ms of a tone, in one packet."""
        frame, rate = self.sequence - 65530, self.form.rate
        at = (np.arange(self.form.samples) + frame * self.form.samples) / rate
        payload = self.box.encode(np.asarray(8000 * np.sin(2 * np.pi * hz * at), np.int16))
        stamp = self.timestamp & 0xFFFFFFFF
        packet = RtpPacket(self.payload_type, False, self.sequence & 0xFFFF, stamp, 0x77 + self.row, payload)
        self.sequence += 1
        self.timestamp += self.form.ticks
        self.sent.append(payload)
        if not lost:
            self.studio.io.arrive(self.row, bytes(packet), "192.0.2.1", 4000 + 2 * self.row)

    def packets(self) -> list[RtpPacket]:
        """What was sent to this telephone since the last call."""
        return [one for one in self.studio.io.sent_to(self.row) if one.payload_type == self.payload_type]

    def hears(self) -> Samples:
        """The same, decoded."""
        return np.concatenate([self.box.decode(one.payload) for one in self.packets()] or [np.empty(0, np.int16)])

    def hears_hz(self) -> float:
        """Loudest frequency of it."""
        return loudest_hz(self.hears()) * self.form.rate / 8000


@pytest.mark.parametrize(("codec", "clock", "kind"), CODECS)
def test_a_coded_leg_and_one_of_g711_hear_each_other(codec: str, clock: int, kind: int) -> None:
    studio = Studio()
    coded, plain = CodedTalker(studio, "a", codec, clock, kind), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for tick in range(60):
        coded.say(600)
        plain.say(sine(900, 60)[tick * FRAME : (tick + 1) * FRAME])
        studio.tick()
    assert abs(loudest_hz(plain.hears()[20 * FRAME :]) - 600) < 10
    assert abs(coded.hears_hz() - 900) < 10
    assert len(studio.engine.voices) == 1


@pytest.mark.parametrize(("codec", "clock", "kind"), CODECS)
def test_equal_codecs_are_relayed_without_being_decoded_over_the_wrap_of_their_clock(
    codec: str, clock: int, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio()
    first, second = (CodedTalker(studio, name, codec, clock, kind) for name in "ab")
    second.configure(payload_type=kind + 20)
    second.payload_type = kind + 20
    monkeypatch.setattr(studio.engine.voices, "hear", lambda *_: pytest.fail("decoded"))
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for _ in range(30):
        first.say(500)
        studio.tick()
    packets = second.packets()
    assert [one.payload for one in packets] == first.sent
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)} == {STEP[codec, clock]}
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}


@pytest.mark.parametrize(("codec", "clock", "kind"), CODECS)
def test_what_is_played_to_a_coded_leg_is_heard_and_stamped_by_its_own_clock(codec: str, clock: int, kind: int) -> None:
    studio = Studio()
    coded = CodedTalker(studio, "a", codec, clock, kind)
    studio.engine.play("a", [sine(700, 50)], "token", repeat=True)
    studio.tick(50)
    packets = studio.io.sent_to(coded.row)
    steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)}
    heard = np.concatenate([coded.box.decode(one.payload) for one in packets])
    assert steps == {STEP[codec, clock]}
    assert abs(loudest_hz(heard) * coded.form.rate / 8000 - 700) < 10


def test_a_relay_goes_on_without_a_seam_when_it_becomes_a_mix_and_a_relay_again() -> None:
    studio = Studio()
    first, second = (CodedTalker(studio, name, "OPUS", 48000, 96) for name in "ab")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for tick in range(60):
        if tick == 20:
            studio.engine.play("b", [sine(700, 10)], "beep", repeat=False)
        first.say(500)
        studio.tick()
    packets = second.packets()
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)]
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}
    assert len({one.ssrc for one in packets}) == 1
    assert steps.count(960) >= len(steps) - 2
    assert max(steps) <= 4 * 960


@pytest.mark.parametrize("codec", [("G722", 8000, 9), ("OPUS", 48000, 96)])
def test_lost_frames_are_made_up_for(codec: tuple[str, int, int]) -> None:
    studio = Studio()
    coded, plain = CodedTalker(studio, "a", *codec), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for tick in range(100):
        coded.say(600, lost=tick % 20 == 10)
        studio.tick()
    heard = plain.hears()[20 * FRAME :].reshape(-1, FRAME).astype(np.float64)
    assert np.sqrt((heard**2).mean(axis=1)).min() > 500
    report = studio.engine.close("a", studio.now, studio.now)
    assert report["lost"] == 5


def test_payloads_of_another_codec_are_counted_and_silent() -> None:
    studio = Studio()
    coded, plain = CodedTalker(studio, "a", "GSM", 8000, 3), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for number in range(20):
        packet = RtpPacket(3, False, number, number * 160, 5, b"\x00" * (number * 7))
        studio.io.arrive(coded.row, bytes(packet), "192.0.2.1", 4000 + 2 * coded.row)
        studio.tick()
    assert not plain.hears().any()
    assert studio.engine.voices.get(coded.row).undecodable > 5  # type: ignore[union-attr]


def test_a_re_invite_changes_the_codec_and_a_closed_leg_leaves_nothing() -> None:
    studio = Studio()
    coded, plain = CodedTalker(studio, "a", "G722", 8000, 9), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    coded.configure(codec="PCMU", payload_type=0, receive_payload_type=0)
    assert len(studio.engine.voices) == 0
    for tick in range(20):
        plain.say(sine(900, 20)[tick * FRAME : (tick + 1) * FRAME])
        studio.tick()
    assert len(studio.io.sent_to(coded.row)) == 20
    coded.configure()
    assert len(studio.engine.voices) == 1
    studio.engine.close("a", studio.now, studio.now)
    assert len(studio.engine.voices) == 0


def test_keys_of_a_coded_leg_are_told_and_handed_on() -> None:
    studio = Studio()
    coded, plain = CodedTalker(studio, "a", "OPUS", 48000, 96), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for number in range(10):
        payload = bytes([5, 0x8A if number > 6 else 0x0A, 0, min(number, 7) * 20])
        packet = RtpPacket(101, number == 0, number, 1000, 5, payload)
        studio.io.arrive(coded.row, bytes(packet), "192.0.2.1", 4000 + 2 * coded.row)
        studio.tick()
    assert [event.digit for event in studio.events] == ["5"]
    assert len([one for one in studio.io.sent_to(plain.row) if one.payload_type == 101]) == 10


def rooms_of(*names: str, codecs: list[tuple[str, int, int]]) -> tuple[Studio, list[CodedTalker]]:
    studio = Studio()
    talkers = [CodedTalker(studio, name, *codec) for name, codec in zip(names, codecs, strict=True)]
    for name in names:
        studio.engine.join(name, "r")
    return studio, talkers


def share_above(samples: Samples, rate: int, hz: float) -> float:
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    return float(power[np.fft.rfftfreq(len(samples), 1 / rate) > hz].sum() / power.sum())


@pytest.mark.parametrize(
    "codecs",
    [
        [("G722", 8000, 9), ("L16", 16000, 97), ("OPUS", 48000, 96)],
        [("G722", 8000, 9), ("L16", 16000, 97)],
    ],
)
def test_a_room_of_wideband_legs_is_mixed_in_wideband(codecs: list[tuple[str, int, int]]) -> None:
    studio, talkers = rooms_of(*"abc"[: len(codecs)], codecs=codecs)
    for _ in range(60):
        talkers[0].say(5500)
        studio.tick()
    for listener in talkers[1:]:
        heard = listener.hears()[16 * 320 :]
        assert abs(loudest_hz(heard) * listener.form.rate / 8000 - 5500) < 10
        assert share_above(heard, 16000, 4500) > 0.95
    assert np.abs(talkers[0].hears()).max() < 200


def test_one_member_of_the_telephone_band_makes_the_room_narrow_and_when_he_goes_it_is_wide_again() -> None:
    studio, (first, second, third) = rooms_of(
        *"abc", codecs=[("G722", 8000, 9), ("L16", 16000, 97), ("L16", 16000, 98)]
    )
    plain = studio.open("d")
    studio.engine.join("d", "r")
    shares = []
    for there in (True, False):
        if not there:
            studio.engine.leave("d")
        for _ in range(60):
            first.say(5500)
            plain.say(sine(900))
            studio.tick()
        heard = second.hears()[16 * 320 :]
        shares.append(share_above(heard, 16000, 4500) if heard.any() else 0.0)
    assert shares[0] < 0.5
    assert shares[1] > 0.95
    assert third.packets()


def test_a_beep_is_heard_over_a_wideband_room_and_lost_frames_are_made_up_for() -> None:
    studio, (first, second, third) = rooms_of(
        *"abc", codecs=[("L16", 16000, 96), ("L16", 16000, 97), ("L16", 16000, 98)]
    )
    for tick in range(100):
        first.say(600, lost=tick % 20 == 10)
        if tick == 50:
            studio.engine.play("b", [sine(1500, 10)], "beep", repeat=False)
        studio.tick()
    heard = second.hears().reshape(-1, 320).astype(np.float64)
    assert np.sqrt((heard[20:] ** 2).mean(axis=1)).min() > 500
    beeped = second.form.rate / 8000 * loudest_hz(heard[52:58].ravel() - third.hears().reshape(-1, 320)[52:58].ravel())
    assert abs(beeped - 1500) < 30


def test_a_room_of_wideband_legs_saturates() -> None:
    studio, talkers = rooms_of(*"abc", codecs=[("L16", 16000, 96), ("L16", 16000, 97), ("L16", 16000, 98)])
    loud = np.full(320, 30000, ">i2").tobytes()
    for number in range(20):
        for talker in talkers[:2]:
            packet = RtpPacket(talker.payload_type, False, number, number * 320, 9 + talker.row, loud)
            studio.io.arrive(talker.row, bytes(packet), "192.0.2.1", 4000 + 2 * talker.row)
        studio.tick()
    assert talkers[2].hears()[10 * 320 :].max() == 32767
    assert talkers[2].hears().size == 0
