"""A switch that is killed with SIGKILL: every call that it had on record has exactly one record after the restart."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from softswitch.records.database import FILE_NAME, Database
from softswitch.records.store import RecordStore
from softswitch.records.writer import RecordWriter

ROOT = Path(__file__).parents[3]


def run_and_kill(folder: Path, name: str, seconds: float) -> dict[str, str]:
    """Let a switch tell calls, kill it, and return the calls that were on record: ``ended`` or ``open``."""
    command = [sys.executable, "-m", "tests.softswitch.records.doomed_switch", str(folder), name]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline()]
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    told += process.communicate()[0].splitlines()
    return dict(line.split()[1:3] for line in told if line.count(" ") == 2)


async def causes_after_restart(folder: Path) -> list[tuple[str, str, float]]:
    database = await Database.open(folder)
    writer = RecordWriter(database, folder / "spool")
    await writer.start()
    records = await RecordStore(database).query(limit=100_000)
    await writer.close()
    await database.close()
    return [(record.call, record.cause, record.duration) for record in records]


@pytest.mark.parametrize("locked", [False, True], ids=["healthy database", "locked database"])
async def test_every_call_of_a_killed_switch_has_exactly_one_record(tmp_path: Path, locked: bool) -> None:
    moments = random.Random(5)
    durable: dict[str, str] = {}
    await (await Database.open(tmp_path)).close()
    raw = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    for life in range(3):
        if locked:
            raw.execute("begin immediate")
        durable |= run_and_kill(tmp_path, f"life{life}", moments.uniform(0.05, 0.4))
        if locked:
            raw.execute("rollback")
    raw.close()
    found = await causes_after_restart(tmp_path)
    causes = {call: cause for call, cause, _ in found}
    assert len(found) == len(causes)
    assert set(durable) <= set(causes)
    assert len(durable) > 6
    assert {causes[call] for call, state in durable.items() if state == "ended"} == {"bye"}
    assert {causes[call] for call, state in durable.items() if state == "open"} == {"node_crash"}
    assert all(duration >= 0 for _, _, duration in found)
    assert sorted(await causes_after_restart(tmp_path)) == sorted(found)
