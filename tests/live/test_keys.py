"""Keys between telephones on real sockets that know different ways of telling them."""

import asyncio

import numpy as np

from media.dtmf import make_digit
from media.rtp import FRAME
from tests.live.conftest import SwitchStarter
from tests.live.raw_phone import PATIENCE, Message, RawPhone
from tests.media.studio import encode

SILENCE = b"\xd5" * FRAME


def tone(digit: str) -> list[bytes]:
    """A key held for 100 ms, as frames of PCMA, and a second of silence."""
    frames = np.split(make_digit(digit, 100), 5)
    return [encode(frame, "PCMA") for frame in frames] + [SILENCE] * 50


async def infos(phone: RawPhone, count: int) -> list[Message]:
    """The first INFO requests that come to a phone."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [one for one in phone.received if not one.status and one.method == "INFO"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_tones_of_one_phone_reach_another_one_as_sip_info(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"phones.102.dtmf": "info"})
    async with RawPhone("101", switch.sip_port) as caller, RawPhone("102", switch.sip_port) as callee:
        await callee.register()
        caller.say([SILENCE])
        await caller.call("102")
        caller.say(tone("5"))
        first, *_ = await infos(callee, 1)
        caller.say([SILENCE])
        await asyncio.sleep(1)
        assert first["content-type"] == "application/dtmf-relay"
        assert first.body == "Signal=5\r\nDuration=160\r\n"
        assert len(await infos(callee, 1)) == 1
        await caller.hang_up()
        await switch.is_idle()
