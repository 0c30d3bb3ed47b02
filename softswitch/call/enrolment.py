"""The registrations of trunks: begun, kept alive and ended as the configuration says."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import structlog

from softswitch.call.plan import Trunk
from softswitch.core.registration import Registration, Standing
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer

if TYPE_CHECKING:
    import asyncio

    from softswitch.stack import Stack

log = structlog.get_logger("trunk")

Locate = Callable[[Peer], Coroutine[Any, Any, list[Peer]]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


@dataclass(slots=True, eq=False)
class Enrolled:
    """A trunk that we register at; the user of its transactions."""

    trunk: Trunk
    office: "Enrolment"
    registration: Registration | None = None
    peer: Peer | None = None
    """Where its registrar was found."""
    over: bool = False
    timer: "asyncio.TimerHandle | None" = field(default=None)

    def receive_response(self, response: Response, now: float) -> list[object]:
        """Take an answer of the registrar."""
        registration = self.registration
        if registration is None or self.over:
            return []
        request = registration.receive_response(response, now)
        if request is not None:
            self.office.send(self, request)
        elif response.status >= 200:
            self.office.plan_next(self)
        return []

    def request_failed(self, request: Request, cause: str, now: float) -> list[object]:
        """The registrar did not answer."""
        if self.registration is not None and not self.over:
            self.registration.request_failed(cause, now)
            self.office.plan_next(self)
        return []


class Enrolment:
    """Every trunk that we register at."""

    def __init__(
        self, stack: "Stack", loop: "asyncio.AbstractEventLoop", locate: Locate, spawn: Spawn,
        clock: Callable[[], float], rng: Random,
    ) -> None:  # fmt: skip
        self._stack = stack
        self._loop = loop
        self._locate = locate
        self._spawn = spawn
        self._clock = clock
        self._rng = rng
        self._enrolled: dict[str, Enrolled] = {}

    def adopt(self, trunks: Mapping[str, Trunk]) -> None:
        """Register at these trunks; those that are gone, or are others now, are left."""
        for name, known in list(self._enrolled.items()):
            if _identity(trunks.get(name)) != _identity(known.trunk):
                self._leave(self._enrolled.pop(name))
        for name, trunk in trunks.items():
            if trunk.registers and trunk.account is not None and name not in self._enrolled:
                enrolled = self._enrolled[name] = Enrolled(trunk, self)
                self._spawn(self._ask(enrolled))

    def close(self) -> None:
        """Take leave of all registrars."""
        for enrolled in self._enrolled.values():
            self._leave(enrolled)
        self._enrolled.clear()

    def status(self) -> dict[str, dict[str, Any]]:
        """How each trunk stands: its state, seconds until it would be forgotten, and what is wrong."""
        now = self._clock()
        return {
            name: {
                "state": (Standing.TRYING if one.registration is None else one.registration.standing).value,
                "expires": 0 if one.registration is None else max(0, round(one.registration.expires_at - now)),
                "trouble": "" if one.registration is None else one.registration.trouble,
            }
            for name, one in self._enrolled.items()
        }

    def send(self, enrolled: Enrolled, request: Request) -> None:
        """Send a REGISTER to where the registrar is."""
        if enrolled.peer is not None:
            self._stack.request(request, enrolled.peer, enrolled)

    def plan_next(self, enrolled: Enrolled) -> None:
        """Ask again in time; and say when something changed."""
        registration = enrolled.registration
        if registration is None or registration.next_deadline is None:
            return
        if registration.standing is Standing.REGISTERED:
            log.info("registered", trunk=enrolled.trunk.name, expires=round(registration.expires_at - self._clock()))
        else:
            log.warning("not registered", trunk=enrolled.trunk.name, trouble=registration.trouble)
        delay = max(registration.next_deadline - self._clock(), 0.0)
        enrolled.timer = self._loop.call_later(delay, lambda: self._spawn(self._ask(enrolled)))

    async def _ask(self, enrolled: Enrolled) -> None:
        """Look for the registrar, and ask it."""
        trunk = enrolled.trunk
        found = await self._locate(trunk.peer)
        if enrolled.over or trunk.account is None:
            return
        if enrolled.registration is None:
            contact = self._stack.contact(found[0] if found else trunk.peer, trunk.account.user)
            domain = trunk.domain or trunk.peer.host
            enrolled.registration = Registration(trunk.account, domain, contact, trunk.expires, self._rng)
        if not found:
            enrolled.registration.request_failed("unresolved", self._clock())
            self.plan_next(enrolled)
            return
        enrolled.peer = found[0]
        request = enrolled.registration.handle_timer(self._clock())
        if request is not None:
            self.send(enrolled, request)

    def _leave(self, enrolled: Enrolled) -> None:
        enrolled.over = True
        if enrolled.timer is not None:
            enrolled.timer.cancel()
        registration = enrolled.registration
        if registration is not None and registration.standing is Standing.REGISTERED:
            self.send(enrolled, registration.leave())


def _identity(trunk: Trunk | None) -> object:
    """What a registration stands and falls with; None without one."""
    if trunk is None or not trunk.registers:
        return None
    return trunk.peer, trunk.domain, trunk.account, trunk.expires
