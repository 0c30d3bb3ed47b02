"""A trouble is told once."""

import logging

import pytest

from softswitch.records.alarm import Alarm


@pytest.fixture
def alarm(caplog: pytest.LogCaptureFixture) -> Alarm:
    """One whose lines are caught."""
    caplog.set_level(logging.WARNING)
    return Alarm(logging.getLogger("alarm"))


def test_a_trouble_that_lasts_is_one_line_and_its_end_another(alarm: Alarm, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        alarm.ring("The disk is full.", "Records wait.")
    for _ in range(5):
        alarm.clear("The disk has room again.")
    assert caplog.messages == ["The disk is full. Records wait.", "The disk has room again."]


def test_another_trouble_and_one_that_comes_back_are_told_again(alarm: Alarm, caplog: pytest.LogCaptureFixture) -> None:
    alarm.ring("Locked.", "")
    alarm.ring("Full.", "")
    alarm.clear("Good.")
    alarm.ring("Full.", "")
    assert [message.strip() for message in caplog.messages] == ["Locked.", "Full.", "Good.", "Full."]


def test_nothing_is_told_to_be_over_that_never_was(alarm: Alarm, caplog: pytest.LogCaptureFixture) -> None:
    alarm.clear("Good.")
    assert caplog.messages == []
