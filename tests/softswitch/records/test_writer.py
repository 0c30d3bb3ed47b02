"""The writer: every call has exactly one record, whatever the database and the disk do."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from softswitch.records import ledger, spool
from softswitch.records import writer as module
from softswitch.records.database import Database
from softswitch.records.errors import StorageError
from softswitch.records.events import CallEnded, DigitsEntered, Event, Heartbeat, LegEnded
from softswitch.records.ledger import Mend
from softswitch.records.record import RecordingRecord, build_record
from softswitch.records.store import RecordStore
from softswitch.records.tables import open_calls, runs
from softswitch.records.writer import RecordWriter
from tests.softswitch.records.stories import WALL, HandClock, plain_call, queue_call, stamps, started


def tell(writer: RecordWriter, call: str, events: list[Event]) -> None:
    for one in events:
        writer.append(call, one)


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Another program holds the write lock."""
    raw = sqlite3.connect(database.path, isolation_level=None)
    raw.execute("begin immediate")
    try:
        yield
    finally:
        raw.execute("rollback")
        raw.close()


async def read_open(database: Database) -> list[str]:
    return list(await database.read(lambda connection: connection.execute(select(open_calls.c.call)).scalars().all()))


async def restarted(
    database: Database, tmp_path: Path, clock: HandClock, mend: Mend = lambda path: None
) -> RecordWriter:
    """The writer of a new process; the old one is simply no longer there."""
    writer = RecordWriter(database, tmp_path / "spool", clock=clock, interval=3600, mend=mend)
    await writer.start()
    return writer


# ---- the normal case ---------------------------------------------------------------------------------------------


async def test_events_are_in_the_database_before_the_call_ends(
    writer: RecordWriter, store: RecordStore, database: Database
) -> None:
    tell(writer, "call-1", plain_call()[:5])
    assert writer.pending == 5
    await writer.flush()
    assert writer.pending == 0
    assert await store.events("call-1") == plain_call()[:5]
    assert await read_open(database) == ["call-1"]
    assert await store.count() == 0


async def test_the_record_is_there_with_the_last_event(
    writer: RecordWriter, store: RecordStore, database: Database
) -> None:
    for one in plain_call():
        writer.append("call-1", one)
        await writer.flush()
    assert await store.find("call-1") == build_record(plain_call())
    assert await read_open(database) == []


async def test_a_running_writer_writes_by_itself_within_its_interval(
    database: Database, tmp_path: Path, store: RecordStore
) -> None:
    writer = RecordWriter(database, tmp_path / "spool", interval=0.01)
    await writer.start()
    tell(writer, "call-1", plain_call())
    async with asyncio.timeout(5):
        while await store.count() == 0:
            await asyncio.sleep(0.01)
    await writer.close()


async def test_closing_writes_what_is_left(database: Database, tmp_path: Path, store: RecordStore) -> None:
    writer = RecordWriter(database, tmp_path / "spool", interval=3600)
    await writer.start()
    tell(writer, "call-1", plain_call())
    async with asyncio.timeout(5):
        await writer.close()
    assert await store.count() == 1


async def test_what_was_told_before_the_start_is_written_too(
    database: Database, tmp_path: Path, store: RecordStore
) -> None:
    writer = RecordWriter(database, tmp_path / "spool", interval=3600)
    tell(writer, "call-1", plain_call())
    await writer.start()
    await writer.close()
    assert await store.count() == 1


async def test_a_late_event_is_kept_and_the_record_stays(
    writer: RecordWriter, store: RecordStore, database: Database
) -> None:
    tell(writer, "call-1", plain_call())
    await writer.flush()
    late = LegEnded("b", "late", "remote", **stamps(99))
    tell(writer, "call-1", [late, CallEnded("again", **stamps(99))])
    await writer.flush()
    assert (await store.events("call-1"))[-2] == late
    assert await store.find("call-1") == build_record(plain_call())
    assert await read_open(database) == []


async def test_two_ends_of_a_call_give_one_record(writer: RecordWriter, store: RecordStore) -> None:
    tell(writer, "call-1", [*plain_call(), CallEnded("again", **stamps(99))])
    await writer.flush()
    assert await store.find("call-1") == build_record(plain_call())


# ---- the database is locked, full or gone --------------------------------------------------------------------------


async def test_a_lock_of_a_minute_loses_nothing_and_keeps_the_order(
    writer: RecordWriter, store: RecordStore, database: Database, tmp_path: Path, clock: HandClock
) -> None:
    tell(writer, "call-1", plain_call()[:3])
    await writer.flush()
    with locked(database):
        for second, one in enumerate(plain_call()[3:]):
            writer.append("call-1", one)
            tell(writer, f"short-{second}", [started(f"short-{second}"), CallEnded("bye", **stamps(1))])
            await writer.flush()
            assert writer.pending == 0
            assert writer.behind
            clock.turn(60 / 9)
        assert list((tmp_path / "spool").glob("*.jsonl"))
    await writer.flush()
    assert not writer.behind
    assert await store.events("call-1") == plain_call()
    assert await store.find("call-1") == build_record(plain_call())
    assert await store.count() == 10
    assert list((tmp_path / "spool").glob("*.jsonl")) == []
    assert await read_open(database) == []


async def test_a_locked_database_is_not_asked_with_every_batch(
    writer: RecordWriter, database: Database, monkeypatch: pytest.MonkeyPatch, clock: HandClock
) -> None:
    asked = []
    real = Database.write

    async def write(self: Database, work: Any) -> Any:
        asked.append(work)
        return await real(self, work)

    monkeypatch.setattr(Database, "write", write)
    with locked(database):
        for number in range(5):
            tell(writer, f"call-{number}", plain_call())
            await writer.flush()
        assert len(asked) == 1
        clock.turn(1)
        await writer.flush()
        assert len(asked) == 2


async def test_a_new_call_after_the_lock_is_written_behind_what_was_spooled(
    writer: RecordWriter, store: RecordStore, database: Database, clock: HandClock
) -> None:
    with locked(database):
        tell(writer, "call-1", plain_call()[:6])
        await writer.flush()
    clock.turn(2)
    tell(writer, "call-1", plain_call()[6:])
    await writer.flush()
    assert await store.events("call-1") == plain_call()
    assert await store.find("call-1") == build_record(plain_call())


async def test_closing_while_locked_spools_and_the_next_start_replays(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    first = await restarted(database, tmp_path, clock)
    with locked(database):
        tell(first, "call-2", queue_call())
        await first.close()
    assert await store.count() == 0
    second = await restarted(database, tmp_path, clock)
    assert await store.find("call-2") == build_record(queue_call())
    await second.close()


async def test_a_start_while_locked_works_and_catches_up_later(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    with locked(database):
        writer = await restarted(database, tmp_path, clock)
        tell(writer, "call-1", plain_call())
        await writer.flush()
        assert writer.behind
    clock.turn(2)
    await writer.flush()
    assert await store.count() == 1
    await writer.close()


async def test_an_own_call_that_is_still_open_is_not_closed_when_the_database_comes_back(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    with locked(database):
        writer = await restarted(database, tmp_path, clock)
        tell(writer, "call-1", plain_call()[:7])
        await writer.flush()
    clock.turn(2)
    await writer.flush()
    assert not writer.behind
    assert await read_open(database) == ["call-1"]
    tell(writer, "call-1", plain_call()[7:])
    await writer.close()
    assert await store.find("call-1") == build_record(plain_call())


async def test_a_spool_that_is_replayed_twice_gives_every_fact_once(
    writer: RecordWriter, store: RecordStore, database: Database, tmp_path: Path, clock: HandClock
) -> None:
    with locked(database):
        tell(writer, "call-1", plain_call())
        await writer.flush()
    (path,) = (tmp_path / "spool").glob("*.jsonl")
    lines = path.read_text()
    clock.turn(2)
    await writer.flush()
    path.write_text(lines)  # the process died between the commit and the removal of the file
    again = await restarted(database, tmp_path, clock)
    assert list((tmp_path / "spool").glob("*.refused")) == []
    assert await store.events("call-1") == plain_call()
    assert await store.count() == 1
    assert await read_open(database) == []
    await again.close()


async def test_a_full_database_disk_is_spooled_and_replayed(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(tmp_path)
    limit = [40]
    event.listen(
        database._engine,
        "begin",
        lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={limit[0]}"),
    )
    writer = RecordWriter(database, tmp_path / "elsewhere", clock=clock, interval=3600)
    await writer.start()
    for number in range(300):
        tell(writer, f"call-{number}", plain_call())
        await writer.flush()
    assert writer.behind
    assert "No space is left" in caplog.text
    limit[0] = 1_000_000
    clock.turn(2)
    await writer.flush()
    assert await RecordStore(database).count() == 300
    await writer.close()
    await database.close()


async def test_when_the_spool_is_full_too_facts_wait_in_memory_in_their_order(
    writer: RecordWriter, store: RecordStore, database: Database, monkeypatch: pytest.MonkeyPatch, clock: HandClock
) -> None:
    meanwhile = plain_call()[6:]

    def refuse(self: spool.Spool, lines: list[str]) -> None:
        tell(writer, "call-1", meanwhile)
        meanwhile.clear()
        raise StorageError("The spool cannot be written: No space left on device.")

    with locked(database), monkeypatch.context() as patch:
        patch.setattr(spool.Spool, "append", refuse)
        tell(writer, "call-1", plain_call()[:6])
        await writer.flush()
        assert writer.pending == 12
        await writer.flush()
        assert writer.pending == 12
    clock.turn(2)
    await writer.flush()
    assert writer.pending == 0
    assert await store.events("call-1") == plain_call()
    assert await store.find("call-1") == build_record(plain_call())


async def test_memory_is_bounded_and_starts_and_ends_are_kept_longest(
    writer: RecordWriter, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 20)
    for number in range(30):
        tell(writer, f"call-{number}", plain_call())
    assert writer.pending < 100
    assert writer.lost > 200
    await writer.flush()
    assert await store.count() == 30


async def test_one_call_cannot_fill_the_memory(
    writer: RecordWriter, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 50)
    tell(
        writer, "call-1", [started(), *[DigitsEntered("main", "1", **stamps(1))] * 1000, CallEnded("bye", **stamps(5))]
    )
    await writer.flush()
    assert len(await store.events("call-1")) == 51
    assert writer.lost == 951
    assert await store.count() == 1


# ---- mistakes of ours ----------------------------------------------------------------------------------------------


async def test_a_batch_that_our_code_cannot_write_is_put_aside_and_the_next_is_written(
    writer: RecordWriter,
    store: RecordStore,
    tmp_path: Path,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "build_record", fail)
        tell(writer, "call-1", plain_call())
        await writer.flush()
        clock.turn(2)
        await writer.flush()
    assert "put aside" in caplog.text
    assert len(list((tmp_path / "spool").glob("*.refused"))) == 1
    tell(writer, "call-2", queue_call())
    await writer.flush()
    assert await store.find("call-2") == build_record(queue_call())


async def test_spooled_lines_that_cannot_be_read_are_passed_over(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    good = ledger.Batch()
    for number, one in enumerate(plain_call()):
        good.add("call-1", number, one, "run-1")
    bad = ["", "{", "[]", '"text"', "7", '{"call":"x"}', '{"node":"n"}', "\udcff"]
    lines = [line for pair in zip(good.lines("run-1"), bad * 2, strict=False) for line in pair]
    (folder / "0000000001.jsonl").write_bytes("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"))
    writer = await restarted(database, tmp_path, clock)
    assert await store.find("call-1") == build_record(plain_call())
    assert caplog.text.count("cannot be read") == 12
    await writer.close()


# ---- after a crash -------------------------------------------------------------------------------------------------


async def test_a_call_that_lost_its_switch_ends_with_the_last_heartbeat(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    dead = await restarted(database, tmp_path, clock)
    tell(dead, "call-1", plain_call()[:7])
    await dead.flush()
    clock.turn(30)
    await dead.flush()  # a beat
    clock.turn(1)  # died here, and a minute later:
    clock.turn(60)
    alive = await restarted(database, tmp_path, clock)
    record = await store.find("call-1")
    assert record is not None
    assert (record.cause, record.disposition, record.started) == ("node_crash", "answered", WALL)
    assert (record.ended, record.talk) == (WALL + 30, 25)
    assert (await store.events("call-1"))[-1] == CallEnded("node_crash", **stamps(30))
    assert await read_open(database) == []
    await alive.close()
    await dead.close()


async def test_a_recording_that_lost_its_switch_is_mended_and_ends_where_its_sound_ends(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    dead = await restarted(database, tmp_path, clock)
    tell(dead, "call-2", queue_call()[:20])
    await dead.flush()
    clock.turn(30)
    await dead.flush()  # a beat
    clock.turn(60)
    lengths = {"2026/11/call-2.wav": 7.5}
    alive = await restarted(database, tmp_path, clock, lengths.get)
    record = await store.find("call-2")
    assert record is not None
    assert record.recordings == (RecordingRecord("rec-1", "2026/11/call-2.wav", WALL + 26, 7.5, "recovered"),)
    assert (record.cause, record.ended) == ("node_crash", WALL + 33.5)  # there was sound after the last heartbeat
    assert record == build_record(await store.events("call-2"), "call-2")
    assert [type(one).__name__ for one in (await store.events("call-2"))[-2:]] == ["RecordingStopped", "CallEnded"]
    await alive.close()
    await dead.close()


async def test_a_recording_whose_file_is_gone_ends_with_its_call_and_no_reason(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    dead = await restarted(database, tmp_path, clock)
    tell(dead, "call-2", queue_call()[:20])
    await dead.flush()
    clock.turn(30)
    await dead.flush()  # a beat
    alive = await restarted(database, tmp_path, clock, lambda path: None)
    record = await store.find("call-2")
    assert record is not None
    assert [(one.seconds, one.reason) for one in record.recordings] == [(4.0, "")]
    await alive.close()
    await dead.close()


async def test_a_crash_while_the_database_was_locked_is_closed_from_the_spool(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    dead = await restarted(database, tmp_path, clock)
    with locked(database):
        tell(dead, "ended", plain_call("ended"))
        tell(dead, "open", plain_call("open")[:7])
        await dead.flush()
    alive = await restarted(database, tmp_path, clock)
    causes = {record.call: record.cause for record in await store.query()}
    assert causes == {"ended": "bye", "open": "node_crash"}
    assert await read_open(database) == []
    await alive.close()


async def test_a_third_start_closes_nothing_again(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    dead = await restarted(database, tmp_path, clock)
    tell(dead, "call-1", plain_call()[:7])
    await dead.flush()
    for _ in range(3):
        clock.turn(100)
        writer = await restarted(database, tmp_path, clock)
        await writer.close()
    assert await store.count() == 1
    assert sum(isinstance(one, CallEnded) for one in await store.events("call-1")) == 1


async def test_calls_of_another_node_are_left_alone(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    other = RecordWriter(database, tmp_path / "other", node="other", clock=clock, interval=3600)
    await other.start()
    tell(other, "call-1", plain_call()[:7])
    await other.flush()
    mine = RecordWriter(database, tmp_path / "mine", node="mine", clock=clock, interval=3600)
    await mine.start()
    assert await read_open(database) == ["call-1"]
    tell(other, "call-1", plain_call()[7:])
    await other.close()
    assert await store.find("call-1") == build_record(plain_call())
    await mine.close()


async def test_only_the_present_run_is_remembered(database: Database, tmp_path: Path, clock: HandClock) -> None:
    for number in range(5):
        writer = await restarted(database, tmp_path, clock)
        tell(writer, f"call-{number}", plain_call())
        await writer.close()
        clock.turn(10)
    rows = await database.read(lambda connection: connection.execute(select(runs)).all())
    assert len(rows) == 1


async def test_a_heartbeat_event_of_a_call_counts_as_a_sign_of_life(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock
) -> None:
    dead = await restarted(database, tmp_path, clock)
    tell(dead, "call-1", [*plain_call()[:7], Heartbeat(**stamps(44))])
    await dead.flush()
    alive = await restarted(database, tmp_path, clock)
    record = await store.find("call-1")
    assert record is not None
    assert record.ended == WALL + 44
    await alive.close()


async def test_a_thousand_open_calls_are_closed_at_once(
    database: Database, tmp_path: Path, store: RecordStore, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    dead = await restarted(database, tmp_path, clock)
    for number in range(1000):
        tell(dead, f"call-{number}", plain_call(f"call-{number}")[:7])
    await dead.flush()
    alive = await restarted(database, tmp_path, clock)
    assert await store.count() == 1000
    assert "1000 calls of a switch that died" in caplog.text
    await alive.close()
