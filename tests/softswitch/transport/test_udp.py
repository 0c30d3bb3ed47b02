"""UDP over the loopback, both address families."""

import asyncio
import socket

import pytest

from softswitch.sip.peer import Peer
from softswitch.transport.udp import UdpTransport


async def open_pair(host: str) -> tuple[UdpTransport, UdpTransport, "asyncio.Queue[tuple[bytes, Peer]]"]:
    got: asyncio.Queue[tuple[bytes, Peer]] = asyncio.Queue()
    one = await UdpTransport.listen(host, 0, lambda data, peer: None)
    other = await UdpTransport.listen(host, 0, lambda data, peer: got.put_nowait((data, peer)))
    return one, other, got


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "host", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))]
)
async def test_a_datagram_arrives_with_the_address_it_came_from(host: str) -> None:
    one, other, got = await open_pair(host)
    assert other.port
    for data in (b"hello", bytes(20_000)):
        one.send(data, Peer("udp", host, other.port))
        async with asyncio.timeout(10):
            assert await got.get() == (data, Peer("udp", host, one.port))
    one.close()
    other.close()


async def test_a_port_that_is_taken_is_said_so() -> None:
    one, other, _ = await open_pair("127.0.0.1")
    with pytest.raises(OSError, match="in use"):
        await UdpTransport.listen("127.0.0.1", one.port, lambda data, peer: None)
    one.close()
    other.close()


async def test_an_address_that_is_not_ours_is_said_so() -> None:
    with pytest.raises(OSError, match="assign"):
        await UdpTransport.listen("192.0.2.1", 0, lambda data, peer: None)


async def test_sending_to_nobody_does_no_harm_and_sending_when_closed_fails() -> None:
    one, other, got = await open_pair("127.0.0.1")
    port = other.port
    other.close()
    await asyncio.sleep(0)
    for _ in range(3):
        one.send(b"is anybody there?", Peer("udp", "127.0.0.1", port))
        await asyncio.sleep(0.01)
    one.close()
    one.close()
    with pytest.raises(OSError, match="closed"):
        one.send(b"late", Peer("udp", "127.0.0.1", port))
    assert got.empty()


async def test_a_transport_that_never_listened_can_be_closed() -> None:
    transport = UdpTransport(lambda data, peer: None)
    transport.close()
    with pytest.raises(OSError, match="closed"):
        transport.send(b"x", Peer("udp", "127.0.0.1", 9))
