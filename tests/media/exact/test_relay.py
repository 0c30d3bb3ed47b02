"""Relay: what goes out for every packet that comes in, octet by octet."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.exact.twins import TRANSLATE, Packet, Relay
from tests.media.exact.walks import EVENTS, KINDS, STARTS, Line, Sender, departures

NOISE = 13
SIZES = [80, 160, 160, 160, 240, 320, 640]
walks = st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(SIZES), st.integers(0, 2)), max_size=60)


@given(walks, STARTS, STARTS, st.sampled_from(list(TRANSLATE)), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_every_packet_leaves_as_the_twin_says(
    walk: list[tuple[str, int, int]],
    ours: tuple[int, int],
    theirs: tuple[int, int],
    codecs: tuple[str, str],
    seed: int,
) -> None:
    rng, line = random.Random(seed), Line()
    first, second = line.open("a", codecs[0], *theirs), line.open("b", codecs[1], *ours)
    line.join(first, second)
    sender, twin = Sender(KINDS[codecs[0]], *theirs), Relay(second.out, TRANSLATE[codecs])
    for event, size, ticks in walk:
        for datagram in departures(sender, event, rng.randbytes(size)):
            line.arrive(first, datagram)
            wanted = twin.take(datagram, line.tick)
            assert line.take(second) == wanted
        line.studio.tick(ticks)
        assert line.take(second) == [], "a relay says nothing of its own"


@given(st.lists(st.sampled_from(EVENTS), max_size=40), STARTS, st.booleans())
@settings(max_examples=100, deadline=None)
def test_packets_that_come_in_one_reading_leave_in_their_order(
    events: list[str], start: tuple[int, int], both: bool
) -> None:
    line = Line()
    legs = [line.open("a", "PCMU", *start), line.open("b", "PCMU", *start)]
    line.join(*legs)
    senders = [Sender(0, *start) for _ in legs]
    twins = [Relay(legs[1].out), Relay(legs[0].out)]
    for number, some in enumerate(_fives(events)):
        batches = [
            [one for event in some for one in departures(sender, event, bytes([number + 1]) * 160)]
            for sender in senders[: 1 + both]
        ]
        for leg, batch in zip(legs, batches, strict=False):
            for datagram in batch:
                line.studio.io.arrive(leg.row, datagram, port=leg.port)
        line.arrive(legs[0])
        for leg, twin, batch in zip(reversed(legs), twins, batches, strict=False):
            wanted = [one for datagram in batch for one in twin.take(datagram, line.tick)]
            assert line.take(leg) == wanted
        line.studio.tick()


def _fives(events: list[str]) -> list[list[str]]:
    return [events[start : start + 5] for start in range(0, len(events), 5)]


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.booleans(), st.integers(0, 2)), max_size=40), STARTS, STARTS)
@settings(max_examples=80, deadline=None)
def test_comfort_noise_is_numbered_among_the_sound_and_not_translated(
    walk: list[tuple[str, bool, int]], ours: tuple[int, int], theirs: tuple[int, int]
) -> None:
    line = Line()
    first, second = line.open("a", "PCMU", *theirs), line.open("b", "PCMA", *ours, comfort_noise=True)
    line.join(first, second)
    sender, twin = Sender(0, *theirs), Relay(second.out, TRANSLATE["PCMU", "PCMA"])
    for event, rests, ticks in walk:
        sender.kind = NOISE if rests else 0
        for datagram in departures(sender, event, bytes([50, 1, 2]) if rests else bytes([event.encode()[0]]) * 160):
            kind = NOISE if datagram[1] & 0x7F == NOISE else None
            line.arrive(first, datagram)
            assert line.take(second) == twin.take(datagram, line.tick, kind)
        if rests:
            sender.timestamp += 157 + ticks * 160
        line.studio.tick(ticks)


@pytest.mark.parametrize(("source", "target"), [(0, 8), (8, 0)])
def test_every_octet_of_one_law_becomes_that_of_the_recommendation_in_the_other(source: int, target: int) -> None:
    names = {number: name for name, number in KINDS.items()}
    line = Line()
    first, second = line.open("a", names[source], 0, 0), line.open("b", names[target], 65535, 2**32 - 1)
    line.join(first, second)
    every = bytes(range(256)) + bytes(64)
    line.arrive(first, bytes(Packet(source, False, 9, 9, 9, every)))
    (sent,) = line.take(second)
    assert sent[:4] == bytes([0x80, target, 0xFF, 0xFF])
    assert sent[4:8] == b"\xff\xff\xff\xff"
    assert sent[12:] == TRANSLATE[names[source], names[target]](every)


def test_two_wraps_in_plain_octets() -> None:
    line = Line()
    first, second = line.open("a", "PCMU", 0, 0), line.open("b", "PCMU", 65534, 2**32 - 160)
    line.join(first, second)
    ssrc = second.out.ssrc.to_bytes(4, "big")
    for number in range(4):
        head = bytes.fromhex(f"8000{(65535 + number) % 65536:04x}{(2**32 - 320 + number * 160) % 2**32:08x}0000abcd")
        line.arrive(first, head + bytes([number]) * 160)
    heads = ["8000fffeffffff60", "8000ffff00000000", "80000000000000a0", "8000000100000140"]
    assert line.take(second) == [
        bytes.fromhex(head) + ssrc + bytes([number]) * 160 for number, head in enumerate(heads)
    ]
