"""A process that tells calls until it is killed: run with a data folder and a name for its calls.

It prints "durable CALL ended" or "durable CALL open" when the writer has handed the events over.
"""

import asyncio
import sys
from pathlib import Path

from softswitch.records.database import Database
from softswitch.records.writer import RecordWriter, read_clocks
from tests.softswitch.records.stories import plain_call


async def main(folder: Path, name: str) -> None:
    database = await Database.open(folder)
    writer = RecordWriter(database, folder / "spool", interval=0.02)
    await writer.start()
    number = 0
    while True:
        number += 1
        call = f"{name}-{number}"
        ends = bool(number % 3)
        at, wall = read_clocks()
        for event in plain_call(call)[: None if ends else 7]:
            object.__setattr__(event, "at", event.at - 1000 + at)
            object.__setattr__(event, "wall", wall)
            writer.append(call, event)
        await writer.flush()
        if writer.pending == 0:
            print(f"durable {call} {'ended' if ends else 'open'}", flush=True)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
