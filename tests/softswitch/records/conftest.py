"""A data folder, its database, and a writer with a clock that is turned by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from softswitch.records.database import Database
from softswitch.records.store import RecordStore
from softswitch.records.writer import RecordWriter
from tests.softswitch.records.stories import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> RecordStore:
    return RecordStore(database)


@pytest.fixture
async def writer(database: Database, tmp_path: Path, clock: HandClock) -> AsyncIterator[RecordWriter]:
    """It writes when told to: its own interval is an hour."""
    writer = RecordWriter(database, tmp_path / "spool", clock=clock, interval=3600)
    await writer.start()
    yield writer
    await writer.close()
