"""An office with a past: a configuration, and calls of a queue in its database."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from softswitch.records.database import Database
from softswitch.records.events import AgentConnected, CallEnded, CallStarted, Event, QueueJoined, QueueLeft
from softswitch.records.writer import RecordWriter
from tests.softswitch.records.stories import Stamps

WALL = 1_780_000_000.0

OFFICE = """
[phones.101]
password = "demo-101"
[phones.102]
password = "demo-102"
[queues.support]
agents = ["101", "102"]
wrap_up = 0
"""


def story(call: str, begins: float, wait: float, talk: float | None, agent: str = "101") -> list[Event]:
    """A call that waited, and talked or (None) hung up."""

    def at(seconds: float) -> Stamps:
        return {"at": begins + seconds, "wall": WALL + begins + seconds}

    told: list[Event] = [
        CallStarted(call, "+74951112233", "", "600", "trunk:provider", **at(0)),
        QueueJoined("support", 1, **at(0)),
    ]
    if talk is None:
        return [*told, QueueLeft("support", "abandoned", **at(wait)), CallEnded("bye", **at(wait))]
    return [
        *told,
        AgentConnected("support", agent, wait, **at(wait)),
        QueueLeft("support", "answered", **at(wait)),
        CallEnded("bye", **at(wait + talk)),
    ]


def office(folder: Path, stories: Iterable[list[Event]], more: str = "") -> Path:
    """Write the configuration and the database; returns the path of the configuration."""
    file = folder / "office.toml"
    file.write_text(f'[switch]\ndata = "{folder / "var"}"\n{OFFICE}{more}', "utf-8")
    asyncio.run(_write(folder / "var", list(stories)))
    return file


async def _write(folder: Path, stories: list[list[Event]]) -> None:
    database = await Database.open(folder)
    writer = RecordWriter(database, folder / "spool")
    await writer.start()
    for number, events in enumerate(stories):
        call = next((event.call for event in events if isinstance(event, CallStarted)), f"call-{number}")
        for event in events:
            writer.append(call, event)
    await writer.flush()
    await writer.close()
    await database.close()
