"""Encrypted legs: required, preferred, off; and no way down from there."""

import base64
import re
from dataclasses import replace

import pytest

from media.protocol import SUITES, SrtpKeys
from softswitch.records import events as fact
from softswitch.sip.crypto import SrtpPolicy
from softswitch.sip.message import Request, Response
from softswitch.sip.sdp import Sdp
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone, sdp, talk

HIS, OTHER = bytes(range(30)), bytes(range(60, 90))


def secure(
    key: bytes = HIS,
    *,
    profile: str = "RTP/SAVP",
    suite: str = SUITES[0],
    tag: int = 1,
    more: str = "",
    port: int = 4000,
) -> bytes:
    """A phone's description with a key."""
    line = f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}{more}\r\n".encode()
    head, mark, tail = sdp(port).replace(b"RTP/AVP", profile.encode()).partition(b"a=rtpmap")
    return head + line + mark + tail


def keys_in(message: Request | Response) -> dict[int, tuple[str, bytes]]:
    """Tag to suite and key."""
    values = Sdp.parse(message.body).media[0].attributes("crypto")
    found = [re.fullmatch(r"(\d+) (\S+) inline:(\S+)", value) for value in values]
    return {int(one[1]): (one[2], base64.b64decode(one[3])) for one in found if one}


def profile_in(message: Request | Response) -> str:
    return Sdp.parse(message.body).media[0].protocol


# --- who calls us


@pytest.mark.parametrize("policy", ["preferred", "required"])
@pytest.mark.parametrize("profile", ["RTP/SAVP", "RTP/AVP"])
@pytest.mark.parametrize("suite", SUITES)
async def test_a_phone_with_keys_is_answered_with_keys_which_the_media_engine_gets(
    office: Office, policy: SrtpPolicy, profile: str, suite: str
) -> None:
    office.change_phone("101", srtp=policy)
    caller = office.phone("101")
    mine = await caller.call("900", secure(profile=profile, suite=suite, tag=3))
    answer = await caller.answer()
    mine.acknowledge(answer)
    ((tag, (chosen, ours)),) = keys_in(answer).items()
    assert (profile_in(answer), tag, chosen) == (profile, 3, suite)
    assert office.leg(1, 1).srtp == SrtpKeys(suite, ours, HIS)
    await mine.hang_up()


@pytest.mark.parametrize(
    ("policy", "offer"),
    [
        ("required", sdp()),
        ("required", secure(profile="RTP/AVP", suite="AEAD_AES_256_GCM")),
        ("required", sdp().replace(b"RTP/AVP", b"RTP/SAVP")),
        ("preferred", sdp().replace(b"RTP/AVP", b"RTP/SAVP")),
        ("preferred", secure(HIS[:-1])),
        ("preferred", secure(HIS + b"x", profile="RTP/AVP")),
        ("preferred", secure(more="|2^20|1:4")),
        ("preferred", secure(profile="UDP/TLS/RTP/SAVPF")),
        ("off", secure()),
    ],
)
async def test_what_does_not_meet_the_policy_is_refused_with_488(
    office: Office, policy: SrtpPolicy, offer: bytes
) -> None:
    office.change_phone("101", srtp=policy)
    caller = office.phone("101")
    mine = await caller.call("900", offer)
    refusal = await caller.response(488)
    mine.acknowledge_refusal(refusal)
    assert (refusal.headers.get("Warning") or "").startswith("302 softswitch ")
    assert (await office.record()).status == 488


async def test_preferred_takes_plain_sound_and_off_leaves_keys_alone(office: Office) -> None:
    office.change_phone("101", srtp="preferred")
    for number, offer, call in (("101", sdp(), 1), ("102", secure(profile="RTP/AVP"), 2)):
        caller = office.phone(number)
        mine = await caller.call("900", offer)
        answer = await caller.answer()
        mine.acknowledge(answer)
        assert (profile_in(answer), keys_in(answer), office.leg(call, 1).srtp) == ("RTP/AVP", {}, None)
        await mine.hang_up()


async def test_a_call_without_an_offer_is_offered_keys_and_taken_with_them_only(office: Office) -> None:
    office.change_phone("101", srtp="required")
    caller = office.phone("101")
    mine = await caller.call("900", b"")
    offered = await caller.answer()
    assert profile_in(offered) == "RTP/SAVP"
    mine.acknowledge(offered, secure(suite=SUITES[1], tag=2))
    await caller.hears_nothing(0.5)
    assert office.leg(1, 1).srtp == SrtpKeys(SUITES[1], keys_in(offered)[2][1], HIS)
    await mine.hang_up()
    again = await caller.call("900", b"")
    again.acknowledge(await caller.answer(), sdp())
    await again.is_hung_up()


# --- whom we call


@pytest.mark.parametrize(("policy", "profile"), [("required", "RTP/SAVP"), ("preferred", "RTP/AVP")])
@pytest.mark.parametrize("tag", [1, 2])
async def test_a_phone_is_offered_two_keys_and_a_plain_caller_talks_to_it(
    office: Office, policy: SrtpPolicy, profile: str, tag: int
) -> None:
    office.change_phone("102", srtp=policy)
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    assert theirs.incoming is not None
    offered = keys_in(theirs.incoming)
    assert profile_in(theirs.incoming) == profile
    assert {number: suite for number, (suite, _) in offered.items()} == dict(enumerate(SUITES, 1))
    await theirs.answer(secure(profile=profile, suite=SUITES[tag - 1], tag=tag))
    mine.acknowledge(await caller.answer())
    assert office.leg(1, 1).srtp is None
    assert office.leg(1, 2).srtp == SrtpKeys(SUITES[tag - 1], offered[tag][1], HIS)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_required_gets_no_plain_answer_early_or_late(office: Office) -> None:
    office.change_phone("102", srtp="required")
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(183, sdp(4002))
    await caller.response(180)
    assert office.leg(1, 2).codec is None, "early sound in plain is not for us"
    await theirs.answer(sdp(4002))
    bye = await theirs.is_hung_up()
    assert "488" in (bye.headers.get("Reason") or "")
    mine.acknowledge_refusal(await caller.response(480))


async def test_a_phone_that_refuses_the_keys_is_not_asked_again_without(office: Office) -> None:
    office.change_phone("102", srtp="required")
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.refuse(488)
    mine.acknowledge_refusal(await caller.response(488))
    await callee.hears_nothing(5)


@pytest.mark.parametrize("status", [415, 488, 606])
async def test_who_refuses_rtp_avp_with_keys_is_asked_once_more_with_rtp_savp(office: Office, status: int) -> None:
    office.change_phone("102", srtp="preferred")
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    first = await callee.rings()
    await first.refuse(status)
    again = await callee.rings()
    assert first.incoming is not None
    assert again.incoming is not None
    assert (profile_in(first.incoming), profile_in(again.incoming)) == ("RTP/AVP", "RTP/SAVP")
    assert not set(keys_in(first.incoming).values()) & set(keys_in(again.incoming).values())
    await again.answer(secure(port=4002))
    mine.acknowledge(await caller.answer())
    assert office.leg(1, 3).srtp == SrtpKeys(SUITES[0], keys_in(again.incoming)[1][1], HIS)
    await mine.hang_up()
    await again.is_hung_up()
    ends = [(one.leg, one.status) for one in office.facts["n-1"] if isinstance(one, fact.LegEnded)]
    assert ("n-1-2", status) in ends


@pytest.mark.parametrize("status", [488, 606])
async def test_who_refuses_both_is_asked_no_third_time(office: Office, status: int) -> None:
    office.change_phone("102", srtp="preferred")
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    await (await callee.rings()).refuse(status)
    await (await callee.rings()).refuse(status)
    mine.acknowledge_refusal(await caller.response(status))
    await callee.hears_nothing(5)


@pytest.mark.parametrize(("policy", "status"), [("off", 488), ("required", 606), ("preferred", 486)])
async def test_any_other_refusal_is_final(office: Office, policy: SrtpPolicy, status: int) -> None:
    office.change_phone("102", srtp=policy)
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    await (await callee.rings()).refuse(status)
    mine.acknowledge_refusal(await caller.response(status))
    await callee.hears_nothing(5)


async def test_a_caller_who_gives_up_while_a_phone_is_asked_again_leaves_nothing(office: Office) -> None:
    office.change_phone("102", srtp="preferred")
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    await theirs.refuse(488)
    again = await callee.rings()
    again.reply(180)
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    await again.is_cancelled()


async def test_preferred_is_plain_with_a_phone_that_knows_nothing_of_keys(office: Office) -> None:
    office.change_phone("102", srtp="preferred")
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    assert office.leg(1, 2).srtp is None
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_trunk_has_a_policy_of_its_own(office: Office) -> None:
    trunks = office.exchange.plan.trunks
    office.change(trunks={"provider": replace(trunks["provider"], srtp="required")})
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("084951234567")
    theirs = await trunk.rings()
    assert theirs.incoming is not None
    assert profile_in(theirs.incoming) == "RTP/SAVP"
    await theirs.answer(secure())
    mine.acknowledge(await caller.answer())
    await mine.hang_up()
    await theirs.is_hung_up()
    refused = await trunk.call("+74950000100", caller="+74951234567")
    refused.acknowledge_refusal(await trunk.response(488))


async def test_every_telephone_of_an_extension_is_offered_keys_of_its_own(office: Office) -> None:
    office.change_phone("102", srtp="required")
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("102")
    mine = await caller.call("102")
    lines = [await first.rings(), await second.rings()]
    keys = {key for line in lines if line.incoming for _, key in keys_in(line.incoming).values()}
    assert len(keys) == 4
    for line in lines:
        line.reply(180)
    await caller.response(180)
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    for line in lines:
        await line.is_cancelled()


# --- a call that goes on


async def test_over_a_re_invite_keys_stay_while_the_phone_s_stay(office: Office) -> None:
    office.change_phone("101", srtp="preferred")
    caller = office.phone("101")
    mine = await caller.call("900", secure())
    mine.acknowledge(first := await caller.answer())
    again = await mine.reinvite(secure(port=4008))
    assert keys_in(again) == keys_in(first)
    assert office.leg(1, 1).remote == ("127.0.0.1", 4008)
    changed = await mine.reinvite(secure(OTHER, tag=2))
    assert keys_in(changed)[2][1] != keys_in(first)[1][1]
    assert office.leg(1, 1).srtp == SrtpKeys(SUITES[0], keys_in(changed)[2][1], OTHER)
    asked = await _ask_for_an_offer(mine, caller, secure(OTHER, tag=2))
    assert keys_in(asked) == keys_in(changed)
    assert office.leg(1, 1).srtp == SrtpKeys(SUITES[0], keys_in(changed)[2][1], OTHER)
    await mine.hang_up()


async def _ask_for_an_offer(line: Line, phone: Phone, answer: bytes) -> Response:
    line.invite(b"")
    offered = await phone.response(200, "INVITE")
    line.acknowledge(offered, answer)
    await phone.hears_nothing(0.5)
    return offered


@pytest.mark.parametrize("policy", ["preferred", "required"])
async def test_what_is_encrypted_once_never_becomes_plain_again(office: Office, policy: SrtpPolicy) -> None:
    office.change_phone("101", srtp=policy)
    caller = office.phone("101")
    mine = await caller.call("900", secure(profile="RTP/AVP"))
    mine.acknowledge(await caller.answer())
    before = office.leg(1, 1).srtp
    for offer in (sdp(), sdp().replace(b"RTP/AVP", b"RTP/SAVP"), secure(HIS[1:])):
        mine.invite(offer)
        refusal = await caller.response(488, "INVITE")
        mine.acknowledge_refusal(refusal)
        assert office.leg(1, 1).srtp == before
    await mine.hang_up()


async def test_a_plain_call_may_become_encrypted(office: Office) -> None:
    office.change_phone("101", srtp="preferred")
    caller = office.phone("101")
    mine = await caller.call("900")
    mine.acknowledge(await caller.answer())
    answer = await mine.reinvite(secure())
    assert office.leg(1, 1).srtp == SrtpKeys(SUITES[0], keys_in(answer)[1][1], HIS)
    await mine.hang_up()


async def test_no_key_is_in_what_the_switch_says_or_writes_down(
    office: Office, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    office.change_phone("101", srtp="required")
    office.change_phone("102", srtp="required")
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102", secure())
    theirs = await callee.rings()
    await theirs.answer(secure(OTHER[1:], port=4002))
    await theirs.is_hung_up()
    mine.acknowledge_refusal(await caller.response(480))
    assert theirs.incoming is not None
    written = capsys.readouterr()
    said = written.out + written.err + caplog.text + repr(office.facts)
    for key in (HIS, OTHER, *(key for _, key in keys_in(theirs.incoming).values())):
        assert base64.b64encode(key).decode()[:12] not in said
        assert repr(key)[2:14] not in said
