"""Keys between two who talk: what the media engine is asked for, and what goes as SIP INFO.

Between RFC 4733 and tones the media engine hands keys on by itself (`tests/media/test_key_matrix.py`).
"""

from dataclasses import replace

import pytest

from softswitch.call.info import KeyMode
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import EVENTS, PCMA, Line, sdp, talk

CODECS: dict[str, tuple[str, ...]] = {"rfc4733": (PCMA, EVENTS), "inband": (PCMA,), "info": (PCMA,)}


async def connect(office: Office, source: str, partner: str) -> tuple[Line, Line]:
    """Two phones that talk, each with its own way of keys."""
    if partner == "info":
        office.change_phone("102", keys="info")
    mine = await office.phone("101").call("102", sdp(codecs=CODECS[source]))
    theirs = await office.phone("102").rings()
    await theirs.answer(sdp(4002, codecs=CODECS[partner]))
    mine.acknowledge(await mine.phone.answer())
    return mine, theirs


@pytest.mark.parametrize("source", ["rfc4733", "info", "inband"])
@pytest.mark.parametrize("partner", ["rfc4733", "info", "inband"])
async def test_a_key_reaches_the_partner_in_his_way(office: Office, source: str, partner: str) -> None:
    mine, theirs = await connect(office, source, partner)
    assert office.leg(1, 2).dtmf_by_info == (partner == "info")
    for digit in "5#":
        if source == "info":
            mine.info(digit)
            await mine.phone.response(200, "INFO")
        else:
            office.media.press("n-1-1", digit, source)
        if partner == "info":
            info = await theirs.phone.request("INFO")
            assert info.headers.get("Content-Type") == "application/dtmf-relay"
            assert info.body == f"Signal={digit}\r\nDuration=160\r\n".encode()
            theirs.reply(200, to=info)
    await theirs.phone.hears_nothing(0.2)
    by_engine = source == "info" and partner != "info"
    assert office.leg(1, 2).digits == ("5#" if by_engine else "")
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_keys_told_by_info_are_not_searched_for_in_the_sound_too(office: Office) -> None:
    mine, theirs = await connect(office, "inband", "info")
    assert [office.leg(1, leg).inband for leg in (1, 2)] == [True, False]
    await mine.hang_up()
    await theirs.is_hung_up()


@pytest.mark.parametrize("mode", ["info", "inband"])
async def test_who_has_another_way_of_keys_is_neither_offered_nor_answered_events(
    office: Office, mode: KeyMode
) -> None:
    for number in ("101", "102"):
        office.change_phone(number, keys=mode)
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    assert b"telephone-event" not in theirs.offer
    assert [office.leg(1, leg).dtmf_by_info for leg in (1, 2)] == [mode == "info"] * 2
    assert [office.leg(1, leg).inband for leg in (1, 2)] == [mode == "inband"] * 2
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_trunk_may_take_keys_by_info(office: Office) -> None:
    trunks = office.exchange.plan.trunks
    office.change(trunks={"provider": replace(trunks["provider"], keys="info")})
    mine = await office.phone("101").call("084951234567")
    theirs = await office.trunk().rings()
    assert b"telephone-event" not in theirs.offer
    await theirs.answer()
    mine.acknowledge(await mine.phone.answer())
    office.media.press("n-1-1", "7")
    info = await theirs.phone.request("INFO")
    assert info.body.startswith(b"Signal=7\r\n")
    theirs.reply(200, to=info)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_phone_that_agrees_on_events_later_is_not_listened_to_for_tones_any_more(office: Office) -> None:
    mine, theirs = await connect(office, "inband", "rfc4733")
    assert office.leg(1, 1).inband
    await mine.reinvite(sdp(version=2, codecs=CODECS["rfc4733"]))
    assert not office.leg(1, 1).inband
    await mine.hang_up()
    await theirs.is_hung_up()
