"""What signalling costs: parse and build of messages, digest registrations, calls without sound.

Registrations and calls go through a whole switch in processes of its own (supervisor, switch and media worker), and
what counts is the CPU of all of them. The floor of both is a bare UDP request/response echo on the same loop, in the
same run; for messages it is the splitting of the same octets into lines and fields.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable
from typing import cast

import uvloop

from benchmarks.running import Switch, cpu_seconds, free_port
from benchmarks.sip_load import SDP, Phone, repeat
from softswitch.sip.message import Request, respond
from softswitch.sip.parser import parse

REGISTRATIONS = 3000
CALLS = 1000
AT_ONCE = 10
ECHOES = 20_000

INVITE = (
    "INVITE sip:102@127.0.0.1:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds;rport\r\n"
    'Max-Forwards: 70\r\nTo: <sip:102@localhost>\r\nFrom: "Desk" <sip:101@localhost>;tag=1928301774\r\n'
    "Call-ID: a84b4c76e66710@192.0.2.10\r\nCSeq: 314159 INVITE\r\nContact: <sip:101@192.0.2.10:5060>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\nSupported: replaces, timer\r\nUser-Agent: desk phone 1.0\r\n"
    f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
).encode()

Row = dict[str, object]


def run() -> list[Row]:
    """Rows of name, unit, value, floor and ratio."""
    floor = _echo_floor()
    return [*_messages(), *uvloop.run(_through_a_switch(floor))]


def _row(name: str, value: float, floor: float, unit: str = "us") -> Row:
    return {
        "name": name,
        "unit": unit,
        "value": round(value, 2),
        "floor": round(floor, 2),
        "ratio": round(value / floor, 2),
    }


def _messages() -> list[Row]:
    request = parse(INVITE)
    if not isinstance(request, Request):
        raise TypeError("not a request")
    floor = _microseconds(lambda: [line.split(":", 1) for line in INVITE.decode().split("\r\n")])
    return [
        _row("sip parse INVITE", _microseconds(lambda: parse(INVITE)), floor),
        _row("sip build 200 to INVITE", _microseconds(lambda: respond(request, 200, to_tag="x").to_bytes()), floor),
    ]


def _microseconds(act: Callable[[], object], times: int = 20_000) -> float:
    started = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - started) / times * 1e6


# ---- the floor: a UDP server that sends back what it gets ------------------------------------------------------


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


async def _serve_echo(port: int) -> None:
    await asyncio.get_running_loop().create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", port))
    await asyncio.sleep(120)


def _echo_server(port: int) -> None:
    uvloop.run(_serve_echo(port))


class _Pinger(asyncio.DatagramProtocol):
    def __init__(self, count: int) -> None:
        self.left = count
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.left -= 1
        if self.left <= 0:
            if not self.done.done():
                self.done.set_result(None)
        else:
            self.transport.sendto(data)


async def _ping(port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    transport, pinger = await loop.create_datagram_endpoint(lambda: _Pinger(count), remote_addr=("127.0.0.1", port))
    for _ in range(AT_ONCE):
        transport.sendto(INVITE)
    async with asyncio.timeout(60):
        await pinger.done
    transport.close()


def _await_echo(port: int) -> None:
    """Return when the server answers; its interpreter needs a moment to start."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        sock.connect(("127.0.0.1", port))
        for _ in range(150):
            try:
                sock.send(b"ping")
                sock.recv(64)
            except OSError:
                time.sleep(0.1)
                continue
            return
    raise RuntimeError("the echo server does not start")


def _echo_floor() -> float:
    """CPU microseconds of a bare request/response echo."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_echo_server, args=(port,), daemon=True)
    process.start()
    try:
        _await_echo(port)
        before = cpu_seconds(process.pid or 0)
        uvloop.run(_ping(port, ECHOES))
        return (cpu_seconds(process.pid or 0) - before) / ECHOES * 1e6
    finally:
        process.terminate()
        process.join()


# ---- a whole switch --------------------------------------------------------------------------------------------


async def _through_a_switch(floor: float) -> list[Row]:
    loop = asyncio.get_running_loop()
    switch = await loop.run_in_executor(None, Switch().__enter__)
    try:
        server = ("127.0.0.1", switch.port)
        caller, called = await Phone.open("101", server), await Phone.open("102", server)
        await called.register()
        rows = [
            await _measure(
                switch, "sip digest registration (two requests)", caller, caller.register, REGISTRATIONS, floor
            ),
            await _measure(
                switch, "sip call without sound (INVITE challenged, to BYE, both legs)", caller,
                lambda: caller.call("102"), CALLS, floor,
            ),
        ]  # fmt: skip
        caller.close()
        called.close()
    finally:
        await loop.run_in_executor(None, switch.__exit__, None, None, None)
    return rows


async def _measure(
    switch: Switch, name: str, phone: Phone, act: Callable[[], Awaitable[bool]], count: int, floor: float
) -> Row:
    await repeat(act, max(20, count // 20), AT_ONCE)
    failed = phone.counts.failed
    await asyncio.sleep(1.0)
    before = switch.cpu_seconds
    await repeat(act, count, AT_ONCE)
    await asyncio.sleep(0.5)  # the writer of the records has its share
    row = _row(name, (switch.cpu_seconds - before) / count * 1e6, floor)
    row["failed"] = phone.counts.failed - failed
    return row
