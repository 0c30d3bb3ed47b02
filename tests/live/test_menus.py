"""What happens after dialling 500: the menu is heard and keys lead where the example says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import loudness, share_of


@pytest.fixture
async def switch(shared_switch: RunningSwitch) -> AsyncIterator[RunningSwitch]:
    """The module's switch; after each test nothing is left in it."""
    yield shared_switch
    await shared_switch.is_idle()


async def call_the_menu(caller: Phone) -> None:
    """Dial 500 and hear somebody speak."""
    await caller.call("500")
    await caller.answered()
    await asyncio.sleep(0.5)
    assert loudness(await caller.hear(1.0)) > -50


async def answers_with_tone(phone: Phone, caller: Phone, hz: float = 660) -> None:
    """The phone rings, answers, and the caller hears it."""
    await phone.rings()
    await phone.answer()
    phone.send_tone(hz)
    await asyncio.sleep(1.0)
    assert share_of(hz, await caller.hear(1.0)) > 0.8


@pytest.mark.parametrize("mode", ["rtpevent", "info"])
@pytest.mark.parametrize(("digit", "number"), [("1", "101"), ("2", "104"), ("0", "101")])
async def test_a_digit_leads_to_its_destination(phones: Phones, digit: str, number: str, mode: str) -> None:
    caller, called = await phones.add("109", dtmf_mode=mode), await phones.add(number)  # type: ignore[arg-type]
    await call_the_menu(caller)
    await caller.dtmf(digit)
    await answers_with_tone(called, caller)
    await caller.hang_up()
    await called.ended()


async def test_an_extension_dialled_during_the_greeting_is_reached_at_once(phones: Phones) -> None:
    caller, called = await phones.add("109"), await phones.add("106")
    await call_the_menu(caller)
    await caller.dtmf("106")
    await called.rings(2.5)
    await answers_with_tone(called, caller)


async def test_no_input_twice_leads_to_the_operator(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"menus.main.greeting_day": "One.", "menus.main.timeout": 0.5})
    async with Phones(switch.sip_port) as phones:
        caller, operator = await phones.add("109"), await phones.add("101")
        await caller.call("500")
        await caller.answered()
        await operator.rings(60)
        await answers_with_tone(operator, caller)


async def test_the_information_prompt_is_heard_to_its_end(phones: Phones) -> None:
    caller = await phones.add("109")
    await call_the_menu(caller)
    await caller.dtmf("3")
    await asyncio.sleep(0.5)
    assert loudness(await caller.hear(2.0)) > -50
    await caller.ended(20)
