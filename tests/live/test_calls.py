"""Two phones and the switch between them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from baresip.errors import CallFailed, RegistrationError

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.pyvoip_phone import PyVoipPhone
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency, longest_silence, loudness, share_of


@pytest.fixture
async def switch(shared_switch: RunningSwitch) -> AsyncIterator[RunningSwitch]:
    """The module's switch; after each test nothing is left in it."""
    yield shared_switch
    await shared_switch.is_idle()


async def talk(caller: Phone | PyVoipPhone, callee: Phone | PyVoipPhone) -> None:
    """Each hears the other's tone at the right frequency."""
    caller.send_tone(440)
    callee.send_tone(660)
    await asyncio.sleep(0.8)
    heard_by_callee, heard_by_caller = await asyncio.gather(callee.hear(1.0), caller.hear(1.0))
    assert dominant_frequency(heard_by_callee) == pytest.approx(440, abs=8)
    assert dominant_frequency(heard_by_caller) == pytest.approx(660, abs=8)
    assert share_of(440, heard_by_callee) > 0.8
    assert share_of(660, heard_by_caller) > 0.8


async def connect(caller: Phone, callee: Phone) -> None:
    await caller.call(callee.number)
    await callee.rings()
    await callee.answer()
    await caller.answered()


@pytest.mark.parametrize("who_hangs_up", ["caller", "callee"])
async def test_101_calls_102_each_hears_the_other_and_the_hang_up_reaches_both(
    switch: RunningSwitch, phones: Phones, who_hangs_up: str
) -> None:
    before = len(await switch.calls())
    caller, callee = await phones.add("101"), await phones.add("102")
    await connect(caller, callee)
    assert caller.saw("CALL_RINGING")
    assert "101" in callee.caller
    await talk(caller, callee)
    await (caller if who_hangs_up == "caller" else callee).hang_up()
    await asyncio.gather(caller.ended(), callee.ended())
    record, *_ = await switch.calls(at_least=before + 1)
    assert (record["caller_number"], record["called_number"]) == ("101", "102")


@pytest.mark.parametrize("codecs", [(("pcma",), ("pcmu",)), (("pcmu",), ("pcma",))], ids=["a-to-u", "u-to-a"])
async def test_phones_without_a_codec_in_common_hear_each_other(
    phones: Phones, codecs: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    caller, callee = await phones.add("101", codecs=codecs[0]), await phones.add("102", codecs=codecs[1])
    await connect(caller, callee)
    await talk(caller, callee)
    await caller.hang_up()
    await callee.ended()


async def test_phones_call_each_other_over_tcp(switch: RunningSwitch) -> None:
    async with Phones(switch.sip_port, transport="tcp") as phones:
        caller, callee = await phones.add("101"), await phones.add("102")
        await connect(caller, callee)
        await talk(caller, callee)
        await callee.hang_up()
        await caller.ended()


async def test_a_pyvoip_phone_calls_and_hangs_up(switch: RunningSwitch, phones: Phones) -> None:
    callee = await phones.add("102")
    async with PyVoipPhone("101", switch.sip_port) as caller:
        await caller.call("102")
        await callee.rings()
        await callee.answer()
        await caller.answered()
        await talk(caller, callee)
        await caller.hang_up()
        await callee.ended()


async def test_a_pyvoip_phone_is_called_and_hangs_up(switch: RunningSwitch, phones: Phones) -> None:
    caller = await phones.add("102")
    async with PyVoipPhone("101", switch.sip_port) as callee:
        await caller.call("101")
        await callee.rings()
        await callee.answer()
        await caller.answered()
        await talk(caller, callee)
        await callee.hang_up()
        await caller.ended()


async def test_two_pyvoip_phones_talk_and_the_hang_up_reaches_the_other(switch: RunningSwitch) -> None:
    async with PyVoipPhone("101", switch.sip_port) as caller, PyVoipPhone("102", switch.sip_port) as callee:
        await caller.call("102")
        await callee.rings()
        await callee.answer()
        await caller.answered()
        await talk(caller, callee)
        await caller.hang_up()
        await callee.ended()


async def test_a_rejected_call_is_busy_for_the_caller(phones: Phones) -> None:
    caller, callee = await phones.add("101"), await phones.add("102")
    await caller.call("102")
    await callee.rings()
    await callee.reject()
    with pytest.raises(CallFailed) as refused:
        await caller.answered()
    assert refused.value.status == 486


async def test_the_other_phone_stops_ringing_when_the_caller_gives_up(phones: Phones) -> None:
    caller, callee = await phones.add("101"), await phones.add("102")
    await caller.call("102")
    await callee.rings()
    await caller.hang_up()
    await callee.ended(3)


async def test_a_call_that_nobody_answers_is_given_up(phones: Phones) -> None:
    caller, callee = await phones.add("101"), await phones.add("102")
    await caller.call("102")
    await callee.rings()
    with pytest.raises(CallFailed) as refused:
        await caller.answered(8)
    assert refused.value.status in (408, 480)
    await callee.ended(3)


@pytest.mark.parametrize(("number", "status"), [("999", 404), ("109", 480)])
async def test_numbers_that_lead_nowhere_are_refused(phones: Phones, number: str, status: int) -> None:
    caller = await phones.add("101")
    await caller.call(number)
    with pytest.raises(CallFailed) as refused:
        await caller.answered()
    assert refused.value.status == status


async def test_a_wrong_password_is_refused(phones: Phones) -> None:
    with pytest.raises(RegistrationError):
        await phones.add("101", "demo-102")


async def test_a_held_phone_hears_music_and_then_the_other_again(phones: Phones) -> None:
    caller, callee = await phones.add("101"), await phones.add("102")
    await connect(caller, callee)
    await talk(caller, callee)
    await caller.hold()
    await asyncio.sleep(0.7)
    music = await callee.hear(1.0)
    assert share_of(440, music) < 0.5
    assert loudness(music) > -50
    await caller.resume()
    await asyncio.sleep(0.7)
    await talk(caller, callee)
    await caller.hang_up()
    await callee.ended()


@pytest.mark.parametrize("mode", ["rtpevent", "info"])
async def test_digits_cross_the_switch(phones: Phones, mode: str) -> None:
    caller, callee = await phones.add("101", dtmf_mode=mode), await phones.add("102")  # type: ignore[arg-type]
    await connect(caller, callee)
    await asyncio.sleep(0.5)
    await caller.dtmf("159#")
    await RunningSwitch.until(lambda: len(callee.digits) >= 4, 3, f"only {callee.digits} arrived")
    assert "".join(callee.digits) == "159#"


async def test_tone_echo_and_music(phones: Phones) -> None:
    phone = await phones.add("101")
    await phone.call("901")
    await phone.answered()
    await asyncio.sleep(0.5)
    assert dominant_frequency(await phone.hear(1.0)) == pytest.approx(1004, abs=4)
    await phone.hang_up()
    await phone.call("900")
    await phone.answered()
    phone.send_tone(620)
    await asyncio.sleep(0.8)
    assert dominant_frequency(await phone.hear(1.0)) == pytest.approx(620, abs=5)
    await phone.hang_up()
    await phone.call("902")
    await phone.answered()
    await asyncio.sleep(1.0)
    music = await phone.hear(3.0)
    assert loudness(music) > -45
    assert longest_silence(music) < 0.7
    assert share_of(620, music) < 0.5
    await phone.hang_up()


async def test_in_a_conference_everybody_hears_everybody_but_himself(phones: Phones) -> None:
    tones = {"101": 440.0, "102": 660.0, "103": 880.0}
    members = [await phones.add(number) for number in tones]
    for member in members:
        await member.call("700")
        await member.answered()
        member.send_tone(tones[member.number])
    await asyncio.sleep(1.5)
    for member, sound in zip(members, await asyncio.gather(*(each.hear(1.0) for each in members)), strict=True):
        shares = {number: share_of(hz, sound) for number, hz in tones.items()}
        assert shares.pop(member.number) < 0.05
        assert min(shares.values()) > 0.25


async def test_registrations_survive_a_restart(start_switch: SwitchStarter) -> None:
    switch = await start_switch()
    async with Phones(switch.sip_port) as phones:
        caller, callee = await phones.add("101"), await phones.add("102")
        await switch.stop()
        await switch.start()
        await connect(caller, callee)
        await talk(caller, callee)
        await caller.hang_up()
        await callee.ended()
