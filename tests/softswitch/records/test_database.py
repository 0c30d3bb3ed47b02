"""Opening and refusing to open a database."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from softswitch.records.database import FILE_NAME, Database, storable
from softswitch.records.errors import StorageError
from softswitch.records.tables import SCHEMA_VERSION, holds, metadata, open_calls, recordings, schema_version

ROW = {"call": "c", "run": "r"}


async def test_a_new_folder_gets_all_tables(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "new" / "folder")
    await database.close()
    with sqlite3.connect(tmp_path / "new" / "folder" / FILE_NAME) as raw:
        names = {name for (name,) in raw.execute("select name from sqlite_master where type = 'table'")}
        (mode,) = raw.execute("pragma journal_mode").fetchone()
    raw.close()
    assert names == set(metadata.tables)
    assert mode == "wal"


async def test_an_existing_database_is_opened_with_what_is_in_it(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    await database.write(lambda connection: connection.execute(insert(open_calls), [ROW]))
    await database.close()
    database = await Database.open(tmp_path)
    found = await database.read(lambda connection: connection.execute(select(open_calls.c.call)).scalars().all())
    await database.close()
    assert found == ["c"]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def work(connection: object) -> None:
        connection.execute(insert(open_calls), [ROW])  # type: ignore[attr-defined]
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        await database.write(work)
    assert await database.read(lambda connection: connection.execute(select(open_calls)).all()) == []


async def test_a_row_that_is_there_twice_is_a_mistake_of_ours_and_stays_one(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.write(lambda connection: connection.execute(insert(open_calls), [ROW, ROW]))


async def test_the_second_switch_on_a_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    with pytest.raises(StorageError) as refusal:
        await Database.open(tmp_path)
    await database.close()
    text = str(refusal.value)
    assert "Another softswitch (process " in text
    assert str(tmp_path) in text
    assert text.count(".") == str(tmp_path).count(".") + 1
    await (await Database.open(tmp_path)).close()


async def test_another_process_is_refused_too_and_is_free_when_the_first_is_gone(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from softswitch.records.database import Database\n"
        "from softswitch.records.errors import StorageError\n"
        "async def main():\n"
        "    try:\n"
        "        await (await Database.open(pathlib.Path(sys.argv[1]))).close()\n"
        "    except StorageError as error:\n"
        "        print(error)\n"
        "asyncio.run(main())\n"
    )
    database = await Database.open(tmp_path)
    command = [sys.executable, "-c", program, str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    await database.close()
    accepted = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert refused.startswith("Another softswitch (process ")
    assert accepted == ""


async def test_a_reader_may_look_while_the_switch_works(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    reader = await Database.open(tmp_path, exclusive=False)
    await database.write(lambda connection: connection.execute(insert(open_calls), [ROW]))
    assert len(await reader.read(lambda connection: connection.execute(select(open_calls)).all())) == 1
    await reader.close()
    await database.close()


async def test_a_locked_database_is_told_in_one_sentence_and_works_again(database: Database) -> None:
    raw = sqlite3.connect(database.path, isolation_level=None)
    raw.execute("begin immediate")
    with pytest.raises(StorageError, match=r"The database .* is locked by another program\."):
        await database.write(lambda connection: connection.execute(insert(open_calls), [ROW]))
    raw.execute("rollback")
    raw.close()
    await database.write(lambda connection: connection.execute(insert(open_calls), [ROW]))


async def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("my diary, and nothing else in a thousand years\n" * 50)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StorageError, match="is not a database"):
        await Database.open(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    (tmp_path / FILE_NAME).unlink()
    await (await Database.open(tmp_path)).close()


async def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    database = await Database.open(tmp_path)
    await database.write(
        lambda connection: connection.execute(schema_version.update().values(version=SCHEMA_VERSION + 1))
    )
    await database.close()
    with pytest.raises(StorageError, match=f"tables of version {SCHEMA_VERSION + 1}"):
        await Database.open(tmp_path)


async def test_a_database_of_an_older_program_is_made_complete_and_keeps_its_rows(tmp_path: Path) -> None:
    await (await Database.open(tmp_path)).close()
    raw = sqlite3.connect(tmp_path / FILE_NAME)
    raw.execute("drop table holds")
    raw.execute("alter table recordings drop column pauses")
    raw.execute("insert into recordings values ('n-1', 'n-1-2', 'a.wav', 1.0, 2.0, 'ended')")
    raw.commit()
    raw.close()
    database = await Database.open(tmp_path)
    found = await database.read(lambda connection: connection.execute(select(recordings)).one())
    assert tuple(found) == ("n-1", "n-1-2", "a.wav", 1.0, 2.0, "ended", None)
    assert await database.read(lambda connection: connection.execute(select(holds)).all()) == []
    await database.close()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        await Database.open(tmp_path / "file" / "data")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("Жанна", "Жанна"),
        ("a\0b", "a\\x00b"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
    ],
)
def test_text_is_made_fit_for_any_database(text: str, kept: str) -> None:
    assert storable(text) == kept
