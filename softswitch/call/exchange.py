"""What all calls share: the stack, the media engine, the phones' whereabouts, the plan, and the list of calls."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from media.protocol import ActiveTalker, MediaEvent, RecordingFailed, RecordingResumed, Sound, WorkerLost
from softswitch.call import conference
from softswitch.call.call import Call
from softswitch.call.destination import Destination, Refuse, ToGroup, ToPhone, ToTrunk, ToVoicemail, read
from softswitch.call.errors import NoSuchDestination
from softswitch.call.info import KeyMode
from softswitch.call.journal import Journal
from softswitch.call.leg import Leg
from softswitch.call.menu_runner import MenuRunner
from softswitch.call.pager import Pager
from softswitch.call.plan import Phone, Plan, Room, Trunk
from softswitch.call.policy import Recorded, choose
from softswitch.call.pool import MediaPool
from softswitch.call.queue_runner import QueueRunner
from softswitch.call.recordings import Recordings
from softswitch.call.room_tape import RoomTape
from softswitch.call.router import Origin, Router
from softswitch.call.speech import Speech
from softswitch.call.target import Target
from softswitch.call.watching import Watching
from softswitch.core.location import Location, address_of_record
from softswitch.dialog.session import Session
from softswitch.records import events as fact
from softswitch.sip.crypto import SrtpPolicy
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri
from softswitch.stack import Stack
from softswitch.transport.local_address import advertised
from softswitch.transport.tls import PROTECTED

log = structlog.get_logger("call.exchange")

CLOSE_WITHIN = 8.0  # seconds for calls to end when the switch stops


class MessageLamps(Protocol):
    """Whoever tells phones about waiting messages."""

    def subscribe(self, request: Request, peer: Peer, number: str) -> Response:
        """Answer a SUBSCRIBE of an extension that has proved who it is."""

    def changed(self, number: str) -> None:
        """Messages of an extension came or went."""


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt on the way to a destination: these contacts at once, for so long."""

    name: str
    targets: list[Target]
    called: str
    timeout: float
    record: Recorded | None = None
    unreachable: int = 480


class Exchange:
    """The switchboard: every live call, and what they need."""

    def __init__(
        self,
        stack: Stack,
        media: MediaPool,
        location: Location,
        speech: Speech,
        recordings: Recordings,
        append: Callable[[str, fact.Event], None],
        *,
        clock: Callable[[], float],
        locate: Callable[[Peer], Awaitable[Sequence[Peer]]],
        wall: Callable[[], float] = time.time,
        node: str = "",
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.stack = stack
        self.media = media
        self.location = location
        self.speech = speech
        self.recordings = recordings
        self.clock = clock
        self.locate = locate
        """The addresses of a peer whose host may be a name, best first."""
        self.avoid: Callable[[Peer], None] = lambda peer: None
        """Is told of an address that did not take a call."""
        self.wall = wall
        self.plan = Plan()
        self.zone = ZoneInfo("UTC")
        self.router: Router | None = None
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, Leg] = {}
        self.name_leg: Callable[[str, str], None] = lambda leg, call_id: None
        """Is told the Call-ID of every leg."""
        self.room_tapes: dict[str, RoomTape] = {}
        """Recordings of the conference rooms that are being recorded, by name."""
        self.draining = False
        self.ended_calls = 0
        self.menus: MenuRunner
        self.message_waiting: MessageLamps
        self.watching = Watching(self)
        self.pager: Pager
        self.voicemail: Callable[[Call, ToVoicemail], Coroutine[Any, Any, Destination]]
        self.queues: QueueRunner
        self._write = append
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._number = 0
        self._node = node or f"{int(wall() * 1000):x}"

    # ---- calls ------------------------------------------------------------------------------------------------

    def begin(self, session: Session, origin: Origin, peer: Peer) -> Call:
        """A new call has come in."""
        self._number += 1
        called = session.invite.uri.user or ""
        journal = Journal(f"{self._node}-{self._number}", self._append, self.clock, self.wall)
        call = Call(self, journal.call, origin, called, journal)
        journal.note(
            fact.CallStarted, call=call.id, caller_number=origin.number, caller_name=origin.display,
            called_number=called, origin=str(origin), source=str(peer),
        )  # fmt: skip
        call.caller.accept(session)
        self.calls[call.id] = call
        self.spawn(self._live(call, peer))
        return call

    def _append(self, call: str, event: fact.Event) -> None:
        """A fact of a call: for its record, and for who watches the phones in it."""
        self._write(call, event)
        self.watching.note(call, event)

    async def _live(self, call: Call, peer: Peer) -> None:
        try:
            await call.run(peer)
        finally:
            self.calls.pop(call.id, None)
            self.ended_calls += 1

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; what goes wrong in it is logged."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("bug", exc_info=task.exception())

    async def close(self) -> None:
        """Hang up every call and wait until the last line of each is written, but not for ever."""
        self.draining = True
        for call in list(self.calls.values()):
            call.caller.hangup(cause="shutdown")
        deadline = self.loop.time() + CLOSE_WITHIN
        while self._tasks and self.loop.time() < deadline:
            await asyncio.wait(self._tasks, timeout=1.0)
        if self._tasks:
            log.error("work that does not end is cancelled", tasks=[str(task.get_coro()) for task in self._tasks][:5])
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.watching.close()
        self.queues.close()

    # ---- where to ---------------------------------------------------------------------------------------------

    @property
    def domain(self) -> str:
        """What stands after the @ in our addresses."""
        return self.plan.domain

    @property
    def codecs(self) -> tuple[str, ...]:
        """Codecs that we speak, the better liked first."""
        return self.plan.codecs

    @property
    def rooms(self) -> Mapping[str, Room]:
        """Conference rooms by name."""
        return self.plan.rooms

    def find_dialog(self, call_id: str, local_tag: str, remote_tag: str) -> Leg | None:
        """The leg whose dialog this is, the tags seen from us."""
        legs = self.legs.values()
        return next((leg for leg in legs if leg.is_dialog(call_id, local_tag, remote_tag) and not leg.ended), None)

    def wall_time(self) -> datetime:
        """The time of day."""
        return datetime.fromtimestamp(self.wall(), self.zone)

    def route(self, origin: Origin, called: str) -> Destination:
        """Where a call goes."""
        if self.draining or len(self.calls) > self.plan.max_calls or self.router is None:
            return Refuse(503, (("Retry-After", "10"),))
        try:
            return self.router.route(origin, called, self.wall_time())
        except NoSuchDestination as error:
            log.error("route leads nowhere", called=called, error=str(error))
            return Refuse(404)

    def route_record(self, origin: Origin, called: str) -> Recorded | None:
        """How the route of a call, if it comes by one, wants it recorded."""
        return self.router.record(origin, called) if self.router is not None else None

    def phone_targets(self, number: str) -> list[Target]:
        """Every contact that is registered for an extension."""
        aor = address_of_record(number, self.plan.domain)
        return [
            Target(f"phone:{number}", Uri.parse(binding.contact), binding.received)
            for binding in self.location.bindings(aor, self.wall())
        ]

    def steps(self, call: Call, destination: ToPhone | ToGroup | ToTrunk) -> list[Step]:
        """The attempts that lead to a destination, in order. Raises NoSuchDestination."""
        plan = self.plan
        match destination:
            case ToPhone(number):
                phone = plan.phones.get(number)
                if phone is None:
                    raise NoSuchDestination(f"phone:{number}")
                return [self._phone_step(call, phone, phone.ring_timeout or plan.ring_timeout)]
            case ToGroup(name):
                return self._group_steps(call, name)
            case ToTrunk(name, number):
                return [self._trunk_step(call, name, number)]

    def is_ours(self, uri: Uri) -> bool:
        """Whether a URI names us."""
        return self.stack.core is not None and self.stack.core.is_ours(uri)

    def origin_of(self, leg: Leg) -> Origin:
        """Who is at the other end of a leg, whoever called whom."""
        if leg.origin is not None:
            return leg.origin
        kind, _, name = leg.target.partition(":")
        phone = self.plan.phones.get(name) if kind == "phone" else None
        return Origin(kind, name, leg.called if phone is None else name, "" if phone is None else phone.name)

    def may_reach(self, origin: Origin, destination: Destination) -> bool:
        """Whether somebody may have a call led there: not every phone may use trunks."""
        if not isinstance(destination, ToTrunk):
            return True
        phone = self.plan.phones.get(origin.name) if origin.kind == "phone" else None
        return phone is None or phone.dial_out

    def srtp_of(self, target: str) -> SrtpPolicy:
        """Whether the sound of a leg is encrypted, by the name of whom it leads to or comes from."""
        known = self._known(target)
        return known.srtp if known is not None else "off"

    def keys_of(self, target: str) -> KeyMode:
        """How keys go to and come from a leg, by the name of whom it leads to or comes from."""
        known = self._known(target)
        return known.keys if known is not None else "auto"

    def _known(self, target: str) -> Phone | Trunk | None:
        kind, _, name = target.partition(":")
        return (self.plan.phones if kind == "phone" else self.plan.trunks).get(name)

    def _phone_step(self, call: Call, phone: Phone, timeout: float) -> Step:
        record = choose([phone.record, *self.record_of(call)], call.id)
        return Step(f"phone:{phone.number}", self.phone_targets(phone.number), phone.number, timeout, record)

    def record_with(self, call: Call, leg: Leg) -> Recorded | None:
        """Whether a call is recorded while it is with somebody who was not called for it."""
        phone = self.plan.phones.get(leg.target.removeprefix("phone:"))
        return choose([phone.record if phone is not None else None, *self.record_of(call)], call.id)

    def record_of(self, call: Call) -> list[Recorded | None]:
        """Who has a say in the recording of a call, whomever it reaches: the caller and his way in."""
        where = self.plan.phones if call.origin.kind == "phone" else self.plan.trunks
        caller: Phone | Trunk | None = where.get(call.origin.name)
        return [caller.record if caller is not None else None, call.record]

    def _group_steps(self, call: Call, name: str) -> list[Step]:
        group = self.plan.groups.get(name)
        if group is None:
            raise NoSuchDestination(f"group:{name}")
        phones = [self.plan.phones[number] for number in group.phones if number in self.plan.phones]
        if group.sequential:
            return [self._phone_step(call, phone, phone.ring_timeout or group.timeout) for phone in phones]
        targets = [target for phone in phones for target in self.phone_targets(phone.number)]
        record = choose([*(phone.record for phone in phones), *self.record_of(call)], call.id)
        return [Step(f"group:{name}", targets, call.called, group.timeout, record)]

    def trunk_step(self, call: Call, text: str) -> Step | None:
        """The attempt that leads to `trunk:provider/+43...`; None when there is no such trunk."""
        match read(text):
            case ToTrunk(name, number) if name in self.plan.trunks:
                return self._trunk_step(call, name, number)
        return None

    def _trunk_step(self, call: Call, name: str, number: str) -> Step:
        trunk = self.plan.trunks.get(name)
        if trunk is None:
            raise NoSuchDestination(f"trunk:{name}")
        used = sum(leg.target == f"trunk:{name}" for leg in self.legs.values())
        if used >= trunk.max_calls:
            return Step(f"trunk:{name}", [], number, trunk.ring_timeout, unreachable=503)
        uri = Uri(
            "sip", number, host=trunk.domain or trunk.peer.host, port=None if trunk.domain else trunk.peer.port or None
        )
        protected = trunk.peer.transport in PROTECTED  # all of a call goes to whom the certificate was verified of
        shown = self._number_outside(call, trunk)
        target = Target(f"trunk:{name}", uri, trunk.peer, protected, shown, trunk.account)
        record = choose([trunk.record, *self.record_of(call)], call.id)
        return Step(f"trunk:{name}", [target], number, trunk.ring_timeout, record, 503)

    def _number_outside(self, call: Call, trunk: Trunk) -> str | None:
        """What a trunk is shown of a caller from inside: his own number outside, or the trunk's."""
        phone = self.plan.phones.get(call.origin.name) if call.origin.kind == "phone" else None
        return None if phone is None else phone.caller_number or trunk.caller_number

    def fallback(self, call: Call, destination: Destination, status: int) -> Destination | None:
        """Where the call goes when nobody took it there."""
        text = None
        match destination:
            case ToPhone(number):
                phone = self.plan.phones[number]
                busy, reachable = status in (486, 600), bool(self.phone_targets(number))
                text = phone.on_busy if busy else phone.on_no_answer if reachable else phone.on_unreachable
            case ToGroup(name):
                text = self.plan.groups[name].on_no_answer
        return read(text, call.called, call.origin.name) if text else None

    # ---- phones -----------------------------------------------------------------------------------------------

    def phone_busy(self, number: str, busy: bool) -> None:
        """An extension takes part in a call that no queue gave it, or that call is over."""
        before = self._busy[number]
        self._busy[number] = after = before + (1 if busy else -1)
        if not after:
            del self._busy[number]
        if bool(before) != bool(after):
            self.queues.phone_busy(number, bool(after))

    def is_busy(self, number: str) -> bool:
        """Whether an extension takes part in a call that no queue gave it."""
        return self._busy[number] > 0

    # ---- sound ------------------------------------------------------------------------------------------------

    def media_address(self, peer: Peer) -> str:
        """The address that the sound of a leg towards a peer is bound to: of the peer's family."""
        address = self.plan.media_address
        if (":" in peer.host) == (":" in address):
            return address
        transport = self.stack.transport_for(peer)
        return transport.host if transport is not None else address

    def shown_address(self, bound: str, peer: Peer) -> str:
        """The address for sound that stands in our SDP: one that the peer can reach."""
        return advertised(bound, peer.host, self.plan.media_external_address)

    def tone(self, name: str) -> Sound:
        """A tone of our country."""
        return {"tone": name, "country": self.plan.country}

    def music(self, name: str | None = None) -> list[Sound]:
        """Music on hold: a file, or `builtin`, which the media engine makes by itself."""
        return [name or self.plan.music]

    async def prompt_sounds(self, name: str) -> list[Sound]:
        """The sounds of a prompt by name. Raises NoSuchDestination."""
        prompt = self.plan.prompts.get(name)
        if prompt is None:
            raise NoSuchDestination(f"prompt:{name}")
        return await self.speech.sounds([prompt])

    def hear_media(self, event: MediaEvent, worker: int = 1) -> None:
        """Events of a media worker, to whom they concern."""
        match event:
            case WorkerLost():
                self._lose_worker(worker)
            case RecordingFailed(recording, text):
                self.recordings.failed(recording)
                log.error("recording not written", error=text)
            case RecordingResumed(recording):
                self.recordings.resumed(recording)
                log.warning("recording goes on", recording=recording)
            case ActiveTalker(leg, room):
                conference.hear_talker(self, room, leg)
            case _:
                concerned = self.legs.get(getattr(event, "leg", ""))
                if concerned is not None:
                    concerned.hear_media(event)

    def _lose_worker(self, number: int) -> None:
        gone = self.media.lose(number)
        legs = [leg for leg in self.legs.values() if leg.media is gone]
        log.error("a media worker is gone; its calls end", worker=number, legs=len(legs))
        for leg in legs:
            leg.lose_media()
