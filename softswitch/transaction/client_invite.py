"""INVITE client transaction: RFC 3261 17.1.1 as corrected by RFC 6026 8.4.

                          start: send INVITE
                                 |
             A: send again  +---------+  B, transport: Fail
                      +-----|         |-------------------+
                      +---->| CALLING |                   |
                            +---------+                   |
            300-699:         |   |   |  2xx: Deliver      |
      +-- Deliver, ACK ------+   |   +--------+           |
      |                      1xx: Deliver     |           |
      |                          |            |           |
      |     300-699:       +------------+  2xx: Deliver   |
      +-- Deliver, ACK ----| PROCEEDING |-----+           |
      |                    +------------+     |           |
      |                   1xx: Deliver        |           |
      |                   cancelled: start B  |           |
      v                   B: Fail ------------|---------->|
  +-----------+                          +----------+     |
  | COMPLETED |                          | ACCEPTED |     |
  +-----------+                          +----------+     |
   300-699: ACK again                     2xx: Deliver    |
   transport: Fail                            | M         |
      | D                                     |           |
      +------------> TERMINATED <-------------+-----------+

Ignored: 1xx and 2xx once refused and anything but 2xx once accepted (RFC 6026 8.4), a transport error while
waiting, since nothing is being sent then (figure 5 of RFC 6026).
"""

from enum import IntEnum
from math import inf

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.transaction.effects import Deliver, Effect, Send
from softswitch.transaction.key import client_key
from softswitch.transaction.timers import Timers
from softswitch.transaction.transaction import TERMINATED, Transaction


class State(IntEnum):
    TERMINATED = TERMINATED
    CALLING = 1
    PROCEEDING = 2
    COMPLETED = 3
    ACCEPTED = 4


class Input(IntEnum):
    PROVISIONAL = 1
    SUCCESS = 2
    REFUSAL = 3
    CANCELLED = 4
    TIMER_A = 5
    TIMER_B = 6
    TIMER_D = 7
    TIMER_M = 8
    TRANSPORT = 9


KIND = {1: Input.PROVISIONAL, 2: Input.SUCCESS}
"""By the first digit of the status; all others refuse."""


class ClientInvite(Transaction):
    """Sends an INVITE until something comes back, and acknowledges refusals by itself."""

    __slots__ = ("_ack",)

    repeat_input = Input.TIMER_A
    transport_input = Input.TRANSPORT

    def __init__(self, request: Request, peer: Peer, timers: Timers) -> None:
        super().__init__(client_key(request), request, peer, timers, State.CALLING)
        self._ack: Request | None = None

    def start(self, now: float) -> list[Effect]:
        """Send the INVITE; timers A and B begin."""
        self._end_after(Input.TIMER_B, self.timers.b, now)
        self._repeat_after(self.timers.a, now)
        return self._send(self.request, now)

    def receive(self, response: Response, now: float) -> list[Effect]:
        """Take a response that carries this transaction's branch."""
        return self._step(KIND.get(response.status // 100, Input.REFUSAL), response, now)

    def cancelled(self, now: float) -> list[Effect]:
        """A CANCEL went out: without a final response in 64 * T1 there will be none (RFC 3261 9.1)."""
        return self._step(Input.CANCELLED, None, now)

    def _repeat(self, message: None, now: float) -> list[Effect]:
        self._repeat_after(2 * self._interval, now)
        return self._send_again(message, now)

    def _stop_calling(self, response: Response, now: float) -> list[Effect]:
        self._repeat_at = self._end_at = inf
        return [Deliver(response)]

    def _await_end(self, message: None, now: float) -> list[Effect]:
        self._end_after(Input.TIMER_B, self.timers.b, now)
        return []

    def _accept(self, response: Response, now: float) -> list[Effect]:
        self._repeat_at = inf
        self._end_after(Input.TIMER_M, self.timers.m, now)
        return [Deliver(response)]

    def _complete(self, response: Response, now: float) -> list[Effect]:
        self._wait(Input.TIMER_D, self.timers.d, now)
        self._ack = build_ack(self.request, response)
        return [Deliver(response), Send(self._ack)]  # told first: an ACK that cannot be sent fails the transaction

    def _acknowledge_again(self, response: Response, now: float) -> list[Effect]:
        return [] if self._ack is None else [Send(self._ack)]

    def _deliver(self, response: Response, now: float) -> list[Effect]:
        return [Deliver(response)]

    table = {  # noqa: RUF012
        (State.CALLING, Input.PROVISIONAL): (State.PROCEEDING, _stop_calling),
        (State.CALLING, Input.SUCCESS): (State.ACCEPTED, _accept),
        (State.CALLING, Input.REFUSAL): (State.COMPLETED, _complete),
        (State.CALLING, Input.TIMER_A): (State.CALLING, _repeat),
        (State.CALLING, Input.TIMER_B): (State.TERMINATED, Transaction._time_out),
        (State.CALLING, Input.TRANSPORT): (State.TERMINATED, Transaction._fail),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _deliver),
        (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, _accept),
        (State.PROCEEDING, Input.REFUSAL): (State.COMPLETED, _complete),
        (State.PROCEEDING, Input.CANCELLED): (State.PROCEEDING, _await_end),
        (State.PROCEEDING, Input.TIMER_B): (State.TERMINATED, Transaction._time_out),
        (State.COMPLETED, Input.REFUSAL): (State.COMPLETED, _acknowledge_again),
        (State.COMPLETED, Input.TIMER_D): (State.TERMINATED, Transaction._nothing),
        (State.COMPLETED, Input.TRANSPORT): (State.TERMINATED, Transaction._fail),
        (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, _deliver),
        (State.ACCEPTED, Input.TIMER_M): (State.TERMINATED, Transaction._nothing),
    }


def build_ack(invite: Request, response: Response) -> Request:
    """The ACK of a refusal: the INVITE's own branch, and the To of the response (RFC 3261 17.1.1.3)."""
    headers = [
        ("Via", invite.headers.get("Via") or ""),
        ("Max-Forwards", "70"),
        *(("Route", route) for route in invite.headers.get_all("Route")),
        ("From", invite.headers.get("From") or ""),
        ("To", response.headers.get("To") or ""),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{invite.cseq.number} ACK"),
    ]
    return Request("ACK", invite.uri, headers, b"")
