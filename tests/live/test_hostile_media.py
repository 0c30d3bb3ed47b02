"""Packets at 5,000 a second that no phone of a call would send: they are counted, and nobody hears anything of them."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest

from tests.live.control import eventually, is_idle, state
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch

RATE = 5000
"""Packets a second."""
SECONDS = 0.6
"""Of each kind."""
BURST = 25
EVIL = 0x7E
"""The octet that fills every packet of sound that must not be heard."""
PCMA = 8

Maker = Callable[[random.Random], bytes]


def header(rng: random.Random, first: int = 0x80, second: int = PCMA) -> bytes:
    """A fixed header with numbers of chance."""
    return struct.pack(">BBHII", first, second, rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32))


NO_RTP: dict[str, Maker] = {
    "empty": lambda rng: b"",
    "truncated": lambda rng: header(rng)[: rng.randrange(1, 12)],
    "wrong-version": lambda rng: header(rng, rng.choice((0x00, 0x40, 0xC0))) + bytes([EVIL]) * 160,
    "cut-off-extension": lambda rng: header(rng, 0x90) + b"\xbe\xde",
    "csrcs-beyond-the-end": lambda rng: header(rng, 0x8F) + b"1234",
    "padding-beyond-the-start": lambda rng: header(rng, 0xA0) + bytes(20) + b"\xff",
}
"""Nothing that can be read."""
OTHERS: dict[str, Maker] = {
    "oversized": lambda rng: header(rng) + bytes([EVIL]) * 1400,
    "wrong-payload-type": lambda rng: header(rng, second=rng.choice((0, 3, 34, 96, 127))) + bytes([EVIL]) * 160,
    "random": lambda rng: rng.randbytes(rng.randrange(1, 400)),
    "rtcp": lambda rng: struct.pack(">BBH", 0x81, 201, rng.getrandbits(16)) + rng.randbytes(28),
}
FOREIGN: dict[str, Maker] = {
    **NO_RTP,
    **OTHERS,
    "spoofed": lambda rng: header(rng) + bytes([EVIL]) * 160,
    "keys": lambda rng: header(rng, second=101) + struct.pack(">BBH", rng.randrange(16), 0x8A, 800),
    "goodbye": lambda rng: struct.pack(">BBHI", 0x81, 203, 1, rng.getrandbits(32)),
}
"""What strangers send: all of that, and what would be heard if it came from the phone."""


async def flood(send: Callable[[bytes], object], make: Maker) -> None:
    """Send at RATE for SECONDS."""
    rng, loop = random.Random(7), asyncio.get_running_loop()
    began, sent = loop.time(), 0
    while sent < RATE * SECONDS:
        for _ in range(BURST):
            send(make(rng))
        sent += BURST
        await asyncio.sleep(max(0.0, began + sent / RATE - loop.time()))


@pytest.fixture
async def switch(shared_switch: RunningSwitch) -> AsyncIterator[RunningSwitch]:
    yield shared_switch
    status = await eventually(shared_switch, is_idle)
    assert status["sip"]["bugs"] == 0


async def talk_under(
    switch: RunningSwitch, kinds: Iterable[str], attack: Callable[[RawPhone, tuple[str, int], Maker], Awaitable[None]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two phones talk while one kind after another is sent to the caller's port: the record, and the media status."""
    async with RawPhone("101", switch.sip_port) as caller, RawPhone("102", switch.sip_port) as callee:
        assert (await callee.register()).status == 200
        answer = await caller.call("102")
        assert answer.status == 200
        assert await callee.hears(caller.voice)
        assert await caller.hears(callee.voice)
        for kind in kinds:
            await attack(caller, answer.media, FOREIGN[kind])
            assert EVIL not in callee.heard, f"nobody hears {kind}"
            assert await callee.hears(caller.voice), f"the caller is still heard after {kind}"
            assert EVIL not in callee.heard, f"nobody hears {kind}"
            assert await caller.hears(callee.voice), f"the caller still hears after {kind}"
            assert not caller.ended_by_far_side.is_set(), kind
        media = (await state(switch))["media"]
        await caller.hang_up()
        async with asyncio.timeout(PATIENCE):
            await callee.ended_by_far_side.wait()
        assert (await callee.register(expires=0)).status == 200
    await eventually(switch, is_idle)
    record, *_ = await switch.calls(at_least=1)
    return record, media


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"], ids=["same-host", "other-host"])
async def test_s8_strangers_change_nothing_whatever_they_send(switch: RunningSwitch, host: str) -> None:
    async def attack(caller: RawPhone, target: tuple[str, int], make: Maker) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((host, 0))
            stranger.setblocking(False)
            await flood(lambda datagram: stranger.sendto(datagram, target), make)
            with pytest.raises(BlockingIOError):
                stranger.recv(2048)  # nothing of what the phones say goes to him

    record, _ = await talk_under(switch, FOREIGN, attack)
    assert record["cause"] == "bye"
    quality = record["legs"][0]["quality"]
    counted = RATE * SECONDS * (len(FOREIGN) - len(NO_RTP))
    assert quality["strangers"] > counted / 2, "they are counted; a machine under load may lose some"
    assert quality["lost"] < 100
    assert quality["mos"] > 3


async def test_what_a_phone_sends_that_is_no_sound_of_its_call_changes_nothing(switch: RunningSwitch) -> None:
    before = (await state(switch))["media"]["malformed"]

    async def attack(caller: RawPhone, target: tuple[str, int], make: Maker) -> None:
        await flood(lambda datagram: caller.send_sound(datagram, target), make)

    record, media = await talk_under(switch, [*NO_RTP, *OTHERS], attack)
    assert record["cause"] == "bye"
    counted = RATE * SECONDS * (len(NO_RTP) - 1)  # an empty datagram is nothing to count
    assert media["malformed"] - before > counted / 2


async def test_a_codec_that_we_do_not_speak_is_refused_at_offer_and_answer(switch: RunningSwitch) -> None:
    async with RawPhone("101", switch.sip_port) as phone:
        body = phone.offer().replace("RTP/AVP 8", "RTP/AVP 18").replace("rtpmap:8 PCMA", "rtpmap:18 G729")
        answer = await phone.request("INVITE", f"sip:901@{phone.server}", body=body)
    assert answer.status == 488
    assert answer["warning"].startswith("305 ")
