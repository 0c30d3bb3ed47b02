"""Phones that speak G.722 and Opus: with each other, with a phone that knows G.711 only, and with the switch itself."""

import asyncio

import pytest
from baresip.errors import CallFailed

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency, share_of

ALL = ["PCMA", "PCMU", "G722", "OPUS", "L16", "GSM"]


async def connect(caller: Phone, callee: Phone) -> None:
    await caller.call(callee.number)
    await callee.rings()
    await callee.answer()
    await caller.answered()


async def hear_each_other(one: Phone, other: Phone) -> None:
    one.send_tone(440)
    other.send_tone(660)
    await asyncio.sleep(1.0)
    heard_by_one, heard_by_other = await asyncio.gather(one.hear(1.0), other.hear(1.0))
    assert abs(dominant_frequency(heard_by_one) - 660) < 5
    assert abs(dominant_frequency(heard_by_other) - 440) < 5
    assert share_of(660, heard_by_one) > 0.8
    assert share_of(440, heard_by_other) > 0.8


async def relays(switch: RunningSwitch) -> int:
    return int((await switch.status())["media"]["relays"])


@pytest.mark.parametrize("codec", ["g722/16000/1", "opus/48000/2"])
async def test_a_wideband_phone_talks_to_one_of_g711_through_transcoding(
    start_switch: SwitchStarter, codec: str
) -> None:
    switch = await start_switch({"media.codecs": ALL})
    async with Phones(switch.sip_port) as phones:
        wide, plain = await phones.add("101", codecs=(codec,)), await phones.add("102")
        await connect(wide, plain)
        await hear_each_other(wide, plain)
        assert await relays(switch) == 0
        await wide.hang_up()
        await plain.ended()
        await connect(plain, wide)
        await hear_each_other(plain, wide)


@pytest.mark.parametrize("codec", ["g722/16000/1", "opus/48000/2"])
async def test_two_phones_of_one_wideband_codec_are_relayed(start_switch: SwitchStarter, codec: str) -> None:
    switch = await start_switch({"media.codecs": ALL})
    async with Phones(switch.sip_port) as phones:
        caller = await phones.add("101", codecs=(codec,))
        callee = await phones.add("102", codecs=(codec, "pcma"))
        await connect(caller, callee)
        await hear_each_other(caller, callee)
        assert await relays(switch) == 2
        await caller.dtmf("5")
        await asyncio.sleep(0.5)
        assert callee.digits == ["5"]


@pytest.mark.parametrize("codec", ["g722/16000/1", "opus/48000/2"])
async def test_the_switch_itself_speaks_it(start_switch: SwitchStarter, codec: str) -> None:
    switch = await start_switch({"media.codecs": ALL})
    async with Phones(switch.sip_port) as phones:
        phone = await phones.add("101", codecs=(codec,))
        await phone.call("901")
        await phone.answered()
        await asyncio.sleep(1.0)
        assert abs(dominant_frequency(await phone.hear(1.0)) - 1004) < 5


async def test_a_codec_that_is_not_switched_on_is_refused(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"media.codecs": ["PCMA"]})
    async with Phones(switch.sip_port) as phones:
        phone = await phones.add("101", codecs=("opus/48000/2",))
        await phone.call("901")
        with pytest.raises(CallFailed) as refused:
            await phone.answered()
        assert refused.value.status == 488
