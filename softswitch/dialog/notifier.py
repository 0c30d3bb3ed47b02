"""Subscriptions of other user agents to what we know: the notifier of RFC 6665, for any number of event packages.

    receive SUBSCRIBE -> 200 -> a NOTIFY at once, one after each change, one at the end

A subscription has at most one NOTIFY under way, and two of its NOTIFYs are `APART` seconds apart: what changes
meanwhile is told together. Every NOTIFY tells the whole state, so the version of a document only ever grows.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from softswitch.deadlines import Deadlines
from softswitch.dialog.dialog import Dialog
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.peer import Peer
from softswitch.sip.tag import make_tag

LONGEST = 3600
"""Seconds of a subscription; also the default."""
SHORTEST = 60
MAX_SUBSCRIPTIONS = 20_000
MAX_OF_ONE = 250
"""Subscriptions of one watcher: a console shows some 200 keys."""
APART = 0.2
"""Seconds between two NOTIFYs of one subscription, at least."""

_event = re.compile(r"[ \t]*([A-Za-z0-9.!%*_+`'~-]{1,64})((?:[ \t]*;[ \t]*[^;]{0,128}){0,8})[ \t]*")
_event_id = re.compile(r"(?i);[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9.!%*_+`'~-]{1,64})")

Key = tuple[str, str]
"""Call-ID and our tag."""


class Package(Protocol):
    """An event package (RFC 6665 section 5)."""

    content_type: str

    def knows(self, resource: str) -> bool:
        """Whether there is such a thing to watch."""

    def permits(self, watcher: str, resource: str) -> bool:
        """Whether this extension may watch it."""

    def describe(self, resource: str, watcher: str, version: int) -> bytes:
        """The whole state as a document, as this watcher may know it."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One watcher of one resource."""

    watcher: str
    package: str
    event: str
    """Value of the Event header of its NOTIFYs, with the id that the watcher chose."""
    resource: str
    dialog: Dialog
    peer: Peer
    expires_at: float
    version: int = 0
    told_at: float | None = None
    stale: bool = True
    """Something changed since the last NOTIFY."""
    waiting: bool = False
    """A NOTIFY has not been answered yet."""

    @property
    def key(self) -> Key:
        """What its refreshes and the answers to its NOTIFYs are found by."""
        return self.dialog.call_id, self.dialog.local.tag or ""

    @property
    def next_deadline(self) -> float | None:
        """When something is to be said."""
        if self.waiting:
            return None
        if not self.stale:
            return self.expires_at
        return self.expires_at if self.told_at is None else min(self.told_at + APART, self.expires_at)


@dataclass(frozen=True, slots=True)
class Notify:
    """Send this (without Via), and say what became of it."""

    request: Request
    peer: Peer


class Notifier:
    """All subscriptions. `wake(when)` asks for `handle_timer` at a time; `contact(peer, user)` is our Contact."""

    def __init__(
        self,
        packages: Mapping[str, Package],
        contact: Callable[[Peer, str], str],
        wake: Callable[[float], None],
        *,
        others: Iterable[str] = (),
        max_subscriptions: int = MAX_SUBSCRIPTIONS,
        max_of_one: int = MAX_OF_ONE,
    ) -> None:
        self._packages = packages
        self._allow_events = ", ".join([*packages, *others])
        self._contact = contact
        self._subscriptions: dict[Key, Subscription] = {}
        self._watching: dict[tuple[str, str], dict[Key, Subscription]] = {}
        self._count: Counter[str] = Counter()
        self._deadlines: Deadlines[Subscription] = Deadlines(wake)
        self._max_subscriptions = max_subscriptions
        self._max_of_one = max_of_one

    def __len__(self) -> int:
        return len(self._subscriptions)

    # ---- in ---------------------------------------------------------------------------------------------------

    def subscribe(self, request: Request, peer: Peer, watcher: str, now: float) -> Response:
        """Answer a SUBSCRIBE of an extension that has proved who it is; the NOTIFY is due at once."""
        event = _event.fullmatch(request.headers.get("Event") or "")
        name = event[1].lower() if event else ""
        tag = request.to.tag
        if tag is not None:
            return self._refresh(request, peer, watcher, name, now)
        package = self._packages.get(name)
        if package is None or event is None:
            return respond(request, 489, to_tag=make_tag(), headers=[("Allow-Events", self._allow_events)])
        refusal = self._refuse(request, package, watcher)
        if refusal is not None:
            return refusal
        seconds = _seconds(request)
        if seconds is None:
            return _too_brief(request)
        event_id = _event_id.search(event[2])
        subscription = Subscription(
            watcher, name, f"{name};id={event_id[1]}" if event_id else name, request.uri.user or "",
            Dialog.from_server(request, make_tag()), peer, now + seconds,
        )  # fmt: skip
        self._keep(subscription)
        self._touch(subscription, now)
        return self._accept(request, subscription, seconds)

    def changed(self, package: str, resource: str, now: float) -> None:
        """Something is otherwise than it was."""
        for subscription in list(self._watching.get((package, resource), {}).values()):
            self._touch(subscription, now)

    def handle_timer(self, now: float) -> list[Notify]:
        """The NOTIFYs that are due."""
        return [self._notify(subscription, now) for subscription in self._deadlines.due(now)]

    def next(self) -> float | None:
        """When `handle_timer` is to be called next."""
        return self._deadlines.next()

    def notified(self, notify: Request, status: int, now: float) -> None:
        """A NOTIFY was answered; who refuses it or does not answer (408) has forgotten it (RFC 6665 section 4.2.2)."""
        subscription = self._subscriptions.get((notify.call_id, notify.from_.tag or ""))
        if subscription is None:
            return
        if status >= 300:
            self._forget(subscription)
            return
        subscription.waiting = False
        self._deadlines.arm(subscription)

    # ---- how --------------------------------------------------------------------------------------------------

    def _refresh(self, request: Request, peer: Peer, watcher: str, package: str, now: float) -> Response:
        subscription = self._subscriptions.get((request.call_id, request.to.tag or ""))
        if subscription is None or (subscription.watcher, subscription.package) != (watcher, package):
            return respond(request, 481)
        if not subscription.dialog.check_sequence(request):
            return respond(request, 500)
        seconds = _seconds(request)
        if seconds is None:
            return _too_brief(request)
        subscription.dialog.refresh_target(request)
        subscription.peer = peer
        subscription.expires_at = now + seconds
        subscription.waiting = False  # who asks is there; an older NOTIFY is not waited for
        self._touch(subscription, now)
        return self._accept(request, subscription, seconds)

    def _refuse(self, request: Request, package: Package, watcher: str) -> Response | None:
        resource = request.uri.user or ""
        status = None
        if not package.knows(resource):
            status = 404
        elif not package.permits(watcher, resource):
            status = 403
        elif not _accepts(request, package.content_type):
            status = 406
        if status is not None:
            return respond(request, status, to_tag=make_tag())
        if len(self._subscriptions) >= self._max_subscriptions or self._count[watcher] >= self._max_of_one:
            return respond(request, 503, to_tag=make_tag(), headers=[("Retry-After", "60")])
        return None

    def _accept(self, request: Request, subscription: Subscription, seconds: int) -> Response:
        contact = self._contact(subscription.peer, subscription.resource)
        headers = [("Expires", str(seconds)), ("Contact", contact)]
        return respond(request, 200, to_tag=subscription.key[1], headers=headers)

    def _touch(self, subscription: Subscription, now: float) -> None:
        subscription.stale = True
        if subscription.told_at is None:
            subscription.told_at = now - APART  # the first NOTIFY is due at once
        self._deadlines.arm(subscription)

    def _notify(self, subscription: Subscription, now: float) -> Notify:
        left = round(subscription.expires_at - now)
        package = self._packages[subscription.package]
        body = package.describe(subscription.resource, subscription.watcher, subscription.version)
        state = f"active;expires={left}" if left > 0 else "terminated;reason=timeout"
        request = subscription.dialog.build(
            "NOTIFY",
            headers=(
                ("Event", subscription.event),
                ("Subscription-State", state),
                ("Contact", self._contact(subscription.peer, subscription.resource)),
            ),
            body=body,
            content_type=package.content_type,
        )
        subscription.version += 1
        subscription.told_at = now
        subscription.stale = False
        subscription.waiting = True
        if left <= 0:
            self._forget(subscription)
        return Notify(request, subscription.peer)

    def _keep(self, subscription: Subscription) -> None:
        self._subscriptions[subscription.key] = subscription
        self._watching.setdefault((subscription.package, subscription.resource), {})[subscription.key] = subscription
        self._count[subscription.watcher] += 1

    def _forget(self, subscription: Subscription) -> None:
        if self._subscriptions.pop(subscription.key, None) is None:
            return
        self._deadlines.disarm(subscription)
        where = (subscription.package, subscription.resource)
        del self._watching[where][subscription.key]
        if not self._watching[where]:
            del self._watching[where]
        self._count[subscription.watcher] -= 1
        if not self._count[subscription.watcher]:
            del self._count[subscription.watcher]


def _seconds(request: Request) -> int | None:
    """How long it is granted; None when it is too brief."""
    wanted = LONGEST if request.expires is None else request.expires
    return None if 0 < wanted < SHORTEST else min(wanted, LONGEST)


def _too_brief(request: Request) -> Response:
    to_tag = None if request.to.tag else make_tag()
    return respond(request, 423, to_tag=to_tag, headers=[("Min-Expires", str(SHORTEST))])


def _accepts(request: Request, content_type: str) -> bool:
    """Whether the watcher can read the package's documents; without an Accept it can."""
    ranges = [
        one.partition(";")[0].strip().lower()
        for line in request.headers.get_all("Accept")
        for one in line.split(",", 64)
    ]
    family = content_type.partition("/")[0]
    return not ranges or not {content_type, f"{family}/*", "*/*"}.isdisjoint(ranges)
