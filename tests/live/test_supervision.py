"""A supervisor with a real phone beside a call of two others: tones tell who hears whom."""

import asyncio

import numpy as np
import pytest
from baresip.errors import CallFailed

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.raw_phone import RawPhone
from tests.live.running_switch import RunningSwitch, Setting
from tests.live.sound import share_of

CALLER, AGENT, SUPERVISOR = 440.0, 660.0, 1000.0
"""Hz that each of them sends all the time."""
HEARD = 0.1
"""Share of the power that a voice in a mix of two has at least; one that is not there has a thousandth."""


async def who_is_heard(*phones: Phone | RawPhone) -> list[set[float]]:
    """The tones that each phone hears, once what was changed before has reached it."""
    await asyncio.sleep(0.8)
    sounds = await asyncio.gather(*(phone.hear(1.0) for phone in phones))
    return [{hz for hz in (CALLER, AGENT, SUPERVISOR) if share_of(hz, sound) > HEARD} for sound in sounds]


async def call(phones: Phones, called: str = "101") -> tuple[Phone, Phone, Phone]:
    """The caller 102 talks to 101, and the supervisor 109 has a phone."""
    agent = await phones.add("101", answer_after=0.1)
    caller, supervisor = await phones.add("102"), await phones.add("109")
    await caller.call(called)
    await caller.answered()
    await RunningSwitch.until(lambda: agent.in_call, 5, "the agent did not answer")
    caller.send_tone(CALLER)
    agent.send_tone(AGENT)
    return caller, agent, supervisor


async def dial(supervisor: Phone, number: str) -> None:
    await supervisor.call(number)
    await supervisor.answered()
    supervisor.send_tone(SUPERVISOR)


async def test_a_supervisor_listens_whispers_and_barges_in_by_his_keys_and_leaves_the_call_as_it_was(
    switch: RunningSwitch, phones: Phones
) -> None:
    caller, agent, supervisor = await call(phones)
    assert await who_is_heard(caller, agent) == [{AGENT}, {CALLER}]
    await dial(supervisor, "*21101")
    three = caller, agent, supervisor
    assert await who_is_heard(*three) == [{AGENT}, {CALLER}, {CALLER, AGENT}]
    await supervisor.dtmf("2")
    assert await who_is_heard(*three) == [{AGENT}, {CALLER, SUPERVISOR}, {CALLER, AGENT}]
    await supervisor.dtmf("3")
    assert await who_is_heard(*three) == [{AGENT, SUPERVISOR}, {CALLER, SUPERVISOR}, {CALLER, AGENT}]
    assert (await switch.status())["media"]["relays"] == 0
    await supervisor.hang_up()
    await supervisor.ended()
    assert await who_is_heard(caller, agent) == [{AGENT}, {CALLER}]
    assert (await switch.status())["media"]["relays"] == 2, "the pair is relayed again"
    assert caller.in_call
    assert agent.in_call
    assert not caller.digits
    assert not agent.digits
    await caller.hang_up()
    await agent.ended()
    await switch.is_idle()


@pytest.mark.parametrize(
    ("code", "caller_hears", "agent_hears"),
    [
        ("*21", {AGENT}, {CALLER}),
        ("*22", {AGENT}, {CALLER, SUPERVISOR}),
        ("*23", {AGENT, SUPERVISOR}, {CALLER, SUPERVISOR}),
    ],
)
async def test_each_code_is_its_role_also_at_a_queue_and_the_end_of_the_call_is_heard(
    switch: RunningSwitch, phones: Phones, code: str, caller_hears: set[float], agent_hears: set[float]
) -> None:
    caller, agent, supervisor = await call(phones, "600")
    await dial(supervisor, f"{code}101")
    assert await who_is_heard(caller, agent, supervisor) == [caller_hears, agent_hears, {CALLER, AGENT}]
    await caller.hang_up()
    await agent.ended()
    supervisor.send_nothing()
    tone = await supervisor.hear(1.0)
    assert np.abs(tone).max() > 1000, "a busy tone"
    await supervisor.ended(6)
    await switch.is_idle()


async def test_who_is_no_supervisor_is_refused_and_without_a_call_there_is_nothing_to_hear(phones: Phones) -> None:
    supervisor, other = await phones.add("109"), await phones.add("103")
    await other.call("*21101")
    with pytest.raises(CallFailed, match="403"):
        await other.answered()
    await supervisor.call("*21101")
    with pytest.raises(CallFailed, match="480"):
        await supervisor.answered()


async def test_the_agent_whom_a_queue_reaches_behind_a_trunk_alone_hears_a_whisper(start_switch: SwitchStarter) -> None:
    settings: dict[str, Setting] = {"queues.support.max_wait": 1, "phones.101.on_unreachable": "trunk:provider/4711"}
    switch = await start_switch(settings)
    async with (
        Phones(switch.sip_port) as phones,
        RawPhone("provider", switch.sip_port, local_port=switch.trunk_port) as agent,
    ):
        caller, supervisor = await phones.add("102"), await phones.add("109")
        await caller.call("600")
        async with asyncio.timeout(15):
            await agent.answered.wait()
        caller.send_tone(CALLER)
        agent.send_tone(AGENT)
        await dial(supervisor, "*21101")
        assert await who_is_heard(caller, agent, supervisor) == [{AGENT}, {CALLER}, {CALLER, AGENT}]
        await supervisor.dtmf("2")
        assert await who_is_heard(caller, agent, supervisor) == [{AGENT}, {CALLER, SUPERVISOR}, {CALLER, AGENT}]
        await supervisor.dtmf("3")
        both = [{AGENT, SUPERVISOR}, {CALLER, SUPERVISOR}, {CALLER, AGENT}]
        assert await who_is_heard(caller, agent, supervisor) == both
        await supervisor.hang_up()
        await caller.hang_up()
        async with asyncio.timeout(10):
            await agent.ended_by_far_side.wait()
        await switch.is_idle()
