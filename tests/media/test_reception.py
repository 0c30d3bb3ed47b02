from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.reception import WINDOW, Reception


def count(reception: Reception, ssrc: int, sequence: int) -> tuple[bool, bool, int]:
    counted = reception.count(np.array([1]), np.array([ssrc]), np.array([sequence & 0xFFFF]))
    return bool(counted.fresh[0]), bool(counted.restarted[0]), int(counted.extended[0])


@given(st.integers(0, 0xFFFF), st.lists(st.integers(0, 40) | st.integers(0, 300), min_size=1, max_size=80))
def test_packets_are_counted_like_a_set_that_forgets_what_is_too_old(start: int, steps: list[int]) -> None:
    reception = Reception(2)
    count(reception, 7, start)
    seen, received = {0}, 1
    for step in steps:
        fresh, restarted, extended = count(reception, 7, start + step)
        expected = step not in seen and step > max(seen) - WINDOW
        assert fresh == expected
        assert not restarted
        assert extended - start == step
        seen.add(step)
        received += expected
    losses = reception.losses(1)
    assert (losses.expected, losses.received, losses.lost) == (max(seen) + 1, received, max(seen) + 1 - received)
    assert int(reception.duplicates[1]) == len(steps) + 1 - received


def test_a_jump_forgets_what_lies_behind_it() -> None:
    for jump in (63, 64, 65, 127, 128):
        reception = Reception(2)
        count(reception, 7, 1000)
        count(reception, 7, 1000 + jump)
        assert count(reception, 7, 1000 + jump - 63)[0] == (jump != 63)


def test_the_wrap_of_sequence_numbers_is_no_loss() -> None:
    reception = Reception(2)
    for number in range(65000, 65000 + 70000):
        count(reception, 7, number)
    assert reception.losses(1).lost == 0
    assert reception.losses(1).expected == 70000


def test_another_ssrc_begins_a_span_and_keeps_the_losses_before() -> None:
    reception = Reception(2)
    for number in (1, 2, 5):
        count(reception, 7, number)
    assert count(reception, 8, 40000)[1]
    assert not count(reception, 8, 40001)[1]
    assert (reception.losses(1).expected, reception.losses(1).lost) == (7, 2)


def test_a_far_jump_is_a_restart_and_no_loss_of_thousands() -> None:
    reception = Reception(2)
    count(reception, 7, 100)
    assert count(reception, 7, 20000)[1]
    assert reception.losses(1).lost == 0


def test_rows_do_not_disturb_each_other_and_reset_forgets() -> None:
    reception = Reception(3)
    reception.count(np.array([0, 2]), np.array([1, 2]), np.array([10, 20]))
    reception.count(np.array([0, 2]), np.array([1, 2]), np.array([12, 21]))
    assert (reception.losses(0).lost, reception.losses(2).lost, reception.losses(1).expected) == (1, 0, 0)
    reception.reset(0)
    assert reception.losses(0).expected == 0
    assert reception.losses(2).expected == 2


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.randoms(use_true_random=False))
def test_runs_of_lost_packets_are_counted_whatever_the_order(came: list[bool], rng: Random) -> None:
    """A packet may overtake a few others, as networks let it; a run is what stays missing between two that came."""
    reception = Reception(2)
    numbers = [number for number, here in enumerate(came) if here or number == 0]
    order = [numbers[0], *sorted(numbers[1:], key=lambda number: number + rng.uniform(0, 4))]
    for number in order:
        count(reception, 7, 65530 + number)
    runs = "".join("x" if number in numbers else "-" for number in range(max(numbers) + 1)).split("x")
    assert int(reception.gaps[1]) == sum(bool(run) for run in runs)
    losses = reception.losses(1)
    assert losses.bursts == int(reception.gaps[1])
    assert reception.expected(np.array([1]))[0] == losses.expected
