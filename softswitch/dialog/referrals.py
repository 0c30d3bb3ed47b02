"""What the peer asks of us with REFER, and how it is told what became of it (RFC 3515, RFC 4488).

    202, NOTIFY 100 ---- notify(180) ----> ... ---- notify(200 to 699): terminated ----> nothing is open any more

One at a time: while one is open the next is answered with 491. One NOTIFY is on its way at a time, so that none
overtakes another; of what happens meanwhile the newest is told. A phone that wants no NOTIFY says `Refer-Sub: false`.
"""

from collections.abc import Iterable

from softswitch.dialog.dialog import Dialog, Header
from softswitch.dialog.effects import Effect, Respond, SendRequest, Tell
from softswitch.dialog.events import Referred
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.status import REASON

SIPFRAG = "message/sipfrag;version=2.0"
EXPIRES = 300
"""Seconds that an active subscription is said to last; it ends with the last NOTIFY, hardly ever by itself."""
REFER_SUB = ("Refer-Sub", "false")


class Referrals:
    """The REFERs of one confirmed dialog."""

    def __init__(self, dialog: Dialog, contact: Header) -> None:
        self.sent: Request | None = None
        """The NOTIFY that is not answered yet."""
        self._dialog = dialog
        self._contact = contact
        self._received: Request | None = None
        """Waits for `answer`."""
        self._event: str | None = None
        """Value of Event in the NOTIFYs of the referral that is open, if it wants any."""
        self._waiting: int | None = None
        """The status to tell next."""
        self._count = 0

    def receive(self, request: Request) -> list[Effect]:
        """Take a REFER whose CSeq is in order."""
        if self._received is not None or self._event is not None:
            return [Respond(request, respond(request, 491))]
        self._received = request
        return [Tell(Referred(request))]

    def answer(self, status: int, headers: Iterable[Header] = ()) -> list[Effect]:
        """Answer what `Referred` told: 202, which the first NOTIFY follows, or a refusal."""
        request, self._received = self._received, None
        if request is None:
            return []
        if status >= 300:
            return [Respond(request, respond(request, status, headers=headers))]
        quiet = (request.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"
        more = (self._contact, *((REFER_SUB,) if quiet else ()), *headers)
        accepted = Respond(request, respond(request, status, headers=more))
        if quiet:
            return [accepted]
        self._count += 1
        self._event = "refer" if self._count == 1 else f"refer;id={request.cseq.number}"
        return [accepted, *self.notify(100)]

    def notify(self, status: int) -> list[Effect]:
        """Tell how it goes; 200 and above is the end."""
        if self._event is None or (self._waiting is not None and self._waiting >= 200):
            return []
        self._waiting = status
        return [] if self.sent is not None else self._send()

    def receive_response(self, response: Response) -> list[Effect]:
        """The peer has answered a NOTIFY: it gets the next, unless it knows of no subscription."""
        if self.sent is None or response.cseq.number != self.sent.cseq.number or response.status < 200:
            return []
        return self._go_on(response.status < 300)

    def fail(self) -> list[Effect]:
        """A NOTIFY was not answered, which ends the subscription and nothing else (RFC 5057 section 5.1)."""
        return self._go_on(False)

    def close(self) -> list[Effect]:
        """The session ends: the last word goes out before the BYE."""
        effects: list[Effect] = []
        if self._received is not None:
            effects += self.answer(487)
        if self._waiting is not None and self._waiting >= 200:
            effects += self._send()
        self._event = self._waiting = None
        return effects

    def _go_on(self, wanted: bool) -> list[Effect]:
        self.sent = None
        if not wanted:
            self._event = self._waiting = None
        return [] if self._waiting is None else self._send()

    def _send(self) -> list[Effect]:
        status, self._waiting = self._waiting, None
        if status is None or self._event is None:
            return []
        state = "terminated;reason=noresource" if status >= 200 else f"active;expires={EXPIRES}"
        headers = (("Event", self._event), ("Subscription-State", state), self._contact)
        body = f"SIP/2.0 {status} {REASON.get(status, 'Unknown')}\r\n".encode()
        self.sent = self._dialog.build("NOTIFY", headers=headers, body=body, content_type=SIPFRAG)
        if status >= 200:
            self._event = None
        return [SendRequest(self.sent, self._dialog.next_hop())]
