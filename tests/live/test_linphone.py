"""Calls with linphonec in both directions, over G.722 and encrypted: tones tell what is heard."""

import asyncio
import re

import pytest

from tests.live.conftest import SwitchStarter
from tests.live.linphone import Codec, Linphone, needs_linphone
from tests.live.phones import Phones
from tests.live.sound import dominant_frequency, share_of

pytestmark = needs_linphone


def answered(trace: str) -> list[str]:
    """The lines m=audio of all answers, in both directions."""
    return re.findall(r"SIP/2\.0 200 O[Kk]\s*\n(?:\S[^\n]*\n)+\s*\n(?:[a-z]=[^\n]*\n)*?(m=audio[^\n]*)", trace)


@pytest.mark.parametrize(("codec", "policy"), [("G722", "off"), ("G722", "required")])
async def test_linphone_registers_makes_and_takes_a_call_and_both_sides_hear_it(
    start_switch: SwitchStarter, codec: Codec, policy: str
) -> None:
    switch = await start_switch({"phones.101.srtp": policy})
    phone = Linphone(
        switch.folder, "101", switch.sip_port, codec=codec, encryption="none" if policy == "off" else "srtp"
    )
    async with phone, Phones(switch.sip_port) as phones:
        await phone.order("call 901")
        await phone.says("established with sip:901@")
        await asyncio.sleep(2.0)
        await phone.order("terminate")
        await phone.says("Call 1 with sip:901@127.0.0.1 ended")
        near = await phones.add("102")
        await near.call("101")
        await near.answered()
        near.send_tone(440)
        await asyncio.sleep(1.0)
        said = await near.hear(1.5)
        await near.hang_up()
        await near.ended()
        await switch.is_idle()
    assert dominant_frequency(said) == pytest.approx(660, abs=8)
    assert share_of(660, said) > 0.9
    heard = phone.heard()
    made, taken = heard[4000:12000], heard[-8000:-2000]
    assert dominant_frequency(made) == pytest.approx(1004, abs=8)
    assert share_of(1004, made) > 0.9
    assert dominant_frequency(taken) == pytest.approx(440, abs=8)
    assert share_of(440, taken) > 0.9
    taken_call, made_call = await switch.calls(at_least=2)
    for record in (made_call, taken_call):
        [quality] = [leg["quality"] for leg in record["legs"] if leg["target"] == "phone:101"]
        assert quality["packets_received"] > 50
        assert quality["strangers"] == 0
        assert quality["srtp_errors"] < 20, "what it sends before it has made up its mind"
    profile = "RTP/AVP" if policy == "off" else "RTP/SAVP"
    assert set(re.findall(r"m=audio [0-9]+ (\S+)", phone.trace)) == {profile}
    assert ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in phone.trace) == (policy == "required")
    numbers = {one.split()[3] for one in answered(phone.trace)}
    assert numbers == {"9" if codec == "G722" else "8"}
