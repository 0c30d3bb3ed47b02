"""Recordings go when their time is over, by the process of the lowest priority; held ones do not."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.retention import Rule
from softswitch.call.recordings import Recordings
from softswitch.call.retention import Retention
from softswitch.records.database import Database
from softswitch.records.events import CallEnded
from softswitch.records.holds import HoldStore
from softswitch.records.store import RecordStore
from softswitch.records.writer import RecordWriter
from tests.softswitch.records.stories import WALL, stamps, started

OLD = WALL - 100 * 86400


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "data")
    writer = RecordWriter(database, tmp_path / "spool")
    await writer.start()
    for call in ("n-1", "n-2"):
        writer.append(call, started(call))
        writer.append(call, CallEnded("bye", **stamps(5)))
    await writer.close()
    yield database
    await database.close()


@pytest.fixture
async def retention(database: Database, tmp_path: Path) -> AsyncIterator[Retention]:
    recordings = Recordings(tmp_path / "recordings")
    yield Retention(recordings, HoldStore(database))
    await recordings.archive.close()
    recordings.store.close()


def old(folder: Path, name: str) -> Path:
    path = folder / "recordings" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    os.utime(path, (OLD, OLD))
    return path


async def test_recordings_and_records_of_a_held_call_stay_until_the_hold_is_lifted(
    retention: Retention, database: Database, tmp_path: Path
) -> None:
    held, other = old(tmp_path, "2026/n-1-2.wav"), old(tmp_path, "2026/n-2-2.wav")
    assert await retention.hold("n-1", "court order", WALL)
    assert await retention.hold("n-1", "again", WALL + 1)
    rules = [Rule("", 86400.0, None)]
    assert await retention.sweep(rules, WALL) == 1
    assert (held.exists(), other.exists()) == (True, False)
    store = RecordStore(database)
    assert await store.forget(WALL + 1000) == 1
    assert [record.call for record in await store.query()] == ["n-1"]
    assert await retention.lift("n-1")
    assert not await retention.lift("n-1")
    assert await retention.sweep(rules, WALL) == 1
    assert not held.exists()
    assert await store.forget(WALL + 1000) == 1


async def test_a_call_that_is_not_known_cannot_be_held(retention: Retention) -> None:
    assert not await retention.hold("n-99", "", WALL)
    assert not await retention.hold("", "", WALL)


async def test_without_limits_no_process_is_started(retention: Retention, tmp_path: Path) -> None:
    path = old(tmp_path, "n-1-2.wav")
    assert await retention.sweep([Rule("", None, None), Rule("queues/a", None, None)], WALL) == 0
    assert path.exists()
    assert retention._recordings.archive._process is None


async def test_a_hold_counts_from_the_moment_it_is_confirmed(
    retention: Retention, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While recordings are being removed it is not confirmed; then what it names is safe, or was gone before."""
    path = old(tmp_path, "n-1-2.wav")
    archive = retention._recordings.archive
    removing, go_on = asyncio.Event(), asyncio.Event()
    do = archive.do

    async def slowly(order: str, **fields: object) -> dict[str, object]:
        removing.set()
        await go_on.wait()
        return await do(order, **fields)

    monkeypatch.setattr(archive, "do", slowly)
    sweep = asyncio.create_task(retention.sweep([Rule("", 86400.0, None)], WALL))
    await removing.wait()
    hold = asyncio.create_task(retention.hold("n-1", "", WALL))
    await asyncio.sleep(0.05)
    assert not hold.done()
    go_on.set()
    assert await sweep == 1
    assert await hold
    assert not path.exists()
    path = old(tmp_path, "n-1-3.wav")
    assert await retention.sweep([Rule("", 86400.0, None)], WALL) == 0
    assert path.exists()


async def test_a_hold_waits_for_no_long_conversion(retention: Retention) -> None:
    async with retention._recordings.archive.turn:
        sweep = asyncio.create_task(retention.sweep([Rule("", 86400.0, None)], WALL))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5.0):
            assert await retention.hold("n-1", "", WALL)
    await sweep
