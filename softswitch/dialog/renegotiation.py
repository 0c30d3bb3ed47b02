"""Changing a session that stands: re-INVITEs of both sides (RFC 3261 14) and UPDATEs of the peer (RFC 3311).

One offer at a time. What comes in while something is open is answered so:

    our re-INVITE is open                       491, the peer tries again (14.2)
    the peer's last offer has no answer yet     500 with Retry-After 0 to 10 seconds (14.2)
    our 2xx offer waits for its answer in ACK   491: the re-INVITE overtook the ACK

Our own re-INVITE waits while something is open. After a 491 it is sent again by itself: the owner of the Call-ID
waits 2.1 to 4 seconds, the other side 0 to 2 (14.1).
"""

from collections.abc import Iterable
from contextlib import suppress
from math import inf
from random import Random

from softswitch.dialog.acceptance import Acceptances
from softswitch.dialog.body import SDP, sdp_of
from softswitch.dialog.capabilities import ACCEPT, ALLOW, SUPPORTED
from softswitch.dialog.dialog import Dialog, Header
from softswitch.dialog.effects import Cancel, Effect, Respond, SendAck, SendRequest, Tell
from softswitch.dialog.events import OfferAnswered, Offered, OfferRefused, OfferWithdrawn
from softswitch.dialog.target import read_target
from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response, respond

MOST_GLARES = 10
"""So many 491 in a row and we take it for a refusal."""
MOST_ACKS = 4
"""So many ACKs are kept: a 2xx is repeated for 64*T1 only."""
LONGEST_RETRY = 10
"""Seconds of the Retry-After for a second offer (14.2)."""


class Renegotiation:
    """The offers and answers of one confirmed dialog."""

    def __init__(
        self, dialog: Dialog, accepted: Acceptances, contact: Header, patience: float, rng: Random, *, owner: bool
    ) -> None:
        self.received: Request | None = None
        """The peer's re-INVITE or UPDATE that waits for our answer."""
        self.sent: Request | None = None
        """Our re-INVITE that waits for the peer's answer."""
        self._dialog = dialog
        self._accepted = accepted
        self._contact = contact
        self._patience = patience
        self._rng = rng
        self._owner = owner
        self._wanted: list[bytes | None] = []
        """The offer to be sent as soon as it may; at most one, the newest."""
        self._sent_sdp: bytes | None = None
        self._glares = 0
        self._retry_at = inf
        self._give_up_at = inf
        self._unacknowledged: int | None = None
        """CSeq number of a 2xx with an offer, until our answer goes out in its ACK."""
        self._acks: dict[int, Request] = {}
        """The last ACKs by CSeq number, since a 2xx may come again."""

    @property
    def next_deadline(self) -> float:
        """When `handle_timer` wants to be called, infinity for never."""
        return min(self._retry_at, self._give_up_at)

    # Our offers

    def offer(self, sdp: bytes | None, now: float) -> list[Effect]:
        """Send a re-INVITE, at once or when nothing else is open; a newer offer replaces one that still waits."""
        self._wanted = [sdp]
        return self.send_wanted(now)

    def send_wanted(self, now: float) -> list[Effect]:
        """Send the offer that waits, if there is one and nothing is open any more."""
        if not self._wanted or self._is_open() or self._retry_at != inf or len(self._accepted):
            return []
        self._sent_sdp = self._wanted.pop()
        headers = (self._contact, ALLOW, SUPPORTED)
        self.sent = self._dialog.build("INVITE", headers=headers, body=self._sent_sdp or b"", content_type=SDP)
        self._give_up_at = now + self._patience
        return [SendRequest(self.sent, self._dialog.next_hop())]

    def receive_response(self, response: Response, now: float) -> list[Effect]:
        """Take a response to a re-INVITE of ours."""
        if response.status < 200:
            return []
        number = response.cseq.number
        if response.status < 300 and number in self._acks:
            return self.acknowledge_again(number)
        if self.sent is None or self.sent.cseq.number != number:
            return []
        self.sent = None
        self._give_up_at = inf
        if response.status >= 300:
            return self._refused(response.status, now)
        return self._answered(response, now)

    def is_current(self, response: Response) -> bool:
        """Whether it answers the re-INVITE that is open."""
        return self.sent is not None and self.sent.cseq.number == response.cseq.number

    def fail(self, status: int, now: float) -> list[Effect]:
        """Our re-INVITE got no response at all."""
        self.sent = None
        self._give_up_at = inf
        return self._refused(status, now)

    def confirm(self, number: int, *, owes_answer: bool) -> list[Effect]:
        """A 2xx came: its ACK goes out at once, or with our answer when the 2xx brought an offer."""
        if owes_answer:
            self._unacknowledged = number
            return []
        return [self._acknowledge(number, None)]

    def acknowledge_again(self, number: int) -> list[Effect]:
        """The 2xx with this CSeq number was repeated: so is its ACK, if there was one."""
        ack = self._acks.get(number)
        return [] if ack is None else [SendAck(ack, self._dialog.next_hop())]

    def acknowledge(self, sdp: bytes | None, now: float) -> list[Effect]:
        """Send the ACK that a 2xx waits for, with our answer to the offer in it."""
        if self._unacknowledged is None:
            return []
        number, self._unacknowledged = self._unacknowledged, None
        return [self._acknowledge(number, sdp), *self.send_wanted(now)]

    def handle_timer(self, now: float) -> list[Effect]:
        """Try again after glare, or give up a re-INVITE that nobody answers."""
        if now >= self._give_up_at and self.sent is not None:
            self._give_up_at = inf
            return [Cancel(self.sent)]
        if now < self._retry_at:
            return []
        self._retry_at = inf
        return self.send_wanted(now)

    # The peer's offers

    def receive(self, request: Request, now: float) -> list[Effect]:
        """Take a re-INVITE or UPDATE whose CSeq is in order."""
        if self.received is not None:
            retry_after = ("Retry-After", str(self._rng.randint(0, LONGEST_RETRY)))
            return [_refuse(request, 500, (retry_after,))]
        if self._is_open() or self._accepted.owed_answer:
            return [_refuse(request, 491)]
        sdp = sdp_of(request)
        if request.body and sdp is None:
            return [_refuse(request, 415, (ACCEPT,))]
        read_target(request)  # a Contact that is no address is refused before anybody is asked
        if request.method == "UPDATE" and sdp is None:
            return [self._accept(request, None)]
        if self._accepted.full:
            return [_refuse(request, 500, (("Retry-After", str(LONGEST_RETRY)),))]
        self.received = request
        return [Tell(Offered(sdp))]

    def answer(self, sdp: bytes, now: float) -> list[Effect]:
        """Accept the peer's offer; for one without SDP this is our offer, and its answer comes with the ACK."""
        if self.received is None:
            return []
        request, self.received = self.received, None
        answer = self._accept(request, sdp)
        if request.method == "INVITE":
            self._accepted.add(request, answer.response, now)
        return [answer, *self.send_wanted(now)]

    def refuse(self, status: int, now: float, headers: Iterable[Header] = ()) -> list[Effect]:
        """Refuse the peer's offer: all stays as it was."""
        if self.received is None:
            return []
        request, self.received = self.received, None
        return [_refuse(request, status, headers), *self.send_wanted(now)]

    def withdraw(self, cancel: Request, now: float) -> list[Effect]:
        """The peer cancels its re-INVITE."""
        waiting = self.received
        if waiting is None or waiting.method != "INVITE" or waiting.cseq.number != cancel.cseq.number:
            return []
        self.received = None
        return [_refuse(waiting, 487), *self.send_wanted(now), Tell(OfferWithdrawn())]

    # The end

    def close(self) -> list[Effect]:
        """The session ends: nothing may stay without an answer (15.1.2), nothing more is sent."""
        effects: list[Effect] = []
        if self.received is not None:
            effects.append(_refuse(self.received, 487))
        if self._unacknowledged is not None:
            effects.append(self._acknowledge(self._unacknowledged, None))
        self.received = None
        self._unacknowledged = None
        self._wanted = []
        self._retry_at = self._give_up_at = inf
        return effects

    def acknowledge_late(self, response: Response) -> list[Effect]:
        """After the end a 2xx still gets its ACK, or the peer would repeat it for half a minute."""
        number = response.cseq.number
        if self.sent is not None and self.sent.cseq.number == number and number not in self._acks:
            return [self._acknowledge(number, None)]
        return self.acknowledge_again(number)

    def _is_open(self) -> bool:
        return self.sent is not None or self.received is not None or self._unacknowledged is not None

    def _accept(self, request: Request, sdp: bytes | None) -> Respond:
        self._dialog.refresh_target(request)
        headers = (self._contact, ALLOW, SUPPORTED)
        content_type = None if sdp is None else SDP
        return Respond(request, respond(request, 200, headers=headers, body=sdp or b"", content_type=content_type))

    def _answered(self, response: Response, now: float) -> list[Effect]:
        with suppress(BadHeader):  # the old target is better than none
            self._dialog.refresh_target(response)
        self._glares = 0
        ack = self.confirm(response.cseq.number, owes_answer=self._sent_sdp is None)
        return [*ack, *self.send_wanted(now), Tell(OfferAnswered(sdp_of(response)))]

    def _refused(self, status: int, now: float) -> list[Effect]:
        if status != 491 or self._glares >= MOST_GLARES:
            self._glares = 0
            return [*self.send_wanted(now), Tell(OfferRefused(status))]
        self._glares += 1
        if not self._wanted:
            self._wanted = [self._sent_sdp]
        wait = self._rng.uniform(2.1, 4.0) if self._owner else self._rng.uniform(0.0, 2.0)
        self._retry_at = now + round(wait, 2)
        return []

    def _acknowledge(self, number: int, sdp: bytes | None) -> SendAck:
        ack = self._dialog.build("ACK", number=number, body=sdp or b"", content_type=SDP)
        self._acks[number] = ack
        if len(self._acks) > MOST_ACKS:
            del self._acks[min(self._acks)]
        return SendAck(ack, self._dialog.next_hop())


def _refuse(request: Request, status: int, headers: Iterable[Header] = ()) -> Respond:
    return Respond(request, respond(request, status, headers=headers))
