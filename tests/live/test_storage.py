"""Storage that fails: a locked database and a full disk. Calls go on, records are kept."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually, is_idle
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch, Setting

DISK_BYTES = 12 << 20
RECORDED: dict[str, Setting] = {"phones.101.record": True, "recordings.low_water_mb": 0}


@contextmanager
def locked(switch: RunningSwitch) -> Iterator[None]:
    """Another program holds the database for writing."""
    connection = sqlite3.connect(switch.data / "softswitch.db", timeout=20, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    """A disk of a few megabytes in place of the data folder."""
    path = folder / "var"
    path.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(path))
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield path
    subprocess.run(("umount", "-l", str(path)), check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """A disk without a single free octet."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 14))
    yield
    ballast.unlink()


class Pair:
    """101 and 102, registered."""

    def __init__(self, caller: RawPhone, callee: RawPhone) -> None:
        self.caller = caller
        self.callee = callee

    async def call(self) -> None:
        """101 calls 102, and they hear each other."""
        assert (await self.caller.call("102")).status == 200
        await self.hear_each_other()

    async def hear_each_other(self) -> None:
        assert await self.callee.hears(self.caller.voice)
        assert await self.caller.hears(self.callee.voice)

    async def hang_up(self) -> None:
        assert (await self.caller.hang_up()).status == 200
        async with asyncio.timeout(PATIENCE):
            await self.callee.ended_by_far_side.wait()


@asynccontextmanager
async def pair_at(switch: RunningSwitch) -> AsyncIterator[Pair]:
    """Two phones at a switch."""
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(RawPhone(one, switch.sip_port)) for one in ("101", "102")]
        for phone in phones:
            assert (await phone.register()).status == 200
        yield Pair(*phones)


def lines_of_log(switch: RunningSwitch, words: str) -> list[str]:
    return [line for line in switch.log.splitlines() if words in line]


def seconds_of(switch: RunningSwitch, record: dict[str, Any]) -> float:
    """Length of the recording of a call, which plays."""
    (one,) = record["recordings"]
    samples, rate = soundfile.read(switch.data / "recordings" / one["path"], dtype="int16")
    return len(samples) / float(rate)


async def test_a_locked_database_keeps_no_call_from_being_made_and_recorded(start_switch: SwitchStarter) -> None:
    switch = await start_switch()
    async with pair_at(switch) as pair:
        await pair.call()
        with locked(switch):
            await eventually(switch, lambda status: status["records"]["behind"])
            await pair.hear_each_other()
            await pair.hang_up()
            for _ in range(3):
                await pair.call()
                await pair.hang_up()
            assert (await pair.caller.register()).status == 200
            await asyncio.sleep(3)  # time for a line in the log per attempt, if there were one
        status = await eventually(switch, lambda status: not status["records"]["behind"])
        assert status["records"]["lost"] == 0
        assert len(lines_of_log(switch, "locked by another program. Calls go on")) == 1
        assert len(lines_of_log(switch, "locked by another program. The registrations")) <= 1
        records = await switch.calls(at_least=4)
        assert [record["cause"] for record in records] == ["bye"] * 4
        with locked(switch):
            await pair.call()
            await eventually(switch, lambda status: status["records"]["behind"])
            await pair.hang_up()
            await pair.call()
            await asyncio.sleep(1.5)  # what was told in the last fraction of a second may be lost
            switch.kill()
        await switch.start()
        records = await switch.calls(at_least=6)
        assert [record["cause"] for record in records] == ["node_crash"] + ["bye"] * 5


async def test_a_full_disk_ends_no_call_and_loses_no_record(disk: Path, start_switch: SwitchStarter) -> None:
    switch = await start_switch(RECORDED)
    async with pair_at(switch) as pair:
        await pair.call()
        await asyncio.sleep(1.5)  # for the first second of the recording to be written
        with full(disk):
            before = pair.caller.packets
            await switch.until(lambda: bool(lines_of_log(switch, "cannot be written: No space left")), 30, "no alarm")
            await asyncio.sleep(1)
            assert pair.caller.packets > before + 20  # 50 on a machine that is not busy
            await pair.hang_up()
            await pair.call()  # and new ones can be made
            await asyncio.sleep(1.5)
            await pair.hang_up()
            assert (await pair.caller.call("500")).status == 200
            await pair.caller.hang_up()
            await eventually(switch, is_idle)
        await pair.call()
        await asyncio.sleep(1.5)
        await pair.hang_up()
        status = await eventually(switch, lambda status: not status["records"]["behind"])
        assert status["records"]["lost"] == 0
        records = await switch.calls(at_least=4)
    assert [record["cause"] for record in records] == ["bye"] * 4
    last, menu, _, first = records  # the second may have found room: the spool gives up its reserve
    assert menu["recordings"] == []
    assert (first["recordings"][0]["reason"], last["recordings"][0]["reason"]) == ("disk_full", "ended")
    assert seconds_of(switch, last) > 1.4
    assert seconds_of(switch, first) > 0
    assert len(lines_of_log(switch, first["recordings"][0]["path"])) == 1
    assert len(lines_of_log(switch, "No space is left on the disk of the database")) <= 1
    assert list((switch.data / "spool").glob("*.jsonl")) == []
