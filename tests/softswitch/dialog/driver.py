"""A clock turned by hand for one session, and everything that the session asked for."""

from typing import TypeVar

from softswitch.dialog.effects import Cancel, Closed, Effect, Respond, SendAck, SendRequest, Tell
from softswitch.dialog.events import Ended, Event, Refused
from softswitch.dialog.session import Session, State
from softswitch.sip.message import Request, Response
from tests.softswitch.dialog.messages import START, from_peer, incoming, outgoing, reply

Kind = TypeVar("Kind")


class Driver:
    """Runs one session and writes down what it does and when, in seconds since its start."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.now = START
        self.log: list[tuple[float, Effect]] = []

    @property
    def clock(self) -> float:
        """Seconds since the start."""
        return self.now - START

    @property
    def state(self) -> State:
        """Where the session is."""
        return self.session.state

    @property
    def effects(self) -> list[Effect]:
        """Everything since the log was emptied."""
        return [effect for _, effect in self.log]

    def take(self, effects: list[Effect]) -> list[Effect]:
        """Write down what the session asks for."""
        self.log += [(round(self.clock, 6), effect) for effect in effects]
        ranks = [2 if isinstance(effect, Closed) else 1 if isinstance(effect, Tell) else 0 for effect in effects]
        assert ranks == sorted(ranks), "the wire first, then the call layer, the end last"
        return effects

    def receive(self, request: Request) -> list[Effect]:
        """Let a request of the peer arrive."""
        return self.take(self.session.receive(request, self.now))

    def hear(self, response: Response) -> list[Effect]:
        """Let a response of the peer arrive."""
        return self.take(self.session.receive_response(response, self.now))

    def fail(self, request: Request, cause: str = "timeout") -> list[Effect]:
        """Let the client transaction of a request fail."""
        return self.take(self.session.request_failed(request, cause, self.now))

    def advance(self, seconds: float) -> None:
        """Turn the clock; every timer on the way fires at its exact moment."""
        until = self.now + seconds
        while (deadline := self.session.next_deadline) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.take(self.session.handle_timer(self.now))
            later = self.session.next_deadline
            assert later is None or later > self.now, "a timer that stays due"
        self.now = until

    def all(self, kind: type[Kind]) -> list[Kind]:
        """The effects of one kind."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def times(self, kind: type[Effect]) -> list[float]:
        """When effects of one kind came."""
        return [at for at, effect in self.log if isinstance(effect, kind)]

    @property
    def events(self) -> list[Event]:
        """What the call layer was told."""
        return [tell.event for tell in self.all(Tell)]

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """Responses of ours: method and status."""
        return [(one.request.method, one.response.status) for one in self.all(Respond)]

    @property
    def requests(self) -> list[str]:
        """Methods of what we sent, ACKs and CANCELs among them, in order."""
        names = []
        for effect in self.effects:
            match effect:
                case SendRequest(request) | SendAck(request):
                    names.append(request.method)
                case Cancel():
                    names.append("CANCEL")
        return names

    @property
    def last_request(self) -> Request:
        """What we sent last, other than an ACK."""
        return self.all(SendRequest)[-1].request

    @property
    def last_response(self) -> Response:
        """What we answered last."""
        return self.all(Respond)[-1].response

    @property
    def ends(self) -> list[Event]:
        """The last words to the call layer: exactly one when all is over."""
        return [event for event in self.events if isinstance(event, Ended | Refused)]

    @property
    def closed(self) -> int:
        """How often the session said that it can be forgotten."""
        return len(self.all(Closed))

    def forget(self) -> "Driver":
        """Empty the log."""
        self.log.clear()
        return self


def ringing() -> Driver:
    """A call of the peer that we have not answered."""
    return Driver(incoming())


def answered(**fields: object) -> Driver:
    """A call of the peer that we have answered; its ACK is still to come."""
    driver = Driver(incoming(**fields))  # type: ignore[arg-type]
    driver.take(driver.session.answer(b"v=0\r\n", driver.now))
    return driver


def confirmed_incoming() -> Driver:
    """A call of the peer that stands."""
    driver = answered()
    driver.receive(from_peer("ACK", 1))
    assert driver.state is State.CONFIRMED
    return driver.forget()


def calling(**fields: object) -> Driver:
    """A call of ours that nobody has answered."""
    driver = Driver(outgoing(**fields))  # type: ignore[arg-type]
    driver.take(driver.session.start(driver.now))
    return driver


def confirmed_outgoing() -> Driver:
    """A call of ours that stands."""
    driver = calling()
    driver.hear(reply(driver.session.invite, 200, sdp=b"v=0\r\n"))
    assert driver.state is State.CONFIRMED
    return driver.forget()
