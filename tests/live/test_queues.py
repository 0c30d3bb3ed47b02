"""What happens after dialling 600: waiting, music, agents in turn, and the recording of both voices."""

import asyncio

import numpy as np
import pytest
import soundfile

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency, longest_silence, loudness, share_of

AGENTS = ("101", "102", "103")


async def who_answers(agents: list[Phone], timeout: float = 15) -> Phone:
    """The agent who is in a call, as soon as one is."""
    await RunningSwitch.until(lambda: any(agent.in_call for agent in agents), timeout, "no agent got the call")
    return next(agent for agent in agents if agent.in_call)


async def test_four_calls_go_to_101_102_103_and_101_again(phones: Phones) -> None:
    agents = [await phones.add(number, answer_after=0.1) for number in AGENTS]
    caller = await phones.add("109")
    order = []
    for _ in range(4):
        await caller.call("600")
        await caller.answered()
        agent = await who_answers(agents)
        order.append(agent.number)
        await caller.hang_up()
        await agent.ended()
        await asyncio.sleep(1.5)
    assert order == ["101", "102", "103", "101"]


async def test_an_agent_who_does_not_answer_is_passed_over(phones: Phones) -> None:
    sleeper = await phones.add("101")
    agent = await phones.add("102", answer_after=0.1)
    caller = await phones.add("109")
    await caller.call("600")
    await caller.answered()
    await sleeper.rings()
    await agent.rings(8)
    assert not sleeper.in_call
    await sleeper.ended(3)
    await who_answers([agent])


async def test_an_agent_who_rejects_is_passed_over_at_once(phones: Phones) -> None:
    busy, agent = await phones.add("101"), await phones.add("102", answer_after=0.1)
    caller = await phones.add("109")
    await caller.call("600")
    await caller.answered()
    await busy.rings()
    await busy.reject()
    await agent.rings(2)


async def test_the_caller_hears_music_until_the_agent_answers(start_switch: SwitchStarter) -> None:
    switch = await start_switch(
        {
            "recordings.announcement": "One.",
            "queues.support.greeting": "Two.",
            "queues.support.announce_position": False,
            "queues.support.periodic": [],
            "queues.support.ring_timeout": 30,
        }
    )
    async with Phones(switch.sip_port) as phones:
        agent, caller = await phones.add("101"), await phones.add("109")
        await caller.call("600")
        await caller.answered()
        await agent.rings()
        await asyncio.sleep(5.0)
        waiting = await caller.hear(4.0)
        assert loudness(waiting) > -45
        assert longest_silence(waiting) < 0.7
        await agent.answer()
        agent.send_tone(660)
        await asyncio.sleep(1.0)
        voice = await caller.hear(1.0)
        assert dominant_frequency(voice) == pytest.approx(660, abs=5)
        assert share_of(660, voice) > 0.9


async def test_a_caller_who_gives_up_stops_the_agents_phone(switch: RunningSwitch, phones: Phones) -> None:
    agent, caller = await phones.add("101"), await phones.add("109")
    await caller.call("600")
    await caller.answered()
    await agent.rings()
    await caller.hang_up()
    await agent.ended(3)
    (record,) = await switch.calls(at_least=1)
    assert "support" in str(record)


async def test_a_caller_waits_until_an_agent_is_there(phones: Phones) -> None:
    caller = await phones.add("109")
    await caller.call("600")
    await caller.answered()
    await asyncio.sleep(1.0)
    agent = await phones.add("103", answer_after=0.1)
    await who_answers([agent])


async def test_after_the_longest_wait_the_call_goes_to_its_overflow(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"queues.support.max_wait": 2, "queues.support.on_timeout": "phone:106"})
    async with Phones(switch.sip_port) as phones:
        caller, overflow = await phones.add("109"), await phones.add("106", answer_after=0.1)
        await caller.call("600")
        await caller.answered()
        await overflow.rings(10)


async def test_the_recording_holds_each_voice_on_its_own_channel(switch: RunningSwitch, phones: Phones) -> None:
    agent, caller = await phones.add("101", answer_after=0.1), await phones.add("109")
    await caller.call("600")
    await caller.answered()
    caller.send_tone(440)
    await who_answers([agent])
    agent.send_tone(660)
    await asyncio.sleep(4.0)
    await caller.hang_up()
    await agent.ended()
    await asyncio.sleep(1.0)
    (path,) = switch.recordings()
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    assert samples.shape[1] == 2
    assert len(samples) > 3 * rate
    callers_voice, agents_voice = samples[-2 * rate : -rate // 2].astype(np.int16).T
    assert dominant_frequency(callers_voice) == pytest.approx(440, abs=5)
    assert dominant_frequency(agents_voice) == pytest.approx(660, abs=5)
    assert share_of(660, callers_voice) < 0.02
    assert share_of(440, agents_voice) < 0.02
    assert path.name in str(await switch.calls(at_least=1))
