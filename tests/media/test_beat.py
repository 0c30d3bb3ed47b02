"""When the worker looks at its sockets, by a clock turned by hand."""

import pytest

from media.beat import PART, TICK, Beat, Looks


def test_a_quiet_worker_looks_three_times_per_tick() -> None:
    looks = Looks()
    looks.count(10.0, 10.0, 0)
    due = 10.0 + TICK
    first = looks.next(10.001, due)
    looks.count(first, first, 5)
    second = looks.next(first, due)
    looks.count(second, second, 5)
    assert first == pytest.approx(10.0 + PART)
    assert second == pytest.approx(10.0 + 2 * PART)
    assert looks.next(second, due) == due


def test_after_a_long_tick_a_look_begins_at_once_and_takes_what_fits() -> None:
    looks = Looks()
    for began in (9.96, 9.98, 10.0):
        for _ in range(60):
            looks.count(began, began + 0.016, 2000)
    now, due = 10.016, 10.0 + TICK
    assert looks.next(now, due) == now
    assert looks.most(now, due) == pytest.approx(500, abs=5)


def test_a_look_that_does_not_pay_is_left_to_the_tick() -> None:
    looks = Looks()
    looks.count(10.0, 10.0, 0)
    assert looks.next(10.0195, 10.02) == 10.02


def test_a_look_with_few_packets_teaches_nothing_about_their_cost() -> None:
    looks = Looks()
    before = looks.most(10.0, 10.01)
    looks.count(10.0, 10.005, 1)
    assert looks.most(10.0, 10.01) == before
    looks.count(10.0, 10.005, 100)
    assert looks.most(10.0, 10.01) < before


def test_there_is_always_room_for_one_packet() -> None:
    assert Looks().most(10.0, 9.9) == 1


def test_a_beat_tells_lateness_of_the_last_thousand_ticks() -> None:
    beat = Beat()
    beat.count(0.0, 0.5, 0.6)
    for tick in range(1000):
        beat.count(tick, tick + (0.004 if tick < 20 else 0.001), tick + 0.01)
    report = beat.report()
    assert report["ticks"] == 1001
    assert report["late_ticks"] == 1
    assert report["start_error_p99_ms"] == pytest.approx(4.0, abs=0.01)
    assert report["tick_p99_ms"] == pytest.approx(9.0, abs=0.01)
