"""How facts become rows: each call in one transaction of many, every write repeatable without harm.

A fact is known by its call and its number in the call, a record by its call, so a batch that is written twice (a replay
that was interrupted, a commit of unknown outcome) leaves the same rows as one that is written once.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from softswitch.records.database import Database, insert_once
from softswitch.records.events import CallEnded, Event, RecordingStarted, RecordingStopped
from softswitch.records.record import build_record
from softswitch.records.store import read_stories, record_row, recording_rows
from softswitch.records.tables import call_events, call_records, open_calls, recordings, runs

log = logging.getLogger(__name__)

CRASH = "node_crash"
"""Cause of a call whose switch died under it."""
CALLS = 50
"""Calls whose events are in memory together when records are computed from the database."""
LAST_NUMBER = 2**31 - 1
"""Number of the event that closes a call after a crash: behind everything that its switch may have numbered."""
RECOVERED = "recovered"
"""Why a recording stopped whose switch died."""
MENDERS = 8
"""Files that are mended at the same time: a disk writes many at once, and calls wait for the last one."""

Mend = Callable[[str], float | None]
"""Makes the file of a recording, named as in its events, whole again: its seconds, None when there is none."""

_INSERT_OPEN = insert_once(open_calls)
_DELETE_OPEN = delete(open_calls).where(open_calls.c.call == bindparam("gone"))
_insert_run = sqlite_insert(runs)
_BEAT = _insert_run.on_conflict_do_update(
    index_elements=["run"], set_={"at": _insert_run.excluded.at, "wall": _insert_run.excluded.wall}
)


Fact = tuple[str, int, float, float, str, str]
"""Row of ``call_events``: call, number, at, wall, kind, fields."""


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    facts: list[Fact] = field(default_factory=list)
    """Rows of ``call_events``."""
    opened: list[dict[str, Any]] = field(default_factory=list)
    """Rows of ``open_calls``."""
    beats: list[dict[str, Any]] = field(default_factory=list)
    """Rows of ``runs``: when a switch was last alive."""
    stories: dict[str, list[Event]] = field(default_factory=dict)
    """All the events of the calls that ended, when the writer has them."""

    def add(self, call: str, number: int, event: Event, run: str) -> None:
        """Take one event of a call."""
        self.facts.append(_fact(call, number, event))
        if number == 0:
            self.opened.append({"call": call, "run": run})

    def lines(self, run: str) -> list[str]:
        """The facts and beats as lines of a spool; records are computed again when the lines are replayed."""
        facts = [
            f'{{"run":"{run}","call":{json.dumps(call)},"number":{number},"at":{at!r},"wall":{wall!r},'
            f'"kind":"{kind}","fields":{fields}}}'
            for call, number, at, wall, kind, fields in self.facts
        ]
        return [*facts, *map(json.dumps, self.beats)]

    @classmethod
    def read(cls, lines: Iterable[str]) -> "Batch":
        """What was spooled; a line that cannot be read is reported and passed over."""
        batch = cls()
        for line in lines:
            try:
                batch._read(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                log.warning("A spooled line cannot be read (%s): %.200s", error, line)
        return batch

    def _read(self, line: dict[str, Any]) -> None:
        if "node" in line:
            self.beats.append({name: line[name] for name in ("run", "node", "at", "wall")})
            return
        fields = json.dumps(line["fields"], separators=(",", ":"))
        self.facts.append((line["call"], line["number"], line["at"], line["wall"], line["kind"], fields))
        if line["number"] == 0:
            self.opened.append({"call": line["call"], "run": line["run"]})


def _fact(call: str, number: int, event: Event) -> Fact:
    return call, number, event.at, event.wall, event.__class__.__name__, event.fields_to_json()


class Ledger:
    """Writes batches for one run of one node."""

    def __init__(self, database: Database, node: str, run: str) -> None:
        """``run`` is a name that no other life of any switch has."""
        self._database = database
        self._node = node
        self._run = run
        self._statements = {
            table: str(insert_once(table).compile(dialect=database.dialect, column_keys=list(table.columns.keys())))
            for table in (call_events, call_records, recordings)
        }

    async def write(self, batch: Batch) -> None:
        """Write a batch of the present, whose stories are known."""
        await self._database.write(lambda connection: self._write(connection, batch))

    async def replay(self, batch: Batch) -> None:
        """Write a batch of the past; records of calls that ended in it are computed from the table of events."""
        await self._database.write(lambda connection: self._replay(connection, batch))

    async def recover(self, mend: Mend) -> int:
        """Close the calls that earlier runs of this node left open, and say how many there were.

        Their recordings are mended first, and end where their sound ends.
        """
        paths = await self._database.read(self._unfinished)
        seconds = await asyncio.to_thread(_mend_all, mend, paths) if paths else {}
        return await self._database.write(lambda connection: self._recover(connection, seconds))

    def _write(self, connection: Connection, batch: Batch) -> None:
        self._insert(connection, call_events, batch.facts)
        if batch.opened:
            connection.execute(_INSERT_OPEN, batch.opened)
        if batch.beats:
            connection.execute(_BEAT, batch.beats)
        if batch.stories:
            self._settle(connection, batch.stories)

    def _replay(self, connection: Connection, batch: Batch) -> None:
        self._write(connection, batch)
        ended = [call for call, _, _, _, kind, _ in batch.facts if kind == CallEnded.__name__]
        for start in range(0, len(ended), CALLS):
            self._settle(connection, read_stories(connection, ended[start : start + CALLS]))

    def _unfinished(self, connection: Connection) -> list[str]:
        """Files of recordings that earlier runs of this node did not finish."""
        left = [call for call, _ in self._left_open(connection)]
        parts = (read_stories(connection, left[start : start + CALLS]) for start in range(0, len(left), CALLS))
        return [one.path for stories in parts for events in stories.values() for one in _running(events)]

    def _recover(self, connection: Connection, seconds: Mapping[str, float]) -> int:
        left = self._left_open(connection)
        for start in range(0, len(left), CALLS):
            self._close(connection, dict(left[start : start + CALLS]), seconds)
        connection.execute(delete(runs).where(runs.c.node == self._node, runs.c.run != self._run))
        return len(left)

    def _left_open(self, connection: Connection) -> list[tuple[str, float | None]]:
        """Calls of earlier runs of this node, each with the monotonic time when its run was last alive."""
        query = (
            select(open_calls.c.call, runs.c.at)
            .outerjoin(runs, runs.c.run == open_calls.c.run)
            .where(open_calls.c.run != self._run, or_(runs.c.node == self._node, runs.c.node.is_(None)))
        )
        return [(row.call, row.at) for row in connection.execute(query)]

    def _close(self, connection: Connection, left: dict[str, float | None], seconds: Mapping[str, float]) -> None:
        stories = read_stories(connection, left)
        ends: list[Fact] = []
        for call, events in stories.items():
            if events and not any(isinstance(event, CallEnded) for event in events):
                told = len(events)
                events += [_cut_off(one, seconds[one.path]) for one in _running(events) if one.path in seconds]
                events.append(_crash(events, left[call]))
                first = LAST_NUMBER + 1 - (len(events) - told)
                ends += [_fact(call, number, event) for number, event in enumerate(events[told:], first)]
        self._insert(connection, call_events, ends)
        self._settle(connection, stories)

    def _settle(self, connection: Connection, stories: Mapping[str, Sequence[Event]]) -> None:
        """Write the records of calls whose story is complete."""
        records = [build_record(events, call) for call, events in stories.items() if events]
        self._insert(connection, call_records, [record_row(record) for record in records])
        self._insert(connection, recordings, [row for record in records for row in recording_rows(record)])
        if records:
            connection.execute(_DELETE_OPEN, [{"gone": record.call} for record in records])

    def _insert(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Statements that are compiled once and rows that are tuples: half the cost for what is written most."""
        if rows:
            connection.exec_driver_sql(self._statements[table], list(rows))


def _running(events: Sequence[Event]) -> list[RecordingStarted]:
    """Recordings that began and were not said to end."""
    stopped = {event.recording for event in events if isinstance(event, RecordingStopped)}
    return [one for one in events if isinstance(one, RecordingStarted) and one.recording not in stopped]


def _mend_all(mend: Mend, paths: Sequence[str]) -> dict[str, float]:
    """Seconds of the files that are there."""
    with ThreadPoolExecutor(MENDERS, thread_name_prefix="recording mender") as pool:
        lengths = zip(paths, pool.map(mend, paths), strict=True)
        return {path: seconds for path, seconds in lengths if seconds is not None}


def _cut_off(started: RecordingStarted, seconds: float) -> RecordingStopped:
    """The end of a recording whose file holds so many seconds."""
    return RecordingStopped(started.recording, RECOVERED, at=started.at + seconds, wall=started.wall + seconds)


def _crash(events: Sequence[Event], alive: float | None) -> CallEnded:
    """The end of a call that its switch did not see: when the switch was last alive, or the last thing it told."""
    last = max(events, key=lambda event: event.at)
    at = last.at if alive is None else max(last.at, alive)
    return CallEnded(CRASH, at=at, wall=last.wall + (at - last.at))
