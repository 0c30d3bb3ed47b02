"""Two sessions on one virtual wire, with a clock turned by hand and messages that can be held up or lost.

Repeating requests and refusals is the work of transactions, so the wire may lose only a 2xx to INVITE and an ACK.
"""

from collections.abc import Callable
from random import Random

from softswitch.dialog.cancel import build_cancel
from softswitch.dialog.effects import Cancel, Closed, Effect, Respond, SendAck, SendRequest, Tell
from softswitch.dialog.events import Event
from softswitch.dialog.session import Session
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.parser import parse
from tests.softswitch.dialog.messages import START, TIMERS, outgoing

CALLER, CALLED = 0, 1


class Pair:
    """A caller and a called session; what one sends arrives at the other when `settle` is called."""

    def __init__(self, lose: Callable[[Message], bool] = lambda message: False) -> None:
        self.now = START
        self.sessions: list[Session | None] = [outgoing(seed=3), None]
        self.events: tuple[list[Event], list[Event]] = ([], [])
        self.closed = [0, 0]
        self.sent: list[tuple[int, str]] = []
        self._flying: list[tuple[int, Message]] = []
        self._served: dict[tuple[int, int, str], Request] = {}
        self._lose = lose

    def order(self, side: int, what: Callable[[Session, float], list[Effect]]) -> None:
        """Give an order to one side."""
        session = self.sessions[side]
        assert session is not None
        self._take(side, what(session, self.now))

    def settle(self) -> None:
        """Let everything that is under way arrive."""
        while self._flying:
            side, message = self._flying.pop(0)
            arrived = parse(message.to_bytes())
            if not self._lose(arrived):
                self._arrive(1 - side, arrived)

    def advance(self, seconds: float) -> None:
        """Turn the clock of both sides."""
        until = self.now + seconds
        while True:
            due = [
                (one.next_deadline, side)
                for side, one in enumerate(self.sessions)
                if one is not None and one.next_deadline is not None and one.next_deadline <= until
            ]
            if not due:
                break
            at, side = min(due, key=lambda pair: pair[0] or 0.0)
            self.now = max(self.now, at or 0.0)
            self.order(side, lambda session, now: session.handle_timer(now))
            self.settle()
        self.now = until

    def _arrive(self, side: int, message: Request | Response) -> None:
        session = self.sessions[side]
        if isinstance(message, Response):
            assert session is not None
            self._take(side, session.receive_response(message, self.now))
            return
        self._served[side, message.cseq.number, message.method] = message
        if session is None:
            tag = "called"
            self.sessions[side] = Session.incoming(message, tag, "<sip:called@b>", self.now, TIMERS, False, Random(5))
            return
        self._take(side, session.receive(message, self.now))

    def _take(self, side: int, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case SendRequest(request) | SendAck(request):
                    self._send(side, request)
                case Cancel(invite, headers):
                    self._send(side, build_cancel(invite, headers))
                case Respond(_, response):
                    self.sent.append((side, str(response.status)))
                    self._flying.append((side, response))
                case Tell(event):
                    self.events[side].append(event)
                case Closed():
                    self.closed[side] += 1

    def _send(self, side: int, request: Request) -> None:
        if "Via" not in request.headers:
            branch = f"z9hG4bK-{side}-{request.cseq.number}-{request.method}"
            request.headers.prepend("Via", f"SIP/2.0/UDP side-{side}:5060;branch={branch}")
        self.sent.append((side, request.method))
        self._flying.append((side, request))
