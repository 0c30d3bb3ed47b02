"""Client transaction of any request but INVITE: RFC 3261 17.1.2.

                     start: send request
                             |
        E: send again   +--------+  F, transport: Fail
                  +-----|        |-----------------------+
                  +---->| TRYING |                       |
                        +--------+                       |
       200-699: Deliver   |     | 1xx: Deliver           |
      +-------------------+     |                        |
      |                  +------------+ F, transport: Fail
      |  200-699: Deliver|            |----------------->|
      |<-----------------| PROCEEDING |                  |
      |                  +------------+                  |
      |                    1xx: Deliver                  |
      v                    E: send again, every T2       |
  +-----------+                                          |
  | COMPLETED |                                          |
  +-----------+                                          |
      | K                                                |
      +-------------------> TERMINATED <-----------------+

Ignored: everything in COMPLETED, which is there to absorb repeated responses (17.1.2.2).
"""

from enum import IntEnum

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.transaction.effects import Deliver, Effect
from softswitch.transaction.key import client_key
from softswitch.transaction.timers import Timers
from softswitch.transaction.transaction import TERMINATED, Transaction


class State(IntEnum):
    TERMINATED = TERMINATED
    TRYING = 1
    PROCEEDING = 2
    COMPLETED = 3


class Input(IntEnum):
    PROVISIONAL = 1
    FINAL = 2
    TIMER_E = 3
    TIMER_F = 4
    TIMER_K = 5
    TRANSPORT = 6


class ClientRequest(Transaction):
    """Sends a request until a final response comes."""

    __slots__ = ()

    repeat_input = Input.TIMER_E
    transport_input = Input.TRANSPORT

    def __init__(self, request: Request, peer: Peer, timers: Timers) -> None:
        super().__init__(client_key(request), request, peer, timers, State.TRYING)

    def start(self, now: float) -> list[Effect]:
        """Send the request; timers E and F begin."""
        self._end_after(Input.TIMER_F, self.timers.f, now)
        self._repeat_after(self.timers.e, now)
        return self._send(self.request, now)

    def receive(self, response: Response, now: float) -> list[Effect]:
        """Take a response that carries this transaction's branch."""
        return self._step(Input.PROVISIONAL if response.status < 200 else Input.FINAL, response, now)

    def _repeat(self, message: None, now: float) -> list[Effect]:
        self._repeat_after(min(2 * self._interval, self.timers.t2), now)
        return self._send_again(message, now)

    def _repeat_slowly(self, message: None, now: float) -> list[Effect]:
        self._repeat_after(self.timers.t2, now)
        return self._send_again(message, now)

    def _deliver(self, response: Response, now: float) -> list[Effect]:
        return [Deliver(response)]

    def _complete(self, response: Response, now: float) -> list[Effect]:
        self._wait(Input.TIMER_K, self.timers.k, now)
        return [Deliver(response)]

    table = {  # noqa: RUF012
        (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, _deliver),
        (State.TRYING, Input.FINAL): (State.COMPLETED, _complete),
        (State.TRYING, Input.TIMER_E): (State.TRYING, _repeat),
        (State.TRYING, Input.TIMER_F): (State.TERMINATED, Transaction._time_out),
        (State.TRYING, Input.TRANSPORT): (State.TERMINATED, Transaction._fail),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _deliver),
        (State.PROCEEDING, Input.FINAL): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.TIMER_E): (State.PROCEEDING, _repeat_slowly),
        (State.PROCEEDING, Input.TIMER_F): (State.TERMINATED, Transaction._time_out),
        (State.PROCEEDING, Input.TRANSPORT): (State.TERMINATED, Transaction._fail),
        (State.COMPLETED, Input.TIMER_K): (State.TERMINATED, Transaction._nothing),
    }
