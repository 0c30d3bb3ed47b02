"""One side of a call: a SIP session and its sound."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from media.client import MediaClient
from media.protocol import (
    CallProgress,
    Digit,
    MediaEvent,
    MediaSilent,
    PlaybackFailed,
    PlaybackFinished,
    Sound,
)
from softswitch.call import events, info
from softswitch.call.leg_sound import LegSound
from softswitch.call.plan import ANSWERERS
from softswitch.call.target import CallerId, Target, build_invite
from softswitch.dialog import events as told
from softswitch.dialog.session import Session
from softswitch.records import events as fact
from softswitch.sip.crypto import SrtpPolicy
from softswitch.sip.errors import NotAcceptable, SipError
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.sip.proof import Proof

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.journal import Journal
    from softswitch.call.router import Origin

log = structlog.get_logger("call.leg")

Listener = Callable[[events.Event], None]

BUSY_AFTER_ANSWER = 10.0
"""Seconds of busy tone in an answered call after which nobody is at the other end any more."""
MOVED_WITHIN = 40.0
"""Seconds after which a phone that does not answer a re-INVITE keeps its media worker; the session gives up before."""
NOT_ACCEPTABLE = 'SIP;cause=488;text="Not Acceptable Here"'
USER_BUSY = 'Q.850;cause=17;text="User busy"'


class Leg:
    """One side of a call.

    Life: `open` the media, then `dial` (a leg to somebody) or `answer` (a leg from somebody), and `hangup` in the end.
    The listener hears the events of `softswitch.call.events`; `finished` is done when session and media are gone.
    """

    def __init__(self, call: "Call", name: str, role: str, target: str) -> None:
        exchange = call.exchange
        self.exchange = exchange
        self.call = call
        """The call that it takes part in just now."""
        self.name = name
        self.role = role
        self.target = target
        self.called = ""
        """The number that was dialled for this leg, when it is one to somebody."""
        self.session: Session | None = None
        self.answered = False
        self.ended = False
        self.finished: asyncio.Future[None] = exchange.loop.create_future()
        self.listener: Listener = _nobody
        self.origin: Origin | None = None
        """Who is at the other end, when he called us."""
        self.be_referred: Callable[[Leg, Request], int] = _forbidden
        """Decides about a REFER of the phone: the status of the answer. Raises SipError."""
        self.cause = ""
        """Why it ended."""
        self._occupying = False
        self._signals: set[str] = set()
        self._answered_early = False
        self._opening: asyncio.Future[None] | None = None
        self._sound = LegSound(self, self._tell_held)
        self._moving: asyncio.Future[bytes | None] | None = None

    @property
    def journal(self) -> "Journal":
        """The diary of its call."""
        return self.call.journal

    def join(self, call: "Call") -> None:
        """Take part in another call from now on, as somebody who was called."""
        self.leave_queue()
        self.call, self.role, self.listener = call, "callee", call.deliver
        self.journal.note(fact.LegStarted, leg=self.name, role=self.role, target=self.target, direction="out")
        self.journal.note(fact.LegAnswered, leg=self.name)

    def is_dialog(self, call_id: str, local_tag: str, remote_tag: str) -> bool:
        """Whether this is the leg of a dialog, seen from us (RFC 3891 section 3)."""
        session = self.session
        return session is not None and (session.call_id, session.local_tag, session.remote_tag) == (
            call_id, local_tag, remote_tag,
        )  # fmt: skip

    # ---- sound ------------------------------------------------------------------------------------------------

    @property
    def media(self) -> MediaClient:
        """The media worker that carries this leg. Raises MediaError while there is none."""
        return self._sound.worker

    @property
    def codec(self) -> str | None:
        """The codec that was agreed on with the phone."""
        return self._sound.codec

    @property
    def held(self) -> bool:
        """Whether the phone put us on hold."""
        return self._sound.held

    async def open(
        self, peer: Peer, preferred: Sequence[str] = (), beside: "Leg | None" = None, srtp: SrtpPolicy | None = None
    ) -> None:
        """Take a row and a pair of ports in a media worker: that of the leg `beside`, which it will talk to.

        `preferred` are codecs, the best liked first; `srtp` stands in place of what is configured for the phone.

        The leg may have ended when this returns; its row is given back then as at any other time. Raises MediaError
        when there are no ports.
        """
        opening = self._opening = self.exchange.loop.create_future()
        try:
            await self._sound.open(peer, preferred, None if beside is None else beside._sound, srtp)
        finally:
            opening.set_result(None)
        self.exchange.legs[self.name] = self

    async def move(self, media: MediaClient) -> None:
        """Go over to another media worker, where somebody is whom this leg is to hear.

        As long as the phone knows no ports of ours it notices nothing; else a re-INVITE tells it the new ones, and
        until it has agreed all stays as it was. Raises MediaError when it does not agree.
        """
        if media is self.media or self.ended or not self._sound.is_open:
            return
        if self.answered or self._answered_early:
            await self._sound.move(media, self._reoffer)
        else:
            await self._sound.move(media, None)
            self.negotiate()
        if media.is_gone and not self.ended:
            self.lose_media()

    async def _reoffer(self, offer: bytes) -> bytes | None:
        """Offer other ports to the phone in a re-INVITE: its answer."""
        self._moving = answered = self.exchange.loop.create_future()
        self._perform(lambda session, now: session.reinvite(offer, now))
        try:
            sdp = await asyncio.wait_for(answered, MOVED_WITHIN)
        except TimeoutError:
            return None
        finally:
            self._moving = None
        return None if self.ended else sdp

    def _tell_held(self, held: bool) -> None:
        self.journal.note(fact.Held if held else fact.Resumed, leg=self.name)
        self.listener(events.LegHeld(self) if held else events.LegResumed(self))

    def play(self, sounds: Sequence[Sound], token: str, *, repeat: bool = False) -> None:
        """Play to the phone, in place of what was playing."""
        self.media.play(self.name, sounds, token, repeat)

    def stop_playing(self) -> None:
        """Be silent, or let the room be heard again."""
        self.media.stop(self.name)

    @property
    def keys_by_info(self) -> bool:
        """Whether keys go to this phone in SIP INFO and not by the media worker."""
        return self._sound.keys_by_info

    def press(self, digit: str) -> None:
        """Press a key towards the phone."""
        if self.keys_by_info:
            self._perform(lambda session, now: session.info(info.RELAY, info.body_of(digit), now))
        else:
            self.media.send_digits(self.name, digit)

    # ---- a leg from somebody ----------------------------------------------------------------------------------

    @property
    def offered(self) -> bytes | None:
        """The offer in the INVITE that came in."""
        return self.session.invite.body or None if self.session else None

    def accept(self, session: Session) -> None:
        """Be the leg of an INVITE that came in."""
        self.session = session
        self.exchange.stack.listen(session, self._hear)
        self._occupy(True)
        self.journal.note(fact.LegStarted, leg=self.name, role=self.role, target=self.target, direction="in")
        self.exchange.name_leg(self.name, session.invite.call_id)

    def negotiate(self, preferred: str | None = None) -> None:
        """Choose from the caller's offer. Raises SipError (488) when nothing fits.

        `preferred` is the codec that the other side speaks: taken if the caller offered it, for then packets pass
        without being decoded.
        """
        self._sound.choose(self.offered, preferred)

    def ring(self) -> None:
        """Tell the caller that it rings."""
        self._perform(lambda session, now: session.progress(180, now))

    def early_media(self) -> None:
        """Let the caller hear what the other side sends before it answers."""
        if self._sound.codec is None:
            self.ring()  # the caller made no offer, so there is nothing to answer yet
            return
        sdp = self._sound.answer()
        self._answered_early = True
        self._perform(lambda session, now: session.progress(183, now, sdp))
        self._sound.apply()

    def answer(self) -> None:
        """Answer the caller; a second time does nothing."""
        if self.answered or self.ended or not self._sound.is_open:
            return
        self.answered = True
        sdp = self._sound.answer()
        self._perform(lambda session, now: session.answer(sdp, now))
        self._sound.apply()
        self.journal.note(fact.LegAnswered, leg=self.name)

    def refuse(self, status: int, reason: str | None = None, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Refuse the caller."""
        self._perform(lambda session, now: session.refuse(status, now, reason, tuple(headers)))
        self._end("refused", "local", status)

    # ---- a leg to somebody ------------------------------------------------------------------------------------

    def dial(
        self, target: Target, caller: CallerId, called: str, hops: int, more: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Send the INVITE, with `more` headers; `open` comes first."""
        self.called = called
        exchange = self.exchange
        contact = exchange.stack.contact(target.peer, "softswitch", target.uri.scheme)
        invite = build_invite(target, caller, called, hops, exchange.domain, contact, self._sound.offer(), more)
        self.journal.note(fact.LegStarted, leg=self.name, role=self.role, target=self.target, direction="out")
        exchange.name_leg(self.name, invite.call_id)
        self._occupy(True)
        proof = None if target.account is None else Proof(target.account)
        self.session = exchange.stack.dial(invite, target.peer, self._hear, symmetric=target.symmetric, proof=proof)

    # ---- either -----------------------------------------------------------------------------------------------

    def hangup(self, reason: str | None = None, cause: str = "bye", status: int | None = None) -> None:
        """End this leg whatever its state: CANCEL, refuse or BYE. `reason` is a Reason header value (RFC 3326).

        `status` is what the other side would have said, had it said it in SIP.
        """
        if self.ended:
            return
        if self.session is None:
            self._end(cause, "local", None)
            return
        if self.role == "caller" and not self.answered:
            self.refuse(480)
            return
        session, answered = self.session, self.answered
        self._end(cause, "local", status)  # before the session tells of it, for it knows no cause but its own
        self.exchange.stack.perform(
            session, lambda one, now: one.bye(now, reason) if answered else one.cancel(now, reason)
        )

    def notify_referral(self, status: int) -> None:
        """Tell the phone what became of its REFER: 1xx, or the end of it."""
        self._perform(lambda session, now: session.notify_referral(status, now))

    def leave_queue(self) -> None:
        """No queue knows any more what this leg is busy with: from now on it is a call like any other."""
        if self.role == "agent" and not self.ended:
            self.role = "callee"
            self._occupy(True)

    def _perform(self, act: Callable[[Session, float], Sequence[object]]) -> None:
        if self.session is not None and not self.ended:
            self.exchange.stack.perform(self.session, act)

    def _end(self, cause: str, by: str, status: int | None) -> None:
        if self.ended:
            return
        self.ended = True
        self.cause = cause
        self._settle_move(None)
        self._occupy(False)
        self.exchange.spawn(self._close(cause, by, status))
        self.listener(events.LegEnded(self, cause, by, status))

    def _occupy(self, busy: bool) -> None:
        """A phone that talks or rings is not free for a queue, unless the queue itself rings it."""
        kind, _, number = self.target.partition(":")
        if kind == "phone" and self.role != "agent" and busy != self._occupying:
            self._occupying = busy
            self.exchange.phone_busy(number, busy)

    async def _close(self, cause: str, by: str, status: int | None) -> None:
        """Give ports and row back and write down how the leg fared."""
        if self._opening is not None:
            await self._opening
        quality = await self._sound.close()
        self.exchange.legs.pop(self.name, None)
        self.journal.note(
            fact.LegEnded, leg=self.name, cause=cause, by=by, status=status, quality=dict(quality) if quality else None
        )
        if not self.finished.done():
            self.finished.set_result(None)

    # ---- what the session and the media engine tell ----------------------------------------------------------

    def _hear(self, event: object) -> None:
        """Events of the session."""
        match event:
            case told.Progressed(status, sdp):
                early = sdp is not None and self._sound.take_answer(sdp)
                if status in (180, 183):
                    self.journal.note(fact.LegRinging, leg=self.name)
                self.listener(events.LegProgressed(self, status, early))
            case told.Answered(sdp, _):
                self._be_answered(sdp)
            case told.Refused(status, _, _):
                self._end("refused", "remote", status)
            case told.Acknowledged(sdp):
                self._take_late_answer(sdp)
            case told.Offered(sdp):
                self._reanswer(sdp)
            case told.OfferAnswered(sdp):
                self._settle_move(sdp)
            case told.OfferRefused():
                self._settle_move(None)
            case told.InfoReceived(content_type, body):
                for digit in info.digits_of(content_type, body):
                    self.listener(events.DigitPressed(self, digit, "info"))
            case told.Referred(request):
                self._answer_refer(request)
            case told.Ended(by, cause, status, _):
                self._end(cause, by, status)

    def hear_media(self, event: MediaEvent) -> None:
        """Events of the media engine about this leg."""
        match event:
            case Digit(digit=digit, method=method):
                self.listener(events.DigitPressed(self, digit, method))
            case CallProgress(kind=kind, seconds=seconds):
                self._hear_signal(kind, seconds)
            case PlaybackFinished(token=token):
                self.listener(events.PlaybackEnded(self, token))
            case PlaybackFailed(token=token, text=text):
                log.warning("prompt not played", leg=self.name, error=text)
                self.listener(events.PlaybackEnded(self, token, text))
            case MediaSilent():
                if not self.held:
                    self.listener(events.MediaLost(self, "media_silent"))

    def _hear_signal(self, kind: str, seconds: float) -> None:
        """Busy tone says what SIP did not: an unanswered leg is refused, and in an answered one nobody is left."""
        if self.ended or kind not in self.exchange.plan.signals_of(self.target):
            return
        if kind in ANSWERERS and (self.role == "caller" or not self.answered):
            return
        if kind not in self._signals:
            self._signals.add(kind)
            self.journal.note(fact.SignalHeard, leg=self.name, signal=kind, seconds=seconds)
        if kind != "busy":
            return
        if not self.answered and self.role != "caller":
            self.hangup(USER_BUSY, cause="busy", status=486)
            return
        if self.answered and seconds >= BUSY_AFTER_ANSWER:
            self.listener(events.MediaLost(self, "busy_tone"))

    def _answer_refer(self, request: Request) -> None:
        try:
            status = self.be_referred(self, request)
        except SipError as error:
            status = error.status or 400
        self._perform(lambda session, now: session.answer_refer(status, now))

    def lose_media(self) -> None:
        """The media worker is gone, and the sound of this leg with it."""
        self.listener(events.MediaLost(self, "media_lost"))

    def _be_answered(self, sdp: bytes | None) -> None:
        self.answered = True
        if sdp is None or not self._sound.take_answer(sdp):
            log.info("answer not acceptable", leg=self.name)
            self.hangup(NOT_ACCEPTABLE, cause="error")
            return
        self._sound.settle_offer()
        self._sound.listen()  # who answers is told by what comes first
        self.journal.note(fact.LegAnswered, leg=self.name)
        self.listener(events.LegAnswered(self))

    def _take_late_answer(self, sdp: bytes | None) -> None:
        """The ACK of a 2xx that carried our offer (RFC 3261 section 13.2.1)."""
        if not self._sound.waits_for_answer:
            return
        if sdp is None or not self._sound.take_answer(sdp):
            self.hangup(NOT_ACCEPTABLE, cause="error")
        self._sound.settle_offer()

    def _settle_move(self, sdp: bytes | None) -> None:
        if self._moving is not None and not self._moving.done():
            self._moving.set_result(sdp)

    def _reanswer(self, sdp: bytes | None) -> None:
        """A re-INVITE or UPDATE of the phone: hold, resume, another address (RFC 3264 section 8)."""
        if not self._sound.is_open:
            self._perform(lambda session, now: session.refuse_offer(488, now))
            return
        if sdp is None:
            offer = self._sound.offer()
            self._perform(lambda session, now: session.answer_offer(offer, now))
            return
        try:
            answer, negotiated = self._sound.answer_again(sdp)
        except SipError as error:
            status, headers = error.status or 488, (warning_of(error),)
            self._perform(lambda session, now: session.refuse_offer(status, now, headers))
            return
        self._perform(lambda session, now: session.answer_offer(answer, now))
        self._sound.apply(negotiated)


def warning_of(error: SipError) -> tuple[str, str]:
    """The Warning header that tells why an offer was refused (RFC 3261 section 20.43)."""
    if isinstance(error, NotAcceptable):
        return "Warning", error.warning
    return "Warning", NotAcceptable(error.reason, 399).warning


def _forbidden(leg: Leg, request: Request) -> int:
    """A leg of no call leads nobody elsewhere."""
    return 403


def _nobody(event: events.Event) -> None:
    """Hears the events of a leg that nobody listens to."""
