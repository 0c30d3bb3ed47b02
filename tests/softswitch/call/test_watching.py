"""Phones that watch each other: lamps for calls, presence, and registrations."""

from xml.etree import ElementTree as ET

import pytest

from softswitch.sip.message import Request, Response
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone, talk
from tests.softswitch.call.test_door import ask

DIALOG = "{urn:ietf:params:xml:ns:dialog-info}"
PIDF = "{urn:ietf:params:xml:ns:pidf}"
REG = "{urn:ietf:params:xml:ns:reginfo}"


class Key:
    """A key with a lamp on a phone: it watches another extension."""

    def __init__(self, office: Office, watcher: str, watched: str, event: str = "dialog") -> None:
        self.phone: Phone = office.phone(watcher)
        self.event = event
        self.uri = f"sip:{watched}@localhost"
        self.line = self.phone.line(watched)
        self.line.target = self.uri
        self.last = -1

    async def subscribe(self, expires: int = 3600, *more: str) -> Response:
        for _ in range(2):
            credentials = self.phone.credentials("SUBSCRIBE", self.uri).strip()
            wanted = (f"Event: {self.event}", f"Expires: {expires}", f"Contact: {self.phone.contact}", *more)
            self.line.send("SUBSCRIBE", *wanted, *([credentials] if credentials else []))
            answer = await self.phone.next()
            assert isinstance(answer, Response)
            if answer.status != 401:
                break
            self.phone.keep(answer)
        if answer.status == 200:
            self.line.remote = answer.headers.get("To") or ""
        return answer

    async def notify(self, status: int = 200, within: float = 5.0) -> Request:
        notify = await self.phone.request("NOTIFY", within)
        Line.reply(self.line, status, to=notify)
        return notify

    async def document(self) -> ET.Element:
        """The document of the next NOTIFY; its version is greater than that of the one before."""
        root = ET.fromstring((await self.notify()).body)
        if "version" in root.attrib:
            assert int(root.attrib["version"]) > self.last
            self.last = int(root.attrib["version"])
        return root

    async def states(self) -> list[str]:
        return [one.text or "" for one in (await self.document()).iter(f"{DIALOG}state")]


async def test_a_lamp_follows_the_calls_of_another_phone(office: Office) -> None:
    key = Key(office, "103", "102")
    answer = await key.subscribe()
    assert (answer.status, answer.expires) == (200, 3600)
    assert await key.states() == []
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    assert await key.states() == ["trying"]
    theirs.reply(180)
    assert await key.states() == ["early"]
    await caller.response(180)
    await theirs.answer()
    mine.acknowledge(await caller.response(200))
    assert await key.states() == ["confirmed"]
    await mine.hang_up()
    await theirs.is_hung_up()
    assert await key.states() == ["terminated"]
    await key.phone.hears_nothing(3.0)


async def test_what_changes_in_a_moment_is_told_together(office: Office) -> None:
    key = Key(office, "103", "102")
    await key.subscribe()
    assert await key.states() == []
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    assert await key.states() == ["confirmed"]
    await mine.hang_up()
    await theirs.is_hung_up()
    assert await key.states() == ["terminated"]


@pytest.mark.parametrize(("watcher", "told"), [("103", []), ("107", ["sip:101@localhost"])])
async def test_with_whom_somebody_talks_is_told_to_supervisors_only(
    office: Office, watcher: str, told: list[str]
) -> None:
    key = Key(office, watcher, "102")
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await key.subscribe()
    root = await key.document()
    assert [one.text for one in root.iter(f"{DIALOG}identity")] == told
    assert [one.attrib["direction"] for one in root.iter(f"{DIALOG}dialog")] == ["recipient"]
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_presence_tells_who_is_in_and_who_talks(office: Office) -> None:
    key = Key(office, "103", "102", "presence")
    await key.subscribe()
    assert [one.text for one in (await key.document()).iter(f"{PIDF}basic")] == ["closed"]
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    root = await key.document()
    assert [one.text for one in root.iter(f"{PIDF}basic")] == ["open"]
    assert [one.text for one in root.iter(f"{PIDF}note")] == ["On the phone"]
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_registrations_are_told_to_the_phone_itself_and_to_nobody_else(office: Office) -> None:
    own, other = Key(office, "103", "103", "reg"), Key(office, "104", "103", "reg")
    assert (await other.subscribe()).status == 403
    assert (await own.subscribe()).status == 200
    root = await own.document()
    assert [one.text for one in root.iter(f"{REG}uri")] == [
        f"sip:103@{own.phone.peer.host}:{own.phone.peer.port}",
    ]


async def test_a_refresh_goes_on_in_the_same_dialog_and_unsubscribing_ends_it(office: Office) -> None:
    key = Key(office, "103", "102")
    first = await key.subscribe()
    one = await key.notify()
    again = await key.subscribe(600)
    other = await key.notify()
    assert again.to.tag == first.to.tag
    assert other.cseq.number == one.cseq.number + 1
    assert (await key.subscribe(0)).expires == 0
    assert (await key.notify()).headers.get("Subscription-State") == "terminated;reason=timeout"
    assert (await key.subscribe()).status == 481
    assert len(office.exchange.watching.notifier) == 0


async def test_a_subscription_that_is_not_refreshed_ends_with_a_notify(office: Office) -> None:
    key = Key(office, "103", "102")
    await key.subscribe(60)
    await key.notify()
    await key.phone.hears_nothing(59.0)
    assert (await key.notify()).headers.get("Subscription-State") == "terminated;reason=timeout"
    assert len(office.exchange.watching.notifier) == 0


@pytest.mark.parametrize("silent", [True, False])
async def test_a_watcher_that_refuses_or_is_silent_is_forgotten(office: Office, silent: bool) -> None:
    key = Key(office, "103", "102")
    await key.subscribe()
    if silent:
        await key.phone.request("NOTIFY")
        await key.phone.hears_nothing(40.0)
    else:
        await key.notify(481)
        await key.phone.hears_nothing(1.0)
    assert len(office.exchange.watching.notifier) == 0


async def test_what_cannot_be_watched_is_refused(office: Office) -> None:
    assert (await Key(office, "103", "199").subscribe()).status == 404
    assert (await Key(office, "103", "102").subscribe(5)).status == 423
    assert (await Key(office, "103", "102").subscribe(3600, "Accept: text/plain")).status == 406
    office.exchange.watching.notifier._max_of_one = 1
    key = Key(office, "103", "102")
    assert (await key.subscribe()).status == 200
    assert (await Key(office, "103", "104").subscribe()).status == 503
    assert (await Key(office, "104", "102").subscribe()).status == 200, "others are not concerned"


async def test_the_subscription_of_another_phone_cannot_be_touched(office: Office) -> None:
    key, thief = Key(office, "103", "102"), Key(office, "104", "102")
    await key.subscribe()
    await key.notify()
    thief.line.call_id, thief.line.remote = key.line.call_id, key.line.remote
    assert (await thief.subscribe(0)).status == 481
    assert len(office.exchange.watching.notifier) == 1


async def test_the_id_of_an_event_is_repeated_in_its_notifys(office: Office) -> None:
    key = Key(office, "103", "102", "dialog;id=7;sla")
    await key.subscribe()
    assert (await key.notify()).headers.get("Event") == "dialog;id=7"


@pytest.mark.parametrize("event", ["", "winfo", "dialog\x01", "dialog" + ";a" * 100, "dialog;" + "x" * 1000])
async def test_an_event_that_is_none_is_refused(office: Office, event: str) -> None:
    assert (await Key(office, "103", "102", event).subscribe()).status in (400, 489)


async def test_a_watcher_that_answers_with_another_call_id_is_told_more_all_the_same(office: Office) -> None:
    key = Key(office, "103", "102")
    await key.subscribe()
    notify = await key.phone.request("NOTIFY")
    key.phone.line("x").reply(200, to=notify)
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    assert await key.states() == ["confirmed"]
    await mine.hang_up()
    await theirs.is_hung_up()


PRESENCE = (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:102@localhost"><tuple id="a"><status><basic>{}</basic>'
    "</status><note>{}</note></tuple></presence>"
)


async def publish(phone: Phone, body: str, *more: str, number: str = "102", event: str = "presence") -> Response:
    """PUBLISH with credentials when they are wanted; the final answer."""
    uri = f"sip:{number}@localhost"
    for _ in range(2):
        proof = phone.credentials("PUBLISH", uri).strip()
        kind = ["Content-Type: application/pidf+xml"] if body else []
        headers = [f"Event: {event}", *kind, *more, *([proof] if proof else [])]
        ask(phone, "PUBLISH", *headers, uri=uri, to=f"<{uri}>", body=body.encode())
        answer = await phone.next()
        assert isinstance(answer, Response)
        if answer.status != 401:
            break
        phone.keep(answer)
    return answer


async def notes(key: Key) -> list[str | None]:
    return [one.text for one in (await key.document()).iter(f"{PIDF}note")]


async def test_what_a_phone_publishes_is_told_refreshed_replaced_and_runs_out(office: Office) -> None:
    key, phone = Key(office, "103", "102", "presence"), office.phone("102")
    await key.subscribe()
    assert await notes(key) == []
    first = await publish(phone, PRESENCE.format("closed", "At lunch"), "Expires: 60")
    assert (first.status, first.expires) == (200, 60)
    assert await notes(key) == ["At lunch"]
    etag = first.headers.get("SIP-ETag")
    second = await publish(phone, "", f"SIP-If-Match: {etag}", "Expires: 60")
    assert second.status == 200
    assert await notes(key) == ["At lunch"]
    assert (await publish(phone, "", f"SIP-If-Match: {etag}")).status == 412, "that tag is used up"
    third = await publish(phone, PRESENCE.format("open", "Back"), f"SIP-If-Match: {second.headers.get('SIP-ETag')}")
    assert await notes(key) == ["Back"]
    assert (await publish(phone, "", f"SIP-If-Match: {third.headers.get('SIP-ETag')}", "Expires: 0")).status == 200
    assert await notes(key) == []
    await publish(phone, PRESENCE.format("closed", "Gone"), "Expires: 60")
    assert await notes(key) == ["Gone"]
    await key.phone.hears_nothing(61.0)
    office.exchange.watching.expire()
    assert await notes(key) == []


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><presence><note>&b;</note></presence>'


@pytest.mark.parametrize(
    ("body", "more", "number", "event", "status"),
    [
        (PRESENCE, "", "103", "presence", 403),
        (PRESENCE, "", "102", "dialog", 489),
        (PRESENCE, "Expires: 5", "102", "presence", 423),
        ("", "", "102", "presence", 400),
        ("", "SIP-If-Match: unknown", "102", "presence", 412),
        ("<presence>", "", "102", "presence", 400),
        (BOMB, "", "102", "presence", 400),
        ("<a>" * 2000 + "</a>" * 2000, "", "102", "presence", 413),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "", "102", "presence", 400),
    ],
)
async def test_publications_that_cannot_be_taken(
    office: Office, body: str, more: str, number: str, event: str, status: int
) -> None:
    headers = (more,) if more else ()
    assert (await publish(office.phone("102"), body, *headers, number=number, event=event)).status == status


async def test_an_extension_has_so_many_publications_and_no_more(office: Office) -> None:
    phone = office.phone("102")
    for number in range(6):
        assert (await publish(phone, PRESENCE.format("open", number))).status == 200
    assert len(office.exchange.watching.publications._published["102"]) == 4
