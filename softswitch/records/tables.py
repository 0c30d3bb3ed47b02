"""The tables. Stamps are seconds since 1970, durations are seconds; lists of a record are compact JSON text."""

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 1
"""Raised by one with every change of the tables that an older program cannot work with.

Tables and columns that may be empty are no such change: they are added to a database that lacks them.
"""

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

bindings = Table(
    "bindings",
    metadata,
    Column("aor", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("contact", Text, nullable=False),
    Column("transport", String, nullable=False),
    Column("host", String, nullable=False),
    Column("port", Integer, nullable=False),
    Column("q", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("cseq", Integer, nullable=False),
    Column("instance", Text),
    Column("reg_id", Integer),
    Column("user_agent", Text, nullable=False),
    Column("path", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Contacts of phones, so that a restart needs no new REGISTER."""

call_events = Table(
    "call_events",
    metadata,
    Column("call", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("wall", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("fields", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What happened, one row each; (call, number) makes a row that is written twice the same row."""

open_calls = Table(
    "open_calls",
    metadata,
    Column("call", String, primary_key=True),
    Column("run", String, nullable=False),
    sqlite_with_rowid=False,
)
"""Calls that have events and no record yet."""

runs = Table(
    "runs",
    metadata,
    Column("run", String, primary_key=True),
    Column("node", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("wall", Float, nullable=False),
)
"""One life of a switch process and when it was last seen alive."""

call_records = Table(
    "call_records",
    metadata,
    Column("call", String, primary_key=True),
    Column("caller_number", String, nullable=False),
    Column("caller_name", String, nullable=False),
    Column("called_number", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("source", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("answered", Float),
    Column("ended", Float, nullable=False),
    Column("duration", Float, nullable=False),
    Column("wait", Float, nullable=False),
    Column("talk", Float, nullable=False),
    Column("hold", Float, nullable=False),
    Column("queue", String),
    Column("agent", String),
    Column("menu_path", Text, nullable=False),
    Column("disposition", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("status", Integer),
    Column("legs", Text, nullable=False),
    Index("call_records_started", "started"),
    Index("call_records_caller", "caller_number", "started"),
    Index("call_records_called", "called_number", "started"),
)
"""Exactly one row for every call that started, written when it has ended."""

recordings = Table(
    "recordings",
    metadata,
    Column("call", String, primary_key=True),
    Column("recording", String, primary_key=True),
    Column("path", Text, nullable=False),
    Column("started", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("reason", String, nullable=False),
    Column("pauses", Text),
    sqlite_with_rowid=False,
)
"""Recordings of finished calls."""

holds = Table(
    "holds",
    metadata,
    Column("call", String, primary_key=True),
    Column("since", Float, nullable=False),
    Column("reason", Text, nullable=False),
)
"""Calls whose records and recordings are kept for ever, until the hold is lifted."""
