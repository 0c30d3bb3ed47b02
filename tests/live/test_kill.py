"""Processes that are killed without warning: what was promised to be safe is safe, and work goes on at once."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually, is_idle, process_of, state
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch, Setting

ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))
"""How often everything is killed; KILL_ROUNDS=50 takes seven minutes."""
AGENTS = ("101", "102", "103", "104", "105")
QUEUED = {"106": "600", "107": "600", "108": "600", "109": "601", "110": "601"}
DIRECT = {"201": "206", "202": "207", "203": "208", "204": "209", "205": "210"}
PASSWORDS: dict[str, Setting] = {f"phones.{number}.password": f"demo-{number}" for number in range(201, 211)}
TOLD = 1.5
"""Seconds after which what has happened is on disk; it is promised for one."""
LOST_TAIL = 2.0
"""Seconds of a recording that may be missing when everything is killed."""

Crowd = dict[str, RawPhone]


@pytest.fixture
async def switch(start_switch: SwitchStarter) -> RunningSwitch:
    """A switch with twenty phones; an agent is free again at once."""
    no_wrap_up: dict[str, Setting] = {"queues.support.wrap_up": 0, "queues.sales.wrap_up": 0}
    return await start_switch({**PASSWORDS, **no_wrap_up, "phones.201.record": True})


@pytest.fixture
async def crowd(switch: RunningSwitch) -> AsyncIterator[Crowd]:
    """All phones, registered."""
    async with AsyncExitStack() as stack:
        numbers = (*AGENTS, *QUEUED, *DIRECT, *DIRECT.values())
        phones = {number: await stack.enter_async_context(RawPhone(number, switch.sip_port)) for number in numbers}
        for answer in await asyncio.gather(*(phone.register() for phone in phones.values())):
            assert answer.status == 200
        await eventually(switch, lambda status: len(status["registrations"]) == len(phones))
        yield phones


async def ten_calls(switch: RunningSwitch, crowd: Crowd) -> None:
    """Five through the queues to agents, five from phone to phone; all of them talk and six are recorded."""
    for phone in crowd.values():
        phone.answered.clear()
    calls = {**QUEUED, **DIRECT}
    answers = await asyncio.gather(*(crowd[caller].call(called) for caller, called in calls.items()))
    assert [answer.status for answer in answers] == [200] * 10
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(crowd[number].answered.wait() for number in (*AGENTS, *DIRECT.values())))
    await eventually(switch, lambda status: status["media"]["recordings"] == 6)


async def one_short_call(crowd: Crowd) -> None:
    """From 201 to 206, ended in good order."""
    assert (await crowd["201"].call("206")).status == 200
    assert (await crowd["201"].hang_up()).status == 200
    async with asyncio.timeout(PATIENCE):
        await crowd["206"].ended_by_far_side.wait()


def seconds_of(path: Path) -> float:
    """Length of a recording, all of which can be read."""
    samples, rate = soundfile.read(path, dtype="int16")
    assert samples.shape[1] == 2
    return len(samples) / float(rate)


def check_recordings(switch: RunningSwitch, record: dict[str, Any], death: float | None) -> int:
    """Every recording of a call plays, and only the tail may be missing; how many there are."""
    for one in record["recordings"]:
        path = switch.data / "recordings" / one["path"]
        until = record["ended"] if death is None else death
        assert seconds_of(path) > until - one["started"] - LOST_TAIL, (record, until)
    return len(record["recordings"])


async def test_kill_9_of_everything_with_ten_calls_up_loses_no_call_and_no_registration(
    switch: RunningSwitch, crowd: Crowd
) -> None:
    instants = random.Random(1)
    started, deaths = 0, []
    for _ in range(ROUNDS):
        await one_short_call(crowd)
        await ten_calls(switch, crowd)
        started += 11
        await asyncio.sleep(TOLD + instants.random())
        switch.kill()
        deaths.append(time.time())
        await switch.start()
        answers = await asyncio.gather(*(phone.within("BYE") for phone in crowd.values()))
        assert {answer.status for answer in answers} == {481}
    await one_short_call(crowd)
    started += 1
    records = await switch.calls(at_least=started)
    assert len(records) == len({record["call"] for record in records}) == started
    causes = sorted(record["cause"] for record in records)
    assert causes == ["bye"] * (ROUNDS + 1) + ["node_crash"] * (10 * ROUNDS)
    recorded = 0
    for record in records:
        death = None
        if record["cause"] == "node_crash":
            death = min(when for when in deaths if when > record["started"])
            assert abs(record["ended"] - death) < 5
            assert {one["reason"] for one in record["recordings"]} <= {"recovered"}
        recorded += check_recordings(switch, record, death)
    assert recorded == 7 * ROUNDS + 1
    assert len(switch.recordings()) == recorded


async def test_kill_9_of_the_switch_process_alone(switch: RunningSwitch, crowd: Crowd) -> None:
    await ten_calls(switch, crowd)
    await asyncio.sleep(TOLD)
    before = (await state(switch))["media"]["pid"]
    os.kill(process_of(switch, "softswitch.switch"), signal.SIGKILL)
    began = time.monotonic()
    answer = await crowd["201"].within("BYE")
    print(f"in-dialog requests are answered again after {time.monotonic() - began:.2f} s")
    assert answer.status == 481
    status = await eventually(switch, is_idle)
    assert status["media"]["pid"] == before
    assert len(status["registrations"]) == len(crowd)
    await one_short_call(crowd)
    records = await switch.calls(at_least=11)
    assert sorted(record["cause"] for record in records) == ["bye"] + ["node_crash"] * 10


async def test_kill_9_of_the_media_worker_alone(switch: RunningSwitch, crowd: Crowd) -> None:
    await ten_calls(switch, crowd)
    os.kill(process_of(switch, "media.worker"), signal.SIGKILL)
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(phone.ended_by_far_side.wait() for phone in crowd.values()))
        print(f"twenty phones were told by BYE within {time.monotonic() - began:.2f} s")
        while (await crowd["201"].call("206")).status != 200:
            await asyncio.sleep(0.05)
    print(f"the next call works {time.monotonic() - began:.2f} s after the worker's death")
    assert await crowd["206"].hears(crowd["201"].voice)
    assert (await crowd["201"].hang_up()).status == 200
    await eventually(switch, is_idle)
    records = [record for record in await switch.calls(at_least=11) if record["cause"] != "no_media"]
    assert sorted(record["cause"] for record in records) == ["bye"] + ["media_lost"] * 10
    assert sum(check_recordings(switch, record, None) for record in records) == 7
