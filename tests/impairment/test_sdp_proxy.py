"""Signalling and sound through the proxy, between two endpoints that stand for a phone and the switch."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.impairment.endpoint import Endpoint
from tests.impairment.impairment import Impairment
from tests.impairment.port import Address
from tests.impairment.sdp_proxy import MOST_RELAYS, SdpProxy


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Endpoint, Endpoint, Endpoint, Endpoint]]:
    """Phone and switch, each with its signalling and its sound."""
    async with Endpoint() as phone, Endpoint() as phone_sound, Endpoint() as switch, Endpoint() as switch_sound:
        yield phone, phone_sound, switch, switch_sound


def described(first: str, sound: Address, contact: Address, call: str = "1") -> bytes:
    body = f"v=0\r\nc=IN IP4 {sound[0]}\r\nt=0 0\r\nm=audio {sound[1]} RTP/AVP 8\r\n"
    return (
        f"{first}\r\nCall-ID: {call}\r\nContact: <sip:x@{contact[0]}:{contact[1]}>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def sound_of(message: bytes) -> Address:
    port = re.search(rb"m=audio (\d+)", message)
    assert port
    return ("127.0.0.1", int(port[1]))


async def call(proxy: SdpProxy, ends: tuple[Endpoint, ...]) -> tuple[Address, Address]:
    """Offer and answer; where the phone and where the switch send their sound."""
    phone, phone_sound, switch, switch_sound = ends
    phone.send(described("INVITE sip:1 SIP/2.0", phone_sound.address, phone.address), proxy.address)
    offer, source = await switch.receive()
    switch.send(described("SIP/2.0 200 OK", switch_sound.address, switch.address), source)
    answer, _ = await phone.receive()
    assert f"x@127.0.0.1:{proxy.port}>".encode() in answer
    return sound_of(answer), sound_of(offer)


async def test_sound_passes_both_ways_between_the_addresses_of_offer_and_answer(ends: tuple[Endpoint, ...]) -> None:
    _, phone_sound, switch, switch_sound = ends
    async with SdpProxy(switch.address) as proxy:
        to_switch, to_phone = await call(proxy, ends)
        phone_sound.send(b"from the phone", to_switch)
        assert await switch_sound.receive() == (b"from the phone", to_phone)
        switch_sound.send(b"from the switch", to_phone)
        assert await phone_sound.receive() == (b"from the switch", to_switch)


async def test_sound_is_impaired_and_signalling_is_not(ends: tuple[Endpoint, ...]) -> None:
    _, phone_sound, switch, switch_sound = ends
    async with SdpProxy(switch.address, rtp_up=Impairment(loss=1)) as proxy:
        to_switch, to_phone = await call(proxy, ends)
        phone_sound.send(b"lost", to_switch)
        assert await switch_sound.is_left_alone()
        switch_sound.send(b"heard", to_phone)
        assert (await phone_sound.receive())[0] == b"heard"


async def test_a_second_description_of_the_call_keeps_the_relay(ends: tuple[Endpoint, ...]) -> None:
    _, _, switch, _ = ends
    async with SdpProxy(switch.address) as proxy:
        assert await call(proxy, ends) == await call(proxy, ends)
        assert len(proxy.relays) == 1


async def test_after_rebind_sound_and_signalling_come_from_elsewhere(ends: tuple[Endpoint, ...]) -> None:
    phone, phone_sound, switch, switch_sound = ends
    async with SdpProxy(switch.address) as proxy:
        to_switch, before = await call(proxy, ends)
        signalling_before = proxy.sip.upstream[phone.address]
        proxy.rebind()
        phone_sound.send(b"go on", to_switch)
        _, after = await switch_sound.receive()
        assert after != before
        switch_sound.send(b"lost", before)
        assert await phone_sound.is_left_alone()
        switch_sound.send(b"heard", after)
        assert (await phone_sound.receive())[0] == b"heard"
        assert proxy.sip.upstream[phone.address] != signalling_before


async def test_strangers_are_not_heard_by_the_phone(ends: tuple[Endpoint, ...]) -> None:
    _, phone_sound, switch, _ = ends
    async with SdpProxy(switch.address) as proxy, Endpoint() as stranger:
        _, to_phone = await call(proxy, ends)
        stranger.send(b"noise", to_phone)
        assert await phone_sound.is_left_alone()


async def test_there_are_never_more_relays_than_the_most(ends: tuple[Endpoint, ...]) -> None:
    phone, phone_sound, switch, _ = ends
    async with SdpProxy(switch.address) as proxy:
        for number in range(MOST_RELAYS + 3):
            invite = described("INVITE sip:1 SIP/2.0", phone_sound.address, phone.address, f"call-{number}")
            phone.send(invite, proxy.address)
            await switch.receive()
        assert len(proxy.relays) == MOST_RELAYS
