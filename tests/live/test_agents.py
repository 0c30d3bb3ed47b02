"""Agents at real phones: codes to log in, pause and end a wrap-up, and what survives a restart of the switch."""

import asyncio

import pytest
from baresip.errors import CallFailed

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch, Setting

OFFICE: dict[str, Setting] = {
    "agent_codes.log_in": "*30",
    "pauses.lunch.key": "1",
    "pauses.lunch.at_once": 1,
    "queues.support.agents": ["101", "102"],
    "queues.support.wrap_up": 600,
    "queues.support.dispositions": ["sold", "lost"],
}


async def dial(phone: Phone, code: str) -> None:
    await phone.call(code)
    await phone.answered()
    await phone.ended(5)


async def agent(switch: RunningSwitch, number: str) -> dict[str, object]:
    found: dict[str, object] = (await switch.status())["agents"][number]
    return found


async def in_state(switch: RunningSwitch, number: str, state: str) -> None:
    for _ in range(50):
        if (await agent(switch, number))["state"] == state:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{number} is {await agent(switch, number)}, expected {state}")


async def test_an_agent_pauses_comes_back_and_logs_out_by_codes_at_his_phone(start_switch: SwitchStarter) -> None:
    switch = await start_switch(OFFICE)
    async with Phones(switch.sip_port) as phones:
        first, second, stranger = [await phones.add(number) for number in ("101", "102", "109")]
        await dial(first, "*321")
        assert (await agent(switch, "101"))["pause_reason"] == "lunch"
        await dial(second, "*321")
        assert (await agent(switch, "102"))["status"] == "available", "one at once"
        await dial(first, "*33")
        assert (await agent(switch, "101"))["status"] == "available"
        await dial(first, "*31")
        assert (await agent(switch, "101"))["status"] == "logged_out"
        await dial(first, "*30")
        assert (await agent(switch, "101"))["status"] == "available"
        with pytest.raises(CallFailed):
            await dial(stranger, "*30")


async def test_a_result_and_the_end_of_a_wrap_up_by_codes_and_all_of_it_after_a_restart(
    start_switch: SwitchStarter,
) -> None:
    switch = await start_switch(OFFICE)
    async with Phones(switch.sip_port) as phones:
        first, second, caller = (
            await phones.add("101", answer_after=0.1),
            await phones.add("102"),
            await phones.add("109"),
        )
        await dial(second, "*32")
        await caller.call("600")
        await caller.answered()
        await RunningSwitch.until(lambda: first.in_call, 8, "the agent did not answer")
        await asyncio.sleep(0.5)
        await caller.hang_up()
        await first.ended()
        await in_state(switch, "101", "wrap_up")
        await dial(first, "*351")
        status = await switch.status()
        assert status["queues"]["support"]["dispositions"] == {"sold": 1}
        assert status["agents"]["101"]["state"] == "wrap_up"
        await switch.stop()
        await switch.start()
        status = await switch.status()
        assert status["agents"]["101"]["wrap_up_until"] is not None
        assert status["agents"]["101"]["answered_today"] == 1
        assert status["agents"]["102"]["status"] == "paused"
        assert status["queues"]["support"]["answered"] == 1
