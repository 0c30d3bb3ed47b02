"""SUBSCRIBE and NOTIFY of message-summary (RFC 3842)."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

from softswitch.sip.message import Request
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from softswitch.voicemail.mailbox import Mailbox
from softswitch.voicemail.waiting import APART, MessageWaiting

PHONE = Peer("udp", "127.0.0.1", 5090)


class FakeStack:
    """Keeps the requests that are sent."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def contact(self, peer: Peer, user: str) -> str:
        return f"<sip:{user}@127.0.0.1:5060>"

    def request(self, request: Request, peer: Peer, user: object) -> None:
        assert peer == PHONE
        self.sent.append(request)


class Office:
    """The lamps of one office, with a hand-turned clock."""

    def __init__(self, root: Path) -> None:
        self.now = 100.0
        self.stack = FakeStack()
        self.tasks: list[asyncio.Task[None]] = []
        self.root = root
        self.lamps = MessageWaiting(root, self.stack, self._spawn, lambda: self.now)  # type: ignore[arg-type]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def notified(self, count: int) -> list[Request]:
        async with asyncio.timeout(10):
            while len(self.stack.sent) < count:
                await asyncio.sleep(APART / 50)
        return self.stack.sent

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def subscribe(event: str = "message-summary", expires: str = "600", to_tag: str = "") -> Request:
    tag = f";tag={to_tag}" if to_tag else ""
    message = parse(
        (
            "SUBSCRIBE sip:101@localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK1\r\n"
            f"From: <sip:101@localhost>;tag=phone\r\nTo: <sip:101@localhost>{tag}\r\n"
            "Call-ID: s1\r\nCSeq: 1 SUBSCRIBE\r\n"
            f"Contact: <sip:101@127.0.0.1:5090>\r\nEvent: {event}\r\n"
            f"Expires: {expires}\r\nContent-Length: 0\r\n\r\n"
        ).encode()
    )
    assert isinstance(message, Request)
    return message


def leave_message(root: Path) -> None:
    mailbox = Mailbox(root, "101")
    path = mailbox.begin("102", datetime(2026, 11, 23, 10, 0))
    path.write_bytes(b"RIFF")
    assert mailbox.deliver(path) is not None


async def test_a_subscription_is_answered_and_told_at_once_that_nothing_waits(tmp_path: Path) -> None:
    office = Office(tmp_path)
    response = office.lamps.subscribe(subscribe(), PHONE, "101")
    assert (response.status, response.headers.get("Expires")) == (200, "600")
    [notify] = await office.notified(1)
    assert notify.method == "NOTIFY"
    assert notify.headers.get("Subscription-State") == "active;expires=600"
    assert notify.from_.tag == response.to.tag
    assert notify.body.startswith(b"Messages-Waiting: no\r\nVoice-Message: 0/0")
    await office.close()


async def test_a_message_that_was_left_lights_the_lamp(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.lamps.subscribe(subscribe(), PHONE, "101")
    await office.notified(1)
    await asyncio.to_thread(leave_message, tmp_path)
    office.lamps.changed("102")
    office.lamps.changed("101")
    first, second = await office.notified(2)
    assert second.body.startswith(b"Messages-Waiting: yes\r\nVoice-Message: 1/0")
    assert second.cseq.number == first.cseq.number + 1
    await office.close()


async def test_a_refresh_goes_on_in_the_same_dialog_and_0_ends_it(tmp_path: Path) -> None:
    office = Office(tmp_path)
    tag = office.lamps.subscribe(subscribe(), PHONE, "101").to.tag or ""
    await office.notified(1)
    assert office.lamps.subscribe(subscribe(to_tag=tag), PHONE, "101").status == 200
    await office.notified(2)
    assert office.lamps.subscribe(subscribe(to_tag=tag, expires="0"), PHONE, "101").status == 200
    *_, last = await office.notified(3)
    assert last.headers.get("Subscription-State") == "terminated;reason=timeout"
    assert office.lamps.subscribe(subscribe(to_tag=tag), PHONE, "101").status == 481
    await office.close()


async def test_other_events_and_short_times_are_refused(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.lamps.subscribe(subscribe(event="presence"), PHONE, "101").status == 489
    short = office.lamps.subscribe(subscribe(expires="5"), PHONE, "101")
    assert (short.status, short.headers.get("Min-Expires")) == (423, "60")
    assert office.stack.sent == []


async def test_a_phone_that_refuses_a_notify_is_not_told_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.lamps.subscribe(subscribe(), PHONE, "101")
    [notify] = await office.notified(1)
    office.lamps.request_failed(notify, "timeout", 132.0)
    office.lamps.changed("101")
    await asyncio.sleep(0)
    await asyncio.gather(*office.tasks)
    assert len(office.stack.sent) == 1
    await office.close()
