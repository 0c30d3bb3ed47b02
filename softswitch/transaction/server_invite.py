"""INVITE server transaction: RFC 3261 17.2.1 as corrected by RFC 6026 8.5 to 8.7.

                       start: Deliver INVITE
                               |
      INVITE: send again  +------------+  101-199: send
                    +-----|            |-----+
                    +---->| PROCEEDING |<----+
                          +------------+
            300-699: send   |        | 2xx: send
      +---------------------+        +---------+
      v                                        v
  +-----------+ INVITE, G: send again    +----------+ ACK: Deliver
  | COMPLETED |----+                     | ACCEPTED |----+ 2xx: send
  |           |<---+                     |          |<---+
  +-----------+                          +----------+
   | H: Fail |  ACK                         | L
   |         v                              |
   |  +-----------+                         |
   |  | CONFIRMED |                         |
   |  +-----------+                         |
   |         | I                            |
   +---------+------> TERMINATED <----------+

A transport error is told (Fail) and changes nothing: the next repetition may get through (RFC 6026 8.7).
Ignored: a repeated INVITE once accepted, since the session repeats its 2xx (RFC 6026 8.5); the ACK repeated
after the first (17.2.1). The machine says nothing by itself: the stack answers 100 at once.
"""

from enum import IntEnum
from math import inf

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.transaction.effects import Deliver, Effect
from softswitch.transaction.key import server_key
from softswitch.transaction.timers import Timers
from softswitch.transaction.transaction import TERMINATED, Transaction


class State(IntEnum):
    TERMINATED = TERMINATED
    PROCEEDING = 1
    COMPLETED = 2
    CONFIRMED = 3
    ACCEPTED = 4


class Input(IntEnum):
    INVITE = 1
    ACK = 2
    PROVISIONAL = 3
    SUCCESS = 4
    REFUSAL = 5
    TIMER_G = 6
    TIMER_H = 7
    TIMER_I = 8
    TIMER_L = 9
    TRANSPORT = 10


KIND = {1: Input.PROVISIONAL, 2: Input.SUCCESS}
"""By the first digit of the status; all others refuse."""


class ServerInvite(Transaction):
    """Recognises the repetitions of an INVITE and repeats a refusal until it is acknowledged."""

    __slots__ = ()

    repeat_input = Input.TIMER_G
    transport_input = Input.TRANSPORT

    def __init__(self, request: Request, peer: Peer, timers: Timers) -> None:
        super().__init__(server_key(request), request, peer, timers, State.PROCEEDING)

    def start(self, now: float) -> list[Effect]:
        """Hand the INVITE up."""
        return [Deliver(self.request)]

    def receive(self, request: Request, now: float) -> list[Effect]:
        """Take a repeated INVITE or an ACK."""
        return self._step(Input.ACK if request.method == "ACK" else Input.INVITE, request, now)

    def respond(self, response: Response, now: float) -> list[Effect]:
        """Send a response of the transaction user."""
        return self._step(KIND.get(response.status // 100, Input.REFUSAL), response, now)

    def _accept(self, response: Response, now: float) -> list[Effect]:
        self._end_after(Input.TIMER_L, self.timers.l, now)
        return self._send(response, now)

    def _complete(self, response: Response, now: float) -> list[Effect]:
        self._end_after(Input.TIMER_H, self.timers.h, now)
        self._repeat_after(self.timers.g, now)
        return self._send(response, now)

    def _repeat(self, message: None, now: float) -> list[Effect]:
        self._repeat_after(min(2 * self._interval, self.timers.t2), now)
        return self._send_again(message, now)

    def _confirm(self, ack: Request, now: float) -> list[Effect]:
        self._repeat_at = inf
        self._wait(Input.TIMER_I, self.timers.i, now)
        return []

    def _deliver(self, ack: Request, now: float) -> list[Effect]:
        return [Deliver(ack)]

    table = {  # noqa: RUF012
        (State.PROCEEDING, Input.INVITE): (State.PROCEEDING, Transaction._send_again),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, Transaction._send),
        (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, _accept),
        (State.PROCEEDING, Input.REFUSAL): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.TRANSPORT): (State.PROCEEDING, Transaction._fail),
        (State.COMPLETED, Input.INVITE): (State.COMPLETED, Transaction._send_again),
        (State.COMPLETED, Input.ACK): (State.CONFIRMED, _confirm),
        (State.COMPLETED, Input.TIMER_G): (State.COMPLETED, _repeat),
        (State.COMPLETED, Input.TIMER_H): (State.TERMINATED, Transaction._time_out),
        (State.COMPLETED, Input.TRANSPORT): (State.COMPLETED, Transaction._fail),
        (State.CONFIRMED, Input.TIMER_I): (State.TERMINATED, Transaction._nothing),
        (State.ACCEPTED, Input.ACK): (State.ACCEPTED, _deliver),
        (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, Transaction._send),
        (State.ACCEPTED, Input.TIMER_L): (State.TERMINATED, Transaction._nothing),
        (State.ACCEPTED, Input.TRANSPORT): (State.ACCEPTED, Transaction._fail),
    }
