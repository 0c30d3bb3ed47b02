"""Calls over a bad network: a proxy between a phone and the switch loses what passes, or forgets its bindings.

Scores are PESQ narrowband of speech that a phone behind the bad network says and another one hears. With three in a
conference the switch decodes, conceals and mixes. Between two phones it relays packets as they come; concealing is
then up to the far phone (here baresip), so those scores are not the switch's alone.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.impairment.impairment import Impairment
from tests.impairment.score import RATE, scores
from tests.impairment.sdp_proxy import SdpProxy
from tests.impairment.speech import speech
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency

LATE = 1.0
"""Seconds of sound heard beyond what was said, for its way."""
BACK = 3.0
"""Seconds after a NAT rebinding in which both hear each other: `media.latch.MOVE_AFTER` of silence and some more."""
UNDERWAY = 0.3
"""Seconds in which sound from before a rebinding may still be heard."""
PERSISTENCE = 40.0
"""Seconds in which SIP gets through or gives up: 64*T1 of RFC 3261 and some more."""


@pytest.fixture
async def switch(shared_switch: RunningSwitch) -> AsyncIterator[RunningSwitch]:
    """The module's switch; after each test nothing is left in it."""
    yield shared_switch
    await shared_switch.is_idle(PERSISTENCE)


@asynccontextmanager
async def bad_network(switch: RunningSwitch, phones: Phones, **impairments: Impairment) -> AsyncIterator[SdpProxy]:
    """Phones that are added inside are behind the bad network. It stays until their calls are over."""
    async with SdpProxy(("127.0.0.1", switch.sip_port), **impairments) as proxy:
        direct, phones.server = phones.server, f"127.0.0.1:{proxy.port}"
        before = len(phones.phones)
        try:
            yield proxy
        finally:
            phones.server = direct
            for phone in phones.phones:
                if phone.in_call:
                    await phone.hang_up()
            await asyncio.gather(*(phone.ended(PERSISTENCE) for phone in phones.phones))
            for phone in phones.phones[before:]:
                await phone.unregister()


async def connect(caller: Phone, callee: Phone, timeout: float = 10) -> None:
    await caller.call(callee.number)
    await callee.rings(timeout)
    await callee.answer()
    await caller.answered(timeout)


async def meet(*phones: Phone) -> None:
    """All in the conference room, its beeps over."""
    for phone in phones:
        await phone.call("700")
        await phone.answered()
    await asyncio.sleep(1.5)


async def heard_score(speaker: Phone, listener: Phone, times: int) -> float:
    """The mean score of the speech, said so many times."""
    said = speech()
    seconds = times * len(said) / RATE + LATE
    speaker.send(said)
    heard = await listener.hear(seconds, seconds + 15)
    speaker.send_nothing()
    return statistics.fmean(one.mos for one in scores(said, heard, times, round(LATE * RATE)))


async def measure(line: Impairment, speaker: Phone, listener: Phone) -> dict[float, float]:
    """The score by loss: none as the control, 1 % and 5 %."""
    measured = {}
    for loss, times in ((0.0, 1), (0.01, 2), (0.05, 2)):
        line.loss = loss
        measured[loss] = await heard_score(speaker, listener, times)
    print("PESQ by loss:", {loss: round(mos, 2) for loss, mos in measured.items()}, line.counters)
    return measured


async def hears(phone: Phone, hz: float, within: float) -> float:
    """Seconds until the phone hears the tone again."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < within:
        if abs(dominant_frequency(await phone.hear(0.1)) - hz) < 12:
            return loop.time() - began
    raise AssertionError(f"{phone.number} does not hear {hz} Hz within {within} s")


async def test_speech_through_loss_is_concealed_where_the_switch_mixes(switch: RunningSwitch, phones: Phones) -> None:
    line = Impairment(seed=5)
    listener, third = await phones.add("102"), await phones.add("103")
    async with bad_network(switch, phones, rtp_up=line):
        speaker = await phones.add("101")
        await meet(speaker, listener, third)
        measured = await measure(line, speaker, listener)
    assert measured[0.0] >= 4.2
    assert measured[0.01] >= 3.8
    assert measured[0.05] >= 3.0


async def test_speech_through_loss_is_relayed_between_two_phones(switch: RunningSwitch, phones: Phones) -> None:
    line = Impairment(seed=5)
    listener = await phones.add("102")
    async with bad_network(switch, phones, rtp_up=line):
        speaker = await phones.add("101")
        await connect(speaker, listener)
        measured = await measure(line, speaker, listener)
    assert measured[0.0] >= 4.2
    assert measured[0.01] >= 3.4
    assert measured[0.05] >= 2.2  # below what was measured (3.0 to 3.3): the far phone conceals, or does not


async def test_all_digits_arrive_through_a_loss_of_5_percent(switch: RunningSwitch, phones: Phones) -> None:
    line = Impairment(loss=0.05, seed=3)
    callee = await phones.add("102")
    async with bad_network(switch, phones, rtp_up=line):
        caller = await phones.add("101")
        await connect(caller, callee)
        for digits in ("1234567890*#", "1122334455", "99*#00"):
            callee.digits.clear()
            await caller.dtmf(digits)
            await asyncio.sleep(0.5)
            assert "".join(callee.digits) == digits
    assert line.counters.lost > 5


async def test_a_digit_leads_through_the_menu_at_a_loss_of_5_percent(switch: RunningSwitch, phones: Phones) -> None:
    called = await phones.add("104")
    losses = {"rtp_up": Impairment(loss=0.05, seed=1), "rtp_down": Impairment(loss=0.05, seed=2)}
    async with bad_network(switch, phones, **losses):
        caller = await phones.add("109")
        await caller.call("500")
        await caller.answered()
        await asyncio.sleep(1)
        await caller.dtmf("2")
        await called.rings()
        await called.answer()
        called.send_tone(660)
        await hears(caller, 660, within=5)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_call_is_set_up_and_ended_through_a_loss_of_10_percent(
    switch: RunningSwitch, phones: Phones, seed: int
) -> None:
    losses = {"sip_up": Impairment(loss=0.1, seed=seed), "sip_down": Impairment(loss=0.1, seed=100 + seed)}
    async with asyncio.timeout(2 * PERSISTENCE), bad_network(switch, phones, **losses) as proxy:
        caller, callee = await phones.add("101"), await phones.add("102")
        for _ in range(3):
            await connect(caller, callee, PERSISTENCE)
            caller.send_tone(440)
            await hears(callee, 440, within=3)
            await caller.hang_up()
            await callee.ended(PERSISTENCE)
    assert proxy.sip.up.counters.lost + proxy.sip.down.counters.lost > 0


@asynccontextmanager
async def rebound_call(switch: RunningSwitch, phones: Phones) -> AsyncIterator[tuple[Phone, Phone]]:
    """A call whose caller's NAT forgot all bindings, after both hear each other again."""
    callee = await phones.add("102")
    async with bad_network(switch, phones) as proxy:
        caller = await phones.add("101")
        await connect(caller, callee)
        caller.send_tone(440)
        callee.send_tone(660)
        await asyncio.gather(hears(callee, 440, within=3), hears(caller, 660, within=3))
        proxy.rebind()
        await asyncio.sleep(UNDERWAY)
        times = await asyncio.gather(hears(callee, 440, BACK - UNDERWAY), hears(caller, 660, BACK - UNDERWAY))
        print("seconds until heard again:", [round(UNDERWAY + seconds, 2) for seconds in times])
        yield caller, callee


async def test_after_a_nat_rebinding_both_hear_each_other_again_and_the_callers_hang_up_reaches(
    switch: RunningSwitch, phones: Phones
) -> None:
    async with rebound_call(switch, phones) as (caller, callee):
        await caller.hang_up()
        await asyncio.gather(caller.ended(3), callee.ended(3))


async def test_after_a_nat_rebinding_the_far_hang_up_reaches_a_phone_that_sent_a_request_in_the_call(
    switch: RunningSwitch, phones: Phones
) -> None:
    async with rebound_call(switch, phones) as (caller, callee):
        await caller.hold()
        await asyncio.sleep(0.5)
        await callee.hang_up()
        await asyncio.gather(caller.ended(3), callee.ended(3))


async def test_after_a_nat_rebinding_the_far_hang_up_reaches_a_phone_that_registered_again(
    switch: RunningSwitch, phones: Phones
) -> None:
    async with rebound_call(switch, phones) as (caller, callee):
        await caller.register()
        await callee.hang_up()
        await caller.ended(5)
