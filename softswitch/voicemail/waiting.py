"""The lamp for waiting messages: SUBSCRIBE and NOTIFY of message-summary (RFC 3842, RFC 6665).

Every SUBSCRIBE is answered with 200 and one NOTIFY, also when nothing waits: phones that are refused ask again and
again, some of them every millisecond.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softswitch.dialog.dialog import Dialog
from softswitch.sip.errors import SipError
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.peer import Peer
from softswitch.stack import Stack
from softswitch.voicemail.mailbox import Mailbox

EVENT = "message-summary"
LONGEST = 3600  # seconds of a subscription
SHORTEST = 60
MAX_SUBSCRIPTIONS = 10_000
APART = 0.5  # seconds between two NOTIFYs of one subscription, at least


@dataclass(slots=True)
class Subscription:
    """One phone that wants to know."""

    number: str
    dialog: Dialog
    peer: Peer
    expires_at: float
    busy: bool = False
    """A NOTIFY is on its way."""
    stale: bool = False
    """Something changed since the last NOTIFY."""
    over: bool = False
    """Nothing more is told."""


class MessageWaiting:
    """Everybody who wants to know about waiting messages."""

    def __init__(
        self, root: Path, stack: Stack, spawn: Callable[[Coroutine[Any, Any, None]], None], clock: Callable[[], float]
    ) -> None:
        self._root = root
        self._stack = stack
        self._spawn = spawn
        self._clock = clock
        self._subscriptions: OrderedDict[tuple[str, str], Subscription] = OrderedDict()

    def subscribe(self, request: Request, peer: Peer, number: str) -> Response:
        """Answer a SUBSCRIBE of an extension that has proved who it is; the NOTIFY follows."""
        tag = request.to.tag or secrets.token_hex(6)
        if request.to.tag is not None and (request.call_id, tag) not in self._subscriptions:
            return respond(request, 481)
        if (request.headers.get("Event") or "").partition(";")[0].strip().lower() != EVENT:
            return respond(request, 489, to_tag=tag, headers=[("Allow-Events", EVENT)])
        wanted = LONGEST if request.expires is None else request.expires
        if 0 < wanted < SHORTEST:
            return respond(request, 423, to_tag=tag, headers=[("Min-Expires", str(SHORTEST))])
        seconds = min(wanted, LONGEST)
        subscription = Subscription(number, Dialog.from_server(request, tag), peer, self._clock() + seconds)
        self._keep(request.call_id, tag, subscription)
        self._notify_soon(subscription)
        contact = self._stack.contact(peer, number)
        return respond(request, 200, to_tag=tag, headers=[("Expires", str(seconds)), ("Contact", contact)])

    def changed(self, number: str) -> None:
        """Messages of an extension came or went."""
        for subscription in list(self._subscriptions.values()):
            if subscription.number == number:
                self._notify_soon(subscription)

    def _keep(self, call_id: str, tag: str, subscription: Subscription) -> None:
        known = self._subscriptions.pop((call_id, tag), None)
        if known is not None:  # a refresh goes on counting in the same dialog
            subscription.dialog = known.dialog
            known.over = True
        if subscription.expires_at <= self._clock():
            return
        self._subscriptions[call_id, tag] = subscription
        while len(self._subscriptions) > MAX_SUBSCRIPTIONS:
            self._subscriptions.popitem(last=False)

    def _notify_soon(self, subscription: Subscription) -> None:
        subscription.stale = True
        if not subscription.busy:
            subscription.busy = True
            self._spawn(self._keep_told(subscription))

    async def _keep_told(self, subscription: Subscription) -> None:
        """Tell until nothing is new any more; what changes within `APART` seconds is told together."""
        try:
            while subscription.stale and not subscription.over:
                subscription.stale = False
                await self._notify(subscription)
                await asyncio.sleep(APART)
        finally:
            subscription.busy = False

    async def _notify(self, subscription: Subscription) -> None:
        messages = await asyncio.to_thread(Mailbox(self._root, subscription.number).messages)
        left = round(subscription.expires_at - self._clock())
        state = f"active;expires={left}" if left > 0 else "terminated;reason=timeout"
        if left <= 0:
            self._forget(subscription.dialog.call_id, subscription.dialog.local.tag)
        fresh = sum(not message.heard for message in messages)
        body = (
            f"Messages-Waiting: {'yes' if fresh else 'no'}\r\nVoice-Message: {fresh}/{len(messages) - fresh} (0/0)\r\n"
        )
        notify = subscription.dialog.build(
            "NOTIFY",
            headers=(
                ("Event", EVENT),
                ("Subscription-State", state),
                ("Contact", self._stack.contact(subscription.peer, subscription.number)),
            ),
            body=body.encode(),
            content_type="application/simple-message-summary",
        )
        self._stack.request(notify, subscription.peer, self)

    # ---- as the user of the NOTIFY's transaction ---------------------------------------------------------------

    def receive_response(self, response: Response, now: float) -> list[object]:
        """A phone that refuses a NOTIFY has forgotten its subscription (RFC 6665 section 4.2.2)."""
        if response.status in (404, 481, 489):
            with suppress(SipError):
                self._forget(response.call_id, response.from_.tag)
        return []

    def request_failed(self, request: Request, cause: str, now: float) -> list[object]:
        """A phone that does not answer is gone."""
        self._forget(request.call_id, request.from_.tag)
        return []

    def _forget(self, call_id: str, tag: str | None) -> None:
        subscription = self._subscriptions.pop((call_id, tag or ""), None)
        if subscription is not None:
            subscription.over = True
