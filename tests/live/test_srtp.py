"""Encrypted calls with a telephone that somebody else wrote: Debian's baresip with libsrtp."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from baresip.errors import CallFailed

from tests.live.conftest import SwitchStarter
from tests.live.debian_baresip import DebianBaresip, Encryption, needs_baresip
from tests.live.phones import Phones
from tests.live.ports import free_port
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency, loudness, share_of

pytestmark = needs_baresip

NUMBER = "84951234567"
OURS = "+74950000100"


async def qualities(switch: RunningSwitch, target: str) -> list[dict[str, Any]]:
    """How the legs of the last call that lead to or come from somebody fared."""
    record, *_ = await switch.calls(at_least=1)
    return [leg["quality"] for leg in record["legs"] if leg["target"] == target]


@pytest.mark.parametrize(
    ("policy", "encryption", "profiles"),
    [
        ("required", "srtp-mand", {"RTP/SAVP"}),
        ("preferred", "srtp", {"RTP/AVP"}),
        ("preferred", "srtp-mand", {"RTP/AVP", "RTP/SAVP"}),  # it refuses the first offer and takes the second
    ],
)
async def test_a_plain_phone_and_an_encrypted_one_hear_each_other(
    start_switch: SwitchStarter, folder: Path, policy: str, encryption: Encryption, profiles: set[str]
) -> None:
    switch = await start_switch({"trunks.provider.srtp": policy})
    async with (
        Phones(switch.sip_port) as phones,
        DebianBaresip(folder, switch.trunk_port, NUMBER, encryption, seconds=4) as far,
    ):
        near = await phones.add("101")
        await near.call(f"0{NUMBER}")
        await near.answered()
        near.send_tone(440)
        await asyncio.sleep(0.6)
        heard = await near.hear(1.5)
        await near.ended()
        await switch.is_idle()
    assert dominant_frequency(heard) == pytest.approx(660, abs=8)
    assert share_of(660, heard) > 0.9
    middle = far.heard()[8000:20000]
    assert dominant_frequency(middle) == pytest.approx(440, abs=8)
    assert share_of(440, middle) > 0.9
    offers = re.findall(r"m=audio [0-9]+ (\S+)", far.trace)
    assert len(offers) >= 2
    assert set(offers) == profiles
    *refused, quality = await qualities(switch, "trunk:provider")
    assert len(refused) == len(profiles) - 1
    assert quality["packets_received"] > 100
    assert (quality["srtp_errors"], quality["strangers"]) == (0, 0)


@pytest.mark.parametrize("encryption", ["srtp", "srtp-mand", "srtp-mandf"])
async def test_an_encrypted_caller_hears_the_menu(
    start_switch: SwitchStarter, folder: Path, encryption: Encryption
) -> None:
    switch = await start_switch({"trunks.provider.srtp": "required"})
    caller = DebianBaresip(folder, switch.trunk_port, "provider", encryption, seconds=4)
    await caller.call(f"sip:{OURS}@127.0.0.1:{switch.sip_port}")
    await switch.is_idle()
    assert caller.trace.count("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") >= 2
    assert loudness(caller.heard()[4000:]) > -40
    [quality] = await qualities(switch, "trunk:provider")
    assert quality["packets_received"] > 100
    assert (quality["srtp_errors"], quality["strangers"]) == (0, 0)


async def test_nothing_is_said_in_plain_where_srtp_is_required(start_switch: SwitchStarter, folder: Path) -> None:
    switch = await start_switch({"trunks.provider.srtp": "required"})
    caller = DebianBaresip(folder, switch.trunk_port, "provider", "", seconds=1)
    await caller.call(f"sip:{OURS}@127.0.0.1:{switch.sip_port}")
    assert "488 Not Acceptable Here" in caller.trace
    assert 'Warning: 302 softswitch "SRTP is required"' in caller.trace
    far = DebianBaresip(folder / "far", switch.trunk_port, NUMBER, "", seconds=1)
    async with Phones(switch.sip_port) as phones, far:
        near = await phones.add("101")
        await near.call(f"0{NUMBER}")
        with pytest.raises(CallFailed):
            await near.answered()
        await switch.is_idle()
    assert not list(far.folder.glob("*dec.wav"))


@pytest.mark.parametrize(
    ("codec", "encryption"), [("PCMA", "srtp-mand"), ("G722/16000/1", "srtp-mand"), ("G722/16000/1", "")]
)
async def test_a_phone_that_knows_md5_only_registers_and_hears_the_tone_of_901(
    start_switch: SwitchStarter, folder: Path, codec: str, encryption: Encryption
) -> None:
    switch = await start_switch({"phones.101.srtp": "required" if encryption else "off"})
    phone = DebianBaresip(
        folder, free_port(), "101", encryption, seconds=4, codec=codec, password="demo-101", registrar=switch.sip_port
    )
    await phone.call(f"sip:901@127.0.0.1:{switch.sip_port}")
    await switch.is_idle()
    heard = phone.heard()[8000:20000]
    assert dominant_frequency(heard) == pytest.approx(1004, abs=8)
    assert share_of(1004, heard) > 0.9
    assert re.search(r"REGISTER [^\0]+?algorithm=MD5", phone.trace)
    [quality] = await qualities(switch, "phone:101")
    assert quality["packets_received"] > 100
