"""A line that nobody hangs up but its busy tone, and what the records and the status say of its sound."""

import asyncio

import numpy as np

from media.g711 import ENCODE
from media.tone import render
from tests.live.conftest import SwitchStarter
from tests.live.raw_phone import RawPhone

PCMA = 1
BUSY_ENDS_WITHIN = 18.0
"""Seconds: ten of busy tone, and a machine that does other things too."""


def busy_frames() -> list[bytes]:
    """One period of a German busy tone as packets."""
    codes = ENCODE[PCMA][render("busy", "de", 0.96).view(np.uint16)]
    return [codes[at : at + 160].tobytes() for at in range(0, len(codes), 160)]


async def test_a_caller_who_left_but_for_his_busy_tone_is_hung_up_and_the_record_tells_of_his_sound(
    start_switch: SwitchStarter,
) -> None:
    switch = await start_switch({"trunks.provider.detect_busy": True})
    async with RawPhone("provider", switch.sip_port, local_port=switch.trunk_port) as line:
        line.say(busy_frames())
        assert (await line.call("+74950000100")).status == 200
        await asyncio.sleep(4)
        status = await switch.command("status", "--json")
        quality = status["media"]["quality"]
        assert (quality["receiving"], quality["decoded"], quality["not_received"]) == (1, 1, 0)
        assert quality["mos_p5"] > 4
        assert status["media"]["start_error_p99_ms"] >= 0
        async with asyncio.timeout(BUSY_ENDS_WITHIN):
            await line.ended_by_far_side.wait()
    for _ in range(50):
        records = await switch.command("calls", "--json")
        if records:
            break
        await asyncio.sleep(0.2)
    assert records[0]["cause"] == "busy_tone"
    heard = records[0]["legs"][0]["quality"]
    assert heard["decoded_seconds"] > 9
    assert 40 < heard["silence_percent"] < 60
    assert heard["one_way"] is None
    assert heard["burst_ratio"] is None
    assert heard["talk_over_percent"] is None
