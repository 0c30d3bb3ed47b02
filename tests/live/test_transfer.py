"""Real phones lead each other elsewhere: tones tell who hears whom."""

import asyncio
from urllib.parse import quote

import pytest

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch
from tests.live.sound import share_of

HZ = {"101": 440.0, "102": 660.0, "103": 1000.0}
HEARD = 0.9
"""Share of the power of the only voice that there is."""


async def hears(phone: Phone, other: Phone) -> None:
    """A phone hears another one and nobody else, as soon as what changed has reached it."""
    for _ in range(10):
        if share_of(HZ[other.number], await phone.hear(0.5)) > HEARD:
            return
    raise AssertionError(f"{phone.number} does not hear {other.number}")


async def talk(caller: Phone, callee: Phone) -> None:
    await caller.call(callee.number)
    await caller.answered()
    await RunningSwitch.until(lambda: callee.in_call, 5, "the callee did not answer")
    for phone in (caller, callee):
        phone.send_tone(HZ[phone.number])
    await hears(caller, callee)


@pytest.mark.parametrize("who", ["101", "102"])
async def test_a_phone_leads_the_other_to_a_third_and_the_two_talk(
    switch: RunningSwitch, phones: Phones, who: str
) -> None:
    caller, callee = await phones.add("101"), await phones.add("102", answer_after=0.1)
    target = await phones.add("103", answer_after=0.3)
    await talk(caller, callee)
    leaving, remaining = (caller, callee) if who == "101" else (callee, caller)
    await leaving.transfer("103")
    await RunningSwitch.until(lambda: target.in_call, 5, "the target did not answer")
    target.send_tone(HZ["103"])
    await leaving.ended()
    await hears(remaining, target)
    await hears(target, remaining)
    assert f"sip:{remaining.number}@" in target.caller
    await remaining.hang_up()
    await target.ended()
    await switch.is_idle()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_phone_joins_the_two_whom_it_talks_to_on_two_lines(start_switch: SwitchStarter, workers: int) -> None:
    switch = await start_switch({"media.workers": workers})
    async with (
        Phones(switch.sip_port) as phones,
        RawPhone("102", switch.sip_port) as line,
        RawPhone("102", switch.sip_port) as consultation,
    ):
        first, second = await phones.add("101", answer_after=0.1), await phones.add("103", answer_after=0.1)
        assert (await line.call("101")).status == 200
        assert (await consultation.call("103")).status == 200
        for phone in (first, second):
            phone.send_tone(HZ[phone.number])
        there = consultation.dialog
        assert there is not None
        named = quote(f"{there.call_id};to-tag={there.there};from-tag={there.here}", safe="")
        answer = await line.within("REFER", [f"Refer-To: <sip:103@{line.server}?Replaces={named}>"])
        assert answer.status == 202
        async with asyncio.timeout(PATIENCE):
            await line.ended_by_far_side.wait()
            await consultation.ended_by_far_side.wait()
        told = [one.body.strip() for one in line.received if one.first.startswith("NOTIFY")]
        assert told == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
        await hears(first, second)
        await hears(second, first)
        await first.hang_up()
        await second.ended()
    await switch.is_idle()
