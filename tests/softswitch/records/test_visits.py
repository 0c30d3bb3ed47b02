"""Visits to queues told from the events of calls."""

from softswitch.records.database import Database
from softswitch.records.events import CallEnded, QueueJoined, QueueLeft
from softswitch.records.store import RecordStore
from softswitch.records.visits import Visit, tell_visits
from softswitch.records.writer import RecordWriter
from tests.softswitch.records.stories import WALL, plain_call, queue_call, stamps, started

ANSWERED = Visit("call-2", "101", "support", WALL + 4, 22, "answered", "103", 101)


def test_a_caller_who_was_answered() -> None:
    assert tell_visits("call-2", queue_call()) == [ANSWERED]


def test_a_caller_of_two_queues_who_hangs_up_in_the_second() -> None:
    events = [
        started(),
        QueueJoined("support", 1, **stamps(1)),
        QueueLeft("support", "timeout", **stamps(61)),
        QueueJoined("sales", 2, **stamps(61)),
        CallEnded("bye", **stamps(70)),
    ]
    assert tell_visits("call-1", events) == [
        Visit("call-1", "101", "support", WALL + 1, 60, "timeout"),
        Visit("call-1", "101", "sales", WALL + 61, 9, "abandoned"),
    ]


def test_a_call_without_queues_has_no_visit() -> None:
    assert tell_visits("call-1", plain_call()) == []


async def test_they_are_read_from_the_database(database: Database, store: RecordStore, writer: RecordWriter) -> None:
    for call, events in (("call-1", plain_call()), ("call-2", queue_call())):
        for event in events:
            writer.append(call, event)
    await writer.flush()
    assert await store.visits(WALL - 1, WALL + 1) == [ANSWERED]
    assert await store.visits(WALL + 1, WALL + 2) == []
