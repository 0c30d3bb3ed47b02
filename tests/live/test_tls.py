"""Phones and trunks over TLS: registered, called over their own connection, and never sent to in the open."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.ports import free_port
from tests.live.raw_phone import Message, RawPhone, split_stream
from tests.live.running_switch import RunningSwitch
from tests.softswitch.transport.certificates import Authority


class Protected:
    """A switch with a listener for TLS, and the authority of its certificate."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("127.0.0.1", file="switch", days=5)
        self.port = free_port()
        udp, trunk = free_port(), free_port()
        self.trunk_port = trunk
        self.switch = RunningSwitch(
            folder,
            {
                "sip.listen": [f"udp:127.0.0.1:{udp}", f"tls:127.0.0.1:{self.port}"],
                "sip.certificate": str(certificate),
                "sip.key": str(key),
                "sip.ca": str(self.authority.file),
                "trunks.provider.peer": f"localhost:{trunk}",
                "trunks.provider.transport": "tls",
            },
        )
        self.switch.sip_port = udp

    def phone(self, number: str) -> RawPhone:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        return RawPhone(number, self.port, transport="tls", security=context)

    async def presented(self) -> dict[str, object]:
        """The certificate that a new connection is shown."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        found = writer.get_extra_info("ssl_object").getpeercert()
        writer.close()
        return dict(found)


@pytest.fixture
async def protected(tmp_path: Path) -> AsyncIterator[Protected]:
    found = Protected(tmp_path)
    async with found.switch:
        yield found


async def test_a_phone_on_tls_calls_and_is_called_over_its_connection_through_a_reload(protected: Protected) -> None:
    switch = protected.switch
    async with protected.phone("101") as secure, RawPhone("102", switch.sip_port) as plain:
        assert (await secure.register()).status == 200
        assert (await plain.register()).status == 200
        assert "expires in 4 days" in switch.log
        assert "expires in 4 days" in (await switch.status())["certificate"]["trouble"]
        before = await protected.presented()
        protected.authority.issue("127.0.0.1", file="switch")
        await switch.command("reload")
        assert (await protected.presented())["serialNumber"] != before["serialNumber"]
        assert (await switch.status())["certificate"]["trouble"] == ""
        answer = await plain.call("101")
        assert answer.status == 200
        assert secure.invited is not None
        assert secure.invited["via"].startswith("SIP/2.0/TLS ")
        assert ";transport=tls" in secure.invited["contact"]
        assert await plain.hears(secure.voice)
        await plain.hang_up()
        answer = await secure.call("102")
        assert answer.status == 200
        assert f":{protected.port};transport=tls" in answer["contact"]
        await secure.hang_up()
        await switch.is_idle()


async def test_sips_is_not_served_in_the_open(protected: Protected) -> None:
    async with RawPhone("102", protected.switch.sip_port) as plain:
        answer = await plain.request("OPTIONS", f"sips:101@{plain.server}")
        assert answer.status == 416


class Provider:
    """The far end of a trunk: refuses every call as busy."""

    def __init__(self) -> None:
        self.requests: list[Message] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        while chunk := await reader.read(65536):
            data += chunk
            for text in split_stream(data):
                request = Message.parse(text)
                self.requests.append(request)
                if request.first.startswith("INVITE"):
                    copied = [f"{name}: {request[name]}" for name in ("via", "from", "call-id", "cseq")]
                    lines = ["SIP/2.0 486 Busy Here", *copied, f"To: {request['to']};tag=1", "Content-Length: 0"]
                    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        writer.close()


@pytest.mark.parametrize(("name", "status"), [("localhost", 486), ("other.example", 503)])
async def test_a_trunk_on_tls_is_sent_calls_when_it_carries_its_name(
    protected: Protected, name: str, status: int
) -> None:
    provider = Provider()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*protected.authority.issue(name, file="provider"))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", protected.trunk_port, ssl=context)
    async with RawPhone("102", protected.switch.sip_port) as plain:
        assert (await plain.register()).status == 200
        assert (await plain.call("0074951234567")).status == status
    assert bool(provider.requests) == (status == 486)
    assert all(request["via"].startswith("SIP/2.0/TLS ") for request in provider.requests)
    server.close()


async def test_a_switch_stops_and_starts_while_a_phone_is_connected(protected: Protected) -> None:
    async with protected.phone("101") as phone:
        assert (await phone.register()).status == 200
        await protected.switch.stop()
        async with asyncio.timeout(5):
            await phone.closed.wait()
    await protected.switch.start()
    async with protected.phone("101") as phone, RawPhone("102", protected.switch.sip_port) as plain:
        assert (await plain.call("101")).status == 480  # the connection is gone, and with it the way to the phone
        assert (await phone.register()).status == 200
        assert (await plain.call("101")).status == 200
        await plain.hang_up()
