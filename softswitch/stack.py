"""The pump: bytes in -> message -> transaction -> session or core; effects out; one heap of deadlines.

The stack joins transports, transactions and sessions, which do not know each other. It never waits and never reads
a clock of its own: `clock` and `wake` are handed in, so a test turns time by hand.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import structlog

from softswitch.core.user_agent import inspect
from softswitch.deadlines import Deadlines
from softswitch.dialog import effects as order
from softswitch.dialog.cancel import build_cancel
from softswitch.dialog.session import Session
from softswitch.outlets import Outlets, Transport
from softswitch.sip.errors import BadRequest, SipError
from softswitch.sip.message import Message, Request, Response, respond, response_peer, stamp_via
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from softswitch.sip.proof import Proof
from softswitch.sip.tag import make_tag
from softswitch.sip.uri import Uri
from softswitch.traffic import ServerTransaction, Traffic, Transaction, TransactionUser
from softswitch.transaction.timers import Timers
from softswitch.transport.tls import PROTECTED
from softswitch.usages import Listener, Usage, Usages, nobody

log = structlog.get_logger("stack")


class Core(Protocol):
    """What decides about requests that begin something new."""

    def answer(self, request: Request, peer: Peer) -> Response:
        """The answer to any request outside of a dialog but INVITE."""

    def admit(self, request: Request, peer: Peer) -> object:
        """A `Response` that refuses or challenges a new INVITE; anything else is who is calling."""

    def is_ours(self, uri: Uri) -> bool:
        """Whether a Request-URI names us."""

    def begin(self, session: Session, origin: Any, peer: Peer) -> None:
        """A new call has come in: `Stack.listen` to its session."""


class Stack:
    """Transactions, sessions and their deadlines, over any number of transports."""

    def __init__(
        self,
        clock: Callable[[], float],
        wake: Callable[[float], None],
        *,
        timers: Timers | None = None,
        rng: random.Random | None = None,
        locate: Callable[[Uri], Peer | None] | None = None,
        advertise: Callable[[str, str], str] | None = None,
        max_sessions: int = 20000,
    ) -> None:
        self.timers = timers or Timers()
        self.core: Core | None = None
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - back-off intervals, not secrets
        self._locate = locate or _nowhere
        self._outlets = Outlets(advertise)
        self._usages = Usages()
        self._deadlines: Deadlines[Transaction | Usage] = Deadlines(wake)
        self._traffic = Traffic(clock, self._outlets, self._deadlines, self.timers, self._follow)
        self._max_sessions = max_sessions
        self.table = self._traffic.table
        self.counters = self._traffic.counters

    @property
    def watch(self) -> Callable[[bool, Peer, bytes], None] | None:
        """Is shown every message: whether we sent it, to or from whom, its octets."""
        return self._traffic.watch

    @watch.setter
    def watch(self, watch: Callable[[bool, Peer, bytes], None] | None) -> None:
        self._traffic.watch = watch

    # ---- transports -------------------------------------------------------------------------------------------

    def add_transport(self, transport: Transport) -> None:
        """Send through this transport from now on; the first one of a protocol and address family is used."""
        self._outlets.add(transport)

    def transport_for(self, peer: Peer) -> Transport | None:
        """The transport that reaches a peer: same protocol, same address family."""
        return self._outlets.find(peer)

    def contact(self, peer: Peer, user: str, scheme: str = "sip") -> str:
        """Our Contact header value towards a peer; sips where the request that it is for says sips (RFC 5630)."""
        return self._outlets.contact(peer, user, scheme)

    # ---- in ---------------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, peer: Peer) -> None:
        """One UDP datagram."""
        if len(data) <= 4 and not data.strip(b"\r\n\0"):
            return  # a keep-alive (RFC 5626 section 3.5.1, and the NULs that some phones send instead)
        if self.watch is not None:
            self.watch(False, peer, data)
        try:
            message: Message | SipError = parse(data)
        except SipError as error:
            message = error
        self._receive(message, peer)

    def receive(self, message: Message | SipError, peer: Peer) -> None:
        """One message of a connection, or why it is none."""
        if self.watch is not None and isinstance(message, Message):
            self.watch(False, peer, message.to_bytes())
        self._receive(message, peer)

    def _receive(self, message: Message | SipError, peer: Peer) -> None:
        """The one place where an error becomes an answer."""
        self.counters.received += 1
        try:
            self._dispatch(message, peer)
        except SipError as error:
            self._refuse_broken(error, peer, message if isinstance(message, Request) else None)
        except Exception:
            self.counters.bugs += 1
            log.exception("bug", peer=str(peer), received=str(message)[:2000])
            if isinstance(message, Request):
                self._refuse_broken(SipError(500, "Server Internal Error"), peer, message)

    def handle_timers(self) -> float | None:
        """Serve every deadline that has come; when to come back, or None."""
        now = self._clock()
        for machine in self._deadlines.due(now):
            try:
                effects = machine.session.handle_timer(now) if isinstance(machine, Usage) else machine.handle_timer(now)
                self._follow(machine, effects)
            except Exception:
                self.counters.bugs += 1
                log.exception("bug", machine=type(machine).__name__)
                if not isinstance(machine, Usage):
                    self._traffic.finish(machine)
        return self._deadlines.next()

    def transport_failed(self, peer: Peer) -> None:
        """A connection is gone, or could not be made: what waits for it fails now and not after 32 seconds."""
        self._traffic.fail_on(peer)

    def _dispatch(self, message: Message | SipError, peer: Peer) -> None:
        if isinstance(message, SipError):
            self._refuse_broken(message, peer, None)
            return
        if isinstance(message, Response):
            self._receive_response(message)
            return
        if not isinstance(message, Request):
            return
        stamp_via(message, peer)
        if self.table.full and self.table.find_server(message) is None:
            self._shed(message, peer)
            return
        if message.method == "ACK":
            self._receive_ack(message)
        elif message.method == "CANCEL":
            self._receive_cancel(message, peer)
        else:
            self._receive_request(message, peer)

    def _refuse_broken(self, error: SipError, peer: Peer, request: Request | None) -> None:
        """Answer what can be answered, statelessly unless it is being served; never an ACK, never a response."""
        self.counters.malformed += 1
        if isinstance(error, BadRequest) and error.request is not None:
            request = error.request
        if request is None or request.method == "ACK" or not error.status:
            return
        try:
            stamp_via(request, peer)
            target = response_peer(request, peer)
            response = respond(request, error.status, error.reason or None, to_tag=make_tag())
        except SipError:
            return  # without a Via, From, Call-ID or CSeq nobody could match an answer
        served = self._serving(request)
        if served is not None:
            # a transaction without a final response would never end
            self._traffic.answer(served, response, self._clock())
            return
        self._traffic.send(response.to_bytes(), target)

    def _serving(self, request: Request) -> ServerTransaction | None:
        """The transaction of this very request; one that cannot even be keyed has none."""
        try:
            served = self.table.find_server(request)
        except SipError:
            return None
        return served if served is not None and served.request is request else None

    def _receive_response(self, response: Response) -> None:
        if len(response.headers.get_all("Via")) > 1:
            self.counters.unmatched_responses += 1
            return  # meant for somebody behind us (RFC 3261 section 8.1.3.3)
        transaction = self.table.find_client(response)
        if transaction is None:
            self.counters.unmatched_responses += 1
            return
        self._traffic.run(transaction, transaction.receive(response, self._clock()))

    def _receive_ack(self, ack: Request) -> None:
        now = self._clock()
        transaction = self.table.find_server(ack)
        if transaction is not None:
            self._traffic.run(transaction, transaction.receive(ack, now))
        usage = self._usages.find(ack) or self._usages.find_caller(ack)
        if usage is not None:  # found by the caller's tag when a phone invented the To tag
            self._follow(usage, usage.session.receive(ack, now))

    def _receive_cancel(self, cancel: Request, peer: Peer) -> None:
        now = self._clock()
        if self._is_retransmission(cancel, now):
            return
        invite = self.table.find_cancelled(cancel)
        transaction = self._traffic.serve(cancel, peer, now)
        if invite is None:
            self._traffic.answer(transaction, respond(cancel, 481, to_tag=make_tag()), now)
            return
        usage = self._usages.find(invite.request) or self._usages.find_caller(invite.request)
        if usage is None:  # its session is over, and the CANCEL came too late to matter
            self._traffic.answer(transaction, respond(cancel, 200, to_tag=make_tag()), now)
            return
        self._follow(usage, usage.session.receive(cancel, now))

    def _receive_request(self, request: Request, peer: Peer) -> None:
        now = self._clock()
        if self._is_retransmission(request, now):
            return
        to_tag = request.to.tag
        if to_tag is None and self.table.is_merged(request):
            self._traffic.answer(self._traffic.serve(request, peer, now), respond(request, 482, to_tag=make_tag()), now)
            return
        refusal = inspect(request, protected=peer.transport in PROTECTED)
        if refusal is not None:
            self._traffic.answer(self._traffic.serve(request, peer, now), refusal, now)
            return
        if to_tag is not None:
            self._receive_within(request, peer, now)
            return
        self._receive_new(request, peer, now)

    def _is_retransmission(self, request: Request, now: float) -> bool:
        known = self.table.find_server(request)
        if known is None:
            return False
        self._traffic.run(known, known.receive(request, now))
        return True

    def _receive_within(self, request: Request, peer: Peer, now: float) -> None:
        """A request inside of a dialog (RFC 3261 section 12.2.2)."""
        transaction = self._traffic.serve(request, peer, now)
        usage = self._usages.find(request)
        if usage is None and request.method == "SUBSCRIBE" and self.core is not None:
            self._traffic.answer(transaction, self.core.answer(request, peer), now)  # the refresh of a subscription
            return
        if usage is None:
            ours = self.core is None or self.core.is_ours(request.uri)  # RFC 3261 section 8.2.2.1 first
            self._traffic.answer(transaction, respond(request, 481 if ours else 404), now)
            return
        if request.method == "INVITE":
            self._traffic.answer(transaction, respond(request, 100), now)
        if usage.symmetric and request.from_.tag == usage.session.remote_tag:
            usage.peer = peer  # a NAT may have given the phone another port
        self._follow(usage, usage.session.receive(request, now))

    def _receive_new(self, request: Request, peer: Peer, now: float) -> None:
        """A request that begins something."""
        transaction = self._traffic.serve(request, peer, now)
        core = self.core
        if core is None:
            self._traffic.answer(transaction, self._busy(request), now)
            return
        if request.method != "INVITE":
            self._traffic.answer(transaction, core.answer(request, peer), now)
            return
        origin = core.admit(request, peer)
        if isinstance(origin, Response):
            self._traffic.answer(transaction, origin, now)
            return
        if len(self._usages) >= self._max_sessions:
            self._traffic.answer(transaction, self._busy(request), now)
            return
        self._traffic.answer(transaction, respond(request, 100), now)
        contact = self.contact(peer, request.uri.user or "softswitch", _scheme(request.uri))
        session = Session.incoming(request, make_tag(), contact, now, self.timers, peer.reliable, self._rng)
        usage = Usage(session, nobody, peer, is_symmetric(request, peer))
        self._usages.keep(usage)
        core.begin(session, origin, peer)
        self._deadlines.arm(usage)

    def _shed(self, request: Request, peer: Peer) -> None:
        """Refuse without keeping anything: there is no room for another transaction."""
        if request.method != "ACK":
            self._traffic.send(self._busy(request).to_bytes(), response_peer(request, peer))

    def _busy(self, request: Request) -> Response:
        headers = [("Retry-After", str(self._rng.randint(1, 10)))]
        return respond(request, 503, to_tag=make_tag(), headers=headers)

    # ---- orders of the call layer -----------------------------------------------------------------------------

    def listen(self, session: Session, listener: Listener) -> None:
        """From now on `listener` is told what happens to a session."""
        usage = self._usages.of(session)
        if usage is not None:
            usage.listener = listener

    def dial(
        self, invite: Request, peer: Peer, listener: Listener, *, symmetric: bool, proof: Proof | None = None
    ) -> Session:
        """Send a first INVITE (without Via) to a peer. The listener hears of everything that follows.

        `symmetric`: the peer is where the other side really is (a registration came from there), whatever its
        Contact says; in-dialog requests go there too. `proof` answers its challenges.
        """
        now = self._clock()
        session = Session.outgoing(invite, now, self.timers, self._rng, proof)
        usage = Usage(session, listener, peer, symmetric)
        self._usages.keep(usage)
        self._follow(usage, session.start(now))
        return session

    def perform(self, session: Session, act: Callable[[Session, float], Iterable[object]]) -> None:
        """Give a session an order, `lambda session, now: session.bye(now)`, and do what follows from it."""
        usage = self._usages.of(session)
        if usage is not None:  # else it ended meanwhile
            self._follow(usage, act(session, self._clock()))

    def request(self, request: Request, peer: Peer, user: TransactionUser) -> None:
        """Send a request (without Via) outside of any session."""
        self._traffic.request(request, peer, user, None)

    def move(self, before: Peer, after: Peer) -> None:
        """A phone is somewhere else now, as its registration says: requests inside of its calls go there."""
        for usage in self._usages:
            if usage.symmetric and usage.peer == before:
                usage.peer = after

    def session_count(self) -> int:
        """Sessions that are not over."""
        return len(self._usages)

    # ---- sessions ---------------------------------------------------------------------------------------------

    def _follow(self, machine: Transaction | Usage, effects: Iterable[object]) -> None:
        if not isinstance(machine, Usage):
            self._traffic.run(machine, effects)
            return
        closed = False
        for effect in effects:
            closed = closed or isinstance(effect, order.Closed)
            self._carry_out(machine, effect)
        if closed:
            self._usages.forget(machine)
            self._deadlines.disarm(machine)
            return
        self._deadlines.arm(machine)

    def _carry_out(self, usage: Usage, effect: object) -> None:
        match effect:
            case order.Tell(event):
                usage.listener(event)
            case order.Respond(request, response):
                self._traffic.respond(request, response, usage.peer)
            case order.SendRequest(request, next_hop):
                self._traffic.request(request, self._hop(usage, request, next_hop), usage.session, usage)
            case order.SendAck(request, next_hop):
                peer = self._hop(usage, request, next_hop)
                if "Via" not in request.headers:
                    self._outlets.stamp(request, peer)
                self._traffic.send(request.to_bytes(), peer)
            case order.Cancel(invite, headers):
                self._cancel(usage, invite, headers)

    def _cancel(self, usage: Usage, invite: Request, headers: Iterable[tuple[str, str]]) -> None:
        """CANCEL follows its INVITE to the same place; the INVITE waits no longer than 64*T1 for its end (9.1)."""
        transaction = self._traffic.find_invite(invite)
        if transaction is None:
            return
        self._traffic.request(build_cancel(invite, headers), transaction.peer, usage.session, usage, stamped=True)
        self._traffic.run(transaction, transaction.cancelled(self._clock()))

    def _hop(self, usage: Usage, request: Request, next_hop: Uri) -> Peer:
        """Where a request goes: a route as it says, the first INVITE where `dial` says, else as the Contact says."""
        if (usage.symmetric or request is usage.session.invite) and "Route" not in request.headers:
            return usage.peer
        found = self._locate(next_hop)
        return usage.peer if found is None or found[:3] == usage.peer[:3] else found


def is_symmetric(request: Request, peer: Peer) -> bool:
    """Whether requests to a phone go to where this one came from, and not to its Contact.

    True on a connection, when the phone asked for rport (RFC 3581) and behind a NAT (its Via names another address).
    """
    via = request.via
    return peer.reliable or via.wants_rport or via.received is not None


def _scheme(uri: Uri) -> str:
    return "sips" if uri.scheme == "sips" else "sip"


def _nowhere(uri: Uri) -> Peer | None:
    return None
