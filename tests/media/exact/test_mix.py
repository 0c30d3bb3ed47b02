"""Rooms: what everybody is sent in every tick, octet by octet, with concealment and all that senders do."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.exact.twins import ENCODE, Ear, saturate
from tests.media.exact.walks import EVENTS, KINDS, STARTS, Leg, Line, Sender, departures
from tests.media.studio import encode, sine

TICKS = 45
"""With that of `room` less than the second after which jitter buffers are reviewed, and deepened or made shallower."""


class Mix:
    """A room: everybody hears the sum of the others."""

    def __init__(self, legs: list[Leg]) -> None:
        self.legs = legs
        self.ears = [Ear(leg.codec) for leg in legs]

    def tick(self, tick: int) -> list[bytes]:
        """The packet that each leg is sent."""
        said = [ear.hear() for ear in self.ears]
        heard = [
            [saturate(sum(said[other][at] for other in range(len(said)) if other != mine)) for at in range(160)]
            for mine in range(len(said))
        ]
        return [
            leg.out.frame(bytes(ENCODE[leg.codec](sample) for sample in frame), tick)
            for leg, frame in zip(self.legs, heard, strict=True)
        ]


def room(codecs: list[str], ours: tuple[int, int], **negotiated: Any) -> tuple[Line, Mix]:
    line = Line()
    legs = [line.open(name, codec, *ours, **negotiated) for name, codec in zip("abcdef", codecs, strict=False)]
    line.join(*legs)
    mix = Mix(legs)
    tick(line, mix)  # from here on the room is listened to
    return line, mix


def tick(line: Line, mix: Mix) -> None:
    """A tick, in which everybody is sent what the twin says."""
    number = line.tick
    line.studio.tick()
    wanted = mix.tick(number)
    for leg, packet in zip(mix.legs, wanted, strict=True):
        (sent,) = line.take(leg)
        assert sent == packet, (leg.name, number)


walks = st.lists(st.tuples(*[st.sampled_from(EVENTS)] * 3), min_size=5, max_size=TICKS)


@given(walks, STARTS, STARTS, st.sampled_from([1, 1, 1, 2]), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_everybody_is_sent_what_the_twin_says(
    walk: list[tuple[str, ...]], ours: tuple[int, int], theirs: tuple[int, int], packed: int, seed: int
) -> None:
    rng = random.Random(seed)
    line, mix = room(["PCMU", "PCMA", "PCMU"], ours)
    senders = [Sender(KINDS[leg.codec], *theirs, 0x1000 + leg.row) for leg in mix.legs]
    for number, events in enumerate(walk):
        for leg, ear, sender, event in zip(mix.legs, mix.ears, senders, events, strict=True):
            for datagram in departures(sender, event, rng.randbytes(160 * packed)) if number % packed == 0 else []:
                line.arrive(leg, datagram)
                ear.take(datagram)
        tick(line, mix)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize(
    "lost",
    [{10}, {10, 11}, {10, 11, 12, 13}, {8, 12, 16}, set(range(10, 17)), set(range(10, 22)), {6, 7, 9, 20, 21, 23}],
    ids=str,
)
@pytest.mark.parametrize("hz", [70.0, 123.0, 190.0])
def test_of_lost_packets_everybody_is_sent_what_the_twin_makes_up(codec: str, lost: set[int], hz: float) -> None:
    """Across the wraps of both numbers; `TICKS` of a voice of one pitch with three overtones."""
    voice = sum(sine(hz * order, TICKS, 6000 / order) for order in (1, 2, 3))
    line, mix = room([codec, "PCMA", "PCMU"], (65530, 2**32 - 1600))
    sender = Sender(KINDS[codec], 65525, 2**32 - 1600)
    concealed = 0
    for number in range(TICKS):
        packet = sender.make(encode(voice[number * 160 : number * 160 + 160], codec))
        if number not in lost:
            line.arrive(mix.legs[0], packet)
            mix.ears[0].take(packet)
        tick(line, mix)
        concealed = max(concealed, mix.ears[0].concealer.gone)
    assert concealed > 0
    report = line.studio.engine.close("a", line.studio.now, 0.0)
    assert (report["lost"], report["late"]) == (len(lost), 0)


def test_two_who_shout_together_are_clipped_and_do_not_wrap() -> None:
    line, mix = room(["PCMU"] * 4, (0, 0))
    senders = [Sender(0, 0, 0, leg.row) for leg in mix.legs]
    for _ in range(6):
        for leg, ear, sender, code in zip(mix.legs, mix.ears, senders, (0x80, 0x80, 0x00, 0x00), strict=True):
            packet = sender.make(bytes([code]) * 160)
            line.arrive(leg, packet)
            ear.take(packet)
        tick(line, mix)
