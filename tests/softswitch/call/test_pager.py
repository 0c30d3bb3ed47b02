"""Short texts between phones: delivered to every telephone, kept while none is there, bounded in every way."""

import asyncio
import json

import pytest

from softswitch.call import pager
from softswitch.call.pager import Pager
from softswitch.sip.message import Response
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Phone
from tests.softswitch.call.test_door import ask


async def write(
    phone: Phone, number: str, text: bytes = b"Hello", kind: str = "text/plain", sender: str = ""
) -> Response:
    """Send a text and prove who sends it; the final answer."""
    uri = f"sip:{number}@localhost"
    for _ in range(2):
        proof = phone.credentials("MESSAGE", uri).strip()
        headers = [f"Content-Type: {kind}", *([proof] if proof else [])]
        ask(phone, "MESSAGE", *headers, uri=uri, to=f"<{uri}>", body=text)
        answer = await phone.next()
        assert isinstance(answer, Response)
        if answer.status != 401:
            break
        phone.keep(answer)
    return answer


async def take(phone: Phone, status: int = 200) -> tuple[str, str]:
    """Get a text and answer it: the sender's number and what he wrote."""
    request = await phone.request("MESSAGE")
    line = phone.line("x")
    line.call_id = request.call_id
    line.reply(status, to=request)
    assert str(request.content_type) == "text/plain;charset=utf-8"
    assert "Date" in request.headers
    return request.from_.uri.user or "", request.body.decode()


def kept(office: Office) -> dict[str, list[str]]:
    """What lies in the files of the mailboxes."""
    files = (office.folder / "messages").glob("*.json")
    return {file.stem: [one["text"] for one in json.loads(file.read_text())] for file in files}


async def until_written(office: Office) -> None:
    """A mailbox is written in a thread, which the virtual clock does not wait for."""
    while office.exchange.pager._writing:
        await asyncio.sleep(0.01)


async def test_a_text_reaches_every_telephone_of_an_extension(office: Office) -> None:
    sender, desk, mobile = office.phone("101"), office.phone("102"), office.phone("102")
    assert (await write(sender, "102", "Grüße".encode())).status == 202
    assert await take(desk) == ("101", "Grüße")
    assert await take(mobile) == ("101", "Grüße")
    await sender.hears_nothing(1.0)
    assert kept(office) == {}


async def test_texts_wait_for_a_phone_and_come_in_order_when_it_registers(office: Office) -> None:
    sender, callee = office.phone("101"), office.phone("102", registered=False)
    for text in (b"one", b"two"):
        assert (await write(sender, "102", text)).status == 202
    await until_written(office)
    assert kept(office) == {"102": ["one", "two"]}
    await callee.register()
    assert await take(callee) == ("101", "one")
    assert await take(callee) == ("101", "two")
    await callee.hears_nothing(1.0)
    await until_written(office)
    assert kept(office) == {}


async def test_what_is_kept_survives_a_restart(office: Office) -> None:
    assert (await write(office.phone("101"), "102")).status == 202
    await until_written(office)
    (office.folder / "messages" / "103.json").write_text("[{")
    office.exchange.pager = Pager(office.exchange, office.folder / "messages")
    office.complaints_expected = True
    office.exchange.pager.load()
    callee = office.phone("102", registered=False)
    await callee.register()
    assert await take(callee) == ("101", "Hello")
    await until_written(office)


async def test_a_text_that_no_telephone_took_is_kept_and_tried_again(office: Office) -> None:
    sender, callee = office.phone("101"), office.phone("102", registered=False)
    await callee.register()
    assert (await write(sender, "102")).status == 202
    await take(callee, 486)
    await callee.hears_nothing(1.0)
    await until_written(office)
    assert kept(office) == {"102": ["Hello"]}
    await callee.register()
    await take(callee, 500)
    await callee.hears_nothing(1.0)
    await callee.register()
    await take(callee)
    await callee.hears_nothing(1.0)
    await until_written(office)
    assert kept(office) == {}


async def test_a_telephone_that_is_silent_has_taken_nothing(office: Office) -> None:
    sender, callee = office.phone("101"), office.phone("102")
    assert (await write(sender, "102")).status == 202
    await callee.request("MESSAGE")
    await callee.hears_nothing(40.0)
    await until_written(office)
    assert kept(office) == {"102": ["Hello"]}


@pytest.mark.parametrize(
    ("number", "text", "kind", "status"),
    [
        ("199", b"x", "text/plain", 404),
        ("901", b"x", "text/plain", 404),
        ("102", b"x" * 5000, "text/plain", 413),
        ("102", b"x", "text/html", 415),
        ("102", b"x", "text/plain;charset=utf-16", 415),
    ],
)
async def test_what_cannot_be_delivered_is_refused(
    office: Office, number: str, text: bytes, kind: str, status: int
) -> None:
    assert (await write(office.phone("101"), number, text, kind)).status == status
    assert kept(office) == {}


async def test_a_mailbox_that_is_full_takes_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pager, "MAX_KEPT", 2)
    sender = office.phone("101")
    assert [(await write(sender, "102")).status for _ in range(3)] == [202, 202, 480]
    await until_written(office)
    assert kept(office) == {"102": ["Hello", "Hello"]}


async def test_who_writes_too_much_is_slowed_down_and_nobody_else(office: Office) -> None:
    sender = office.phone("101")
    answers = [(await write(sender, "102")).status for _ in range(pager.MAX_IN_WINDOW + 1)]
    assert answers[-2:] == [202, 503]
    assert (await write(office.phone("103"), "104")).status == 202
    await asyncio.sleep(pager.WINDOW)
    assert (await write(sender, "104")).status == 202
    await until_written(office)


async def test_texts_that_are_too_old_are_thrown_away(office: Office) -> None:
    assert (await write(office.phone("101"), "102")).status == 202
    await until_written(office)
    await asyncio.sleep((pager.KEEP_DAYS + 1) * 86_400)
    callee = office.phone("102", registered=False)
    await callee.register()
    await callee.hears_nothing(1.0)


async def test_nobody_writes_without_or_in_the_name_of_another(office: Office) -> None:
    stranger = office.phone("101", password="wrong")
    assert (await write(stranger, "102")).status == 403
    assert kept(office) == {}


async def test_an_answer_with_another_call_id_is_an_answer_all_the_same(office: Office) -> None:
    sender, callee = office.phone("101"), office.phone("102", registered=False)
    assert (await write(sender, "102")).status == 202
    await callee.register()
    callee.line("x").reply(200, to=await callee.request("MESSAGE"))
    await callee.hears_nothing(1.0)
    await until_written(office)
    assert kept(office) == {}
