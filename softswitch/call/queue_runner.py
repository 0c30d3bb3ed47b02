"""Runs the queue engine for live callers: its orders become ringing, music and talk, and what happens goes back."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from acd import commands, events
from acd.agent import Agent, PauseReason
from acd.engine import Engine
from acd.queue import QueueSettings
from media.protocol import Sound
from softswitch.call.connection import talk
from softswitch.call.customer import find_customer, identity
from softswitch.call.destination import Destination, Refuse, read
from softswitch.call.errors import CallerGone, NoSuchDestination
from softswitch.call.events import (
    DigitPressed,
    Event,
    LegEnded,
    PlaybackEnded,
    QueueOrdered,
    RingAnswered,
    RingFailed,
    RingProgressed,
)
from softswitch.call.leg import Leg
from softswitch.call.plan import Queue
from softswitch.call.policy import Recorded, choose
from softswitch.call.ring import Ring
from softswitch.call.target import Target
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Exchange

log = structlog.get_logger("call.queue")

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'  # RFC 3326
OUTCOMES = {"answered_elsewhere": "lost_race", "caller_gone": "caller_gone", "timeout": "no_answer",
            "agent_gone": "withdrawn"}  # fmt: skip
BUSY = frozenset((486, 600))
GONE = frozenset((404, 408, 410, 480, 488, 500, 502, 503, 504))


class Attempt:
    """One offer of the engine while it rings."""

    def __init__(self, offer: commands.Offer, call: "Call") -> None:
        self.offer = offer
        self.call = call
        self.ring: Ring | None = None
        self.leg: Leg | None = None
        self.mobile: str | None = None
        """Where else the agent can be rung, until that was tried."""


class QueueRunner:
    """Every queue of the configuration, on one engine."""

    def __init__(self, exchange: "Exchange", engine: Engine) -> None:
        self._exchange = exchange
        self.engine = engine
        self._calls: dict[str, Call] = {}
        self._attempts: dict[int, Attempt] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._mobiles: set[str] = set()
        """Agents with a mobile: within reach, and not busy, whatever their desk phones say."""
        self.changed = False
        """Whether anything happened since the last save."""

    # ---- a caller ---------------------------------------------------------------------------------------------

    async def wait(self, call: "Call", queue: str) -> Destination:
        """Wait in a queue and talk to an agent; where the call goes from there. Raises NoSuchDestination."""
        settings = self._exchange.plan.queues.get(queue)
        if settings is None:
            raise NoSuchDestination(f"queue:{queue}")
        if not await self._may_come_in(call, settings.record):
            return Refuse(503, (("Retry-After", "60"),))
        call.caller.answer()
        call.state = f"queue:{queue}"
        self._calls[call.id] = call
        call.journal.note(fact.QueueJoined, queue=queue, position=self._line(queue))
        self.handle(self._joining(call, queue))
        try:
            return await self._listen(call, queue)
        except CallerGone:
            if self._calls.pop(call.id, None) is not None:  # he was still waiting
                self._abandon(call, queue)
            raise
        finally:
            self._calls.pop(call.id, None)
            for lease in [lease for lease, attempt in self._attempts.items() if attempt.call is call]:
                del self._attempts[lease]  # the engine has withdrawn them; the legs end with their call

    def _joining(self, call: "Call", queue: str) -> events.CallerJoined:
        """What the queue is told of a caller: who he is, and what he is entitled to."""
        customer = find_customer(self._exchange.plan.customers, call.origin.number)
        return events.CallerJoined(
            call.id,
            queue,
            customer.priority,
            requires=(customer.requires,) if customer.requires else (),
            customer=identity(call.origin.number),
            preferred=customer.managers,
        )

    def _abandon(self, call: "Call", queue: str) -> None:
        """The caller hung up while he waited, perhaps in the moment an agent answered: that counts as not answered."""
        for lease, attempt in list(self._attempts.items()):
            if attempt.call is call and attempt.leg is not None:
                self.handle(events.ConnectFailed(lease))
        self.handle(events.CallerLeft(call.id))
        call.journal.note(fact.QueueLeft, queue=queue, outcome="abandoned")

    async def _listen(self, call: "Call", queue: str) -> Destination:
        settings = self._exchange.plan.queues[queue]
        music = settings.music
        voice = settings.voice
        self._play_music(call, music)
        greeting = [said for said in (voice.greeting, voice.not_recorded if call.warned else voice.recorded) if said]
        if greeting:
            self._exchange.spawn(self._say(call, self._exchange.speech.sounds(greeting)))
        while True:
            match await call.next():
                case QueueOrdered(command):
                    leads_to = await self._obey(call, queue, command)
                    if leads_to is not None:
                        return leads_to
                case PlaybackEnded(leg, "queue", _) if leg is call.caller:
                    self._play_music(call, music)
                case DigitPressed(leg, digit, _) if leg is call.caller and digit in settings.exits:
                    self.handle(events.CallerMoved(call.id, settings.exits[digit]))

    async def _obey(self, call: "Call", queue: str, command: object) -> Destination | None:
        """Do what the engine wants for this caller; where the call goes when it leaves the queue."""
        match command:
            case commands.Connect():
                return await self._talk(call, command)
            case commands.Announce():
                self._exchange.spawn(self._say(call, self._exchange.speech.announcement(queue, command)))
            case commands.LeaveQueue(_, left, outcome, destination):
                call.journal.note(fact.QueueLeft, queue=left, outcome=outcome)
                if destination is None:
                    return Refuse(480)
                return read(destination, "", call.origin.name)
        return None

    async def _say(self, call: "Call", spoken: Awaitable[list[Sound]]) -> None:
        """Play a sentence as soon as it has been spoken, if the caller waits still; an agent waits for no voice."""
        state = call.state
        sounds = await spoken
        if sounds and self._calls.get(call.id) is call and call.state == state and not call.caller.ended:
            call.caller.play(sounds, "queue")

    def _line(self, queue: str) -> int:
        """How many wait in a queue."""
        return sum(call.state == f"queue:{queue}" for call in self._calls.values())

    def _play_music(self, call: "Call", music: str | None) -> None:
        call.caller.play(self._exchange.music(music), "music", repeat=True)

    async def _talk(self, call: "Call", connect: commands.Connect) -> Destination | None:
        """Caller and agent talk. None: the agent was gone already, and the caller waits on."""
        attempt = self._attempts.pop(connect.lease, None)
        leg = attempt.leg if attempt is not None else None
        if leg is None or leg.ended:
            self.handle(events.ConnectFailed(connect.lease))
            return None
        queue = connect.queue
        leg.listener = call.deliver
        call.journal.note(fact.OfferEnded, queue=queue, agent=connect.agent, outcome="answered")
        call.journal.note(fact.AgentConnected, queue=queue, agent=connect.agent, wait=connect.wait)
        call.journal.note(fact.QueueLeft, queue=queue, outcome="answered")
        self._calls.pop(call.id, None)
        settings = self._exchange.plan.queues.get(queue)  # None: a reload has taken it away
        try:
            return await talk(call, leg, record=self._recorded(call, settings, connect.agent), queue=queue)
        finally:
            self.handle(events.ContactEnded(connect.agent, call.id))

    async def _may_come_in(self, call: "Call", record: Recorded | None) -> bool:
        """See beforehand whether a caller can be recorded, where that matters; he is refused before he is answered."""
        if record is None or record.unwritable == "go_on" or not record.takes(call.id):
            return True
        trouble = await self._exchange.recordings.store.check()
        if trouble is None:
            return True
        call.journal.note(fact.RecordingRefused, reason=trouble)
        call.warned = record.unwritable == "announce"
        return call.warned

    def _recorded(self, call: "Call", queue: Queue | None, agent: str) -> Recorded | None:
        """How a talk with an agent is recorded: as the queue says, the agent in it, his phone, or the caller's way."""
        phone = self._exchange.plan.phones.get(agent)
        said = [] if queue is None else [queue.record, queue.agents_record.get(agent)]
        said += [phone.record if phone is not None else None, *self._exchange.record_of(call)]
        return choose(said, call.id)

    # ---- the engine -------------------------------------------------------------------------------------------

    def handle(self, event: events.Event) -> None:
        """Tell the engine what happened and do what it wants."""
        self.changed = True
        self._execute(self.engine.handle(event, self._exchange.clock()))

    def _execute(self, orders: Iterable[commands.Command]) -> None:
        for order in orders:
            match order:
                case commands.Offer():
                    self._offer(order)
                case commands.Withdraw(lease, reason):
                    self._withdraw(lease, reason)
                case commands.Explain(record):
                    log.debug("explained", record=record)
                case commands.PauseAgent(agent, reason):
                    log.warning("agent paused", agent=agent, reason=reason)
                case commands.PromiseBroken(caller, queue, promised):
                    if caller in self._calls:
                        self._calls[caller].journal.note(fact.PromiseBroken, queue=queue, promised=promised)
                case commands.PauseRefused(agent, reason, holders):
                    log.info("break refused", agent=agent, reason=reason, holders=holders)
                case commands.PauseOverdue(agent, reason, limit):
                    log.warning("break too long", agent=agent, reason=reason, limit=limit)
                case commands.Disposed(agent, caller, queue, code):
                    log.info("disposition", agent=agent, call=caller, queue=queue, code=code)
                case commands.ReserveOpened(queue, tier, waiting, longest):
                    log.warning("reserve opened", queue=queue, tier=tier, waiting=waiting, longest_wait=longest)
                case commands.ReserveClosed(queue, tier, waiting):
                    log.info("reserve closed", queue=queue, tier=tier, waiting=waiting)
                case commands.Connect() | commands.Announce() | commands.LeaveQueue():
                    call = self._calls.get(order.caller)
                    if call is not None:
                        call.deliver(QueueOrdered(order))
        self._set_timer()

    def _set_timer(self) -> None:
        deadline = self.engine.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self._exchange.loop.call_at(deadline, self._ring_timer)

    def _ring_timer(self) -> None:
        self._timer = None
        self._execute(self.engine.handle_timer(self._exchange.clock()))

    def adopt(
        self, queues: Iterable[QueueSettings], agents: Iterable[Agent], pauses: Iterable[PauseReason] = ()
    ) -> None:
        """Other settings from now on; callers keep their places. Raises SettingsError, with nothing changed."""
        staff = tuple(agents)
        self.handle(events.SettingsChanged(tuple(queues), staff, pauses=tuple(pauses)))
        mobiles = set(self._exchange.plan.mobiles)
        for agent in staff:
            if agent.id in mobiles ^ self._mobiles:
                self.handle(events.AgentReachable(agent.id, agent.reachable))
                self.handle(events.AgentBusy(agent.id, agent.id not in mobiles and self._exchange.is_busy(agent.id)))
        self._mobiles = mobiles

    def agent(self, number: str) -> dict[str, Any] | None:
        """An agent as the engine sees him; None when the extension is no agent."""
        return self.engine.agent(number)

    def save(self) -> dict[str, Any]:
        """What is to be kept over a restart."""
        self.changed = False
        return self.engine.save(self._exchange.clock())

    def restore(self, saved: dict[str, Any], elapsed: float) -> None:
        """Take up what was saved so many seconds ago, before the first call. Raises ValueError when it is not that."""
        try:
            self.engine.restore(saved, elapsed)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a state of queues: {error!r}") from error
        self._set_timer()

    def close(self) -> None:
        """No timer is left behind."""
        if self._timer is not None:
            self._timer.cancel()

    def phone_busy(self, number: str, busy: bool) -> None:
        """An extension is on a call that no queue gave it, or that call is over."""
        if number not in self._mobiles:
            self.handle(events.AgentBusy(number, busy))

    def phone_reachable(self, number: str, reachable: bool) -> None:
        """An extension has registered, or its last registration is gone."""
        if number not in self._mobiles:
            self.handle(events.AgentReachable(number, reachable))

    # ---- offers -----------------------------------------------------------------------------------------------

    def _offer(self, offer: commands.Offer) -> None:
        call = self._calls.get(offer.caller)
        if call is None:
            return
        attempt = self._attempts[offer.lease] = Attempt(offer, call)
        attempt.mobile = self._exchange.plan.mobiles.get(offer.agent)
        call.journal.note(fact.AgentOffered, queue=offer.queue, agent=offer.agent)
        if attempt.mobile is not None and self._exchange.is_busy(offer.agent):
            self._ring_mobile(attempt)
            return
        self._ring(attempt, offer.agent, self._exchange.phone_targets(offer.agent))

    def _may_ring_mobile(self, attempt: Attempt, status: int) -> bool:
        return attempt.mobile is not None and attempt.offer.lease in self._attempts and status in BUSY | GONE

    def _ring_mobile(self, attempt: Attempt) -> None:
        """The desk phone is busy or unreachable: ring the agent elsewhere, for the same offer."""
        text, attempt.mobile = attempt.mobile, None
        step = self._exchange.trunk_step(attempt.call, text) if text is not None else None
        self._ring(attempt, step.called if step else "", step.targets if step else [])

    def _ring(self, attempt: Attempt, called: str, targets: Sequence[Target]) -> None:
        attempt.ring = Ring(attempt.call, "agent", targets, lambda event: self._hear(attempt, event))
        self._exchange.spawn(attempt.ring.start(called, self._preferred(attempt.call)))

    def _preferred(self, call: "Call") -> list[str]:
        codec = call.caller.codec
        return [codec] if codec else []

    def _hear(self, attempt: Attempt, event: Event) -> None:
        lease = attempt.offer.lease
        match event:
            case RingProgressed():
                self.handle(events.OfferRinging(lease))
            case RingAnswered(_, leg):
                attempt.leg = leg
                leg.listener = lambda happened: self._hear_answered(attempt, happened)
                self.handle(events.OfferAnswered(lease))
            case RingFailed(_, status) if self._may_ring_mobile(attempt, status):
                self._ring_mobile(attempt)
            case RingFailed(_, status):
                self._attempts.pop(lease, None)
                self._fail(attempt, status)

    def _hear_answered(self, attempt: Attempt, event: Event) -> None:
        """The agent answered, and the caller's call has not taken the leg over yet."""
        if isinstance(event, LegEnded):
            log.info("agent gone before connect", agent=attempt.offer.agent)

    def _fail(self, attempt: Attempt, status: int) -> None:
        offer = attempt.offer
        outcome, event = _outcome(status, offer.lease)
        attempt.call.journal.note(fact.OfferEnded, queue=offer.queue, agent=offer.agent, outcome=outcome)
        self.handle(event)

    def _withdraw(self, lease: int, reason: str) -> None:
        attempt = self._attempts.pop(lease, None)
        if attempt is None:
            return
        offer = attempt.offer
        outcome = OUTCOMES.get(reason, reason)
        attempt.call.journal.note(fact.OfferEnded, queue=offer.queue, agent=offer.agent, outcome=outcome)
        header = ELSEWHERE if reason == "answered_elsewhere" else None
        if attempt.ring is not None:
            attempt.ring.cancel(header, outcome)
        if attempt.leg is not None:
            attempt.leg.hangup(header, outcome)


def _outcome(status: int, lease: int) -> tuple[str, events.Event]:
    """What a phone's refusal means: busy, gone, or the agent pressed reject."""
    if status in BUSY:
        return "busy", events.OfferBusy(lease)
    if status in GONE:
        return "unreachable", events.OfferFailed(lease)
    return "rejected", events.OfferRejected(lease)
