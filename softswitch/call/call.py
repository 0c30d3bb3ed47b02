"""The life of one call, from the first INVITE to the last BYE."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from media.client import MediaClient
from media.errors import MediaError
from softswitch.call import agent_codes, conference, connection, services, supervision, transfer
from softswitch.call.destination import (
    Destination,
    Hangup,
    Refuse,
    ToAgentCode,
    ToConference,
    ToGroup,
    ToLeg,
    ToMenu,
    ToPhone,
    ToPrompt,
    ToQueue,
    ToSupervision,
    ToTone,
    ToTrunk,
    ToVoicemail,
)
from softswitch.call.errors import CallerGone, NoSuchDestination
from softswitch.call.events import Event, LegEnded, LegTaken, MediaLost, SupervisionOver, TransferAsked
from softswitch.call.inbox import Inbox
from softswitch.call.journal import Journal
from softswitch.call.leg import Leg, warning_of
from softswitch.call.policy import Recorded
from softswitch.call.router import Origin
from softswitch.call.target import CallerId
from softswitch.records import events as fact
from softswitch.sip.errors import SipError
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer

if TYPE_CHECKING:
    from softswitch.call.exchange import Exchange
    from softswitch.call.supervision import Supervision
    from softswitch.call.taping import Taping
    from softswitch.call.transfer import Transfer

log = structlog.get_logger("call")

MAX_HOPS = 20  # destinations that one call may pass through: a loop of queues and menus ends here
MAX_INBOX = 1000


class Call:
    """A caller, whoever he talks to, and an inbox."""

    def __init__(self, exchange: "Exchange", name: str, origin: Origin, called: str, journal: Journal) -> None:
        self.exchange = exchange
        self.id = name
        self.origin = origin
        self.called = called
        self.journal = journal
        self.state = "routing"
        """What the caller is doing, for `softswitch status`: ringing, menu:main, queue:support, talking ..."""
        self.started = exchange.clock()
        self.caller = Leg(self, f"{name}-1", "caller", str(origin))
        self.legs: list[Leg] = [self.caller]
        self.record: Recorded | None = None
        """How the route that it came by wants it recorded."""
        self.warned = False
        """Whether the caller was told that he is not recorded."""
        self.partner: Leg | None = None
        """Whoever the caller talks to."""
        self.room = ""
        """Where the caller talks just now: a room of the media engine."""
        self.sought = called
        """The extension that the caller wants to reach, wherever it leads him."""
        self.authority = origin
        """By whose rights the call goes where it goes: the caller's, or those of the last who sent it on."""
        self.transfer: Transfer | None = None
        """The transfer that is under way."""
        self.giving = False
        """Whether one of the two who talk is just being taken over by another call."""
        self.transfers = 0
        self.recalled = False
        """Whether a transferor was rung because nobody took the one whom he had left."""
        self.supervisions: list[Supervision] = []
        """Supervisors beside this call."""
        self.taping: Taping | None = None
        """The recording of the talk that goes on."""
        self._names = 1
        self._inbox: Inbox[Event] = Inbox(exchange.loop, MAX_INBOX)
        self.caller.listener = self.deliver
        self.caller.origin = origin
        self.caller.be_referred = self._decide_transfer

    def deliver(self, event: Event) -> None:
        """Put an event into the inbox."""
        if not self._inbox.put(event):
            log.warning("inbox full", call=self.id)
            self.caller.hangup(cause="error")

    async def next(self, timeout: float | None = None) -> Event | None:
        """The next event, or None when `timeout` seconds have passed. Raises CallerGone.

        A caller who has gone is noticed here, whatever the call is doing, and nowhere else.
        """
        if self.caller.ended:
            raise CallerGone(self.caller.cause)
        event = await self._inbox.get(timeout)
        if isinstance(event, LegEnded) and event.leg is self.caller:
            raise CallerGone(event.cause)
        if isinstance(event, MediaLost) and event.leg is self.caller:
            self.caller.hangup(cause=event.cause)
            raise CallerGone(event.cause)
        if isinstance(event, LegTaken):
            raise CallerGone("transferred")
        return event

    @property
    def caller_id(self) -> CallerId:
        """Who calls, as shown to whoever is called."""
        return CallerId(self.origin.number, self.origin.display)

    @property
    def hops_left(self) -> int:
        """Max-Forwards for the legs that we send (RFC 3261 section 16.6, item 3)."""
        return max(0, self._max_forwards - 1)

    @property
    def has_hops_left(self) -> bool:
        """Whether the call may go on to anybody else."""
        return self._max_forwards > 0

    @property
    def _max_forwards(self) -> int:
        session = self.caller.session
        received = session.invite.max_forwards if session else None
        return 70 if received is None else received

    def new_leg(self, role: str, target: str) -> Leg:
        """A leg to somebody, on behalf of this call."""
        self._names += 1
        leg = Leg(self, f"{self.id}-{self._names}", role, target)
        leg.be_referred = self._decide_transfer
        self.legs.append(leg)
        return leg

    async def go_to(self, media: MediaClient) -> bool:
        """Have the caller carried by this media worker; whether that is so. Raises CallerGone."""
        try:
            await self.caller.move(media)
        except MediaError as error:
            log.warning("not moved", leg=self.caller.name, error=str(error))
            return False
        finally:
            if self.caller.ended:
                raise CallerGone(self.caller.cause)
        return True

    def partner_of(self, leg: Leg) -> Leg | None:
        """Whoever talks to a leg of this call, if both are there."""
        if self.partner is None or self.partner.ended or self.caller.ended:
            return None
        return {self.caller: self.partner, self.partner: self.caller}.get(leg)

    def release(self, leg: Leg) -> None:
        """Give one of the two who talk here to another call: this one is over, and whoever is left is hung up."""
        leg.stop_playing()
        leg.media.leave(leg.name)
        self.journal.note(fact.LegEnded, leg=leg.name, cause="transferred", by="remote", status=None, quality=None)
        self.legs.remove(leg)
        self.partner = None
        self.deliver(LegTaken(leg))

    def adopt(self, leg: Leg) -> None:
        """Take a leg in that another call has released."""
        leg.be_referred = self._decide_transfer
        self.legs.append(leg)
        leg.join(self)

    def put_first(self, leg: Leg) -> None:
        """Go on with this leg as the caller."""
        self.caller, self.origin = leg, self.exchange.origin_of(leg)

    def begin_transfer(self, begun: "Transfer") -> None:
        """One of the two who talk has the other led elsewhere. Whoever remains is the caller from this moment on."""
        self.transfer = begun
        self.transfers += 1
        if begun.transferor is self.caller and self.partner is not None:
            begun.was_caller = True
            self.put_first(self.partner)
        self.partner = begun.transferor
        self.deliver(TransferAsked(begun))

    def give_up_transfer(self) -> None:
        """The talk is over before anybody was led elsewhere."""
        if self.transfer is not None:
            self.transfer.transferor.notify_referral(487)
            self.transfer = None

    def _decide_transfer(self, leg: Leg, request: Request) -> int:
        return transfer.ask(self, leg, request)

    async def reach(self, destination: ToPhone | ToGroup | ToTrunk, progress: Callable[[int], None]) -> Destination:
        """Ring somebody on behalf of this call: `ToLeg` when he answered, else where it goes instead."""
        return await connection.reach(self, destination, progress)

    def headers_to(self, target: str) -> list[tuple[str, str]]:
        """What a phone that is called for this call is told of a transfer; trunks hear nothing of what is inside."""
        inside = self.transfer is not None and target.startswith("phone:")
        return self.transfer.headers(self.exchange.domain) if self.transfer is not None and inside else []

    def end_conversation(self) -> None:
        """The caller talks no more; whoever supervised it is told."""
        for one in list(self.supervisions):
            one.end()
            one.call.deliver(SupervisionOver(one))
        self.partner, self.room = None, ""

    async def run(self, peer: Peer) -> None:
        """Live the call."""
        cause, status = "bye", None
        try:
            destination = self.exchange.route(self.origin, self.called)
            self.record = self.exchange.route_record(self.origin, self.called)
            if isinstance(destination, Refuse):
                cause, status = await self._dismiss(destination)
                return
            await self.caller.open(peer)
            if self.caller.ended:
                raise CallerGone(self.caller.cause)  # noqa: TRY301
            self.caller.negotiate()
            cause, status = await self._follow(destination)
        except CallerGone as gone:
            cause = str(gone) or "bye"
        except SipError as error:
            status = error.status or 488
            self.caller.refuse(status, headers=[warning_of(error)])
            cause = "refused"
        except MediaError as error:
            log.error("no media", call=self.id, error=str(error))
            status, cause = 503, "no_media"
            self.caller.refuse(503, headers=[("Retry-After", "10")])
        finally:
            await self._finish(cause, status)

    async def _follow(self, destination: Destination) -> tuple[str, int | None]:
        """Go from destination to destination until the call is over: its cause and status."""
        hops, transfers = 0, 0
        while hops < MAX_HOPS:
            hops += 1
            if transfers != self.transfers:
                hops, transfers = 0, self.transfers  # people who lead it on are no loop
            match destination:
                case Hangup(cause):
                    self.caller.hangup(cause=cause)
                    return cause, None
                case Refuse():
                    return await self._dismiss(destination)
            destination = await self._visit(destination)
        log.warning("too many hops", call=self.id)
        return await self._dismiss(Refuse(482))

    async def _visit(self, destination: Destination) -> Destination:
        """Be at one destination; where the call goes from there."""
        exchange = self.exchange
        try:
            match destination:
                case ToPhone() | ToGroup() | ToTrunk():
                    return await connection.connect(self, destination)
                case ToLeg(leg, record):
                    return await connection.talk(self, leg, record=record)
                case ToMenu(name):
                    return await exchange.menus.run(self, name)
                case ToQueue(name):
                    return await exchange.queues.wait(self, name)
                case ToConference(name):
                    return await conference.conference(self, name)
                case ToTone(name):
                    return await services.tone(self, name)
                case ToPrompt(name, then):
                    return await services.prompt(self, name, then)
                case ToVoicemail():
                    return await exchange.voicemail(self, destination)
                case ToAgentCode():
                    return await agent_codes.agent_code(self, destination)
                case ToSupervision():
                    return await supervision.supervise(self, destination)
        except NoSuchDestination as error:
            log.error("no such destination", call=self.id, error=str(error))
        return Refuse(404)

    async def _dismiss(self, refusal: Refuse) -> tuple[str, int | None]:
        """Refuse a caller who was not answered; tell one who was, and hang up."""
        if not self.caller.answered:
            self.caller.refuse(refusal.status, headers=refusal.headers)
            return "refused", refusal.status
        tone = "busy" if refusal.status in (486, 600) else "congestion"
        await services.tone(self, tone, seconds=4.0)
        self.caller.hangup(cause="refused")
        return "refused", refusal.status

    async def _finish(self, cause: str, status: int | None) -> None:
        """Every leg is gone, every port back, the last line written."""
        for leg in self.legs:
            leg.hangup()
        for leg in self.legs:
            await leg.finished
        self.journal.note(fact.CallEnded, cause=cause, status=status)
