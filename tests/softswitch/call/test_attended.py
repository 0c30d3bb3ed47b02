"""Attended transfer: who has consulted somebody joins him with the other one (RFC 5589 section 7)."""

import asyncio
from urllib.parse import quote

import pytest

from softswitch.records import events as fact
from softswitch.sip.message import Request, Response
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone, talk


def replaces(line: Line) -> str:
    """A line of ours, as Replaces names it: our tag is the from-tag (RFC 3891 section 3)."""
    local, remote = (text.rpartition("tag=")[2] for text in (line.local, line.remote))
    return f"{line.call_id};to-tag={remote};from-tag={local}"


def refer(line: Line, number: str, value: str) -> None:
    line.send("REFER", f"Refer-To: <sip:{number}@localhost?Replaces={quote(value, safe='')}>")


async def everything(phone: Phone, lines: list[Line], seconds: float = 3.0) -> list[str]:
    """What comes to a phone, requests answered: start lines, and of NOTIFYs their bodies."""
    by_call = {line.call_id: line for line in lines}
    found: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await phone.next(seconds)
                if isinstance(message, Response):
                    found.append(f"{message.status} {message.cseq.method}")
                    continue
                found.append(message.body.decode().strip() if message.method == "NOTIFY" else message.method)
                by_call[message.call_id].reply(200, to=message)
    except TimeoutError:
        return found


@pytest.mark.parametrize("consults", ["calls", "is called"])
@pytest.mark.parametrize("who", ["callee", "caller"])
async def test_the_two_whom_somebody_talks_to_are_joined_and_both_his_lines_are_free(
    office: Office, who: str, consults: str
) -> None:
    lines = dict(zip(("caller", "callee"), await talk(office.phone("101"), office.phone("102")), strict=True))
    leaving = lines.pop(who)
    (remaining,) = lines.values()
    phone, third = leaving.phone, office.phone("103")
    if consults == "calls":
        line, far = await talk(phone, third)
    else:
        far, line = await talk(third, phone)
    refer(leaving, "103", replaces(line))
    assert sorted(await everything(phone, [leaving, line])) == sorted(
        ["202 REFER", "SIP/2.0 100 Trying", "SIP/2.0 200 OK", "BYE", "BYE"]
    )
    rest, came = "n-1-1" if who == "callee" else "n-1-2", "n-2-2" if consults == "calls" else "n-2-1"
    assert office.media.in_room("n-1") == {rest, came}
    assert office.media.in_room("n-2") == set()
    assert [call.id for call in office.calls] == ["n-1"]
    assert office.last(fact.TransferStarted).mode == "attended"
    await remaining.phone.hears_nothing(10.0)
    await far.hang_up()
    await remaining.is_hung_up()
    record, consultation = await office.record(1), await office.record(2)
    assert (record.disposition, consultation.disposition) == ("answered", "answered")
    assert record.talk > 10
    assert consultation.talk < 1
    ended = {leg.leg: leg.cause for leg in consultation.legs}
    assert ended[came] == "transferred"
    assert {leg.leg for leg in record.legs} == {"n-1-1", "n-1-2", came}


async def test_whoever_was_put_on_hold_hears_no_more_music(office: Office) -> None:
    first, leaving = await talk(office.phone("101"), office.phone("102"))
    line, far = await talk(leaving.phone, office.phone("103"))
    for one in (leaving, line):
        one.invite(one.offer.replace(b"a=sendrecv", b"a=sendonly") or b"")
    await everything(leaving.phone, [leaving, line], 1.0)
    refer(leaving, "103", replaces(line))
    await everything(leaving.phone, [leaving, line])
    assert office.media.in_room("n-1") == {"n-1-1", "n-2-2"}
    assert [office.media.legs[leg].playing for leg in ("n-1-1", "n-2-2")] == [None, None]
    await first.hang_up()
    await far.is_hung_up()


async def test_while_the_consulted_one_rings_the_other_one_rings_there_instead(office: Office) -> None:
    first, leaving = await talk(office.phone("101"), office.phone("102"))
    line = await leaving.phone.call("103")
    third = office.phone("103")
    rung = await third.rings()
    rung.reply(180)
    ringing = await leaving.phone.response(180, "INVITE")
    line.remote = ringing.headers.get("To") or ""
    refer(leaving, "103", replaces(line))
    await rung.is_cancelled()
    again = await third.rings()
    assert isinstance(again.incoming, Request)
    assert again.incoming.from_.uri.user == "101"
    await again.answer()
    seen = await everything(leaving.phone, [leaving, line])
    assert {"202 REFER", "480 INVITE", "SIP/2.0 200 OK", "BYE"} <= set(seen)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-3"}
    await first.hang_up()
    await again.is_hung_up()


async def test_nobody_joins_the_line_of_somebody_else(office: Office) -> None:
    first, leaving = await talk(office.phone("101"), office.phone("102"))
    strange, other = await talk(office.phone("103"), office.phone("104"))
    for named in (strange, other, leaving):
        refer(leaving, "103", replaces(named))
        await leaving.phone.response(603, "REFER")
    assert office.media.in_room("n-2") == {"n-2-1", "n-2-2"}
    await first.hang_up()
    await leaving.is_hung_up()
    await strange.hang_up()
    await other.is_hung_up()


async def test_whoever_was_joined_may_lead_the_other_on(office: Office) -> None:
    first, leaving = await talk(office.phone("101"), office.phone("102"))
    line, far = await talk(leaving.phone, office.phone("103"))
    refer(leaving, "103", replaces(line))
    await everything(leaving.phone, [leaving, line])
    far.send("REFER", "Refer-To: <sip:104@localhost>")
    rung = await office.phone("104").rings()
    await rung.answer()
    assert {"202 REFER", "SIP/2.0 200 OK", "BYE"} <= set(await everything(far.phone, [far]))
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-3"}
    await first.hang_up()
    await rung.is_hung_up()


async def test_the_consulted_one_hangs_up_in_that_moment(office: Office) -> None:
    first, leaving = await talk(office.phone("101"), office.phone("102"))
    line, far = await talk(leaving.phone, office.phone("103"))
    far.send("BYE")
    refer(leaving, "103", replaces(line))
    await far.phone.response(200, "BYE")
    seen = await everything(leaving.phone, [leaving, line])
    assert "SIP/2.0 200 OK" not in seen
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await first.hang_up()
    await leaving.is_hung_up()
