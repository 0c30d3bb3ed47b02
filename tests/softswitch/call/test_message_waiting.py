"""The lamp for waiting messages: SUBSCRIBE and NOTIFY of message-summary (RFC 3842)."""

from softswitch.sip.message import Request, Response
from softswitch.voicemail.mailbox import Mailbox
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone


class Lamp:
    """A phone that wants to know how its mailbox stands."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.line = phone.line(phone.number)
        self.line.target = "sip:localhost"

    async def subscribe(self, expires: int = 3600, event: str = "message-summary") -> Response:
        """Ask, with credentials when they are wanted."""
        for _ in range(2):
            credentials = self.phone.credentials("SUBSCRIBE", "sip:localhost").strip()
            wanted = (f"Event: {event}", f"Expires: {expires}", f"Contact: {self.phone.contact}")
            self.line.send("SUBSCRIBE", *wanted, *([credentials] if credentials else []))
            answer = await self.phone.next()
            assert isinstance(answer, Response)
            if answer.status != 401:
                break
            self.phone.keep(answer)
        if answer.status == 200:
            self.line.remote = answer.headers.get("To") or ""
        return answer

    async def told(self, status: int = 200, within: float = 5.0) -> Request:
        """Get a NOTIFY and answer it."""
        notify = await self.phone.request("NOTIFY", within)
        Line.reply(self.line, status, to=notify)
        return notify


def leave(office: Office, number: str = "101") -> None:
    """A message lies in a mailbox, and everybody is told."""
    box = Mailbox(office.folder / "voicemail", number)
    path = box.begin("104", office.exchange.wall_time())
    path.write_bytes(b"RIFF")
    box.deliver(path)
    office.exchange.message_waiting.changed(number)


async def test_a_phone_that_subscribes_is_told_at_once_how_its_mailbox_stands(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    answer = await lamp.subscribe()
    assert (answer.status, answer.expires) == (200, 3600)
    notify = await lamp.told()
    assert notify.body == b"Messages-Waiting: no\r\nVoice-Message: 0/0 (0/0)\r\n"
    assert notify.headers.get("Subscription-State") == "active;expires=3600"
    assert notify.headers.get("Event") == "message-summary"


async def test_the_lamp_is_lit_when_a_message_was_left_for_this_phone_and_no_other(office: Office) -> None:
    lamp, other = Lamp(office.phone("101")), Lamp(office.phone("102"))
    for one in (lamp, other):
        await one.subscribe()
        await one.told()
    leave(office)
    notify = await lamp.told()
    assert notify.body.startswith(b"Messages-Waiting: yes\r\nVoice-Message: 1/0")
    await other.phone.hears_nothing(2.0)


async def test_many_messages_in_a_moment_are_told_together(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    await lamp.subscribe()
    await lamp.told()
    for _ in range(10):
        leave(office)
    notify = await lamp.told()
    assert b"10/0" in notify.body
    await lamp.phone.hears_nothing(3.0)


async def test_a_refresh_goes_on_in_the_same_dialog(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    first = await lamp.subscribe()
    one = await lamp.told()
    again = await lamp.subscribe(600)
    other = await lamp.told()
    assert again.to.tag == first.to.tag
    assert other.cseq.number == one.cseq.number + 1
    leave(office)
    await lamp.told()
    await lamp.phone.hears_nothing(2.0)


async def test_a_phone_that_lets_go_is_told_a_last_time(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    await lamp.subscribe()
    await lamp.told()
    assert (await lamp.subscribe(0)).expires == 0
    notify = await lamp.told()
    assert (notify.headers.get("Subscription-State") or "").startswith("terminated")
    leave(office)
    await lamp.phone.hears_nothing(3.0)


async def test_a_subscription_that_ran_out_is_told_so_once_at_most(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    await lamp.subscribe(60)
    await lamp.told()
    await lamp.phone.hears_nothing(61.0)
    leave(office)
    leave(office)
    notify = await lamp.told()
    assert (notify.headers.get("Subscription-State") or "").startswith("terminated")
    await lamp.phone.hears_nothing(2.0)
    leave(office)
    await lamp.phone.hears_nothing(3.0)


async def test_a_phone_that_refuses_a_notify_is_left_alone(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    await lamp.subscribe()
    await lamp.told(status=481)
    leave(office)
    await lamp.phone.hears_nothing(3.0)
    assert (await lamp.subscribe()).status == 481, "it is to subscribe anew"


async def test_a_phone_that_is_gone_is_left_alone(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    await lamp.subscribe()
    await lamp.phone.request("NOTIFY")
    await lamp.phone.hears_nothing(40.0)
    leave(office)
    await lamp.phone.hears_nothing(3.0)


async def test_what_is_wrong_with_a_subscription_is_said(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    too_short = await lamp.subscribe(5)
    assert (too_short.status, too_short.headers.get("Min-Expires")) == (423, "60")
    unknown = await lamp.subscribe(event="winfo")
    offered = "dialog, presence, reg, message-summary"
    assert (unknown.status, unknown.headers.get("Allow-Events")) == (489, offered)


async def test_a_stranger_cannot_subscribe(office: Office) -> None:
    lamp = Lamp(office.phone("101", password="wrong"))
    assert (await lamp.subscribe()).status in (401, 403)


async def test_nobody_watches_the_mailbox_of_somebody_else(office: Office) -> None:
    lamp = Lamp(office.phone("101"))
    lamp.line.remote = "<sip:102@localhost>"
    await lamp.subscribe()
    await lamp.told()
    leave(office, "102")
    await lamp.phone.hears_nothing(3.0)
