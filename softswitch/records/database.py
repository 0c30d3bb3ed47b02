"""The database of one switch: SQLite in its data folder, with a write-ahead log.

Work on the database is a plain function of a connection that runs in a thread as one transaction. One hop to a thread
per transaction costs 0.2 ms of CPU; a hop per statement, as an asyncio driver of SQLite makes them, costs eight times
as much. A server database with a real asyncio driver runs the same functions through ``AsyncConnection.run_sync``.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

from sqlalchemy import URL, Connection, Dialect, create_engine, event, insert, inspect, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateColumn, CreateTable, Table

from softswitch.records.errors import StorageError
from softswitch.records.lock import FolderLock
from softswitch.records.tables import SCHEMA_VERSION, metadata, schema_version

Result = TypeVar("Result")

FILE_NAME = "softswitch.db"
BUSY_SECONDS = 0.5
"""How long a statement waits for another program's lock; what cannot wait is spooled by its writer."""

PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers (console, reports) never block the writer
    "PRAGMA synchronous=FULL",  # a committed record survives a power cut
    "PRAGMA journal_size_limit=67108864",
)

_unstorable = re.compile("[\0\ud800-\udfff]")  # NUL, and octets that were decoded with surrogateescape

# What SQLite says, and how an operator is told.
SENTENCES = (
    ("locked", "The database {path} is locked by another program."),
    ("disk is full", "No space is left on the disk of the database {path}."),
    ("readonly", "The database {path} is read-only for this user."),
    ("unable to open", "The database {path} cannot be opened; check that the folder exists and may be written."),
    ("not a database", "The file {path} is not a database; move it away to start with an empty one."),
    ("malformed", "The database {path} is damaged; restore it from a copy or move it away."),
    ("I/O error", "The disk of the database {path} reports an input/output error."),
)


def insert_once(table: Table) -> Insert:
    """An INSERT that leaves a row alone that is already there."""
    return sqlite_insert(table).on_conflict_do_nothing()


def storable(text: str) -> str:
    r"""Text that every database takes: octets of phones that are no UTF-8, and NUL, are written as ``\xe9``."""
    if text.isascii() and "\0" not in text:
        return text
    return _unstorable.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)


class Database:
    """An open database; made with ``await Database.open(folder)``."""

    def __init__(self, path: Path, lock: FolderLock | None) -> None:
        """Prepare the engine; nothing is opened yet."""
        self.path = path
        self._lock = lock
        self._engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS})
        self._writing = self._engine.execution_options(writes=True)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="database writer")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="database reader")

    @classmethod
    async def open(cls, folder: Path, *, exclusive: bool = True) -> Self:
        """Open or make the database of a data folder.

        ``exclusive`` is for the switch, one per folder; programs that only read leave it out.
        """
        _make(folder)
        database = cls(folder / FILE_NAME, FolderLock(folder) if exclusive else None)
        try:
            await database._check_schema()
        except StorageError:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close the connections and give up the folder."""
        await asyncio.to_thread(self._close)

    @property
    def dialect(self) -> Dialect:
        """For statements that are compiled once and used often."""
        return self._engine.dialect

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """One transaction that writes: all of ``work`` or nothing, and ``StorageError`` when it is nothing.

        Writers of this process wait for each other; only other programs can lock them out.
        """
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._do_writing, work)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """One transaction that reads; it sees one state of the database and blocks nobody."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._do_reading, work)

    def _do_writing(self, work: Callable[[Connection], Result]) -> Result:
        try:
            with self._writing.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            self._raise(error)

    def _do_reading(self, work: Callable[[Connection], Result]) -> Result:
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except DBAPIError as error:
            self._raise(error)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def _check_schema(self) -> None:
        found = await self.read(_read_version)
        if found == SCHEMA_VERSION:
            if await self.read(_missing):
                await self.write(_add_missing)
            return
        if found is not None:
            raise StorageError(
                f"The database {self.path} has tables of version {found}, this program knows version {SCHEMA_VERSION};"
                " use the program that wrote it."
            )
        await self.write(_make_tables)

    def _raise(self, error: DBAPIError) -> NoReturn:
        """Tell what the operator can do something about; what is left is a mistake of ours and stays as it is."""
        said = str(error.orig)
        for sign, sentence in SENTENCES:
            if sign in said:
                raise StorageError(sentence.format(path=self.path)) from error
        if isinstance(error, OperationalError):
            raise StorageError(f"The database {self.path} refused: {said}.") from error
        raise error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The data folder {folder} cannot be made: {error.strerror}.") from error


def _make_tables(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(insert(schema_version), [{"version": SCHEMA_VERSION}])


def _missing(connection: Connection) -> list[str]:
    """Statements that make a database of an older program complete."""
    found = inspect(connection)
    known = set(found.get_table_names())
    tables = [
        str(CreateTable(table).compile(connection)) for table in metadata.sorted_tables if table.name not in known
    ]
    columns = [
        f"ALTER TABLE {table.name} ADD COLUMN {CreateColumn(column).compile(connection)}"
        for table in metadata.sorted_tables
        if table.name in known
        for column in table.columns.values()
        if column.name not in {one["name"] for one in found.get_columns(table.name)}
    ]
    return tables + columns


def _add_missing(connection: Connection) -> None:
    for statement in _missing(connection):
        connection.exec_driver_sql(statement)


def _read_version(connection: Connection) -> int | None:
    if not connection.dialect.has_table(connection, schema_version.name):
        return None
    return connection.execute(select(schema_version.c.version)).scalar_one_or_none()


def _prepare(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # BEGIN is ours, see _begin
    cursor = dbapi_connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes its lock first: one that reads before it writes could not be retried in place."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
