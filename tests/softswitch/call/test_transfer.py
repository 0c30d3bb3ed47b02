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


@pytest.mark.parametrize("who", ["callee", "caller"])
async def test_when_nobody_takes_it_the_two_are_together_again(office: Office, who: str) -> None:
    lines = dict(zip(("caller", "callee"), await talk(office.phone("101"), office.phone("102")), strict=True))
    target = office.phone("103")
    leaving = lines.pop(who)
    (remaining,) = lines.values()
    await accepted(leaving, "103")
    await (await target.rings()).refuse(486)
    assert await told(leaving) == ("SIP/2.0 486 Busy Here", "terminated")
    await leaving.phone.hears_nothing(5.0)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    assert office.last(fact.TransferEnded).status == 486
    await leaving.hang_up()
    await remaining.is_hung_up()


@pytest.mark.parametrize("who", ["callee", "caller"])
async def test_who_hangs_up_at_once_is_not_needed_but_rung_when_nobody_takes_it(office: Office, who: str) -> None:
    lines = dict(zip(("caller", "callee"), await talk(office.phone("101"), office.phone("102")), strict=True))
    target = office.phone("103")
    leaving = lines.pop(who)
    (remaining,) = lines.values()
    refer(leaving, "103")
    leaving.send("BYE")
    await leaving.phone.response(202, "REFER")
    first = await leaving.phone.next()
    assert isinstance(first, Request), first.start_line
    leaving.reply(481, to=first)
    await leaving.phone.response(200, "BYE")
    await (await target.rings()).refuse(486)
    back = await leaving.phone.rings()
    await back.answer()
    await remaining.phone.hears_nothing(5.0)
    await back.hang_up()
    await remaining.is_hung_up()


async def test_who_is_led_elsewhere_hangs_up_while_it_rings(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    target = office.phone("103")
    await accepted(theirs, "103")
    rung = await target.rings()
    rung.reply(180)
    assert await told(theirs) == ("SIP/2.0 180 Ringing", "active")
    await mine.hang_up()
    assert await told(theirs) == ("SIP/2.0 487 Request Terminated", "terminated")
    await theirs.is_hung_up()
    await rung.is_cancelled()


async def test_a_queue_takes_the_call_at_once(office: Office) -> None:
    mine, theirs = await talk(office.phone("104"), office.phone("105"))
    await accepted(theirs, "600")
    assert await told(theirs) == ("SIP/2.0 200 OK", "terminated")
    await theirs.is_hung_up()
    assert office.calls[0].state == "queue:support"
    await mine.hang_up()


@pytest.mark.parametrize(
    ("refer_to", "status"),
    [
        ("<sip:4711@localhost>", 404),
        ("<sip:103@elsewhere.example>", 404),
        ("<sip:800@localhost>", 403),
        ("<sip:*21101@localhost>", 403),
        ("<sip:103@localhost;method=BYE>", 403),
        ("<sip:103@localhost?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>", 603),
        ("<mailto:a@b>", 416),
        ("<sip:103@localhost>, <sip:104@localhost>", 400),
        ("nonsense", 400),
    ],
)
async def test_what_is_refused_leaves_the_call_as_it_was(office: Office, refer_to: str, status: int) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    theirs.send("REFER", f"Refer-To: {refer_to}")
    await theirs.phone.response(status, "REFER")
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_who_may_not_dial_out_leads_nobody_out_and_a_trunk_leads_nobody_anywhere(office: Office) -> None:
    trunk = office.trunk()
    office.change_phone("101", dial_out=False)
    mine = await trunk.call("+74950000101")
    theirs = await office.phone("101").rings() if office.exchange.phone_targets("101") else None
    assert theirs is None
    mine.acknowledge_refusal(await trunk.response(480))
    phone = office.phone("101")
    mine = await trunk.call("+74950000101")
    theirs = await phone.rings()
    await theirs.answer()
    mine.acknowledge(await trunk.response(200, "INVITE"))
    refer(theirs, "0123")
    await phone.response(403, "REFER")
    refer(mine, "103")
    await trunk.response(403, "REFER")
    await trunk.hears_nothing(2.0)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_second_refer_from_either_side_waits(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    target = office.phone("103")
    await accepted(theirs, "103")
    rung = await target.rings()
    refer(theirs, "104")
    await theirs.phone.response(491, "REFER")
    refer(mine, "104")
    await mine.phone.response(491, "REFER")
    await rung.answer()
    assert await told(theirs) == ("SIP/2.0 200 OK", "terminated")
    await theirs.is_hung_up()
    await mine.hang_up()
    await rung.is_hung_up()
