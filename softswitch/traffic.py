"""Transactions under way: what they send, to whom they deliver, and what becomes of them when no way leads there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from softswitch.deadlines import Deadlines
from softswitch.outlets import Outlets
from softswitch.sip.message import Message, Request, Response, response_peer
from softswitch.sip.peer import Peer
from softswitch.transaction import effects as outcome
from softswitch.transaction.client_invite import ClientInvite
from softswitch.transaction.client_request import ClientRequest
from softswitch.transaction.server_invite import ServerInvite
from softswitch.transaction.server_request import ServerRequest
from softswitch.transaction.table import TransactionTable
from softswitch.transaction.timers import Timers
from softswitch.usages import Usage

Transaction = ClientInvite | ClientRequest | ServerInvite | ServerRequest
ServerTransaction = ServerInvite | ServerRequest


class TransactionUser(Protocol):
    """Whoever sent a request and is told how it ended."""

    def receive_response(self, response: Response, now: float) -> Iterable[object]: ...

    def request_failed(self, request: Request, cause: str, now: float) -> Iterable[object]: ...


@dataclass(slots=True)
class Counters:
    """What passed through the stack since it started."""

    received: int = 0
    sent: int = 0
    malformed: int = 0
    unmatched_responses: int = 0
    send_errors: int = 0
    bugs: int = 0


class Traffic:
    """Every transaction that is not over.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds.
    outlets : Outlets
        The ways out.
    deadlines : Deadlines
        Shared with the sessions.
    timers : Timers
        Of RFC 3261 section 17.
    follow : Callable[[Usage, Iterable[object]], None]
        Does what a session wants after it was told of a response or of a failure.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        outlets: Outlets,
        deadlines: Deadlines[Transaction | Usage],
        timers: Timers,
        follow: Callable[[Usage, Iterable[object]], None],
    ) -> None:
        self.table = TransactionTable()
        self.counters = Counters()
        self.watch: Callable[[bool, Peer, bytes], None] | None = None
        """Is shown every message: whether we sent it, to or from whom, its octets."""
        self._clock = clock
        self._outlets = outlets
        self._deadlines = deadlines
        self._timers = timers
        self._follow = follow
        self._users: dict[Transaction, tuple[TransactionUser, Usage | None]] = {}
        self._invites: dict[int, ClientInvite] = {}
        self._moved: dict[Transaction, Peer] = {}
        """Transactions that went by TCP since their requests were too large for UDP, and where they would have gone."""

    # ---- servers ----------------------------------------------------------------------------------------------

    def serve(self, request: Request, peer: Peer, now: float) -> ServerTransaction:
        """Open the transaction of a request that has come."""
        kind = ServerInvite if request.method == "INVITE" else ServerRequest
        transaction = kind(request, response_peer(request.via, peer), self._timers)
        self.table.add(transaction)
        transaction.start(now)  # it hands the request up, to who called us
        return transaction

    def answer(self, transaction: ServerTransaction, response: Response, now: float) -> None:
        """Respond within a transaction."""
        self.run(transaction, transaction.respond(response, now))

    def respond(self, request: Request, response: Response, peer: Peer) -> None:
        """Respond to a request, whose transaction may be over."""
        transaction = self.table.find_server(request)
        if transaction is None:
            self.send(response.to_bytes(), response_peer(request.via, peer))
            return
        self.answer(transaction, response, self._clock())

    # ---- clients ----------------------------------------------------------------------------------------------

    def request(
        self, request: Request, peer: Peer, user: TransactionUser, usage: Usage | None, *, stamped: bool = False
    ) -> None:
        """Send a request; `stamped`: it has its Via."""
        meant = peer
        if not stamped and usage is not None and not usage.symmetric:  # a phone behind a NAT takes no connection
            peer = self._outlets.stamp_large(request, peer, self._clock())
        elif not stamped:
            self._outlets.stamp(request, peer)
        kind = ClientInvite if request.method == "INVITE" else ClientRequest
        transaction = kind(request, peer, self._timers)
        if peer != meant:
            self._moved[transaction] = meant
        self.table.add(transaction)
        self._users[transaction] = (user, usage)
        if isinstance(transaction, ClientInvite):
            self._invites[id(request)] = transaction
        self.run(transaction, transaction.start(self._clock()))

    def find_invite(self, invite: Request) -> ClientInvite | None:
        """The transaction of an INVITE of ours, None when it is over."""
        return self._invites.get(id(invite))

    def fail_on(self, peer: Peer) -> None:
        """A connection is gone, or could not be made: what waits for it fails now and not after 32 seconds."""
        now = self._clock()
        for transaction in [one for one in self._users if _went_to(one, peer) and not _is_over(one)]:
            if not peer.flow and transaction in self._moved:
                self._move_back(transaction, now)
                continue
            self.run(transaction, transaction.transport_failed(now))

    def _move_back(self, transaction: Transaction, now: float) -> None:
        """A large request found no TCP: it goes by UDP after all (RFC 3261 section 18.1.1)."""
        peer = self._moved[transaction]
        user, usage = self._users[transaction]
        self._outlets.remember_without_tcp(peer, now)
        self.run(transaction, (outcome.Finished(),))
        self._outlets.restamp(transaction.request, peer)
        self.request(transaction.request, peer, user, usage, stamped=True)

    # ---- both -------------------------------------------------------------------------------------------------

    def run(self, transaction: Transaction, effects: Iterable[object]) -> None:
        """Do what a transaction asks for."""
        for effect in effects:
            match effect:
                case outcome.Send(message):
                    if self.send(message.to_bytes(), transaction.peer):
                        continue
                    if transaction in self._moved:
                        self._move_back(transaction, self._clock())
                        return
                    self.run(transaction, transaction.transport_failed(self._clock()))
                case outcome.Deliver(message):
                    self._deliver(transaction, message)
                case outcome.Fail(cause):
                    self._fail(transaction, cause)
                case outcome.Finished():
                    self.finish(transaction)
                    return
        self._deadlines.arm(transaction)

    def finish(self, transaction: Transaction) -> None:
        """Forget a transaction."""
        self.table.remove(transaction)
        self._users.pop(transaction, None)
        self._moved.pop(transaction, None)
        self._invites.pop(id(transaction.request), None)
        self._deadlines.disarm(transaction)

    def send(self, data: bytes, peer: Peer) -> bool:
        """Send octets; False when it is known at once that nothing goes there."""
        sent = self._outlets.send(data, peer)
        if sent:
            self.counters.sent += 1
            if self.watch is not None:
                self.watch(True, peer, data)
        else:
            self.counters.send_errors += 1
        return sent

    def _deliver(self, transaction: Transaction, message: Message) -> None:
        user = self._users.get(transaction)
        if user is None or not isinstance(message, Response):
            return  # requests are handed on by whoever opened the server transaction
        effects = user[0].receive_response(message, self._clock())
        if user[1] is not None:
            self._follow(user[1], effects)

    def _fail(self, transaction: Transaction, cause: str) -> None:
        user = self._users.get(transaction)
        if user is None:
            return  # a server transaction that nobody acknowledged: its session has a timer of its own
        effects = user[0].request_failed(transaction.request, cause, self._clock())
        if user[1] is not None:
            self._follow(user[1], effects)


def _went_to(transaction: Transaction, peer: Peer) -> bool:
    """Whether a transaction used a connection; one that was dialled by its address has no flow number."""
    sent_to = transaction.peer
    return sent_to[:3] == peer[:3] and sent_to.flow in (0, peer.flow)


def _is_over(transaction: Transaction) -> bool:
    return transaction.next_deadline is None
