"""Two media workers and real phones: rooms that span them, and one that is killed."""

import os
import signal
import time
from typing import Any

import pytest

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually, state
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import share_of

FIRST, SECOND = 440.0, 660.0
"""Hz."""


@pytest.fixture
async def switch(start_switch: SwitchStarter) -> RunningSwitch:
    return await start_switch({"media.workers": 2, "conferences.lobby.pin": "4711"})


def legs(status: dict[str, Any]) -> list[int]:
    """How many legs each worker carries."""
    return [worker["legs"] for worker in status["media"]["workers"]]


async def dial(phone: Phone, called: str, hz: float) -> None:
    await phone.call(called)
    await phone.answered()
    phone.send_tone(hz)


async def hears(phone: Phone, hz: float) -> None:
    """Wait until a tone is most of what a phone hears."""
    until = time.monotonic() + 15
    while share_of(hz, await phone.hear(0.3)) < 0.5:
        assert time.monotonic() < until, f"{phone.number} does not hear {hz} Hz"


async def test_phones_of_both_workers_meet_in_a_room_after_a_reinvite(switch: RunningSwitch, phones: Phones) -> None:
    first, second = await phones.add("101"), await phones.add("102")
    await dial(first, "700", FIRST)
    await dial(second, "700", SECOND)
    await eventually(switch, lambda status: legs(status) == [1, 1])
    await first.dtmf("4711")
    await eventually(switch, lambda status: len(status["rooms"]["lobby"]["members"]) == 1)
    await second.dtmf("4711")
    await eventually(switch, lambda status: legs(status) == [2, 0])
    await hears(first, SECOND)
    await hears(second, FIRST)
    for phone in (first, second):
        await phone.hang_up()
        await phone.ended()
    await switch.is_idle()


async def test_kill_9_of_a_worker_ends_its_calls_only_and_it_is_back(switch: RunningSwitch, phones: Phones) -> None:
    first, second = await phones.add("101"), await phones.add("102")
    await dial(first, "900", FIRST)
    await dial(second, "900", SECOND)
    workers = (await eventually(switch, lambda status: legs(status) == [1, 1]))["media"]["workers"]
    os.kill(workers[1]["pid"], signal.SIGKILL)
    await second.ended()
    assert first.in_call
    await hears(first, FIRST)
    await eventually(switch, lambda status: len(status["media"]["workers"]) == 2)
    await dial(second, "900", SECOND)
    await hears(second, SECOND)
    assert legs(await state(switch)) == [1, 1]
    for phone in (first, second):
        await phone.hang_up()
        await phone.ended()
    records = await switch.calls(at_least=3)
    assert sorted(record["cause"] for record in records) == ["bye", "bye", "media_lost"]
    await switch.is_idle()
