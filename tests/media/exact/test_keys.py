"""Keys: the octets of every event packet that is handed on, sent among mixed sound, or made here."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.membership import Membership
from media.protocol import Digit
from tests.media.exact.twins import ENCODE, Ear, Packet, Relay
from tests.media.exact.walks import STARTS, Line, Sender

EVENT, THEIRS = 101, 97
KEYS = "0123456789*#ABCD"  # RFC 4733 section 3.2
VOLUME = 10


def payload(code: int, ended: bool, duration: int) -> bytes:
    """RFC 4733 section 2.3."""
    return struct.pack("!BBH", code, (0x80 if ended else 0) | VOLUME, duration)


def press(sender: Sender, code: int, ticks: int) -> list[list[bytes]]:
    """A key held for some ticks: the packets of each, the last three times."""
    stamp, made = sender.timestamp, []
    for tick in range(ticks):
        last = tick == ticks - 1
        packets = []
        for _ in range(3 if last else 1):
            body = payload(code, last, (tick + 1) * 160)
            packets.append(bytes(Packet(EVENT, not tick, sender.sequence, stamp, sender.ssrc, body)))
            sender.sequence += 1
        made.append(packets)
    sender.timestamp = stamp + ticks * 160
    return made


FATES = st.sampled_from(["comes", "comes", "lost", "twice", "late"])
presses = st.lists(st.tuples(st.integers(0, 15), st.lists(FATES, min_size=4, max_size=10)), min_size=1, max_size=5)


@given(presses, STARTS, STARTS)
@settings(max_examples=80, deadline=None)
def test_events_are_relayed_with_the_numbers_of_the_sound_and_counted_once(
    pressed: list[tuple[int, list[str]]], ours: tuple[int, int], theirs: tuple[int, int]
) -> None:
    line = Line()
    first = line.open("a", "PCMU", *theirs)
    second = line.open("b", "PCMU", *ours, dtmf_send=THEIRS, dtmf_receive=THEIRS)
    line.join(first, second)
    sender, twin, expected = Sender(0, *theirs), Relay(second.out), ""
    for code, fates in pressed:
        for _ in range(8):  # sound between the keys, longer than an event without its end is waited for
            packet = sender.make(bytes([code]) * 160)
            line.arrive(first, packet)
            assert line.take(second) == twin.take(packet, line.tick)
            line.studio.tick()
        packets = press(sender, code, len(fates) - 2)
        arriving: list[list[bytes]] = [[] for _ in range(len(packets) + 1)]
        flat = [(tick, packet) for tick, some in enumerate(packets) for packet in some]
        for (tick, packet), fate in zip(flat, fates, strict=True):
            arriving[tick + (fate == "late")] += [] if fate == "lost" else [packet] * (1 + (fate == "twice"))
        for datagrams in arriving:
            for datagram in datagrams:
                line.arrive(first, datagram)
                assert line.take(second) == twin.take(datagram, line.tick, THEIRS)
            line.studio.tick()
        expected += KEYS[code] if any(arriving) else ""
    line.studio.tick(8)
    assert line.take(second) == []
    assert "".join(one.digit for one in line.studio.told(Digit)) == expected


@given(st.integers(0, 15), st.integers(2, 12), st.sampled_from([0, 3, 20]), STARTS, STARTS)
@settings(max_examples=60, deadline=None)
def test_events_among_mixed_sound_take_its_numbers_and_the_sound_pauses(
    code: int, ticks: int, pause: int, ours: tuple[int, int], theirs: tuple[int, int]
) -> None:
    """The listener of the two is muted, which makes the room a matrix: nothing in it is relayed."""
    line = Line()
    first = line.open("a", "PCMA", *theirs)
    second = line.open("b", "PCMU", *ours, dtmf_send=THEIRS)
    line.join(first, second)
    line.studio.engine.join("b", "room", Membership(muted=True))
    sender, ear, out = Sender(8, *theirs), Ear("PCMA"), second.out
    hushed, begun = 0, (0, 0)

    def tick() -> list[bytes]:
        number = line.tick
        line.studio.tick()
        coded = bytes(ENCODE["PCMU"](sample) for sample in ear.hear())
        return [] if number < hushed else [out.frame(coded, number)]

    wanted = tick()  # from here on the room is listened to
    assert line.take(second) == wanted
    for phase in range(2):
        for _ in range(6 + pause * phase):
            packet = sender.make(bytes([0x91 + phase]) * 160)
            line.arrive(first, packet)
            ear.take(packet)
            wanted = tick()
            assert line.take(second) == wanted
        for packets in press(sender, (code + phase) % 16, ticks):
            for datagram in packets:
                event = Packet.read(datagram)
                line.arrive(first, datagram)
                ear.arrivals.take(event)
                if begun[0] != event.timestamp or event.marker:
                    begun = event.timestamp, out.clock(line.tick)
                hushed = line.tick + 3
                stamped = Packet(THEIRS, event.marker, out.sequence, begun[1], out.ssrc, event.payload)
                out.sequence += 1
                assert line.take(second) == [bytes(stamped)]
            wanted = tick()
            assert line.take(second) == wanted
    assert [one.digit for one in line.studio.told(Digit)] == [KEYS[code], KEYS[(code + 1) % 16]]


@pytest.mark.parametrize("start", [(0, 0), (65533, 2**32 - 800), (65535, 2**32 - 1)])
def test_keys_that_are_made_here_have_five_refreshes_three_ends_and_a_pause(start: tuple[int, int]) -> None:
    line = Line()
    leg = line.open("a", "PCMU", *start, dtmf_send=THEIRS)
    line.studio.engine.send_digits("a", "1#")
    sequence, sent = start[0], []
    for number, code in enumerate((1, 11)):
        began = start[1] + number * 11 * 160
        body = [payload(code, False, 160 * tick) for tick in range(1, 5)] + [payload(code, True, 800)] * 3
        for tick, said in enumerate(body):
            sent.append((number * 11 + tick, Packet(THEIRS, tick == 0, sequence, began, leg.out.ssrc, said)))
            sequence += 1
    for tick in range(24):
        line.studio.tick()
        events = [one for one in line.take(leg) if one[1] & 0x7F == THEIRS]
        assert events == [bytes(packet) for at, packet in sent if at == tick]
