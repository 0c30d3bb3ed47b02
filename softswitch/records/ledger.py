"""How facts become rows: each call in one transaction of many, every write repeatable without harm.

A fact is known by its call and its number in the call, a record by its call, so a batch that is written twice (a replay
that was interrupted, a commit of unknown outcome) leaves the same rows as one that is written once.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.records.database import Database, insert_once
from softswitch.records.events import CallEnded, Event
from softswitch.records.record import build_record
from softswitch.records.store import read_events, record_row, recording_rows
from softswitch.records.tables import call_events, call_records, open_calls, recordings, runs

log = logging.getLogger(__name__)

CRASH = "node_crash"
"""Cause of a call whose switch died under it."""
ROWS = 500
"""Rows that are written between two turns of the event loop."""
CALLS = 50
"""Calls whose records are computed between two turns of the event loop."""
LAST_NUMBER = 2**31 - 1
"""Number of the event that closes a call after a crash: behind everything that its switch may have numbered."""

_INSERT_EVENTS = insert_once(call_events)
_INSERT_OPEN = insert_once(open_calls)
_INSERT_RECORDS = insert_once(call_records)
_INSERT_RECORDINGS = insert_once(recordings)
_DELETE_OPEN = delete(open_calls).where(open_calls.c.call == bindparam("gone"))
_insert_run = sqlite_insert(runs)
_BEAT = _insert_run.on_conflict_do_update(
    index_elements=["run"], set_={"at": _insert_run.excluded.at, "wall": _insert_run.excluded.wall}
)


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    """Rows of ``call_events``."""
    opened: list[dict[str, Any]] = field(default_factory=list)
    """Rows of ``open_calls``."""
    beats: list[dict[str, Any]] = field(default_factory=list)
    """Rows of ``runs``: when a switch was last alive."""
    stories: dict[str, list[Event]] = field(default_factory=dict)
    """All the events of the calls that ended, when the writer has them."""

    def add(self, call: str, number: int, event: Event, run: str) -> None:
        """Take one event of a call."""
        self.facts.append(fact_row(call, number, event))
        if number == 0:
            self.opened.append({"call": call, "run": run})

    def lines(self, run: str) -> list[str]:
        """The facts and beats as lines of a spool; records are computed again when the lines are replayed."""
        start = f'{{"run":{json.dumps(run)},"call":'
        facts = [
            f'{start}{json.dumps(row["call"])},"number":{row["number"]},"event":{row["event"]}}}' for row in self.facts
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
        event = line["event"]
        row = {"call": line["call"], "number": line["number"], "wall": event["wall"], "kind": event["kind"]}
        self.facts.append({**row, "event": json.dumps(event, separators=(",", ":"))})
        if line["number"] == 0:
            self.opened.append({"call": line["call"], "run": line["run"]})


def fact_row(call: str, number: int, event: Event) -> dict[str, Any]:
    """The row of one event."""
    return {
        "call": call,
        "number": number,
        "wall": event.wall,
        "kind": event.__class__.__name__,
        "event": event.to_json(),
    }


class Ledger:
    """Writes batches for one run of one node."""

    def __init__(self, database: Database, node: str, run: str) -> None:
        """``run`` is a name that no other life of any switch has."""
        self._database = database
        self._node = node
        self._run = run

    async def write(self, batch: Batch) -> None:
        """Write a batch of the present, whose records are known."""
        async with self._database.writing() as connection:
            await _insert(connection, batch)
            await _settle(connection, batch.stories)

    async def replay(self, batch: Batch) -> None:
        """Write a batch of the past; records of calls that ended in it are computed from the table of events."""
        ended = [row["call"] for row in batch.facts if row["kind"] == CallEnded.__name__]
        async with self._database.writing() as connection:
            await _insert(connection, batch)
            for start in range(0, len(ended), CALLS):
                await _settle(connection, await _stories(connection, ended[start : start + CALLS]))

    async def recover(self) -> int:
        """Close the calls that earlier runs of this node left open, and say how many there were."""
        async with self._database.writing() as connection:
            left = await self._left_open(connection)
            for start in range(0, len(left), CALLS):
                await self._close(connection, dict(left[start : start + CALLS]))
            await connection.execute(delete(runs).where(runs.c.node == self._node, runs.c.run != self._run))
        return len(left)

    async def _left_open(self, connection: AsyncConnection) -> list[tuple[str, float | None]]:
        """Calls of earlier runs of this node, each with the monotonic time when its run was last alive."""
        query = (
            select(open_calls.c.call, runs.c.at)
            .outerjoin(runs, runs.c.run == open_calls.c.run)
            .where(open_calls.c.run != self._run, or_(runs.c.node == self._node, runs.c.node.is_(None)))
        )
        return [(row.call, row.at) for row in await connection.execute(query)]

    async def _close(self, connection: AsyncConnection, left: dict[str, float | None]) -> None:
        stories = await _stories(connection, left)
        ends: list[dict[str, Any]] = []
        for call, events in stories.items():
            if events and not any(isinstance(event, CallEnded) for event in events):
                end = _crash(events, left[call])
                events.append(end)
                ends.append(fact_row(call, LAST_NUMBER, end))
        if ends:
            await connection.execute(_INSERT_EVENTS, ends)
        await _settle(connection, stories)


def _crash(events: Sequence[Event], alive: float | None) -> CallEnded:
    """The end of a call that its switch did not see: when the switch was last alive, or the last thing it told."""
    last = max(events, key=lambda event: event.at)
    at = last.at if alive is None else max(last.at, alive)
    return CallEnded(CRASH, at=at, wall=last.wall + (at - last.at))


async def _insert(connection: AsyncConnection, batch: Batch) -> None:
    for statement, rows in ((_INSERT_EVENTS, batch.facts), (_INSERT_OPEN, batch.opened), (_BEAT, batch.beats)):
        for start in range(0, len(rows), ROWS):
            await connection.execute(statement, rows[start : start + ROWS])


async def _stories(connection: AsyncConnection, calls: Iterable[str]) -> dict[str, list[Event]]:
    """The events of some calls, in their order."""
    columns = call_events.c
    names = list(calls)
    lines: dict[str, list[str]] = {call: [] for call in names}
    query = select(columns.call, columns.event).where(columns.call.in_(names)).order_by(columns.call, columns.number)
    for row in await connection.execute(query):
        lines[row.call].append(row.event)
    return {call: read_events(told) for call, told in lines.items()}


async def _settle(connection: AsyncConnection, stories: dict[str, list[Event]]) -> None:
    """Write the records of calls whose story is complete."""
    records = [build_record(events, call) for call, events in stories.items() if events]
    if not records:
        return
    sounds = [row for record in records for row in recording_rows(record)]
    await connection.execute(_INSERT_RECORDS, [record_row(record) for record in records])
    if sounds:
        await connection.execute(_INSERT_RECORDINGS, sounds)
    await connection.execute(_DELETE_OPEN, [{"gone": record.call} for record in records])
