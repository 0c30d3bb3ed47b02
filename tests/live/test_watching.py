"""A phone watches another one while that is called."""

import asyncio
import re

from tests.live.control import eventually, is_idle
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch


def states(watcher: RawPhone) -> list[str]:
    """What the NOTIFYs said so far, in order; a call that is over is listed beside the next one."""
    bodies = [one.body for one in watcher.received if one.first.startswith("NOTIFY ")]
    return ["+".join(re.findall("<state>([a-z]+)</state>", body)) or "none" for body in bodies]


async def test_a_lamp_shows_that_somebody_is_called_talks_and_is_free_again(switch: RunningSwitch) -> None:
    async with (
        RawPhone("103", switch.sip_port) as watcher,
        RawPhone("101", switch.sip_port) as caller,
        RawPhone("102", switch.sip_port, answers=False) as callee,
    ):
        assert (await callee.register()).status == 200
        subscribed = await watcher.request("SUBSCRIBE", f"sip:102@{watcher.server}", lines=["Event: dialog"])
        assert (subscribed.status, subscribed["expires"]) == (200, "3600")
        await switch.until(lambda: states(watcher) == ["none"], PATIENCE, "no first NOTIFY")
        calling = asyncio.create_task(caller.call("102"))
        await switch.until(lambda: states(watcher)[-1] == "early", PATIENCE, "it does not ring")
        assert callee.invited is not None
        callee._accept(callee.invited)
        assert (await calling).status == 200
        await switch.until(lambda: states(watcher)[-1] == "confirmed", PATIENCE, "the lamp is not lit")
        await caller.hang_up()
        await switch.until(lambda: states(watcher)[-1] == "terminated", PATIENCE, "the lamp is still lit")
        versions = [
            int(one) for one in re.findall('version="([0-9]+)"', " ".join(one.body for one in watcher.received))
        ]
        assert versions == sorted(set(versions))
    await eventually(switch, is_idle)
