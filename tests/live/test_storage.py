"""Storage that fails: a locked database, a full disk, a folder that may not be written. Calls go on, records are kept."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
import soundfile

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually, is_idle, state
from tests.live.raw_phone import RawPhone
from tests.live.running_switch import RunningSwitch

DISK_BYTES = 12 << 20
SETTINGS = {"phones.101.record": True, "phones.102.record": True}

Pair = tuple[RawPhone, RawPhone]


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
    """A disk of a few megabytes for the data folder."""
    path = folder / "var"
    path.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if not mounted or subprocess.run(
        ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(path)), capture_output=True
    ).returncode:
        pytest.skip("only root can mount a small disk")
    yield path
    subprocess.run(("umount", "-l", str(path)), check=True)


@pytest.fixture
async def switch(start_switch: SwitchStarter) -> RunningSwitch:
    """A switch that records 101 and 102."""
    return await start_switch({**SETTINGS})


@pytest.fixture
async def pair(switch: RunningSwitch) -> AsyncIterator[Pair]:
    """101 and 102, registered."""
    async with two_phones(switch) as (first, second):
        yield first, second


@contextmanager
def nothing() -> Iterator[None]:
    yield


class two_phones:
    """101 and 102 of a switch, registered."""

    def __init__(self, switch: RunningSwitch) -> None:
        self._switch = switch
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Pair:
        first, second = [
            await self._stack.enter_async_context(RawPhone(number, self._switch.sip_port)) for number in ("101", "102")
        ]
        assert (await first.register()).status == (await second.register()).status == 200
        return first, second

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()


async def talk(pair: Pair) -> None:
    """101 calls 102, they hear each other."""
    caller, callee = pair
    assert (await caller.call("102")).status == 200
    await each_hears_the_other(pair)


async def each_hears_the_other(pair: Pair) -> None:
    caller, callee = pair
    assert await callee.hears(caller.voice)
    assert await caller.hears(callee.voice)


async def hang_up(pair: Pair) -> None:
    caller, callee = pair
    assert (await caller.hang_up()).status == 200
    async with asyncio.timeout(15):
        await callee.ended_by_far_side.wait()


def count_in_log(switch: RunningSwitch, words: str) -> int:
    return sum(words in line for line in switch.log.splitlines())


def play(switch: RunningSwitch) -> list[float]:
    """Every recording plays; their lengths."""
    found = []
    for path in switch.recordings():
        samples, rate = soundfile.read(path, dtype="int16")
        found.append(len(samples) / float(rate))
    return found


async def test_a_locked_database_keeps_no_call_from_being_made_or_recorded(switch: RunningSwitch, pair: Pair) -> None:
    await talk(pair)
    with locked(switch):
        await eventually(switch, lambda status: status["records"]["behind"])
        await each_hears_the_other(pair)
        await hang_up(pair)
        for _ in range(3):
            await talk(pair)
            await hang_up(pair)
        assert (await pair[0].register()).status == 200
        await asyncio.sleep(5)
    await eventually(switch, lambda status: not status["records"]["behind"])
    records = await switch.calls(at_least=4)
    print(switch.log[-5000:])
    assert sorted(record["cause"] for record in records) == ["bye"] * 4
    assert len({record["call"] for record in records}) == 4
    assert (await state(switch))["records"]["lost"] == 0


async def test_killed_while_the_database_is_locked(switch: RunningSwitch, pair: Pair) -> None:
    with locked(switch):
        await talk(pair)
        await eventually(switch, lambda status: status["records"]["behind"])
        await hang_up(pair)
        await talk(pair)
        await asyncio.sleep(1.5)
        switch.kill()
    await switch.start()
    records = await switch.calls(at_least=2)
    assert sorted(record["cause"] for record in records) == ["bye", "node_crash"]


async def test_full_disk(disk: Path, start_switch: SwitchStarter) -> None:
    switch = await start_switch({**SETTINGS})
    async with two_phones(switch) as pair:
        await talk(pair)
        began = time.monotonic()
        with (disk / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(1 << 14))
            except OSError:
                pass
        before = pair[0].packets
        await asyncio.sleep(3)
        assert pair[0].packets - before > 100
        await each_hears_the_other(pair)
        await hang_up(pair)
        await talk(pair)
        await asyncio.sleep(1)
        await hang_up(pair)
        await eventually(switch, is_idle)
        assert (await pair[0].call("500")).status == 200
        await asyncio.sleep(1)
        await pair[0].hang_up()
        await asyncio.sleep(2)
        print(switch.log[-7000:])
        print((await state(switch))["records"])
        (disk / "ballast").unlink()
        await eventually(switch, lambda status: not status["records"]["behind"])
        await talk(pair)
        await asyncio.sleep(1)
        await hang_up(pair)
        records = await switch.calls(at_least=4)
        for record in records:
            print(record["cause"], record["recordings"])
        print(play(switch), time.monotonic() - began)
