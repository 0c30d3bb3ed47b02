"""Short texts between phones (MESSAGE, RFC 3428): handed on to every telephone of an extension, or kept for it.

Who sends gets a 202 as soon as the text is ours to deliver. A text that no telephone took is kept, and delivered when
one registers; a mailbox holds `MAX_KEPT` texts for `KEEP_DAYS` days and survives a restart.
"""

import asyncio
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from softswitch.call.target import USER_AGENT, Target
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.tag import make_tag
from softswitch.sip.uri import Uri

if TYPE_CHECKING:
    from softswitch.call.exchange import Exchange

log = structlog.get_logger("call.pager")

MAX_TEXT = 4096
"""Octets of one text."""
MAX_KEPT = 50
"""Texts of one mailbox."""
MAX_MAILBOXES = 10_000
KEEP_DAYS = 14
WINDOW = 10.0
MAX_IN_WINDOW = 20
"""Texts of one sender within `WINDOW` seconds."""
CHARSETS = (None, "utf-8", "us-ascii")


@dataclass(frozen=True, slots=True)
class Text:
    """What somebody wrote to an extension."""

    sender: str
    name: str
    """As it is shown."""
    text: str
    sent_at: float
    """Wall seconds."""


@dataclass(slots=True, eq=False)
class Delivery:
    """A text on its way to the telephones of an extension, as the user of these transactions; one has to take it."""

    number: str
    text: Text
    open: int
    """Telephones that have not said anything yet."""
    finish: Callable[["Delivery"], None]
    taken: bool = False

    def receive_response(self, response: Response, now: float) -> list[object]:
        """A telephone took the text, or did not."""
        if response.status >= 200:
            self._settle(response.status < 300)
        return []

    def request_failed(self, request: Request, cause: str, now: float) -> list[object]:
        """A telephone does not answer."""
        self._settle(False)
        return []

    def _settle(self, taken: bool) -> None:
        self.open -= 1
        self.taken = self.taken or taken
        if not self.open:
            self.finish(self)


@dataclass(slots=True)
class Mailbox:
    """The texts that wait for one extension, the oldest first."""

    texts: list[Text] = field(default_factory=list)
    busy: bool = False
    """They are being delivered."""


class Pager:
    """Texts between phones."""

    def __init__(self, exchange: "Exchange", folder: Path) -> None:
        self._exchange = exchange
        self._folder = folder
        self._mailboxes: OrderedDict[str, Mailbox] = OrderedDict()
        self._dirty: dict[str, None] = {}
        self._writing = False
        self._sent: Counter[str] = Counter()
        self._window_ends = 0.0

    def load(self) -> None:
        """Read what was kept; call it before anybody is served, in a thread."""
        for path in sorted(self._folder.glob("*.json"))[:MAX_MAILBOXES]:
            try:
                texts = [Text(**one) for one in json.loads(path.read_text())]
            except (OSError, ValueError, TypeError, RecursionError) as error:
                log.error("kept texts cannot be read", file=str(path), error=str(error))
                continue
            self._mailboxes[path.stem] = Mailbox(texts[-MAX_KEPT:])

    # ---- in ---------------------------------------------------------------------------------------------------

    def receive(self, request: Request, sender: str, name: str) -> Response:
        """Answer a MESSAGE of an extension that has proved who it is."""
        number = request.uri.user or ""
        refusal = self._refuse(request, number, sender)
        if refusal is not None:
            return refusal
        text = Text(sender, name, request.body.decode("utf-8", "replace"), self._exchange.wall())
        if not self._page(number, text) and not self._keep(number, text):
            return respond(request, 480, "Mailbox Full", to_tag=make_tag())
        return respond(request, 202, to_tag=make_tag())

    def registered(self, number: str) -> None:
        """A telephone of an extension is there: it gets what waits for it, one text after the other."""
        mailbox = self._mailboxes.get(number)
        if mailbox is None or mailbox.busy:
            return
        oldest = self._exchange.wall() - KEEP_DAYS * 86_400
        mailbox.texts = [text for text in mailbox.texts if text.sent_at > oldest]
        if mailbox.texts:
            mailbox.busy = self._page(number, mailbox.texts[0])

    def _refuse(self, request: Request, number: str, sender: str) -> Response | None:
        charset = request.content_type.params.get("charset") if request.content_type else None
        if number not in self._exchange.plan.phones:
            return respond(request, 404, to_tag=make_tag())
        if charset is not None and charset.lower() not in CHARSETS:
            return respond(request, 415, to_tag=make_tag(), headers=[("Accept", "text/plain;charset=utf-8")])
        if len(request.body) > MAX_TEXT:
            return respond(request, 413, to_tag=make_tag())
        now = self._exchange.clock()
        if now >= self._window_ends:
            self._sent.clear()
            self._window_ends = now + WINDOW
        self._sent[sender] += 1
        if self._sent[sender] > MAX_IN_WINDOW:
            return respond(request, 503, to_tag=make_tag(), headers=[("Retry-After", str(round(WINDOW)))])
        return None

    # ---- out --------------------------------------------------------------------------------------------------

    def _page(self, number: str, text: Text) -> bool:
        """Send a text to every telephone of an extension; False when there is none."""
        targets = self._exchange.phone_targets(number)
        delivery = Delivery(number, text, len(targets), self._finish)
        for target in targets:
            self._exchange.stack.request(self._build(number, text, target), target.peer, delivery)
        return bool(targets)

    def _build(self, number: str, text: Text, target: Target) -> Request:
        domain = self._exchange.plan.domain
        name = text.name.replace("\\", "\\\\").replace('"', '\\"')
        headers = (
            ("Max-Forwards", "70"),
            ("From", (f'"{name}" ' if name else "") + f"<{Uri('sip', text.sender, host=domain)}>;tag={make_tag()}"),
            ("To", f"<{Uri('sip', number, host=domain)}>"),
            ("Call-ID", f"{make_tag()}{make_tag()}@{domain}"),
            ("CSeq", "1 MESSAGE"),
            ("Date", formatdate(text.sent_at, usegmt=True)),
            ("User-Agent", USER_AGENT),
            ("Content-Type", "text/plain;charset=utf-8"),
        )
        return Request("MESSAGE", target.uri, headers, text.text.encode("utf-8", "replace"))

    def _finish(self, delivery: Delivery) -> None:
        """Every telephone has said something: forget a text that was taken, keep one that was not."""
        number, text = delivery.number, delivery.text
        mailbox = self._mailboxes.get(number)
        kept = mailbox is not None and any(one is text for one in mailbox.texts)
        if mailbox is not None and kept:
            mailbox.busy = False
        if not delivery.taken:
            if not kept and not self._keep(number, text):
                log.warning("text lost: the mailbox is full", phone=number)
            return
        if mailbox is not None and kept:
            mailbox.texts = [one for one in mailbox.texts if one is not text]
            self._save(number)
            self.registered(number)  # the next one

    # ---- what is kept -----------------------------------------------------------------------------------------

    def _keep(self, number: str, text: Text) -> bool:
        """Keep a text until a telephone is there; False when there is no room."""
        mailbox = self._mailboxes.get(number)
        if mailbox is None:
            if len(self._mailboxes) >= MAX_MAILBOXES:
                return False
            mailbox = self._mailboxes[number] = Mailbox()
        if len(mailbox.texts) >= MAX_KEPT:
            return False
        mailbox.texts.append(text)
        self._save(number)
        return True

    def _save(self, number: str) -> None:
        if not self._mailboxes[number].texts:
            del self._mailboxes[number]
        self._dirty[number] = None
        if not self._writing:
            self._writing = True
            self._exchange.spawn(self._write_all())

    async def _write_all(self) -> None:
        """Write every mailbox that changed; the loop waits for no disk."""
        try:
            while self._dirty:
                number = next(iter(self._dirty))
                del self._dirty[number]
                mailbox = self._mailboxes.get(number)
                await asyncio.to_thread(_write, self._folder, number, tuple(mailbox.texts) if mailbox else ())
        except OSError as error:
            log.error("texts cannot be kept; they are lost with a restart", error=str(error))
        finally:
            self._writing = False


def _write(folder: Path, number: str, texts: Iterable[Text]) -> None:
    """Replace the file of a mailbox as a whole. The number is one of the configuration, never of the network alone."""
    path = folder / f"{number}.json"
    kept = [asdict(text) for text in texts]
    if not kept:
        path.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(kept))
    fresh.replace(path)
