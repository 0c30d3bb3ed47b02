"""Our 2xx responses to INVITEs that wait for their ACK (RFC 3261 13.3.1.4).

The session repeats them, not the transaction, and over reliable transports as well: a proxy on the way may lose them.
"""

from math import inf

from softswitch.dialog.body import sdp_of
from softswitch.sip.message import Request, Response

MOST = 8
"""More 2xx than this never wait at the same time in a sane dialog."""


class Acceptance:
    """One 2xx that is sent every T1, 2*T1, ... T2 until its ACK comes; 64*T1 is the end."""

    __slots__ = ("_interval", "_longest", "expires_at", "repeat_at", "request", "response")

    def __init__(self, request: Request, response: Response, now: float, t1: float, t2: float) -> None:
        self.request = request
        self.response = response
        self.repeat_at = now + t1
        self.expires_at = now + 64 * t1
        self._interval = t1
        self._longest = t2

    def repeat(self, now: float) -> bool:
        """Whether to send it again now."""
        if now < self.repeat_at:
            return False
        self._interval = min(2 * self._interval, self._longest)
        self.repeat_at = now + self._interval
        return True


class Acceptances:
    """All 2xx of one session that wait for an ACK, by CSeq number: the initial one and those of re-INVITEs."""

    __slots__ = ("_t1", "_t2", "_waiting")

    def __init__(self, t1: float, t2: float) -> None:
        self._t1 = t1
        self._t2 = t2
        self._waiting: dict[int, Acceptance] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """No further INVITE can be accepted before an ACK."""
        return len(self._waiting) >= MOST

    @property
    def owed_answer(self) -> bool:
        """The peer owes us the answer to an offer that one of these 2xx carried."""
        return any(sdp_of(one.request) is None for one in self._waiting.values())

    @property
    def next_deadline(self) -> float:
        """When one must be sent again or given up; infinity for never."""
        if not self._waiting:
            return inf
        return min([min(one.repeat_at, one.expires_at) for one in self._waiting.values()])

    def add(self, request: Request, response: Response, now: float) -> None:
        """Begin to wait for the ACK of this response, which is sent now for the first time."""
        self._waiting[request.cseq.number] = Acceptance(request, response, now, self._t1, self._t2)

    def acknowledge(self, number: int) -> bool:
        """The ACK with this CSeq number came: whether anything waited for it."""
        return self._waiting.pop(number, None) is not None

    def expired(self, now: float) -> bool:
        """Whether some ACK did not come in all the time it had."""
        return any(now >= one.expires_at for one in self._waiting.values())

    def due(self, now: float) -> list[Acceptance]:
        """Those to be sent again now."""
        return [one for one in self._waiting.values() if one.repeat(now)]

    def clear(self) -> None:
        """Stop repeating: the session is over."""
        self._waiting.clear()
