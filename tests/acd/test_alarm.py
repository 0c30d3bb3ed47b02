"""Alarms ring in order, once, and not when cancelled."""

from hypothesis import given
from hypothesis import strategies as st

from acd.alarm import Alarm, Alarms


def test_alarms_ring_in_the_order_of_their_times_and_then_of_their_setting() -> None:
    alarms = Alarms()
    alarms.set(Alarm.RING, 1, 5.0)
    alarms.set(Alarm.REST, "101", 3.0)
    alarms.set(Alarm.WRAP_UP, "102", 3.0)
    assert alarms.pop_due(2.9) is None
    assert alarms.pop_due(9.0) == (3.0, (Alarm.REST, "101"))
    assert alarms.pop_due(9.0) == (3.0, (Alarm.WRAP_UP, "102"))
    assert alarms.pop_due(9.0) == (5.0, (Alarm.RING, 1))
    assert alarms.pop_due(9.0) is None


def test_an_alarm_set_again_rings_at_the_new_time_only() -> None:
    alarms = Alarms()
    alarms.set(Alarm.RING, 1, 5.0)
    alarms.set(Alarm.RING, 1, 7.0)
    assert alarms.next() == 7.0
    assert alarms.pop_due(6.0) is None


def test_a_cancelled_alarm_does_not_ring() -> None:
    alarms = Alarms()
    alarms.set(Alarm.RING, 1, 5.0)
    alarms.cancel(Alarm.RING, 1)
    alarms.cancel(Alarm.RING, 2)
    assert alarms.next() is None
    assert len(alarms) == 0


def test_cancelled_alarms_take_no_room() -> None:
    alarms = Alarms()
    for number in range(10_000):
        alarms.set(Alarm.MAX_WAIT, f"c{number}", 1e9)
        alarms.cancel(Alarm.MAX_WAIT, f"c{number}")
    assert len(alarms._heap) < 1000


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.floats(0, 100)))))
def test_whatever_is_set_and_cancelled_the_rest_rings_in_order(steps: list[tuple[int, float | None]]) -> None:
    alarms, expected = Alarms(), dict[int, float]()
    for owner, at in steps:
        if at is None:
            alarms.cancel(Alarm.RING, owner)
            expected.pop(owner, None)
            continue
        alarms.set(Alarm.RING, owner, at)
        expected[owner] = at
    rung = []
    while (due := alarms.pop_due(1000.0)) is not None:
        rung.append(due)
    assert {int(owner): at for at, (_, owner) in rung} == expected
    assert [at for at, _ in rung] == sorted(at for at, _ in rung)
