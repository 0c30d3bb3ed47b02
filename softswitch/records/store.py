"""What the database keeps for later: contacts of phones, and records of calls to look at."""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, or_, select

from softswitch.core.location import Binding, Location
from softswitch.records.database import Database, storable
from softswitch.records.errors import EventError, StorageError
from softswitch.records.events import Event, from_json
from softswitch.records.record import CallRecord, LegRecord, RecordingRecord
from softswitch.records.tables import bindings, call_events, call_records, recordings
from softswitch.sip.peer import Peer

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.0
"""A phone that registered less than this before a crash registers again by itself."""


class BindingStore:
    """Keeps the contacts of phones over a restart."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    async def load(self, now: float = 0.0) -> list[Binding]:
        """The contacts that are still valid at wall time ``now``, in the order of their preference."""
        query = select(bindings).where(bindings.c.expires_at > now).order_by(bindings.c.aor, bindings.c.number)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [_binding(row) for row in rows]

    async def save(self, changes: Sequence[tuple[str, tuple[Binding, ...]]]) -> None:
        """Write the present contacts of some addresses, in one transaction."""
        if not changes:
            return
        rows = [_binding_row(one, number) for _, contacts in changes for number, one in enumerate(contacts)]
        gone = delete(bindings).where(bindings.c.aor == bindparam("gone"))
        async with self._database.writing() as connection:
            await connection.execute(gone, [{"gone": aor} for aor, _ in changes])
            if rows:
                await connection.execute(insert(bindings), rows)

    async def keep(self, location: Location, interval: float = SAVE_SECONDS) -> None:
        """Save the changes of a location until cancelled; what the database refuses is offered again."""
        while True:
            await asyncio.sleep(interval)
            await self.save_changes(location)

    async def save_changes(self, location: Location) -> bool:
        """Save what has changed by now; say whether the database took it."""
        changes = location.take_changes()
        try:
            await self.save(changes)
        except StorageError as error:
            location.mark_changed(aor for aor, _ in changes)
            log.warning("%s The registrations stay in memory until it can be written.", error)
            return False
        return True


class RecordStore:
    """Finished calls, to be looked at."""

    def __init__(self, database: Database) -> None:
        """Use an open database; one that is not exclusive will do."""
        self._database = database

    async def query(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        number: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[CallRecord]:
        """Records of calls that started in [since, until) wall seconds, newest first.

        ``number`` is a whole caller or called number.
        """
        columns = call_records.c
        query = select(call_records).order_by(columns.started.desc(), columns.call).limit(limit).offset(offset)
        if since is not None:
            query = query.where(columns.started >= since)
        if until is not None:
            query = query.where(columns.started < until)
        if number is not None:
            query = query.where(or_(columns.caller_number == number, columns.called_number == number))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
            sounds = (
                await connection.execute(select(recordings).where(recordings.c.call.in_([row.call for row in rows])))
            ).all()
        return [_record(row, [sound for sound in sounds if sound.call == row.call]) for row in rows]

    async def find(self, call: str) -> CallRecord | None:
        """The record of one call, when it has ended."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(call_records).where(call_records.c.call == call))).one_or_none()
            sounds = (await connection.execute(select(recordings).where(recordings.c.call == call))).all()
        return None if row is None else _record(row, sounds)

    async def events(self, call: str) -> list[Event]:
        """What happened in a call, finished or not, in the order in which it was told."""
        query = select(call_events.c.event).where(call_events.c.call == call).order_by(call_events.c.number)
        async with self._database.reading() as connection:
            lines = (await connection.execute(query)).scalars().all()
        return read_events(lines)

    async def count(self) -> int:
        """How many calls have a record."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(call_records))).scalar_one()

    async def forget(self, before: float, limit: int = 500) -> int:
        """Delete the oldest calls that ended before a wall time, at most ``limit``; returns how many were deleted."""
        old = select(call_records.c.call).where(call_records.c.ended < before).order_by(call_records.c.started)
        async with self._database.writing() as connection:
            calls = [{"gone": call} for call in (await connection.execute(old.limit(limit))).scalars()]
            for table in (call_events, recordings, call_records) if calls else ():
                await connection.execute(delete(table).where(table.c.call == bindparam("gone")), calls)
        return len(calls)


def read_events(lines: Iterable[str]) -> list[Event]:
    """The events of stored lines; what a newer version wrote and we do not know is passed over."""
    events = []
    for line in lines:
        try:
            events.append(from_json(line))
        except EventError as error:
            log.warning("%s", error)
    return events


def record_row(record: CallRecord) -> dict[str, Any]:
    """The row of ``call_records``."""
    return {
        "call": record.call,
        "caller_number": storable(record.caller_number),
        "caller_name": storable(record.caller_name),
        "called_number": storable(record.called_number),
        "origin": storable(record.origin),
        "source": storable(record.source),
        "started": record.started,
        "answered": record.answered,
        "ended": record.ended,
        "duration": record.duration,
        "wait": record.wait,
        "talk": record.talk,
        "hold": record.hold,
        "queue": record.queue,
        "agent": record.agent,
        "menu_path": storable(record.menu_path),
        "disposition": record.disposition,
        "cause": storable(record.cause),
        "status": record.status,
        "legs": _encode([{name: getattr(leg, name) for name in LegRecord.__slots__} for leg in record.legs]),
    }


def recording_rows(record: CallRecord) -> list[dict[str, Any]]:
    """The rows of ``recordings``."""
    return [
        {
            "call": record.call,
            "recording": storable(one.recording),
            "path": storable(one.path),
            "started": one.started,
            "seconds": one.seconds,
            "reason": storable(one.reason),
        }
        for one in record.recordings
    ]


def _record(row: Row[Any], sounds: Sequence[Row[Any]]) -> CallRecord:
    fields: dict[str, Any] = dict(row._mapping)
    fields["legs"] = tuple(LegRecord(**leg) for leg in json.loads(row.legs))
    fields["recordings"] = tuple(
        RecordingRecord(one.recording, one.path, one.started, one.seconds, one.reason) for one in sounds
    )
    return CallRecord(**fields)


def _binding(row: Row[Any]) -> Binding:
    return Binding(
        aor=row.aor,
        contact=row.contact,
        received=Peer(row.transport, row.host, row.port),
        expires_at=row.expires_at,
        call_id=row.call_id,
        cseq=row.cseq,
        q=row.q,
        instance=row.instance,
        reg_id=row.reg_id,
        user_agent=row.user_agent,
        path=tuple(json.loads(row.path)),
    )


def _binding_row(binding: Binding, number: int) -> dict[str, Any]:
    return {
        "aor": binding.aor,
        "number": number,
        "contact": storable(binding.contact),
        "transport": binding.received.transport,
        "host": binding.received.host,
        "port": binding.received.port,
        "q": binding.q,
        "expires_at": binding.expires_at,
        "call_id": storable(binding.call_id),
        "cseq": binding.cseq,
        "instance": None if binding.instance is None else storable(binding.instance),
        "reg_id": binding.reg_id,
        "user_agent": storable(binding.user_agent),
        "path": _encode(binding.path),
    }


_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
