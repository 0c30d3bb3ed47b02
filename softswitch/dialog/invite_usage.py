"""What both roles of an INVITE usage share: the dialog that stands, and its end (RFC 3261 12.2, 14, 15; RFC 5057).

A request inside the dialog is answered in this order:

    481     wrong tags, or the dialog has ended
    500     CSeq number lower than the last one (12.2.2)
    405     a method that we do not serve
    420     an extension is required that we do not know
    then what the method asks for; an ACK is never answered
"""

from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from math import inf
from random import Random

from softswitch.dialog.acceptance import Acceptances
from softswitch.dialog.body import sdp_of
from softswitch.dialog.capabilities import ACCEPT, ALLOW, METHODS, OPTION_TAGS, SUPPORTED
from softswitch.dialog.dialog import Dialog, Header
from softswitch.dialog.effects import Closed, Effect, Respond, SendRequest, Tell
from softswitch.dialog.events import Acknowledged, Cause, Ended, InfoReceived, Side
from softswitch.dialog.referrals import Referrals
from softswitch.dialog.renegotiation import LONGEST_RETRY, Renegotiation
from softswitch.dialog.timers import Timers
from softswitch.sip.fields import parse_tokens
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.uri import Uri

GONE = (408, 481)
"""A request inside the dialog that is answered so ends it (12.2.1.2)."""


class State(IntEnum):
    """Where the session is; the picture is in session.py."""

    TERMINATED = 0
    RINGING = 1
    ANSWERED = 2
    CALLING = 3
    PROCEEDING = 4
    CANCELLING = 5
    CONFIRMED = 6
    CLOSING = 7


MOST_INFO = 64
"""INFO requests that may wait for the one before them to be answered, so that their order stays."""
STANDING = (State.ANSWERED, State.CONFIRMED)
"""There is a session with sound in it."""


class InviteUsage:
    """One session of one INVITE, once its dialog stands."""

    def __init__(
        self, invite: Request, local_tag: str, contact: str, timers: Timers, rng: Random, state: State, *, owner: bool
    ) -> None:
        self.invite = invite
        """The initial request."""
        self.call_id = invite.call_id
        self.local_tag = local_tag
        self.state = state
        self.dialog: Dialog | None = None
        """The confirmed dialog, or the early one that was heard last."""
        self._timers = timers
        self._rng = rng
        self._contact: Header = ("Contact", contact)
        self._owner = owner
        self._accepted = Acceptances(timers.t1, timers.t2)
        self._changes: Renegotiation | None = None
        self._referrals: Referrals | None = None
        self._deadline = inf
        self._ended = False
        self._bye: Request | None = None
        self._bye_headers: tuple[Header, ...] = ()
        self._info: Request | None = None
        """The INFO that is not answered yet."""
        self._waiting_info: deque[tuple[str, bytes]] = deque()

    @property
    def request_key(self) -> tuple[str, str]:
        """Call-ID and To tag of the requests that the peer sends inside this dialog."""
        return self.call_id, self.local_tag

    @property
    def remote_tag(self) -> str | None:
        """The peer's tag, None as long as there is none."""
        return None if self.dialog is None else self.dialog.remote.tag

    @property
    def remote_contact(self) -> Uri | None:
        """The peer's Contact, where our requests are sent to."""
        return None if self.dialog is None else self.dialog.remote_target

    @property
    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called next, None for never."""
        changes = inf if self._changes is None or self._ended else self._changes.next_deadline
        deadline = min(self._deadline, self._accepted.next_deadline, changes)
        return None if deadline == inf else deadline

    # Orders

    def reinvite(self, sdp: bytes | None, now: float) -> list[Effect]:
        """Offer a change, or ask for the peer's offer with None; sent when nothing else is open."""
        if self._changes is None or self._ended or self.state not in STANDING:
            return []
        return self._changes.offer(sdp, now)

    def answer_offer(self, sdp: bytes, now: float) -> list[Effect]:
        """Accept what `Offered` told; after an Offered(None) this is our own offer."""
        return [] if self._changes is None else self._changes.answer(sdp, now)

    def refuse_offer(self, status: int, now: float, headers: Iterable[Header] = ()) -> list[Effect]:
        """Refuse what `Offered` told; the session goes on as it was."""
        return [] if self._changes is None else self._changes.refuse(status, now, headers)

    def acknowledge(self, sdp: bytes | None, now: float) -> list[Effect]:
        """Answer the offer that came in the 2xx to an INVITE of ours that had none."""
        return [] if self._changes is None else self._changes.acknowledge(sdp, now)

    def bye(self, now: float, reason: str | None = None) -> list[Effect]:
        """Hang up; `reason` is the value of a Reason header (RFC 3326). Before the ACK it waits for it (15)."""
        return self._hang_up(now, "bye", None, () if reason is None else (("Reason", reason),))

    def info(self, content_type: str, body: bytes, now: float) -> list[Effect]:
        """Send an INFO, when those before it are answered; one too many is dropped."""
        if len(self._waiting_info) < MOST_INFO:
            self._waiting_info.append((content_type, body))
        return self._send_info() if self._info is None else []

    def answer_refer(self, status: int, now: float, headers: Iterable[Header] = ()) -> list[Effect]:
        """Answer what `Referred` told: 202, and NOTIFYs will follow, or a refusal."""
        return [] if self._referrals is None else self._referrals.answer(status, headers)

    def notify_referral(self, status: int, now: float) -> list[Effect]:
        """Tell the peer what became of its REFER: 1xx, or the end of it."""
        return [] if self._referrals is None or self._ended else self._referrals.notify(status)

    # Inputs

    def receive(self, request: Request, now: float) -> list[Effect]:
        """Take a request inside the dialog, or a CANCEL. Raises SipError: answer with its status, but never an ACK."""
        if request.method == "ACK":
            return self._receive_ack(request, now)
        if request.method == "CANCEL":
            return self._receive_cancel(request, now)
        refusal = self._check(request)
        if refusal is not None:
            return [refusal]
        return self._serve(request, now)

    def receive_response(self, response: Response, now: float) -> list[Effect]:
        """Take a response to a request of this session. Raises SipError: drop the response."""
        number, method = response.cseq
        if method == "INVITE":
            return self._receive_invite_response(response, now)
        if response.status < 200:
            return []
        if method == "NOTIFY":
            return [] if self._referrals is None else self._referrals.receive_response(response)
        if method == "BYE":
            mine = self._bye is not None and self._bye.cseq.number == number
            return self._close() if mine and self.state is State.CLOSING else []
        if response.status in GONE and method in METHODS and method != "CANCEL":
            return self._lose(response.status, now)
        if self._info is not None and self._info.cseq.number == number:
            return self._send_info()
        return []

    def request_failed(self, request: Request, cause: str, now: float) -> list[Effect]:
        """A request got no final response: "timeout", or "transport" when it could not even be sent."""
        if request is self._bye:
            return self._close() if self.state is State.CLOSING else []
        if self._referrals is not None and request is self._referrals.sent:
            return self._referrals.fail()
        if self._ended or request.to.tag != self.remote_tag:
            return []
        if cause == "timeout":
            return self._lose(408, now)
        if request is self._info:
            return self._send_info()
        if self._changes is not None and request is self._changes.sent:
            return self._changes.fail(503, now)
        return []

    def handle_timer(self, now: float) -> list[Effect]:
        """Do what is due."""
        if self._accepted.expired(now):
            return self._miss_ack(now)
        effects: list[Effect] = [Respond(one.request, one.response) for one in self._accepted.due(now)]
        if now >= self._deadline:
            self._deadline = inf
            effects += self._expire(now)
        if self._changes is not None and not self._ended:
            effects += self._changes.handle_timer(now)
        return effects

    # Requests inside the dialog

    def _serve(self, request: Request, now: float) -> list[Effect]:
        match request.method:
            case "BYE":
                return self._receive_bye(request, now)
            case "INFO":
                return self._receive_info(request, now)
            case "OPTIONS":
                return self._receive_options(request, now)
            case "REFER":
                return self._receive_refer(request)
            case _:
                return self._receive_offer(request, now)

    def _check(self, request: Request) -> Respond | None:
        dialog = self._find_dialog(request.from_.tag)
        if dialog is None or (self._ended and request.method != "BYE"):
            return self._respond(request, 481)
        if not dialog.check_sequence(request):
            return self._respond(request, 500)
        if request.method not in METHODS:
            return self._respond(request, 405, headers=(ALLOW,))
        required = parse_tokens(request.headers.get_all("Require"))
        unknown = [tag for tag in required if tag not in OPTION_TAGS]
        if unknown:
            return self._respond(request, 420, headers=(("Unsupported", ", ".join(unknown)),))
        return None

    def _find_dialog(self, tag: str | None) -> Dialog | None:
        if self.state is State.TERMINATED or self.dialog is None or tag != self.dialog.remote.tag:
            return None
        return self.dialog

    def _receive_ack(self, request: Request, now: float) -> list[Effect]:
        """Matched on Call-ID, From tag and CSeq number; the To tag may be anything (some phones make one up)."""
        if self.state is State.TERMINATED or request.from_.tag != self.remote_tag:
            return []
        number = request.cseq.number
        if not self._accepted.acknowledge(number):
            return []
        first = self.state is State.ANSWERED and number == self.invite.cseq.number
        if first:
            self.state = State.CONFIRMED
        if self._ended:
            return self._send_bye(now) if first else []
        wanted = [] if self._changes is None else self._changes.send_wanted(now)
        return [*wanted, Tell(Acknowledged(sdp_of(request)))]

    def _receive_cancel(self, request: Request, now: float) -> list[Effect]:
        withdrawn = [] if self._changes is None else self._changes.withdraw(request, now)
        return [self._respond(request, 200), *withdrawn]

    def _receive_bye(self, request: Request, now: float) -> list[Effect]:
        reason = request.headers.get("Reason")
        return [self._respond(request, 200), *self._close(self._end("remote", "bye", None, reason))]

    def _receive_offer(self, request: Request, now: float) -> list[Effect]:
        if self._changes is None or self.state not in STANDING:
            return [self._respond(request, 481)]
        return self._changes.receive(request, now)

    def _receive_info(self, request: Request, now: float) -> list[Effect]:
        event = InfoReceived(request.headers.get("Content-Type") or "", request.body)
        return [self._respond(request, 200), Tell(event)]

    def _receive_options(self, request: Request, now: float) -> list[Effect]:
        return [self._respond(request, 200, headers=(self._contact, ALLOW, ACCEPT, SUPPORTED))]

    def _receive_refer(self, request: Request) -> list[Effect]:
        if self._referrals is None or self.state not in STANDING:
            return [self._respond(request, 403)]  # nobody talks here yet who could be led elsewhere
        return self._referrals.receive(request)

    # Responses

    def _receive_invite_response(self, response: Response, now: float) -> list[Effect]:
        if self._changes is None:
            return []
        if self._ended:
            return self._changes.acknowledge_late(response) if response.status // 100 == 2 else []
        if response.status in GONE and self._changes.is_current(response):
            return self._lose(response.status, now)
        return self._changes.receive_response(response, now)

    # The end

    def _hang_up(self, now: float, cause: Cause, status: int | None, headers: tuple[Header, ...] = ()) -> list[Effect]:
        if self._ended or self.state not in STANDING:
            return []
        self._bye_headers = headers
        ended = self._end("local", cause, status)
        if self.state is State.ANSWERED:
            return ended
        return [*self._send_bye(now), *ended]

    def _lose(self, status: int, now: float) -> list[Effect]:
        """The peer knows nothing of this dialog any more, or is gone."""
        return self._hang_up(now, "timeout" if status == 408 else "error", status)

    def _miss_ack(self, now: float) -> list[Effect]:
        return [*self._send_bye(now), *self._end("local", "no_ack")]

    def _send_bye(self, now: float) -> list[Effect]:
        if self.dialog is None:
            return self._close()
        left = self._leave()
        self._bye = self.dialog.build("BYE", headers=self._bye_headers)
        self.state = State.CLOSING
        self._deadline = now + self._timers.f
        return [*left, self._send(self._bye)]

    def _expire(self, now: float) -> list[Effect]:
        """The state has lasted too long."""
        return self._close() if self.state is State.CLOSING else []

    def _end(self, by: Side, cause: Cause, status: int | None = None, reason: str | None = None) -> list[Effect]:
        if self._ended:
            return []
        self._ended = True
        return [Tell(Ended(by, cause, status, reason))]

    def _close(self, told: Iterable[Effect] = ()) -> list[Effect]:
        left = self._leave()
        self._deadline = inf
        self.state = State.TERMINATED
        return [*left, *told, Closed()]

    def _leave(self) -> list[Effect]:
        """What is open is settled."""
        self._accepted.clear()
        left = [] if self._changes is None else self._changes.close()
        return left if self._referrals is None else [*left, *self._referrals.close()]

    # What is common to all

    def _stand(self, dialog: Dialog) -> Renegotiation:
        """The dialog is confirmed."""
        self.dialog = dialog
        changes = Renegotiation(dialog, self._accepted, self._contact, self._timers.c, self._rng, owner=self._owner)
        self._changes = changes
        self._referrals = Referrals(dialog, self._contact)
        return changes

    def _send_info(self) -> list[Effect]:
        """The next INFO that waits, if there is one."""
        self._info = None
        if self.dialog is None or self._ended or self.state not in STANDING or not self._waiting_info:
            self._waiting_info.clear()
            return []
        content_type, body = self._waiting_info.popleft()
        self._info = self.dialog.build("INFO", body=body, content_type=content_type)
        return [self._send(self._info)]

    def _send(self, request: Request) -> SendRequest:
        return SendRequest(request, request.uri if self.dialog is None else self.dialog.next_hop())

    def _respond(self, request: Request, status: int, *, headers: Iterable[Header] = ()) -> Respond:
        return Respond(request, respond(request, status, to_tag=self.local_tag, headers=headers))

    def _retry_after(self) -> Header:
        return "Retry-After", str(self._rng.randint(0, LONGEST_RETRY))
