"""IPv6: registration, calls and sound, alone and between the two families, over UDP and TCP."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live.conftest import QUICK
from tests.live.control import eventually, is_idle, state
from tests.live.ports import free_port
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch, with_setting
from tests.live.sipp import needs_sipp, run, write_users
from tests.live.web_phone import WebPhone
from tests.softswitch.transport.certificates import Authority

HOSTS = {4: "127.0.0.1", 6: "::1"}


def has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.fixture
async def switch(folder: Path) -> AsyncIterator[RunningSwitch]:
    """A switch that listens on both families; its media address is an IPv4 one."""
    switch = RunningSwitch(folder, QUICK)
    hosts = ("127.0.0.1", "[::1]")
    listen = [f"{transport}:{host}:{switch.sip_port}" for host in hosts for transport in ("udp", "tcp")]
    switch.file.write_text(with_setting(switch.file.read_text(), "sip.listen", listen))
    async with switch:
        yield switch


async def test_phones_on_tls_and_in_browsers_call_each_other(folder: Path) -> None:
    authority = Authority(folder)
    certificate, key = authority.issue("::1", file="switch")
    tls, wss = free_port(), free_port()
    switch = RunningSwitch(folder, {**QUICK, "sip.certificate": str(certificate), "sip.key": str(key)})
    listen = [f"udp:127.0.0.1:{switch.sip_port}", f"tls:[::1]:{tls}", f"wss:[::1]:{wss}"]
    switch.file.write_text(with_setting(switch.file.read_text(), "sip.listen", listen))
    context = ssl.create_default_context(cafile=str(authority.file))
    async with (
        switch,
        RawPhone("101", tls, host="::1", transport="tls", security=context) as desk,
        WebPhone("102", wss, context, host="::1") as browser,
    ):
        await talk(desk, browser)
        await talk(browser, desk)


async def talk(caller: RawPhone, callee: RawPhone) -> None:
    """A call from registration to hang-up, with sound in the address family of each phone."""
    assert (await callee.register()).status == 200
    callee.ended_by_far_side.clear()
    answer = await caller.call(callee.number)
    assert answer.status == 200
    assert answer.media[0] == caller.host
    assert callee.invited is not None
    assert callee.invited.media[0] == callee.host
    assert callee.invited["contact"].startswith(f"<sip:softswitch@{callee.server}")
    assert await callee.hears(caller.voice)
    assert await caller.hears(callee.voice)
    assert (await caller.hang_up()).status == 200
    async with asyncio.timeout(PATIENCE):
        await callee.ended_by_far_side.wait()


async def test_phones_of_both_families_call_each_other(switch: RunningSwitch) -> None:
    for calling, called, transport in ((6, 6, "udp"), (4, 6, "udp"), (6, 4, "udp"), (6, 6, "tcp"), (4, 6, "tcp")):
        async with (
            RawPhone("101", switch.sip_port, host=HOSTS[calling], transport=transport) as caller,
            RawPhone("102", switch.sip_port, host=HOSTS[called], transport=transport) as callee,
        ):
            await talk(caller, callee)
            assert (await callee.register(expires=0)).status == 200
    await eventually(switch, is_idle)
    records = await switch.calls(at_least=5)
    assert [record["cause"] for record in records] == ["bye"] * 5
    assert all(leg["quality"]["packets_received"] > 0 for record in records for leg in record["legs"])
    assert (await state(switch))["sip"]["bugs"] == 0


@needs_sipp
async def test_sipp_over_ipv6_and_a_registration_that_survives_a_restart(switch: RunningSwitch) -> None:
    users = write_users(switch.folder / "users.csv", [("103", "901"), ("104", "901")])
    for scenario in ("register", "call_caller"):
        result = await run(scenario, switch.sip_port, switch.folder, calls=4, users=users, host="::1", duration_ms=100)
        assert result.good, result
    async with RawPhone("101", switch.sip_port) as caller, RawPhone("102", switch.sip_port, host="::1") as callee:
        assert (await callee.register()).status == 200
        await asyncio.sleep(1)  # registrations are saved five times a second
        switch.kill()
        await switch.start()
        assert (await caller.call("102")).status == 200
        assert await callee.hears(caller.voice)
        await caller.hang_up()
