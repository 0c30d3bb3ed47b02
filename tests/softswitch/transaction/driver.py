"""A clock turned by hand, and wires that lose what they are told to lose."""

from collections.abc import Callable, Collection

from softswitch.sip.message import Request, Response
from softswitch.transaction.client_invite import ClientInvite
from softswitch.transaction.client_request import ClientRequest
from softswitch.transaction.effects import Deliver, Effect, Fail, Finished, Send
from softswitch.transaction.server_invite import ServerInvite
from softswitch.transaction.server_request import ServerRequest

AnyTransaction = ClientInvite | ClientRequest | ServerInvite | ServerRequest
Message = Request | Response


class Driver:
    """Runs one transaction and writes down what it does and when, in seconds since its start."""

    def __init__(self, transaction: AnyTransaction, start: float = 1000.0) -> None:
        self.transaction = transaction
        self.started = start
        self.now = start
        self.sent: list[tuple[float, Message]] = []
        self.delivered: list[tuple[float, Message]] = []
        self.failed: list[tuple[float, str]] = []
        self.finished: list[float] = []
        self.on_send: Callable[[Message], None] = lambda message: None

    @property
    def clock(self) -> float:
        """Seconds since the start."""
        return self.now - self.started

    @property
    def send_times(self) -> list[float]:
        """When something was sent."""
        return [at for at, _ in self.sent]

    @property
    def sent_kinds(self) -> list[str]:
        """What was sent: methods of requests, statuses of responses."""
        return [
            message.start_line.split()[0] if isinstance(message, Request) else str(message.status)
            for _, message in self.sent
        ]

    @property
    def heard(self) -> list[int]:
        """Statuses that the transaction user was told."""
        return [message.status for _, message in self.delivered if isinstance(message, Response)]

    def begin(self) -> "Driver":
        """Start the transaction."""
        self.take(self.transaction.start(self.now))
        return self

    def receive(self, message: Message) -> None:
        """Let a message arrive now."""
        self.take(self.transaction.receive(message, self.now))  # type: ignore[arg-type]

    def respond(self, message: Response) -> None:
        """Let the transaction user of a server transaction answer now."""
        assert isinstance(self.transaction, ServerInvite | ServerRequest)
        self.take(self.transaction.respond(message, self.now))

    def cancelled(self) -> None:
        """Tell an INVITE client transaction that a CANCEL went out."""
        assert isinstance(self.transaction, ClientInvite)
        self.take(self.transaction.cancelled(self.now))

    def break_wire(self) -> None:
        """Let the last send fail."""
        self.take(self.transaction.transport_failed(self.now))

    def advance(self, seconds: float) -> None:
        """Turn the clock; every timer on the way fires at its exact moment."""
        until = self.now + seconds
        while (deadline := self.transaction.next_deadline) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.take(self.transaction.handle_timer(self.now))
            later = self.transaction.next_deadline
            assert later is None or later > self.now, "a timer that stays due"
        self.now = until

    def stall(self, seconds: float) -> None:
        """Turn the clock without looking at timers, as a busy process does, then look once."""
        self.now += seconds
        self.take(self.transaction.handle_timer(self.now))

    def run_out(self) -> None:
        """Turn the clock until no timer is left."""
        for _ in range(100):
            deadline = self.transaction.next_deadline
            if deadline is None:
                return
            self.advance(deadline - self.now)
        raise AssertionError("a timer that never ends")

    def take(self, effects: list[Effect]) -> None:
        """Write down what the transaction asks for."""
        for effect in effects:
            match effect:
                case Send(message):
                    self.sent.append((self.clock, message))
                    self.on_send(message)
                case Deliver(message):
                    self.delivered.append((self.clock, message))
                case Fail(cause):
                    self.failed.append((self.clock, cause))
                case Finished():
                    self.finished.append(self.clock)


def join(client: Driver, server: Driver, lost: Collection[int] = ()) -> None:
    """Put a wire between two machines that loses the messages with these numbers, counted over both ways from 0."""
    count = iter(range(1_000_000))

    def towards(other: Driver) -> Callable[[Message], None]:
        def carry(message: Message) -> None:
            if next(count) not in lost:
                other.now = max(other.now, client.now, server.now)
                other.receive(message)

        return carry

    client.on_send = towards(server)
    server.on_send = towards(client)


def advance_together(first: Driver, second: Driver, seconds: float) -> None:
    """Turn one clock for two machines: whichever timer is due first fires first."""
    until = first.now + seconds
    while True:
        due = [(one.transaction.next_deadline, one) for one in (first, second)]
        pending = [(at, one) for at, one in due if at is not None and at <= until]
        if not pending:
            break
        at, one = min(pending, key=lambda pair: pair[0])
        first.now = second.now = max(first.now, second.now, at)
        one.take(one.transaction.handle_timer(one.now))
        later = one.transaction.next_deadline
        assert later is None or later > one.now, "a timer that stays due"
    first.now = second.now = until
