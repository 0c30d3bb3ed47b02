"""What the database keeps for later: contacts of phones, and records of calls to look at."""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, or_, select

from softswitch.core.location import Binding, Location
from softswitch.records.alarm import Alarm
from softswitch.records.database import Database, storable
from softswitch.records.errors import EventError, StorageError
from softswitch.records.events import Event, make_event
from softswitch.records.record import CallRecord, LegRecord, RecordingRecord
from softswitch.records.tables import bindings, call_events, call_records, holds, recordings
from softswitch.records.visits import TOLD_BY, Visit, tell_visits
from softswitch.sip.peer import Peer

log = logging.getLogger(__name__)

_FORGET_ADDRESS = delete(bindings).where(bindings.c.aor == bindparam("gone"))

SAVE_SECONDS = 0.2
"""A phone that registered less than this before a crash registers again by itself."""


class BindingStore:
    """Keeps the contacts of phones over a restart."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database
        self._alarm = Alarm(log)

    async def load(self, now: float = 0.0) -> list[Binding]:
        """The contacts that are still valid at wall time ``now``, in the order of their preference."""
        query = select(bindings).where(bindings.c.expires_at > now).order_by(bindings.c.aor, bindings.c.number)
        return await self._database.read(lambda connection: [_binding(row) for row in connection.execute(query)])

    async def save(self, changes: Sequence[tuple[str, tuple[Binding, ...]]]) -> None:
        """Write the present contacts of some addresses, in one transaction."""
        if not changes:
            return
        rows = [_binding_row(one, number) for _, contacts in changes for number, one in enumerate(contacts)]

        def work(connection: Connection) -> None:
            connection.execute(_FORGET_ADDRESS, [{"gone": aor} for aor, _ in changes])
            if rows:
                connection.execute(insert(bindings), rows)

        await self._database.write(work)

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
        except asyncio.CancelledError:  # it may wait in line still: whoever saves next writes it again
            location.mark_changed(aor for aor, _ in changes)
            raise
        except StorageError as error:
            location.mark_changed(aor for aor, _ in changes)
            self._alarm.ring(str(error), "The registrations stay in memory until it can be written.")
            return False
        self._alarm.clear("The registrations are saved again.")
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
        return await self._database.read(lambda connection: _records(connection, query))

    async def find(self, call: str) -> CallRecord | None:
        """The record of one call, when it has ended."""
        query = select(call_records).where(call_records.c.call == call)
        found = await self._database.read(lambda connection: _records(connection, query))
        return found[0] if found else None

    async def events(self, call: str) -> list[Event]:
        """What happened in a call, finished or not, in the order in which it was told."""
        return await self._database.read(lambda connection: read_stories(connection, [call])[call])

    async def visits(self, since: float, until: float) -> list[Visit]:
        """Visits to queues in the calls that started in [since, until) wall seconds, in the order of joining."""
        columns = call_records.c
        calls = select(columns.call).where(
            columns.started >= since, columns.started < until, columns.queue.is_not(None)
        )
        return await self._database.read(lambda connection: _visits(connection, calls))

    async def count(self) -> int:
        """How many calls have a record."""
        query = select(func.count()).select_from(call_records)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def forget(self, before: float, limit: int = 500) -> int:
        """Delete the oldest calls that ended before a wall time, at most ``limit``; returns how many were deleted.

        Calls that are held stay.
        """
        held = select(holds.c.call)
        old = select(call_records.c.call).where(call_records.c.ended < before, call_records.c.call.not_in(held))
        old = old.order_by(call_records.c.started)

        def work(connection: Connection) -> int:
            calls = [{"gone": call} for call in connection.execute(old.limit(limit)).scalars()]
            for table in (call_events, recordings, call_records) if calls else ():
                connection.execute(delete(table).where(table.c.call == bindparam("gone")), calls)
            return len(calls)

        return await self._database.write(work)


def read_stories(connection: Connection, calls: Iterable[str]) -> dict[str, list[Event]]:
    """The events of some calls, in their order; what a newer version wrote and we do not know is passed over."""
    columns = call_events.c
    stories: dict[str, list[Event]] = {call: [] for call in calls}
    query = select(call_events).where(columns.call.in_(list(stories))).order_by(columns.call, columns.number)
    for row in connection.execute(query):
        stories[row.call] += _readable(row)
    return stories


def _readable(row: Row[Any]) -> list[Event]:
    try:
        return [make_event(row.kind, row.at, row.wall, json.loads(row.fields))]
    except (EventError, ValueError, RecursionError) as error:
        log.warning("Event %d of call %s cannot be read: %s", row.number, row.call, error)
        return []


def _visits(connection: Connection, calls: Select[Any]) -> list[Visit]:
    columns = call_events.c
    query = select(call_events).where(columns.call.in_(calls), columns.kind.in_(TOLD_BY))
    found: list[Visit] = []
    for call, rows in groupby(connection.execute(query.order_by(columns.call, columns.number)), lambda row: row.call):
        found += tell_visits(call, [event for row in rows for event in _readable(row)])
    return sorted(found, key=lambda visit: (visit.joined, visit.call))


RECORD_COLUMNS = tuple(column.name for column in call_records.columns)
RECORDING_COLUMNS = tuple(column.name for column in recordings.columns)
_AS_IT_IS = tuple(name for name in RECORD_COLUMNS if name != "legs")
_read_columns = attrgetter(*_AS_IT_IS)


def record_row(record: CallRecord) -> tuple[Any, ...]:
    """The row of ``call_records``, in the order of its columns."""
    legs = _encode([dict(zip(LegRecord.__slots__, _read_leg(leg), strict=True)) for leg in record.legs])
    return (*[storable(one) if one.__class__ is str else one for one in _read_columns(record)], legs)


def recording_rows(record: CallRecord) -> list[tuple[Any, ...]]:
    """The rows of ``recordings``, in the order of their columns."""
    return [
        (
            *(record.call, storable(one.recording), storable(one.path), one.started, one.seconds),
            *(storable(one.reason), _encode(one.pauses) if one.pauses else None),
        )
        for one in record.recordings
    ]


def _records(connection: Connection, query: Select[Any]) -> list[CallRecord]:
    rows = connection.execute(query).all()
    calls = [row.call for row in rows]
    sounds: dict[str, list[RecordingRecord]] = {call: [] for call in calls}
    for one in connection.execute(select(recordings).where(recordings.c.call.in_(calls))):
        pauses = tuple((first, last) for first, last in json.loads(one.pauses or "[]"))
        recording = RecordingRecord(one.recording, one.path, one.started, one.seconds, one.reason, pauses)
        sounds[one.call].append(recording)
    return [_record(row, sounds[row.call]) for row in rows]


def _record(row: Row[Any], sounds: Iterable[RecordingRecord]) -> CallRecord:
    fields: dict[str, Any] = dict(row._mapping)
    fields["legs"] = tuple(LegRecord(**leg) for leg in json.loads(row.legs))
    fields["recordings"] = tuple(sounds)
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


_read_leg = attrgetter(*LegRecord.__slots__)
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
