"""Rooms and relays, walked at random against a plain description of who must hear whom."""

import random
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media.legs import Legs, Negotiated
from media.membership import PLAIN, ROLES, Membership, factors
from media.mixer import NO_ROOM, mix_by_matrix, mix_minus_self
from media.relay import NOWHERE, Relay
from media.rooms import Rooms

COUNT = 6
memberships = st.builds(
    Membership,
    muted=st.booleans(),
    deaf=st.booleans(),
    gain=st.sampled_from([0.0, 0.0, -6.0, 20]),
    role=st.sampled_from(ROLES),
    ear=st.integers(0, COUNT),
)
orders = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(1, COUNT), st.sampled_from(["x", "y"])),
        st.tuples(st.just("join as"), st.integers(1, COUNT), st.tuples(st.sampled_from(["x", "y"]), memberships)),
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
        for matrix in plan.matrices:
            mix_by_matrix(said, matrix.ears, matrix.factors, out)
        for ear, row in zip(plan.spoken.tolist(), plan.spoken_rows.tolist(), strict=True):
            if out[ear].any():
                assert source not in heard[row], "heard twice"
                heard[row].add(source)
    return heard


def hears(row: int, listener: Membership, speaker: Membership) -> bool:
    """Whether the rules say that a row hears another one of its room."""
    if listener.deaf or speaker.muted or speaker.role == "listen":
        return False
    return speaker.role != "whisper" or speaker.ear == row


@settings(max_examples=500)
@given(orders)
def test_everybody_hears_the_others_of_his_room_once_whatever_happened_before(
    walk: list[tuple[str, int, object]],
) -> None:
    _, relay, rooms = make()
    room_of: dict[int, str] = {}
    manner: dict[int, Membership] = {}
    echoes: set[int] = set()
    overlaid: set[int] = set()
    for order, row, what in walk:
        match order:
            case "join":
                rooms.join(row, str(what))
                room_of[row] = str(what)
                manner.pop(row, None)
            case "join as":
                room_of[row], manner[row] = what  # type: ignore[misc]
                rooms.join(row, room_of[row], manner[row])
            case "leave":
                rooms.leave(row)
                room_of.pop(row, None)
                manner.pop(row, None)
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
                manner.pop(row, None)
                manner = {other: replace(one, ear=0) if one.ear == row else one for other, one in manner.items()}
                echoes.discard(row)
                overlaid.discard(row)
    expected: dict[int, set[int]] = {}
    for row in range(1, COUNT + 1):
        mates = {other for other, room in room_of.items() if room == room_of.get(row)} - {row}
        alone = not mates or row not in room_of
        heard = {other for other in mates if hears(row, manner.get(row, PLAIN), manner.get(other, PLAIN))}
        expected[row] = ({row} if row in echoes and row not in overlaid else set()) if alone else heard
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


@given(
    st.lists(st.tuples(st.integers(1, COUNT), memberships), min_size=2, max_size=COUNT, unique_by=lambda one: one[0])
)
def test_the_matrix_of_a_room_is_what_its_rules_say_pair_by_pair(members: list[tuple[int, Membership]]) -> None:
    heard = factors(members)
    for at, (row, listener) in enumerate(members):
        for place, (_, speaker) in enumerate(members):
            silent = at == place or not hears(row, listener, speaker)
            assert heard[at, place] == (0 if silent else np.float32(10 ** (speaker.gain / 20)))


def test_keys_pass_between_the_two_who_talk_and_not_to_or_from_their_supervisor() -> None:
    _, _, rooms = make()
    for row in (1, 2):
        rooms.join(row, "r")
    for role in ("listen", "whisper", "barge"):
        rooms.join(3, "r", Membership(role=role, ear=2))
        assert [rooms.partner(row) for row in (1, 2, 3)] == [2, 1, None]
    rooms.leave(2)
    assert [rooms.partner(row) for row in (1, 3)] == [None, None]
