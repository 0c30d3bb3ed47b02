"""One INVITE usage, from the first INVITE to the last BYE, in either role (RFC 3261 sections 13 to 15).

    incoming                                      outgoing

    RINGING ---- refuse, CANCEL, BYE --+          CALLING ---- 300-699, timeout ----------+
       | answer: 2xx, repeated         |             | 1xx                |  cancel        |
       v                               |             v                    v               |
    ANSWERED --- no ACK in 64*T1 ---+  |          PROCEEDING -- cancel -> CANCELLING -----+
       | ACK                        |  |             | 2xx: ACK              | 2xx: ACK   |
       v                            |  |             v                       |            |
    CONFIRMED --- bye, 481, 408 ----+--|-------> CLOSING <-------------------+            |
       | BYE                           |             | response, 64*T1                      |
       +-------------------------------+-------> TERMINATED <-----------------------------+

Orders that come too late for the state do nothing. The session lives in no clock and on no wire: `now` comes in,
effects go out, and `next_deadline` says when `handle_timer` is wanted.
"""

from collections.abc import Iterable
from math import inf
from random import Random

from softswitch.dialog.body import SDP, sdp_of
from softswitch.dialog.capabilities import ALLOW, SUPPORTED
from softswitch.dialog.dialog import Dialog, Header
from softswitch.dialog.effects import Cancel, Effect, Respond, SendAck, SendRequest, Tell
from softswitch.dialog.events import Answered, Cause, Progressed, Refused
from softswitch.dialog.forks import Forks
from softswitch.dialog.invite_usage import InviteUsage, State
from softswitch.dialog.route_set import first_hop
from softswitch.dialog.timers import Timers
from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.proof import Proof
from softswitch.sip.status import REASON

__all__ = ["Session", "State"]

RING_AGAIN = 60.0
"""Seconds between two provisional responses of ours, so that no proxy loses patience (13.3.1.1)."""


class Session(InviteUsage):
    """A call leg as SIP sees it."""

    def __init__(
        self, invite: Request, local_tag: str, contact: str, timers: Timers, rng: Random, state: State, *, owner: bool
    ) -> None:
        super().__init__(invite, local_tag, contact, timers, rng, state, owner=owner)
        self._forks = Forks(invite)
        self._proof: Proof | None = None
        self._provisional: Response | None = None
        self._cancel_headers: tuple[Header, ...] = ()
        self._cancel_sent = False

    # Orders to an incoming session

    @classmethod
    def incoming(
        cls, request: Request, local_tag: str, contact: str, now: float, timers: Timers, reliable: bool, rng: Random
    ) -> "Session":
        """A session that the peer asks for. Raises BadHeader when no dialog can be made of the INVITE.

        `contact` is the value of our Contact header. `reliable` tells how the INVITE came and changes nothing:
        a 2xx is repeated over any transport (13.3.1.4).
        """
        session = cls(request, local_tag, contact, timers, rng, State.RINGING, owner=False)
        session._stand(Dialog.from_server(request, local_tag))
        return session

    def progress(self, status: int, now: float, sdp: bytes | None = None) -> list[Effect]:
        """Send a provisional response, with early media if there is any."""
        if self.state is not State.RINGING:
            return []
        response = self._build_response(status, sdp)
        if status > 100:
            self._provisional = response
            self._deadline = now + RING_AGAIN
        return [Respond(self.invite, response)]

    def answer(self, sdp: bytes, now: float) -> list[Effect]:
        """Accept the call; when the INVITE had no SDP this is our offer, and `Acknowledged` brings the answer."""
        if self.state is not State.RINGING:
            return []
        response = self._build_response(200, sdp)
        self.state = State.ANSWERED
        self._deadline = inf
        self._accepted.add(self.invite, response, now)
        return [Respond(self.invite, response)]

    def refuse(
        self, status: int, now: float, reason: str | None = None, headers: Iterable[Header] = ()
    ) -> list[Effect]:
        """Refuse or redirect the call."""
        if self.state is not State.RINGING:
            return []
        response = respond(self.invite, status, reason, to_tag=self.local_tag, headers=headers)
        return [Respond(self.invite, response), *self._close(self._end("local", "refused", status))]

    # Orders to an outgoing session

    @classmethod
    def outgoing(
        cls, invite: Request, now: float, timers: Timers, rng: Random, proof: Proof | None = None
    ) -> "Session":
        """A session that we ask for; `start` sends the INVITE, which has everything but Via.

        Allow and Supported are added when they are missing. `proof` answers the peer's challenges: then the INVITE
        goes out once more, in place of the first. Raises BadHeader when From has no tag.
        """
        tag = invite.from_.tag
        if tag is None:
            raise BadHeader("Missing From tag")
        for name, value in (ALLOW, SUPPORTED):
            if name not in invite.headers:
                invite.headers.add(name, value)
        session = cls(invite, tag, invite.headers.get("Contact") or "", timers, rng, State.CALLING, owner=True)
        session._proof = proof
        return session

    def start(self, now: float) -> list[Effect]:
        """Send the INVITE."""
        return [SendRequest(self.invite, first_hop(self.invite.routes, self.invite.uri))]

    def cancel(self, now: float, reason: str | None = None) -> list[Effect]:
        """Take the call back: CANCEL, not before a provisional response came (9.1); BYE when it was answered already.

        `reason` is the value of a Reason header (RFC 3326), such as `SIP;cause=200;text="Call completed elsewhere"`.
        """
        headers = () if reason is None else (("Reason", reason),)
        if self.state in (State.CALLING, State.PROCEEDING):
            return self._take_back(now, "cancel", 487, headers)
        return self._hang_up(now, "cancel", None, headers)

    def bye(self, now: float, reason: str | None = None) -> list[Effect]:
        """Hang up in any state; `reason` is the value of a Reason header. Before the ACK it waits for it (15)."""
        if self.state is State.RINGING:
            return self.refuse(480, now, headers=() if reason is None else (("Reason", reason),))
        if self.state in (State.CALLING, State.PROCEEDING):
            return self.cancel(now, reason)
        return super().bye(now, reason)

    # Requests of the peer

    def _check(self, request: Request) -> Respond | None:
        if request.method == "BYE" and self._forks.dropped(request.from_.tag) is not None:
            return self._respond(request, 200)  # a branch that we are hanging up on does so too
        return super()._check(request)

    def _find_dialog(self, tag: str | None) -> Dialog | None:
        if self.state in (State.PROCEEDING, State.CANCELLING) and tag is not None:
            return self._forks.early.get(tag)
        return super()._find_dialog(tag)

    def _receive_cancel(self, request: Request, now: float) -> list[Effect]:
        if self.state is not State.RINGING or request.cseq.number != self.invite.cseq.number:
            return super()._receive_cancel(request, now)
        reason = request.headers.get("Reason")
        stopped = [self._respond(request, 200), self._respond(self.invite, 487)]
        return [*stopped, *self._close(self._end("remote", "cancel", 487, reason))]

    def _receive_bye(self, request: Request, now: float) -> list[Effect]:
        if self.state is State.PROCEEDING:  # the branch answered, all its 2xx were lost, and now it gives up
            ended = self._end("remote", "bye", None, request.headers.get("Reason"))
            return [self._respond(request, 200), *self._take_back(now, "bye", None, ()), *ended]
        if self.state is State.CANCELLING:
            return [self._respond(request, 200)]
        stopped = [self._respond(self.invite, 487)] if self.state is State.RINGING else []
        return [*stopped, *super()._receive_bye(request, now)]

    def _receive_offer(self, request: Request, now: float) -> list[Effect]:
        """Before the answer nothing can be offered anew, since the first offer is still open (RFC 3311 5.2)."""
        if self.state not in (State.RINGING, State.PROCEEDING):
            return super()._receive_offer(request, now)
        if request.method == "UPDATE" and not request.body:
            dialog = self._find_dialog(request.from_.tag)
            if dialog is not None:
                dialog.refresh_target(request)
            return [self._respond(request, 200, headers=(self._contact, ALLOW, SUPPORTED))]
        if self.state is State.PROCEEDING:
            return [self._respond(request, 491)]
        return [self._respond(request, 500, headers=(self._retry_after(),))]

    # Responses to the INVITE

    def _receive_invite_response(self, response: Response, now: float) -> list[Effect]:
        if not self._owner or response.cseq.number != self.invite.cseq.number:
            return super()._receive_invite_response(response, now)
        if response.status < 200:
            return self._receive_provisional(response, now)
        if response.status < 300:
            return self._receive_success(response, now)
        if self.state is State.CANCELLING:
            return self._close()
        if self.state in (State.CALLING, State.PROCEEDING):
            if self._proof is not None and self._proof.learn(response):
                return self._prove(self._proof, now)
            return self._refused(response.status, response.reason, response)
        return []

    def _prove(self, proof: Proof, now: float) -> list[Effect]:
        """Ask again, with credentials."""
        self.invite = proof.repeat(self.invite)
        self._forks = Forks(self.invite)
        self.dialog = None
        self.state = State.CALLING
        self._deadline = inf
        return self.start(now)

    def receive_response(self, response: Response, now: float) -> list[Effect]:
        """Take a response to a request of this session. Raises SipError: drop the response."""
        if response.cseq.method != "INVITE" and self._forks.dropped(response.to.tag) is not None:
            return []
        return super().receive_response(response, now)

    def request_failed(self, request: Request, cause: str, now: float) -> list[Effect]:
        """A request got no final response: "timeout", or "transport" when it could not even be sent."""
        if request is not self.invite:
            return super().request_failed(request, cause, now)
        if self.state is State.CANCELLING:
            return self._close()
        if self.state in (State.CALLING, State.PROCEEDING):
            status = 408 if cause == "timeout" else 503
            return self._refused(status, REASON[status], None)
        return []

    def _receive_provisional(self, response: Response, now: float) -> list[Effect]:
        if self.state is State.CANCELLING and not self._cancel_sent:
            return [self._send_cancel(now)]
        if self.state not in (State.CALLING, State.PROCEEDING):
            return []
        early = self._forks.hear(response) if response.status > 100 else None
        self.state = State.PROCEEDING
        self._deadline = now + self._timers.c
        if early is not None:
            self.dialog = early
        if response.status in (100, 199):
            return []
        return [Tell(Progressed(response.status, sdp_of(response)))]

    def _receive_success(self, response: Response, now: float) -> list[Effect]:
        tag = response.to.tag
        dropped = self._forks.dropped(tag)
        if dropped is not None:
            ack, dialog = dropped
            return [SendAck(ack, dialog.next_hop())]
        if self._changes is not None and tag == self.remote_tag:
            return self._changes.acknowledge_again(response.cseq.number)
        answered = self._forks.answer(response)
        if answered is None:
            return []
        return self._take_branch(answered, response, now)

    def _take_branch(self, dialog: Dialog, response: Response, now: float) -> list[Effect]:
        if self.state in (State.CALLING, State.PROCEEDING):
            return self._establish(dialog, response)
        if self.state is State.CANCELLING:
            acked = self._stand(dialog).confirm(self.invite.cseq.number, owes_answer=False)
            self._bye_headers = self._cancel_headers
            return [*acked, *self._send_bye(now)]
        ack, bye = self._forks.drop(dialog)
        return [SendAck(ack, dialog.next_hop()), SendRequest(bye, dialog.next_hop())]

    def _establish(self, dialog: Dialog, response: Response) -> list[Effect]:
        self.state = State.CONFIRMED
        self._deadline = inf
        owes_answer = sdp_of(self.invite) is None
        acked = self._stand(dialog).confirm(self.invite.cseq.number, owes_answer=owes_answer)
        return [*acked, Tell(Answered(sdp_of(response), response))]

    def _refused(self, status: int, reason: str, response: Response | None) -> list[Effect]:
        self._ended = True
        return self._close([Tell(Refused(status, reason, response))])

    # The end of an INVITE that nobody answered

    def _take_back(self, now: float, cause: Cause, status: int | None, headers: tuple[Header, ...]) -> list[Effect]:
        heard = self.state is State.PROCEEDING
        self.state = State.CANCELLING
        self._cancel_headers = headers
        self._deadline = now + self._timers.f
        ended = self._end("local", cause, status)
        return [self._send_cancel(now), *ended] if heard else ended

    def _send_cancel(self, now: float) -> Cancel:
        self._cancel_sent = True
        self._deadline = now + self._timers.f
        return Cancel(self.invite, self._cancel_headers)

    def _expire(self, now: float) -> list[Effect]:
        if self.state is State.RINGING and self._provisional is not None:
            self._deadline = now + RING_AGAIN
            return [Respond(self.invite, self._provisional)]
        if self.state is State.PROCEEDING:
            return self._take_back(now, "timeout", 408, ())
        if self.state is State.CANCELLING:
            return self._close()
        return super()._expire(now)

    def _build_response(self, status: int, sdp: bytes | None) -> Response:
        if status == 100:
            return respond(self.invite, 100)
        content_type = None if sdp is None else SDP
        headers = (self._contact, ALLOW, SUPPORTED)
        return respond(
            self.invite, status, to_tag=self.local_tag, headers=headers, body=sdp or b"", content_type=content_type
        )
