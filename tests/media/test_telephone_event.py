import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import BadCommand
from media.telephone_event import GIVE_UP, KEYS, Event, EventReceiver, EventSender, parse_event


@given(st.integers(0, 255), st.booleans(), st.integers(0, 0xFFFF))
def test_an_event_is_read_as_it_was_written(code: int, ended: bool, duration: int) -> None:
    event = Event(code, ended, duration)
    assert parse_event(bytes(event)) == event


@given(st.binary(max_size=12))
def test_any_octets_are_an_event_or_none(payload: bytes) -> None:
    assert (parse_event(payload) is None) == (len(payload) < 4)


keys = st.lists(st.tuples(st.integers(0, 15), st.lists(st.booleans(), min_size=8, max_size=8)), max_size=8)


@given(keys)
def test_keys_of_which_anything_arrived_are_counted_once_in_order(pressed: list[tuple[int, list[bool]]]) -> None:
    receiver, got, now, timestamp = EventReceiver(), "", 0.0, 0
    for code, arrives in pressed:
        for index, arrived in enumerate(arrives):
            now += 0.02
            if arrived:
                got += "".join(key.key for key in receiver.receive(Event(code, index >= 5, 160), timestamp, now))
            got += "".join(key.key for key in receiver.handle_timer(now))
        timestamp += 1600
        now += 0.06
    got += "".join(key.key for key in receiver.handle_timer(now + GIVE_UP))
    # a gap of GIVE_UP in the middle of a key ends it early; what comes after belongs to it and is not counted again
    assert got == "".join(KEYS[code] for code, arrives in pressed if any(arrives))
    assert not receiver.waiting


def test_events_that_are_no_keys_are_ignored() -> None:
    assert EventReceiver().receive(Event(16, True, 160), 0, 0.0) == []


def test_a_sender_says_start_refresh_and_three_ends() -> None:
    sender = EventSender(101)
    sender.press("5")
    packets = [sender.next_packet(1000 + 160 * tick) for tick in range(11)]
    sent = [packet for packet in packets if packet is not None]
    assert [timestamp for _, timestamp, _ in sent] == [1000] * 7
    assert [marker for _, _, marker in sent] == [True] + [False] * 6
    events = [parse_event(payload) for payload, _, _ in sent]
    assert [event.duration for event in events if event] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.ended for event in events if event] == [False] * 4 + [True] * 3
    assert sender.idle


def test_a_sender_refuses_what_is_no_key_and_too_many_of_them() -> None:
    sender = EventSender(101)
    for digits in ("1e", "5" * 65):
        with pytest.raises(BadCommand):
            sender.press(digits)
    assert sender.idle
