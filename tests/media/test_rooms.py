"""Rooms and relays, walked at random against a plain description of who must hear whom."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media.legs import Legs, Negotiated
from media.mixer import NO_ROOM, mix_minus_self
from media.relay import NOWHERE, Relay
from media.rooms import Rooms

COUNT = 6
orders = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(1, COUNT), st.sampled_from(["x", "y"])),
        st.tuples(st.just("leave"), st.integers(1, COUNT), st.just("")),
        st.tuples(st.just("overlay"), st.integers(1, COUNT), st.booleans()),
        st.tuples(st.just("echo"), st.integers(1, COUNT), st.booleans()),
        st.tuples(st.just("tap"), st.integers(1, COUNT), st.sampled_from([1, -1])),
        st.tuples(st.just("plan"), st.just(1), st.just("")),
        st.tuples(st.just("forget"), st.integers(1, COUNT), st.just("")),
    ),
    max_size=40,
)


def make() -> tuple[Legs, Relay, Rooms]:
    legs = Legs(COUNT + 2, random.Random(1))
    relay = Relay(legs)
    rooms = Rooms(legs, relay)
    for row in range(1, COUNT + 1):
        assert legs.open(str(row), 0) == row
        legs.configure(row, Negotiated("192.0.2.1", 4000, "PCMU", 0, 0, None, None, True, True), 0.0)
    return legs, relay, rooms


def hearers(relay: Relay, rooms: Rooms) -> dict[int, set[int]]:
    """Whom each row hears, by relay or by mix, found by putting one voice at a time into the arrays."""
    plan = rooms.plan()
    heard: dict[int, set[int]] = {row: set() for row in range(1, COUNT + 1)}
    for source in range(1, COUNT + 1):
        target = int(relay.target[source])
        if target != NOWHERE:
            heard[target].add(source)
        if not len(plan.ears) or not rooms.listens[source]:
            continue
        said, out = np.zeros((len(plan.ears), 2), np.int16), np.zeros((len(plan.ears), 2), np.int16)
        said[plan.place[source]] = 100
        mix_minus_self(said, plan.room, None, out)
        for ear, row in zip(plan.spoken.tolist(), plan.spoken_rows.tolist(), strict=True):
            if out[ear].any():
                assert source not in heard[row], "heard twice"
                heard[row].add(source)
    return heard


@settings(max_examples=300)
@given(orders)
def test_everybody_hears_the_others_of_his_room_once_whatever_happened_before(
    walk: list[tuple[str, int, object]],
) -> None:
    _, relay, rooms = make()
    room_of: dict[int, str] = {}
    echoes: set[int] = set()
    overlaid: set[int] = set()
    for order, row, what in walk:
        match order:
            case "join":
                rooms.join(row, str(what))
                room_of[row] = str(what)
            case "leave":
                rooms.leave(row)
                room_of.pop(row, None)
            case "overlay":
                rooms.overlay(row, on=bool(what))
                (overlaid.add if what else overlaid.discard)(row)
            case "echo":
                rooms.echo(row, on=bool(what))
                (echoes.add if what else echoes.discard)(row)
            case "tap":
                rooms.tap(row, int(what))  # type: ignore[call-overload]
            case "plan":
                rooms.plan()
            case "forget":
                rooms.forget(row)
                room_of.pop(row, None)
                echoes.discard(row)
                overlaid.discard(row)
    expected: dict[int, set[int]] = {}
    for row in range(1, COUNT + 1):
        mates = {other for other, room in room_of.items() if room == room_of.get(row)} - {row}
        alone = not mates or row not in room_of
        expected[row] = ({row} if row in echoes and row not in overlaid else set()) if alone else mates
    assert hearers(relay, rooms) == expected
    assert relay.count == np.count_nonzero(relay.target != NOWHERE)
    plan = rooms.plan()
    used = [row for row in plan.ears.tolist() if row]
    assert len(set(used)) == len(used)
    assert all(plan.place[row] == ear for ear, row in enumerate(plan.ears.tolist()) if row)
    assert all(number == NO_ROOM for row, number in zip(plan.ears, plan.room, strict=True) if not row)
    assert overlaid <= set(plan.spoken_rows.tolist())
    assert not overlaid & set(relay.target.tolist())
    assert all(plan.place[row] < 0 for row in range(COUNT + 1) if row not in used)


def test_ears_are_packed_when_many_are_free() -> None:
    legs = Legs(500, random.Random(1))
    rooms = Rooms(legs, Relay(legs))
    for row in range(1, 401):
        rooms.tap(row, 1)
    assert len(rooms.plan().ears) == 400
    for row in range(1, 400):
        rooms.tap(row, -1)
    plan = rooms.plan()
    assert plan.ears.tolist() == [400]
    assert plan.new == [0]
    assert plan.place[400] == 0
