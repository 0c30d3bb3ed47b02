"""Who watches whom: the packages dialog (RFC 4235), presence (RFC 3856) and reg (RFC 3680), fed by the facts of calls.

Any phone may see whether another one is free, rings or talks. With whom it talks is told to itself and to
supervisors; only these are told where it is registered.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from softswitch.core.location import address_of_record
from softswitch.core.publications import Publications, Published
from softswitch.dialog.notifier import Notifier, Package
from softswitch.records import events as fact
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.voicemail.waiting import EVENT as MESSAGE_SUMMARY

if TYPE_CHECKING:
    from softswitch.call.exchange import Exchange

DIALOG_INFO = "urn:ietf:params:xml:ns:dialog-info"
PIDF = "urn:ietf:params:xml:ns:pidf"
REGINFO = "urn:ietf:params:xml:ns:reginfo"


@dataclass(slots=True)
class Line:
    """A call as a phone has it."""

    leg: str
    initiator: bool
    """The phone made the call."""
    other: str
    """The number at the other side."""
    state: str = "trying"
    """``trying``, ``early``, ``confirmed`` or ``terminated`` (RFC 4235 section 3.7.1)."""


class Watching:
    """What phones are told about each other."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._lines: dict[str, dict[str, Line]] = {}
        self._ended: dict[str, Line] = {}
        """The last call of each phone that is over."""
        self._numbers: dict[str, tuple[str, str]] = {}
        self._phones: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.publications = Publications()
        packages: dict[str, Package] = {"dialog": Dialogs(self), "presence": Presence(self), "reg": Registrations(self)}
        self.notifier = Notifier(packages, exchange.stack.contact, self._wake, others=(MESSAGE_SUMMARY,))

    # ---- what happens -----------------------------------------------------------------------------------------

    def subscribe(self, request: Request, peer: Peer, number: str) -> Response:
        """Answer a SUBSCRIBE of an extension that has proved who it is."""
        return self.notifier.subscribe(request, peer, number, self._exchange.clock())

    def publish(self, request: Request, number: str) -> Response:
        """Answer a PUBLISH of an extension that has proved who it is."""
        response = self.publications.publish(request, number, self._exchange.clock())
        if response.status == 200:
            self._tell(number, "presence")
        return response

    def expire(self) -> None:
        """Forget what was published and has run out."""
        for number in self.publications.expire(self._exchange.clock()):
            self._tell(number, "presence")

    def published(self, number: str) -> Published | None:
        """What an extension says about itself."""
        return self.publications.latest(number, self._exchange.clock())

    def note(self, call: str, event: fact.Event) -> None:
        """Something happened in a call."""
        match event:
            case fact.CallStarted():
                self._numbers[call] = (event.caller_number, event.called_number)
            case fact.CallEnded():
                self._numbers.pop(call, None)
            case fact.LegStarted() if event.target.startswith("phone:"):
                self._begin(call, event)
            case fact.LegRinging() | fact.LegAnswered() | fact.LegEnded():
                self._step(event)

    def registered(self, number: str) -> None:
        """The contacts of an extension changed."""
        self._tell(number, "presence", "reg")

    def _begin(self, call: str, event: fact.LegStarted) -> None:
        number = event.target.partition(":")[2]
        caller, called = self._numbers.get(call, ("", ""))
        initiator = event.direction == "in"
        self._phones[event.leg] = number
        self._lines.setdefault(number, {})[event.leg] = Line(event.leg, initiator, called if initiator else caller)
        self._tell(number, "dialog", "presence")

    def _step(self, event: fact.LegRinging | fact.LegAnswered | fact.LegEnded) -> None:
        number = self._phones.get(event.leg)
        if number is None:
            return
        lines = self._lines[number]
        if isinstance(event, fact.LegEnded):
            self._ended[number] = ended = lines.pop(event.leg)
            ended.state = "terminated"
            del self._phones[event.leg]
            if not lines:
                del self._lines[number]
        else:
            lines[event.leg].state = "early" if isinstance(event, fact.LegRinging) else "confirmed"
        self._tell(number, "dialog", "presence")

    def _tell(self, number: str, *packages: str) -> None:
        now = self._exchange.clock()
        for package in packages:
            self.notifier.changed(package, number, now)

    # ---- what is known ----------------------------------------------------------------------------------------

    def lines(self, number: str) -> list[Line]:
        """The calls of a phone."""
        return list(self._lines.get(number, {}).values())

    def ended(self, number: str) -> list[Line]:
        """The last call of a phone that is over, if there was one."""
        return [self._ended[number]] if number in self._ended else []

    def is_extension(self, number: str) -> bool:
        """Whether there is such a phone."""
        return number in self._exchange.plan.phones

    def is_confidant(self, watcher: str, number: str) -> bool:
        """Whether somebody may know more about a phone than that it is busy."""
        return watcher == number or watcher in self._exchange.plan.supervisors

    def contacts(self, number: str) -> list[str]:
        """Where a phone is registered."""
        aor = address_of_record(number, self.domain)
        return [one.contact for one in self._exchange.location.bindings(aor, self._exchange.wall())]

    @property
    def domain(self) -> str:
        """What stands after the @ in our addresses."""
        return self._exchange.plan.domain

    # ---- NOTIFY -----------------------------------------------------------------------------------------------

    def _wake(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(when - self._exchange.clock(), 0.0)
        self._timer = self._exchange.loop.call_later(delay, self._send)

    def _send(self) -> None:
        self._timer = None
        for notify in self.notifier.handle_timer(self._exchange.clock()):
            self._exchange.stack.request(notify.request, notify.peer, Told(self.notifier, notify.request))
        due = self.notifier.next()
        if due is not None and self._timer is None:
            self._wake(due)

    def close(self) -> None:
        """Nobody is told anything more."""
        if self._timer is not None:
            self._timer.cancel()


@dataclass(frozen=True, slots=True)
class Told:
    """The user of a NOTIFY's transaction. Whose NOTIFY it was is known here: an answer may say anything."""

    notifier: Notifier
    request: Request

    def receive_response(self, response: Response, now: float) -> list[object]:
        """It was answered."""
        if response.status >= 200:
            self.notifier.notified(self.request, response.status, now)
        return []

    def request_failed(self, request: Request, cause: str, now: float) -> list[object]:
        """Nobody is there any more."""
        self.notifier.notified(self.request, 408, now)
        return []


class Dialogs:
    """Package dialog: the lamp of a key for another extension (RFC 4235)."""

    content_type = "application/dialog-info+xml"

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def knows(self, resource: str) -> bool:
        """Every extension has calls to watch."""
        return self._watching.is_extension(resource)

    def permits(self, watcher: str, resource: str) -> bool:
        """Lamps are for everybody."""
        return True

    def describe(self, resource: str, watcher: str, version: int) -> bytes:
        """All calls of the extension, and the last one that is over: there are phones that want to read of its end."""
        entity = f"sip:{resource}@{self._watching.domain}"
        root = ET.Element("dialog-info", xmlns=DIALOG_INFO, version=str(version), state="full", entity=entity)
        for line in [*self._watching.ended(resource), *self._watching.lines(resource)]:
            direction = "initiator" if line.initiator else "recipient"
            dialog = ET.SubElement(root, "dialog", id=line.leg, direction=direction)
            ET.SubElement(dialog, "state").text = line.state
            if line.other and line.state != "terminated" and self._watching.is_confidant(watcher, resource):
                identity = ET.SubElement(ET.SubElement(dialog, "remote"), "identity")
                identity.text = f"sip:{_printable(line.other)}@{self._watching.domain}"
        return _write(root)


class Presence:
    """Package presence: whether an extension can be reached, and whether it talks (RFC 3856, RFC 3863)."""

    content_type = "application/pidf+xml"

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def knows(self, resource: str) -> bool:
        """Every extension is there or is not."""
        return self._watching.is_extension(resource)

    def permits(self, watcher: str, resource: str) -> bool:
        """As in an office: everybody sees who is in."""
        return True

    def describe(self, resource: str, watcher: str, version: int) -> bytes:
        """A tuple for the telephone, open when one is registered, and one for what the extension says itself."""
        entity = f"sip:{resource}@{self._watching.domain}"
        root = ET.Element("presence", xmlns=PIDF, entity=entity)
        device = ET.SubElement(root, "tuple", id="phone")
        status = ET.SubElement(device, "status")
        reachable = bool(self._watching.contacts(resource))
        ET.SubElement(status, "basic").text = "open" if reachable else "closed"
        ET.SubElement(device, "contact").text = entity
        if self._watching.lines(resource):
            ET.SubElement(device, "note").text = "On the phone"
        published = self._watching.published(resource)
        if published is not None:
            person = ET.SubElement(root, "tuple", id="person")
            basic = ET.SubElement(ET.SubElement(person, "status"), "basic")
            basic.text = "open" if published.open else "closed"
            if published.note:
                ET.SubElement(person, "note").text = _printable(published.note)
        return _write(root)


class Registrations:
    """Package reg: where an extension is registered (RFC 3680), for itself and for supervisors."""

    content_type = "application/reginfo+xml"

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def knows(self, resource: str) -> bool:
        """Every extension may be registered."""
        return self._watching.is_extension(resource)

    def permits(self, watcher: str, resource: str) -> bool:
        """Addresses of phones are nobody else's business."""
        return self._watching.is_confidant(watcher, resource)

    def describe(self, resource: str, watcher: str, version: int) -> bytes:
        """All contacts, full state."""
        contacts = self._watching.contacts(resource)
        root = ET.Element("reginfo", xmlns=REGINFO, version=str(version), state="full")
        aor = f"sip:{resource}@{self._watching.domain}"
        state = "active" if contacts else "init"
        registration = ET.SubElement(root, "registration", aor=aor, id=resource, state=state)
        for contact in contacts:
            one = ET.SubElement(
                registration, "contact", id=_printable(contact)[:64], state="active", event="registered"
            )
            ET.SubElement(one, "uri").text = _printable(contact)
        return _write(root)


def _printable(text: str) -> str:
    """What XML can carry of a text from the network (XML 1.0 section 2.2)."""
    return "".join(letter for letter in text if letter.isprintable() and not "\ud800" <= letter <= "\udfff")


def _write(root: ET.Element) -> bytes:
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
