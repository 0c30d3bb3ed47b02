"""One heap for all deadlines: who is due when, and when to wake up."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from softswitch.deadlines import Deadlines


@dataclass(eq=False)
class Machine:
    """Something that wants to be called."""

    next_deadline: float | None


def test_a_machine_is_due_at_its_time_and_once() -> None:
    woken: list[float] = []
    deadlines: Deadlines[Machine] = Deadlines(woken.append)
    machine = Machine(5.0)
    deadlines.arm(machine)
    assert woken == [5.0]
    assert deadlines.due(4.9) == []
    assert deadlines.due(5.0) == [machine]
    assert deadlines.due(6.0) == []
    assert len(deadlines) == 0


def test_only_an_earlier_deadline_wakes_again() -> None:
    woken: list[float] = []
    deadlines: Deadlines[Machine] = Deadlines(woken.append)
    for deadline in (5.0, 7.0, 3.0, 4.0):
        deadlines.arm(Machine(deadline))
    assert woken == [5.0, 3.0]
    assert deadlines.next() == 3.0


def test_a_deadline_that_moved_later_is_not_due_at_its_old_time() -> None:
    deadlines: Deadlines[Machine] = Deadlines(lambda when: None)
    machine = Machine(5.0)
    deadlines.arm(machine)
    machine.next_deadline = 9.0
    deadlines.arm(machine)
    assert deadlines.due(6.0) == []
    assert deadlines.next() == 9.0
    assert deadlines.due(9.0) == [machine]


def test_a_deadline_that_moved_earlier_is_due_then_and_not_again() -> None:
    deadlines: Deadlines[Machine] = Deadlines(lambda when: None)
    machine = Machine(9.0)
    deadlines.arm(machine)
    machine.next_deadline = 5.0
    deadlines.arm(machine)
    assert deadlines.due(5.0) == [machine]
    machine.next_deadline = None
    deadlines.arm(machine)
    assert deadlines.due(10.0) == []
    assert deadlines.next() is None


def test_a_machine_without_a_deadline_is_forgotten() -> None:
    deadlines: Deadlines[Machine] = Deadlines(lambda when: None)
    machine = Machine(5.0)
    deadlines.arm(machine)
    machine.next_deadline = None
    deadlines.arm(machine)
    assert len(deadlines) == 0
    assert deadlines.next() is None
    assert deadlines.due(9.0) == []


def test_a_machine_that_lost_its_deadline_silently_is_not_due() -> None:
    deadlines: Deadlines[Machine] = Deadlines(lambda when: None)
    machine = Machine(5.0)
    deadlines.arm(machine)
    machine.next_deadline = None
    assert deadlines.due(9.0) == []


def test_a_disarmed_machine_is_not_due_and_may_be_armed_again() -> None:
    deadlines: Deadlines[Machine] = Deadlines(lambda when: None)
    machine = Machine(5.0)
    deadlines.arm(machine)
    deadlines.disarm(machine)
    assert deadlines.due(6.0) == []
    machine.next_deadline = 8.0
    deadlines.arm(machine)
    assert deadlines.due(8.0) == [machine]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.sampled_from(["arm", "disarm", "turn"]),
            st.one_of(st.none(), st.floats(0.0, 20.0)),
        ),
        max_size=60,
    )
)
def test_whatever_happens_everybody_is_called_when_due_and_nobody_else(
    steps: list[tuple[int, str, float | None]],
) -> None:
    """The naive twin looks at every machine each time."""
    woken: list[float] = []
    deadlines: Deadlines[Machine] = Deadlines(woken.append)
    machines = [Machine(None) for _ in range(5)]
    armed: set[Machine] = set()
    now = 0.0
    for which, do, number in steps:
        machine = machines[which]
        if do == "arm":
            machine.next_deadline = None if number is None else now + number
            deadlines.arm(machine)
            armed.discard(machine)
            if number is not None:
                armed.add(machine)
        elif do == "disarm":
            deadlines.disarm(machine)
            armed.discard(machine)
        else:
            now += number or 0.0
            expected = {one for one in armed if one.next_deadline is not None and one.next_deadline <= now}
            due = deadlines.due(now)
            assert len(due) == len(set(due))
            assert set(due) == expected
            armed -= expected
        assert len(deadlines) == len(armed)
        earliest = min((one.next_deadline for one in armed if one.next_deadline is not None), default=None)
        following = deadlines.next()
        if earliest is not None:
            assert following is not None
            assert following <= earliest
        if earliest is not None and do == "arm" and machine.next_deadline == earliest:
            assert any(when <= earliest for when in woken)
