"""The record of a call is what its events say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.records.events import (
    AgentConnected,
    Bridged,
    CallEnded,
    DigitsEntered,
    Event,
    Heartbeat,
    Held,
    LegAnswered,
    LegEnded,
    LegRinging,
    LegStarted,
    MenuEntered,
    QueueJoined,
    QueueLeft,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    Resumed,
)
from softswitch.records.record import CallRecord, build_record
from tests.softswitch.records.stories import WALL, plain_call, queue_call, stamps, started
from tests.softswitch.records.test_events import ANY_EVENT


def test_a_plain_call_is_described_whole() -> None:
    record = build_record(plain_call())
    assert (record.call, record.caller_number, record.called_number) == ("call-1", "101", "102")
    assert (record.started, record.answered, record.ended) == (WALL, WALL + 5, WALL + 65)
    assert (record.duration, record.talk, record.hold, record.wait) == (65.0, 50.0, 10.0, 0.0)
    assert (record.disposition, record.cause, record.queue, record.agent) == ("answered", "bye", None, None)


def test_each_leg_has_its_own_times_cause_and_quality() -> None:
    caller, callee = build_record(plain_call()).legs
    assert (caller.role, caller.target, caller.ring, caller.talk, caller.hold) == ("caller", "phone:101", 0, 60, 0)
    assert (callee.role, callee.started, callee.ring, callee.talk, callee.hold) == ("callee", WALL + 1, 3, 50, 10)
    assert (callee.cause, callee.by, callee.quality) == ("bye", "remote", {"mos": 4.3, "lost": 0})
    assert (caller.by, caller.status, caller.quality) == ("local", 200, None)


def test_a_queue_call_knows_menu_wait_agent_and_recording() -> None:
    record = build_record(queue_call())
    assert (record.menu_path, record.queue, record.agent) == ("main:1", "support", "103")
    assert (record.wait, record.talk, record.duration) == (22.0, 100.0, 127.0)
    assert record.disposition == "answered"
    assert [(one.path, one.started, one.seconds, one.reason) for one in record.recordings] == [
        ("2026/11/call-2.wav", WALL + 26, 100.0, "ended")
    ]


def test_the_agent_that_did_not_answer_has_ringing_time_and_no_talk() -> None:
    agent = build_record(queue_call()).legs[1]
    assert (agent.target, agent.ring, agent.talk, agent.cause, agent.status) == ("phone:102", 15, 0, "no_answer", 487)


def test_the_record_as_plain_values_has_its_legs_and_recordings() -> None:
    plain = build_record(queue_call()).to_dict()
    assert plain["legs"][2]["target"] == "phone:103"
    assert plain["recordings"][0]["path"] == "2026/11/call-2.wav"


def test_a_clock_set_back_an_hour_does_not_end_a_call_before_its_start() -> None:
    events = [replace(event, wall=event.wall - 3600) if event.at > 1010 else event for event in plain_call()]
    assert build_record(events) == build_record(plain_call())


def test_events_in_any_order_give_the_same_record() -> None:
    distinct = [replace(event, at=event.at + place / 1000) for place, event in enumerate(queue_call())]
    assert build_record(reversed(distinct)) == build_record(distinct)


def test_a_call_without_an_end_ends_with_its_last_heartbeat() -> None:
    record = build_record([*plain_call()[:7], Heartbeat(**stamps(12))])
    assert (record.duration, record.ended, record.talk, record.cause) == (12.0, WALL + 12, 7.0, "")
    assert record.legs[1].talk == 7.0


def test_what_comes_after_the_end_changes_no_duration() -> None:
    late = [LegEnded("a", "bye", "remote", **stamps(500)), Resumed("b", **stamps(600)), Heartbeat(**stamps(700))]
    assert build_record([*plain_call(), *late]) == build_record(plain_call())


def test_a_call_without_its_first_event_is_known_by_its_name() -> None:
    record = build_record(plain_call()[1:], "call-1")
    assert (record.call, record.caller_number, record.duration) == ("call-1", "", 65.0)


def test_a_call_without_events_has_no_record() -> None:
    with pytest.raises(ValueError, match="no record"):
        build_record([])


def test_a_hold_that_nobody_ended_ends_with_the_call() -> None:
    record = build_record([*plain_call()[:8], CallEnded("node_crash", **stamps(50))])
    assert (record.talk, record.hold) == (15.0, 30.0)
    assert (record.legs[1].talk, record.legs[1].hold) == (15.0, 30.0)


def test_hold_before_the_answer_is_not_counted() -> None:
    events = [
        started(),
        LegStarted("a", "caller", "phone:101", "in", **stamps(0)),
        Held("a", **stamps(1)),
        LegAnswered("a", **stamps(10)),
        Resumed("a", **stamps(12)),
        CallEnded("bye", **stamps(20)),
    ]
    (leg,) = build_record(events).legs
    assert (leg.hold, leg.talk) == (2.0, 8.0)


def test_a_transferred_call_counts_every_bridge_once() -> None:
    events = [
        *plain_call()[:7],
        LegStarted("c", "callee", "phone:103", "out", **stamps(15)),
        LegAnswered("c", **stamps(18)),
        Bridged("a", "c", **stamps(20)),
        LegEnded("b", "transfer", "local", **stamps(21)),
        CallEnded("bye", **stamps(45)),
    ]
    assert build_record(events).talk == 40.0


def test_a_second_queue_adds_to_the_wait_and_gives_its_name() -> None:
    events = [
        started(),
        QueueJoined("support", 3, **stamps(0)),
        QueueLeft("support", "timeout", **stamps(60)),
        QueueJoined("sales", 1, **stamps(61)),
        AgentConnected("sales", "104", 9.0, **stamps(70)),
        CallEnded("bye", **stamps(80)),
    ]
    record = build_record(events)
    assert (record.wait, record.queue, record.agent, record.disposition) == (69.0, "sales", "104", "answered")


def test_menus_and_digits_are_listed_as_they_were_passed() -> None:
    events = [
        started(),
        MenuEntered("main", **stamps(0)),
        MenuEntered("main", **stamps(5)),
        DigitsEntered("main", "2", **stamps(6)),
        MenuEntered("sales", **stamps(6)),
        DigitsEntered("sales", "104", **stamps(7)),
        DigitsEntered("sales", "#", **stamps(8)),
    ]
    assert build_record(events).menu_path == "main: main:2 sales:104 sales:#"


IN_QUEUE = [LegStarted("a", "caller", "phone:101", "in", **stamps(0)), LegAnswered("a", **stamps(0))]


@pytest.mark.parametrize(
    ("events", "disposition"),
    [
        ([CallEnded("refused", 486, **stamps(1))], "busy"),
        ([CallEnded("refused", 600, **stamps(1))], "busy"),
        ([CallEnded("refused", 480, **stamps(1))], "no_answer"),
        ([CallEnded("refused", 404, **stamps(1))], "unknown_number"),
        ([CallEnded("refused", 403, **stamps(1))], "refused"),
        ([CallEnded("cancel", 487, **stamps(1))], "cancelled"),
        ([CallEnded("cancel", **stamps(1))], "cancelled"),
        ([CallEnded("error", **stamps(1))], "failed"),
        ([CallEnded("node_crash", **stamps(1))], "failed"),
        ([*IN_QUEUE, CallEnded("bye", **stamps(1))], "self_service"),
        ([*IN_QUEUE, QueueJoined("support", 1, **stamps(0)), CallEnded("bye", **stamps(1))], "abandoned"),
        ([*IN_QUEUE, QueueJoined("support", 1, **stamps(0)), CallEnded("node_crash", **stamps(1))], "failed"),
        (
            [
                *IN_QUEUE,
                QueueJoined("support", 1, **stamps(0)),
                QueueLeft("support", "abandoned", **stamps(3)),
                CallEnded("bye", **stamps(3)),
            ],
            "abandoned",
        ),
        (
            [
                *IN_QUEUE,
                QueueJoined("support", 1, **stamps(0)),
                QueueLeft("support", "timeout", **stamps(3)),
                CallEnded("bye", **stamps(3)),
            ],
            "self_service",
        ),
        ([], "failed"),
    ],
)
def test_the_disposition_says_in_one_word_how_it_ended(events: list[Event], disposition: str) -> None:
    assert build_record([started(), *events]).disposition == disposition


def test_a_recording_without_an_end_lasts_to_the_end_of_the_call() -> None:
    events = [started(), RecordingStarted("r", "x.wav", **stamps(2)), CallEnded("node_crash", **stamps(9))]
    (recording,) = build_record(events).recordings
    assert (recording.seconds, recording.reason) == (7.0, "")


def test_pauses_of_a_recording_are_counted_from_its_start() -> None:
    events = [
        started(),
        RecordingPaused("r", "leg", **stamps(1)),
        RecordingStarted("r", "x.wav", **stamps(2)),
        RecordingResumed("r", "leg", **stamps(3)),
        RecordingPaused("r", "leg", **stamps(4)),
        RecordingPaused("r", "leg", **stamps(5)),
        RecordingResumed("r", "leg", **stamps(6)),
        RecordingPaused("r", "leg", **stamps(7)),
        RecordingStopped("r", "ended", **stamps(8)),
        RecordingPaused("r", "leg", **stamps(9)),
        CallEnded("bye", **stamps(10)),
    ]
    (recording,) = build_record(events).recordings
    assert recording.pauses == ((2.0, 4.0), (5.0, 6.0))
    assert recording.seconds == 6.0


def test_a_crash_during_a_pause_ends_the_pause_too() -> None:
    events = [started(), RecordingStarted("r", "x.wav", **stamps(2)), RecordingPaused("r", "leg", **stamps(4)),
              CallEnded("node_crash", **stamps(9))]  # fmt: skip
    (recording,) = build_record(events).recordings
    assert (recording.pauses, recording.seconds) == (((2.0, 7.0),), 7.0)


def test_events_of_legs_and_recordings_that_nobody_knows_are_passed_over() -> None:
    strays = [
        LegRinging("x", **stamps(1)),
        LegAnswered("x", **stamps(1)),
        Held("x", **stamps(1)),
        Resumed("x", **stamps(2)),
        RecordingStopped("x", "ended", **stamps(2)),
        Bridged("x", "x", **stamps(2)),
        CallEnded("bye", **stamps(3)),
    ]
    record = build_record([started(), *strays])
    assert (record.legs, record.recordings, record.talk) == ((), (), 0.0)


# ---- any order of plausible events -----------------------------------------------------------------------------

LEGS = st.sampled_from(["a", "b", "c"])
ROLES = st.sampled_from(["caller", "agent"])
OF_A_LEG = st.sampled_from([LegRinging, LegAnswered, Held, Resumed])
CLOCK = st.floats(0, 1e5).map(lambda seconds: stamps(seconds))
PLAUSIBLE = st.one_of(
    st.builds(lambda at: started(at=at["at"] - 1000), CLOCK),
    st.builds(lambda leg, role, t: LegStarted(leg, role, "phone:1", "in", **t), LEGS, ROLES, CLOCK),
    st.builds(lambda kind, leg, t: kind(leg, **t), OF_A_LEG, LEGS, CLOCK),
    st.builds(lambda leg, t: LegEnded(leg, "bye", "remote", **t), LEGS, CLOCK),
    st.builds(lambda a, b, t: Bridged(a, b, **t), LEGS, LEGS, CLOCK),
    st.builds(lambda t: QueueJoined("support", 1, **t), CLOCK),
    st.builds(lambda t: QueueLeft("support", "timeout", **t), CLOCK),
    st.builds(lambda t: AgentConnected("support", "102", 1.0, **t), CLOCK),
    st.builds(lambda t: RecordingStarted("r", "x.wav", **t), CLOCK),
    st.builds(lambda t: RecordingStopped("r", "ended", **t), CLOCK),
    st.builds(lambda t: CallEnded("bye", **t), CLOCK),
    ANY_EVENT,
)  # fmt: skip
SLACK = 1e-3
"""Rounding of sums of floating point seconds around 1e10."""


def assert_plausible(record: CallRecord) -> None:
    assert record.duration >= 0
    assert record.ended >= record.started
    assert record.answered is None or record.started <= record.answered <= record.ended + SLACK
    assert min(record.talk, record.hold, record.wait) >= 0
    assert record.talk + record.hold <= record.duration + SLACK
    assert record.wait <= record.duration + SLACK
    for leg in record.legs:
        assert min(leg.ring, leg.talk, leg.hold) >= 0
        assert leg.ring + leg.talk + leg.hold <= record.duration + SLACK
        assert record.started <= leg.started <= record.ended + SLACK
    for recording in record.recordings:
        assert 0 <= recording.seconds <= record.duration + SLACK


@given(st.lists(PLAUSIBLE, min_size=1, max_size=30))
def test_any_order_of_events_gives_a_record_that_can_be_true(events: list[Event]) -> None:
    assert_plausible(build_record(events, "call-1"))


@given(st.permutations(queue_call()), st.integers(1, 24))
def test_any_part_of_a_call_in_any_order_gives_a_record_that_can_be_true(events: list[Event], length: int) -> None:
    assert_plausible(build_record(events[:length]))
