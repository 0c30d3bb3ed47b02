"""The switch is killed with calls up: what was promised to be safe is safe."""

import asyncio

import soundfile

from tests.live.phones import Phones
from tests.live.running_switch import RunningSwitch


async def test_after_kill_9_phones_are_still_registered_and_nothing_is_lost(
    switch: RunningSwitch, phones: Phones
) -> None:
    agent = await phones.add("101", answer_after=0.1)
    caller, friend, other = await phones.add("109"), await phones.add("108", answer_after=0.1), await phones.add("107")
    await other.call("108")
    await other.answered()
    await asyncio.sleep(0.5)
    await other.hang_up()
    await friend.ended()
    await switch.calls(at_least=1)
    await caller.call("600")
    await caller.answered()
    caller.send_tone(440)
    await agent.rings()
    await agent.answered()
    agent.send_tone(660)
    await asyncio.sleep(4.0)
    switch.kill()
    for phone in (caller, agent):
        await phone.hang_up()
    await switch.start()
    await other.call("108")
    await other.answered()
    await other.hang_up()
    await friend.ended()
    records = await switch.calls(at_least=3)
    assert sum(record["called_number"] == "108" for record in records) == 2
    assert sum(record["cause"] == "node_crash" for record in records) == 1
    recordings = switch.recordings()
    assert recordings != []
    for path in recordings:
        samples, rate = soundfile.read(path, dtype="int16")
        assert len(samples) > 2 * rate
        assert abs(samples).max() > 1000
