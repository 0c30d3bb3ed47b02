"""The register of missed calls and its automatic callbacks."""

from acd.missed import MOST, Missed, MissedCalls


def test_edge_54_a_call_missed_at_5_00_is_called_back_at_5_15() -> None:
    register = MissedCalls(after=15)
    register.miss("+431", "support", 300.0)
    assert register.next_deadline() == 315.0
    assert register.take_due(314.9) == []
    assert register.take_due(315.0) == [Missed("+431", "support", 300.0, 1)]
    assert register.take_due(1000.0) == []
    assert register.next_deadline() is None


def test_edge_54_nobody_is_called_who_was_reached_meanwhile() -> None:
    register = MissedCalls(after=15)
    register.miss("+431", "support", 300.0)
    register.miss("+432", "support", 301.0)
    register.reach("+431")
    register.reach("+439")
    assert [missed.customer for missed in register.take_due(400.0)] == ["+432"]


def test_edge_54_who_is_missed_twice_is_called_once_at_the_first_time() -> None:
    register = MissedCalls(after=15)
    register.miss("+431", "support", 300.0)
    register.miss("+432", "sales", 305.0)
    register.miss("+431", "sales", 310.0)
    assert register.take_due(320.0) == [Missed("+431", "support", 300.0, 2), Missed("+432", "sales", 305.0, 1)]


def test_edge_54_without_a_number_nobody_is_called_and_a_flood_is_bounded() -> None:
    register = MissedCalls()
    register.miss("", "support", 0.0)
    assert len(register) == 0
    for number in range(MOST + 100):
        register.miss(f"+{number}", "support", float(number))
    assert len(register) == MOST
