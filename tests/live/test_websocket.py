"""Browsers over WebSocket: registered, called and calling over their connection, unreachable once it is closed."""

import asyncio
import ssl
from pathlib import Path

from tests.live.ports import free_port
from tests.live.raw_phone import RawPhone
from tests.live.running_switch import RunningSwitch
from tests.live.web_phone import WebPhone
from tests.softswitch.transport.certificates import Authority


async def test_browsers_call_and_are_called_over_their_websockets(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1", file="switch")
    udp, ws, wss = free_port(), free_port(), free_port()
    listen = [f"udp:127.0.0.1:{udp}", f"ws:127.0.0.1:{ws}", f"wss:127.0.0.1:{wss}"]
    switch = RunningSwitch(tmp_path, {"sip.listen": listen, "sip.certificate": str(certificate), "sip.key": str(key)})
    switch.sip_port = udp
    context = ssl.create_default_context(cafile=str(authority.file))
    async with switch, RawPhone("103", udp) as desk:
        async with WebPhone("101", ws) as plain, WebPhone("102", wss, context) as secure:
            for phone in (plain, secure, desk):
                assert (await phone.register()).status == 200
            assert (await secure.call("101")).status == 200
            assert plain.invited is not None
            assert plain.invited["via"].startswith("SIP/2.0/WS ")
            assert ";transport=ws>" in plain.invited["contact"]
            assert await secure.hears(plain.voice)
            await secure.hang_up()
            assert (await desk.call("102")).status == 200
            await secure.hang_up()  # the callee's BYE goes over his connection, too
            assert len((await switch.status())["registrations"]) == 3
        await switch.is_idle()
        async with asyncio.timeout(5):
            while len((await switch.status())["registrations"]) > 1:
                await asyncio.sleep(0.05)
        assert (await desk.call("101")).status == 480
