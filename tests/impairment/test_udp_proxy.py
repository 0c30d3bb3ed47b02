"""Datagrams through the proxy on loopback."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.impairment.departures import Departures
from tests.impairment.endpoint import Endpoint
from tests.impairment.impairment import Impairment
from tests.impairment.ports import PROXY_PORTS
from tests.impairment.udp_proxy import UdpProxy


@pytest.fixture
async def target() -> AsyncIterator[Endpoint]:
    async with Endpoint(echoes=True) as endpoint:
        yield endpoint


@pytest.fixture
async def client() -> AsyncIterator[Endpoint]:
    async with Endpoint() as endpoint:
        yield endpoint


async def test_a_datagram_goes_to_the_target_and_its_answer_comes_back(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address) as proxy:
        assert proxy.port in PROXY_PORTS
        client.send(b"hello", proxy.address)
        assert await client.receive() == (b"hello", proxy.address)
        assert (await target.receive())[1] == proxy.upstream[client.address]


async def test_the_target_sees_one_source_per_client_and_each_gets_its_own_answers(
    target: Endpoint, client: Endpoint
) -> None:
    async with UdpProxy(target.address) as proxy, Endpoint() as other:
        for _ in range(3):
            client.send(b"one", proxy.address)
            other.send(b"two", proxy.address)
        assert {(await client.receive())[0] for _ in range(3)} == {b"one"}
        assert {(await other.receive())[0] for _ in range(3)} == {b"two"}
        assert len({(await target.receive())[1] for _ in range(6)}) == 2


async def test_after_rebind_the_target_sees_another_source_and_the_old_one_is_dead(
    target: Endpoint, client: Endpoint
) -> None:
    async with UdpProxy(target.address) as proxy:
        client.send(b"before", proxy.address)
        _, before = await target.receive()
        assert (await client.receive())[0] == b"before"
        proxy.rebind()
        target.send(b"lost", before)
        assert await client.is_left_alone()
        client.send(b"after", proxy.address)
        _, after = await target.receive()
        assert after != before
        assert (await client.receive())[0] == b"after"


async def test_there_is_room_for_so_many_clients_and_no_more(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address, most_clients=1) as proxy, Endpoint() as late:
        client.send(b"first", proxy.address)
        assert (await client.receive())[0] == b"first"
        late.send(b"late", proxy.address)
        assert await late.is_left_alone()
        assert (proxy.refused, len(proxy.upstream)) == (1, 1)


async def test_strangers_do_not_reach_the_client(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address) as proxy, Endpoint() as stranger:
        client.send(b"hello", proxy.address)
        await client.receive()
        stranger.send(b"let me in", proxy.upstream[client.address])
        assert await client.is_left_alone()


async def test_each_direction_has_its_own_impairment(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address, down=Impairment(loss=1)) as proxy:
        client.send(b"hello", proxy.address)
        assert (await target.receive())[0] == b"hello"
        assert await client.is_left_alone()
        assert (proxy.up.counters.lost, proxy.down.counters.lost) == (0, 1)


async def test_a_delay_is_waited_for_both_ways(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address, Impairment(delay=0.1), Impairment(delay=0.15)) as proxy:
        began = asyncio.get_running_loop().time()
        client.send(b"slow", proxy.address)
        await client.receive()
        assert 0.25 <= asyncio.get_running_loop().time() - began < 1


async def test_jitter_keeps_the_order(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address, Impairment(jitter=0.05, seed=1)) as proxy:
        for number in range(200):
            client.send(bytes([number]), proxy.address)
        assert [(await target.receive())[0][0] for _ in range(200)] == list(range(200))


async def test_what_leaves_after_the_end_is_forgotten(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address, Impairment(delay=0.05)) as proxy:
        client.send(b"too late", proxy.address)
        await asyncio.sleep(0.02)
    assert await target.is_left_alone()


async def test_datagrams_can_be_changed_on_their_way(target: Endpoint, client: Endpoint) -> None:
    async with UdpProxy(target.address, change_up=bytes.upper, change_down=lambda data: data + b"!") as proxy:
        client.send(b"hello", proxy.address)
        assert (await client.receive())[0] == b"HELLO!"
        assert (await target.receive())[0] == b"HELLO"


async def test_departures_with_equal_times_leave_in_the_order_they_were_given() -> None:
    departures, left = Departures(), list[int]()
    at = departures.now + 0.02
    for number in range(50):
        departures.add(at, lambda number=number: left.append(number))  # type: ignore[misc]
    await asyncio.sleep(0.05)
    assert left == list(range(50))
    assert len(departures) == 0
