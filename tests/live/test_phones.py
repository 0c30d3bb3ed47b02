"""The phones that the other live tests trust are tried on each other first, without a switch between them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency, share_of


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Phone, Phone]]:
    """Two phones that call each other directly."""
    phones = Phones(server_port=0)
    phones.server = f"127.0.0.1:{phones.port}"
    async with phones:
        yield await phones.add("101", register=False), await phones.add("102", register=False)


async def connect(caller: Phone, callee: Phone) -> None:
    await caller.call(callee.number)
    await callee.rings()
    await callee.answer()
    await caller.answered()


async def test_two_phones_hear_each_others_tone(pair: tuple[Phone, Phone]) -> None:
    caller, callee = pair
    await connect(caller, callee)
    caller.send_tone(440)
    callee.send_tone(660)
    await asyncio.sleep(0.5)
    heard_by_callee, heard_by_caller = await asyncio.gather(callee.hear(1.0), caller.hear(1.0))
    assert dominant_frequency(heard_by_callee) == pytest.approx(440, abs=5)
    assert dominant_frequency(heard_by_caller) == pytest.approx(660, abs=5)
    assert share_of(440, heard_by_callee) > 0.9
    await callee.hang_up()
    await caller.ended()


async def test_digits_arrive_in_order(pair: tuple[Phone, Phone]) -> None:
    caller, callee = pair
    await connect(caller, callee)
    await asyncio.sleep(0.3)
    await caller.dtmf("1590#")
    await asyncio.sleep(0.5)
    assert "".join(callee.digits) == "1590#"


async def test_hold_is_seen_by_the_other_phone(pair: tuple[Phone, Phone]) -> None:
    caller, callee = pair
    await connect(caller, callee)
    await caller.hold()
    await RunningSwitch.until(lambda: callee.is_held, 2, "the hold was not seen")
    await caller.resume()
    await RunningSwitch.until(lambda: not callee.is_held, 2, "the resume was not seen")
    callee.send_tone(500)
    await asyncio.sleep(0.4)
    assert dominant_frequency(await caller.hear(0.5)) == pytest.approx(500, abs=5)


async def test_a_rejected_call_ends_with_486(pair: tuple[Phone, Phone]) -> None:
    caller, callee = pair
    await caller.call("102")
    await callee.rings()
    await callee.reject()
    await caller.ended()
    assert "486" in caller.timeline[-1][2]
