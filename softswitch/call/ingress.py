"""The door: who may register, who may call, and what is answered to everything else."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from softswitch.call.plan import Plan, Trunk
from softswitch.call.router import Origin
from softswitch.core.authenticator import Authenticator, Authorized, Challenge
from softswitch.core.location import Binding, Location, address_of_record
from softswitch.core.registrar import Registrar
from softswitch.core.user_agent import options_answer
from softswitch.sip.address import Address
from softswitch.sip.errors import SipError
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.peer import Peer
from softswitch.sip.tag import make_tag
from softswitch.sip.uri import Uri
from softswitch.stack import is_symmetric
from softswitch.transport.resolver import literal_peer
from softswitch.voicemail.waiting import EVENT as MESSAGE_SUMMARY

if TYPE_CHECKING:
    from softswitch.call.exchange import Exchange
    from softswitch.dialog.session import Session

log = structlog.get_logger("call.ingress")


BOUND_TO_FLOW = frozenset(("tls", "ws", "wss"))
"""Transports over which nobody is reached but on the connection that he made."""


class Ingress:
    """The core of the stack: decides about requests that begin something new."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        location: Location,
        registrar: Registrar,
        authenticator: Authenticator,
        exchange: "Exchange",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._plan = plan
        self._location = location
        self._registrar = registrar
        self._authenticator = authenticator
        self._exchange = exchange
        self._wall = wall
        self._flows: dict[Peer, set[str]] = {}
        """The numbers that registered over each connection that nobody but its other end can make again."""

    # ---- requests outside of a dialog -------------------------------------------------------------------------

    def answer(self, request: Request, peer: Peer) -> Response:
        """The answer to any request outside of a dialog but INVITE."""
        match request.method:
            case "REGISTER":
                return self._register(request, peer)
            case "OPTIONS":
                return self._options(request)
            case "SUBSCRIBE":
                return self._subscribe(request, peer)
            case "PUBLISH":
                return self._publish(request, peer)
            case "MESSAGE":
                return self._page(request, peer)
            case "REFER":
                return respond(request, 403, to_tag=make_tag())  # only who talks may lead somebody elsewhere
        return respond(request, 481, to_tag=make_tag())  # BYE, INFO, UPDATE, NOTIFY: no dialog that they belong to

    def _options(self, request: Request) -> Response:
        known = request.uri.user is None or self._is_known(request.uri.user)
        return options_answer(request, 200 if known else 404)

    def _is_known(self, user: str) -> bool:
        return True  # whether an extension exists is not for strangers to find out

    def _subscribe(self, request: Request, peer: Peer) -> Response:
        origin = self._phone(request, peer)
        if isinstance(origin, Response):
            return origin
        package = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
        lamps = self._exchange.message_waiting if package == MESSAGE_SUMMARY else self._exchange.watching
        return lamps.subscribe(request, peer, origin.name)

    def _publish(self, request: Request, peer: Peer) -> Response:
        origin = self._phone(request, peer)
        if isinstance(origin, Response):
            return origin
        return self._exchange.watching.publish(request, origin.name)

    def _page(self, request: Request, peer: Peer) -> Response:
        origin = self._phone(request, peer)
        if isinstance(origin, Response):
            return origin
        return self._exchange.pager.receive(request, origin.name, origin.display)

    def _register(self, request: Request, peer: Peer) -> Response:
        number = request.to.uri.user or ""
        before = self._bindings(number)
        real = self._real_peer(request, peer)
        response = self._registrar.handle(request, real, self._wall())
        after = self._bindings(number)
        if bool(before) != bool(after):
            log.info("registered" if after else "unregistered", phone=number, peer=str(peer))
            self._exchange.queues.phone_reachable(number, bool(after))
        if [one.contact for one in before] != [one.contact for one in after]:
            self._exchange.watching.registered(number)
        if response.status == 200:
            self._follow_moves(request, real, before)
            self._exchange.loop.call_soon(self._exchange.pager.registered, number)  # after the 200
            if real.transport in BOUND_TO_FLOW:
                self._flows.setdefault(real, set()).add(number)
        return response

    def _follow_moves(self, request: Request, peer: Peer, before: list[Binding]) -> None:
        """The calls of a phone that registers from another address, since its NAT forgot it, go there as well.

        Some phones take back their binding first, so what counts is that they name it, not that it is still there.
        """
        moved = [binding for binding in before if binding.received != peer]
        if not moved:
            return
        named = {str(contact.uri) for contact in request.contacts if contact is not Address.WILDCARD}
        for binding in moved:
            if binding.contact in named:
                self._exchange.stack.move(binding.received, peer)

    def _real_peer(self, request: Request, peer: Peer) -> Peer:
        """Where calls for this phone go: its real address when it is symmetric, else the one it states."""
        if is_symmetric(request, peer):
            return peer
        try:
            contacts = request.contacts
        except SipError:
            return peer
        stated = literal_peer(contacts[0].uri) if len(contacts) == 1 and contacts[0].uri.is_sip else None
        return stated if stated is not None and stated.host == peer.host else peer

    def flow_ended(self, peer: Peer) -> None:
        """A connection is gone, and with it the contacts that nothing else leads to (RFC 5626 section 5.3)."""
        for number in self._flows.pop(peer, ()):
            before = self._bindings(number)
            kept = [binding for binding in before if binding.received != peer]
            if len(kept) == len(before):
                continue  # it has registered over another one meanwhile
            self._location.replace(before[0].aor, kept)
            if not self.is_reachable(number):
                log.info("connection ended", phone=number, peer=str(peer))
                self._exchange.queues.phone_reachable(number, False)

    def is_reachable(self, number: str) -> bool:
        """Whether any telephone is registered for an extension."""
        return bool(self._bindings(number))

    def _bindings(self, number: str) -> list[Binding]:
        return self._location.bindings(address_of_record(number, self._plan().domain), self._wall())

    def expire(self) -> None:
        """Forget registrations and publications whose time is over."""
        self._exchange.watching.expire()
        for binding in self._location.expire(self._wall()):
            number = binding.aor.removeprefix("sip:").partition("@")[0]
            self._exchange.watching.registered(number)
            if not self.is_reachable(number):
                log.info("registration expired", phone=number)
                self._exchange.queues.phone_reachable(number, False)

    # ---- calls ------------------------------------------------------------------------------------------------

    def admit(self, request: Request, peer: Peer) -> Origin | Response:
        """Who is calling; or a challenge, or a refusal."""
        trunk = self._trunk_of(peer)
        if trunk is not None:
            caller = request.from_
            return Origin("trunk", trunk.name, caller.uri.user or "anonymous", caller.display or "")
        return self._phone(request, peer)

    def _phone(self, request: Request, peer: Peer) -> Origin | Response:
        """The extension that a request comes from; or a challenge, or a refusal."""
        verdict = self._authenticator.check(request, self._wall(), source=peer.host)
        if isinstance(verdict, Challenge):
            return respond(request, 401, to_tag=make_tag(), headers=verdict.headers)
        if not isinstance(verdict, Authorized):
            return respond(request, 403, to_tag=make_tag())
        if request.from_.uri.user != verdict.user:
            log.warning("caller number is not his own", phone=verdict.user, peer=str(peer))
            return respond(request, 403, to_tag=make_tag())
        phone = self._plan().phones.get(verdict.user)
        return Origin("phone", verdict.user, verdict.user, (phone.name if phone else "") or "")

    def is_ours(self, uri: Uri) -> bool:
        """Whether a Request-URI names us: our domain, or an address."""
        return uri.is_sip and (uri.host.lower() == self._plan().domain or literal_peer(uri) is not None)

    def begin(self, session: "Session", origin: Origin, peer: Peer) -> None:
        """A new call has come in."""
        self._exchange.begin(session, origin, peer)

    def _trunk_of(self, peer: Peer) -> Trunk | None:
        """The trunk whose trusted addresses a request comes from."""
        for trunk in self._plan().trunks.values():
            for host, port in trunk.trusted:
                if host == peer.host and port in (None, peer.port):
                    return trunk
        return None
