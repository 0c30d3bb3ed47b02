"""Contacts and records come back from the database as they went in."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from softswitch.core.location import Binding, Location
from softswitch.records.database import Database
from softswitch.records.errors import StorageError
from softswitch.records.events import (
    CallEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from softswitch.records.record import build_record
from softswitch.records.store import BindingStore, RecordStore
from softswitch.records.writer import RecordWriter
from softswitch.sip.peer import Peer
from tests.softswitch.records.stories import WALL, plain_call, queue_call, stamps, started


def binding(user: str = "101", contact: str = "sip:101@127.0.0.1:5070", expires_at: float = WALL + 3600) -> Binding:
    return Binding(
        aor=f"{user}@localhost",
        contact=contact,
        received=Peer("udp", "127.0.0.1", 5070),
        expires_at=expires_at,
        call_id="register-1",
        cseq=7,
        q=0.5,
        instance="<urn:uuid:00000000-0000-1000-8000-000000000001>",
        reg_id=1,
        user_agent="phone/1.0",
        path=("<sip:edge.example.com;lr>",),
    )


# ---- contacts ----------------------------------------------------------------------------------------------------


async def test_contacts_come_back_whole_after_a_restart(tmp_path: Path) -> None:
    location = Location()
    location.bind(binding())
    location.bind(binding("102", "sip:102@[::1]:5080"))
    database = await Database.open(tmp_path)
    assert await BindingStore(database).save_changes(location)
    await database.close()
    database = await Database.open(tmp_path)
    again = Location()
    again.load(await BindingStore(database).load(WALL))
    await database.close()
    assert again.bindings("101@localhost", WALL) == [binding()]
    assert again.bindings("102@localhost", WALL) == [binding("102", "sip:102@[::1]:5080")]
    assert again.take_changes() == []


async def test_the_order_of_contacts_survives(database: Database) -> None:
    location = Location()
    for number in range(5):
        location.bind(binding(contact=f"sip:101@127.0.0.1:{5070 + number}")._replace(instance=None))
    store = BindingStore(database)
    await store.save(location.take_changes())
    assert await store.load() == location.bindings("101@localhost", WALL)


async def test_a_contact_whose_time_is_over_is_not_loaded(database: Database) -> None:
    store = BindingStore(database)
    await store.save([("101@localhost", (binding(expires_at=WALL), binding(expires_at=WALL + 1)))])
    assert await store.load(WALL) == [binding(expires_at=WALL + 1)]


async def test_a_later_save_replaces_and_an_empty_one_removes(database: Database) -> None:
    store = BindingStore(database)
    await store.save([("101@localhost", (binding(),)), ("102@localhost", (binding("102"),))])
    await store.save([("101@localhost", (binding(contact="sip:new@127.0.0.1"),)), ("102@localhost", ())])
    assert await store.load() == [binding(contact="sip:new@127.0.0.1")]


async def test_a_connection_is_not_remembered_over_a_restart(database: Database) -> None:
    store = BindingStore(database)
    await store.save([("101@localhost", (binding()._replace(received=Peer("tcp", "127.0.0.1", 40000, flow=9)),))])
    assert (await store.load())[0].received == Peer("tcp", "127.0.0.1", 40000)


async def test_changes_that_a_locked_database_refuses_are_saved_later(database: Database) -> None:
    location, store = Location(), BindingStore(database)
    location.bind(binding())
    raw = sqlite3.connect(database.path, isolation_level=None)
    raw.execute("begin immediate")
    assert not await store.save_changes(location)
    raw.execute("rollback")
    raw.close()
    assert await store.load() == []
    assert await store.save_changes(location)
    assert await store.load() == [binding()]


async def test_ten_thousand_contacts_are_back_in_seconds(database: Database) -> None:
    store = BindingStore(database)
    await store.save([(f"{user}@localhost", (binding(str(user)),)) for user in range(10_000)])
    start = time.perf_counter()
    location = Location()
    location.load(await store.load(WALL))
    assert len(location) == 10_000
    assert time.perf_counter() - start < 3


# ---- records -----------------------------------------------------------------------------------------------------


async def tell(writer: RecordWriter, *calls: list) -> None:  # type: ignore[type-arg]
    for events in calls:
        for event in events:
            writer.append(events[0].call, event)
    await writer.flush()


async def test_pauses_of_a_recording_come_back(writer: RecordWriter, store: RecordStore) -> None:
    events = [started(), RecordingStarted("r", "x.wav", **stamps(1)), RecordingPaused("r", "leg", **stamps(2)),
              RecordingResumed("r", "leg", **stamps(4)), RecordingStopped("r", "ended", **stamps(5)),
              CallEnded("bye", **stamps(6))]  # fmt: skip
    await tell(writer, events)
    found = await store.find("call-1")
    assert found == build_record(events)
    assert found.recordings[0].pauses == ((1.0, 3.0),)


async def test_a_record_comes_back_as_it_was_built(writer: RecordWriter, store: RecordStore) -> None:
    await tell(writer, plain_call(), queue_call())
    assert await store.find("call-1") == build_record(plain_call())
    assert await store.find("call-2") == build_record(queue_call())
    assert await store.find("call-3") is None


async def test_the_events_of_a_call_come_back_in_their_order(writer: RecordWriter, store: RecordStore) -> None:
    await tell(writer, queue_call())
    assert await store.events("call-2") == queue_call()


async def test_records_are_found_by_time_and_number_newest_first(writer: RecordWriter, store: RecordStore) -> None:
    for number in range(10):
        call = f"call-{number}"
        caller = "101" if number % 2 else "103"
        await tell(writer, [started(call, caller, "105", at=number * 60), CallEnded("bye", **stamps(number * 60 + 5))])
    assert [record.call for record in await store.query(limit=3)] == ["call-9", "call-8", "call-7"]
    assert [record.call for record in await store.query(limit=2, offset=3)] == ["call-6", "call-5"]
    window = await store.query(since=WALL + 60, until=WALL + 180)
    assert [record.call for record in window] == ["call-2", "call-1"]
    assert len(await store.query(number="101")) == 5
    assert len(await store.query(number="105")) == 10
    assert await store.query(number="10") == []
    assert await store.count() == 10


@pytest.mark.parametrize("text", ["'; drop table call_records; --", "a\0b", "\udce9", "${jndi}", "=cmd()", "Ж" * 300])
async def test_text_of_strangers_arrives_and_does_nothing(text: str, writer: RecordWriter, store: RecordStore) -> None:
    await tell(writer, [started(caller=text), CallEnded(text, **stamps(1))])
    (record,) = await store.query()
    assert record.caller_number == text.replace("\0", "\\x00").replace("\udce9", "\\xe9")
    assert (await store.events("call-1"))[0] == started(caller=text)


async def test_old_calls_are_forgotten_with_all_that_belongs_to_them(writer: RecordWriter, store: RecordStore) -> None:
    await tell(writer, queue_call(), [started("new", at=5000), CallEnded("bye", **stamps(5001))])
    assert await store.forget(WALL + 1000) == 1
    assert await store.forget(WALL + 1000) == 0
    assert [record.call for record in await store.query()] == ["new"]
    assert await store.events("call-2") == []


async def test_forgetting_is_done_in_portions(writer: RecordWriter, store: RecordStore) -> None:
    for number in range(5):
        await tell(writer, [started(f"c{number}", at=number), CallEnded("bye", **stamps(number + 1))])
    assert await store.forget(WALL + 1000, limit=2) == 2
    assert [record.call for record in await store.query()] == ["c4", "c3", "c2"]


async def test_a_locked_database_is_told_to_who_wants_to_write_and_not_to_readers(
    writer: RecordWriter, store: RecordStore, database: Database
) -> None:
    await tell(writer, plain_call())
    raw = sqlite3.connect(database.path, isolation_level=None)
    raw.execute("begin immediate")
    assert await store.count() == 1
    with pytest.raises(StorageError, match="locked"):
        await store.forget(WALL)
    raw.execute("rollback")
    raw.close()


async def test_a_save_that_is_cancelled_while_it_waits_in_line_is_made_up_for_by_the_next(database: Database) -> None:
    location, store = Location(), BindingStore(database)
    location.bind(binding())
    gate = threading.Event()
    busy = asyncio.create_task(database.write(lambda connection: gate.wait(10)))
    saving = asyncio.create_task(store.save_changes(location))
    await asyncio.sleep(0)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    gate.set()
    assert await busy
    assert await store.save_changes(location)
    assert await store.load() == [binding()]
