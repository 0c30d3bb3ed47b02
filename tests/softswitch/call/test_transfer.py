"""Blind transfer: a phone sends REFER, the other party is led elsewhere, and the phone is told how that goes."""

import pytest

from softswitch.records import events as fact
from softswitch.sip.message import Request
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone, talk


def refer(line: Line, number: str, *headers: str, host: str = "127.0.0.1:5060") -> None:
    line.send("REFER", f"Refer-To: <sip:{number}@{host}>", f"Contact: {line.phone.contact}", *headers)


async def told(line: Line) -> tuple[str, str]:
    """The next NOTIFY of a referral, answered: the first line of its body, and its state."""
    notify = await line.phone.request("NOTIFY")
    line.reply(200, to=notify)
    assert (notify.headers.get("Event") or "").startswith("refer")
    assert notify.headers.get("Content-Type") == "message/sipfrag;version=2.0"
    return notify.body.decode().strip(), (notify.headers.get("Subscription-State") or "").partition(";")[0]


async def accepted(line: Line, number: str, *headers: str) -> None:
    """A REFER that is taken, and its first NOTIFY."""
    refer(line, number, *headers)
    await line.phone.response(202, "REFER")
    assert await told(line) == ("SIP/2.0 100 Trying", "active")


async def has_answered(phone: Phone) -> Line:
    """Rings, says so, and answers."""
    line = await phone.rings()
    line.reply(180)
    await line.answer()
    return line


@pytest.mark.parametrize("who", ["callee", "caller"])
async def test_either_side_leads_the_other_to_a_third_phone_and_is_hung_up(office: Office, who: str) -> None:
    lines = dict(zip(("caller", "callee"), await talk(office.phone("101"), office.phone("102")), strict=True))
    target = office.phone("103")
    leaving = lines.pop(who)
    (remaining,) = lines.values()
    await accepted(leaving, "103", "Subject: about the invoice")
    rung = await target.rings()
    invite = rung.incoming
    assert isinstance(invite, Request)
    assert invite.from_.uri.user == remaining.phone.number
    assert invite.headers.get("Referred-By") == f"<sip:{leaving.phone.number}@localhost>"
    assert invite.headers.get("Subject") == "about the invoice"
    rung.reply(180)
    assert await told(leaving) == ("SIP/2.0 180 Ringing", "active")
    assert office.media.in_room("n-1") == set()
    rest = "n-1-1" if who == "callee" else "n-1-2"
    assert office.media.legs[rest].playing == "ringback"
    await rung.answer()
    assert await told(leaving) == ("SIP/2.0 200 OK", "terminated")
    await leaving.is_hung_up()
    await remaining.phone.hears_nothing(10.0)
    assert office.media.in_room("n-1") == {rest, "n-1-3"}
    started = office.last(fact.TransferStarted)
    assert (started.by, started.to, started.note) == (f"phone:{leaving.phone.number}", "103", "about the invoice")
    assert office.last(fact.TransferEnded).status == 200
    await rung.hang_up()
    await remaining.is_hung_up()
    record = await office.record()
    assert record.disposition == "answered"
    assert 10 <= record.talk < 11
