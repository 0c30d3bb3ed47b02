"""Server transaction of any request but INVITE: RFC 3261 17.2.2.

         start: Deliver request
                  |
              +--------+   200-699: send
              | TRYING |------------------+
              +--------+                  |
                  | 1xx: send             |
                  v                       v
           +------------+  200-699: +-----------+ request: send again
    +------|            |    send   |           |-----+
    +----->| PROCEEDING |---------->| COMPLETED |<----+
  1xx: send, +----------+           +-----------+
  request: send again |               | J, transport: Fail
                      | transport:    |
                      |   Fail        |
                      +-------------->+--> TERMINATED

Ignored: a repeated request while there is nothing to repeat, and any response after the final one (17.2.2).
"""

from enum import IntEnum

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.transaction.effects import Deliver, Effect
from softswitch.transaction.key import server_key
from softswitch.transaction.timers import Timers
from softswitch.transaction.transaction import TERMINATED, Transaction


class State(IntEnum):
    TERMINATED = TERMINATED
    TRYING = 1
    PROCEEDING = 2
    COMPLETED = 3


class Input(IntEnum):
    REQUEST = 1
    PROVISIONAL = 2
    FINAL = 3
    TIMER_J = 4
    TRANSPORT = 5


class ServerRequest(Transaction):
    """Recognises the repetitions of a request and answers them with what was answered before."""

    __slots__ = ()

    transport_input = Input.TRANSPORT

    def __init__(self, request: Request, peer: Peer, timers: Timers) -> None:
        super().__init__(server_key(request), request, peer, timers, State.TRYING)

    def start(self, now: float) -> list[Effect]:
        """Hand the request up."""
        return [Deliver(self.request)]

    def receive(self, request: Request, now: float) -> list[Effect]:
        """Take a repeated request."""
        return self._step(Input.REQUEST, request, now)

    def respond(self, response: Response, now: float) -> list[Effect]:
        """Send a response of the transaction user."""
        return self._step(Input.PROVISIONAL if response.status < 200 else Input.FINAL, response, now)

    def _complete(self, response: Response, now: float) -> list[Effect]:
        self._wait(Input.TIMER_J, self.timers.j, now)
        return self._send(response, now)

    table = {  # noqa: RUF012
        (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, Transaction._send),
        (State.TRYING, Input.FINAL): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, Transaction._send_again),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, Transaction._send),
        (State.PROCEEDING, Input.FINAL): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.TRANSPORT): (State.TERMINATED, Transaction._fail),
        (State.COMPLETED, Input.REQUEST): (State.COMPLETED, Transaction._send_again),
        (State.COMPLETED, Input.TIMER_J): (State.TERMINATED, Transaction._nothing),
        (State.COMPLETED, Input.TRANSPORT): (State.TERMINATED, Transaction._fail),
    }
