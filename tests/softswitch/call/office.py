"""A whole switch but for its sockets, its sound and its clock: stack, door, exchange, and phones made of text."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from acd.agent import Agent
from acd.engine import Engine
from acd.queue import QueueSettings
from ivr.digits import DialPlan, Pattern
from ivr.menu import Menu
from ivr.prompts import Prompt
from media.client import MediaClient
from softswitch.call.call import Call
from softswitch.call.exchange import Exchange
from softswitch.call.ingress import Ingress
from softswitch.call.leg import Leg
from softswitch.call.menu_runner import MenuRunner
from softswitch.call.pager import Pager
from softswitch.call.plan import Group, Plan, Queue, Room, Trunk
from softswitch.call.plan import Phone as PhonePlan
from softswitch.call.pool import MediaPool
from softswitch.call.queue_runner import QueueRunner
from softswitch.call.recordings import Recordings
from softswitch.call.router import Route, Router
from softswitch.call.speech import Speech
from softswitch.core.authenticator import Authenticator
from softswitch.core.location import Binding, Location, address_of_record
from softswitch.core.registrar import Registrar
from softswitch.pump import Pump
from softswitch.records import events as fact
from softswitch.records.record import CallRecord, build_record
from softswitch.sip.digest import Nonces
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from softswitch.stack import Stack
from softswitch.transport.resolver import literal_peer
from softswitch.voicemail.runner import Voicemail
from softswitch.voicemail.waiting import MessageWaiting
from tests.softswitch.call.phone import SWITCH, Phone
from tests.softswitch.fake_media import FakeLeg, FakeMedia
from tests.softswitch.virtual_loop import VirtualLoop
from tests.softswitch.wire import MemoryTransport, Wire

EPOCH = 1_795_000_000.0  # wall seconds when the loop's clock stands at 0
NUMBERS = tuple(str(number) for number in range(101, 108))
TRUNK = Peer("udp", "127.0.0.1", 5070)
LONG_ENOUGH = 250.0  # seconds for every timer of RFC 3261 to come to its end, timer C included

EXTENSIONS = {
    **{number: f"phone:{number}" for number in NUMBERS},
    "500": "menu:main",
    "600": "queue:support",
    "610": "group:sales",
    "611": "group:line",
    "700": "conference:lobby",
    "701": "conference:secret",
    "800": "voicemail:own",
    "8xxx": "voicemail:*",
    "900": "tone:echo",
    "901": "tone:milliwatt",
    "902": "tone:music",
    "903": "prompt:hours",
    "904": "refuse:486",
    "905": "phone:999",
    "906": "trunk:provider/4711",
    "*21.": "listen:*",
    "*22.": "whisper:*",
    "*23.": "barge:*",
}
ROUTES = (
    Route(Pattern("0x."), "trunk:provider", "phones", strip=1),
    Route(Pattern("+74950000100"), "menu:main", "trunk:provider"),
    Route(Pattern("+74950000101"), "phone:101", "trunks"),
)
MENU = Menu(
    "main",
    (Prompt("Welcome."),),
    "phone:101",
    options={"1": "queue:support", "3": "prompt:hours", "9": "menu:main"},
    extensions=DialPlan.build({number: f"phone:{number}" for number in NUMBERS}),
)
QUEUE = QueueSettings("support", ("101", "102", "103"), ring_timeout=15.0, retry_delay=5.0, wrap_up=10.0)


class FakeSpeaker:
    """Speaks no word, but names the file of every prompt."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """How long it takes to speak."""

    async def ensure(self, prompt: Prompt) -> Path:
        await asyncio.sleep(self.seconds)
        return Path(prompt.file or f"/prompts/{prompt.text}")


class Office:
    """Everything that a call needs, and a look behind the curtain."""

    def __init__(self, folder: Path) -> None:
        self.loop = cast(VirtualLoop, asyncio.get_running_loop())
        self.folder = folder
        self.wire = Wire(self.loop.time, schedule=self.loop.call_soon)
        self.facts: dict[str, list[fact.Event]] = defaultdict(list)
        self.speaker = FakeSpeaker()
        self.pump = Pump(self.loop.time)
        self.stack = Stack(self.loop.time, self.pump.wake, rng=random.Random(1), locate=literal_peer)
        self.pump.stack = self.stack
        self.transport = self.add_transport(SWITCH)
        self.location = Location()
        self.media = FakeMedia(self._hear_media)
        self.exchange = self._build_exchange()
        self.authenticator = Authenticator(
            {number: f"demo-{number}" for number in NUMBERS}, "localhost", Nonces(b"s" * 32), random.Random(2)
        )
        registrar = Registrar(self.location, self.authenticator, ("localhost",), rng=random.Random(3))
        self.ingress = Ingress(
            lambda: self.exchange.plan, self.location, registrar, self.authenticator, self.exchange, self.wall
        )
        self.stack.core = self.ingress
        self.ports = iter(range(6000, 7000))
        self.complaints_expected = False

    async def _locate(self, peer: Peer) -> list[Peer]:
        """No name resolves but "twins", which has two addresses."""
        hosts = ("127.0.0.1", "127.0.0.2") if peer.host == "twins" else (peer.host,)
        return [peer._replace(host=host) for host in hosts if host.replace(".", "").isdigit()]

    def _build_exchange(self) -> Exchange:
        speech = Speech(self.speaker, lambda: self.exchange.plan)
        pool = MediaPool([cast(MediaClient, self.media)])
        exchange = Exchange(
            self.stack, pool, self.location, speech, Recordings(self.folder / "recordings"), self._append,
            clock=self.loop.time, locate=self._locate, wall=self.wall, node="n",
        )  # fmt: skip
        exchange.menus = MenuRunner(exchange, {"main": MENU})
        agents = [Agent(number) for number in ("101", "102", "103")]
        exchange.queues = QueueRunner(exchange, Engine((QUEUE,), agents, random.Random(4), now=self.loop.time()))
        mailboxes = self.folder / "voicemail"
        exchange.voicemail = Voicemail(mailboxes).run
        exchange.pager = Pager(exchange, self.folder / "messages")
        exchange.message_waiting = MessageWaiting(mailboxes, self.stack, exchange.spawn, self.loop.time)
        exchange.router = Router(DialPlan.build(EXTENSIONS), ROUTES, lambda name, wall: True)
        exchange.plan = Plan(
            phones={number: PhonePlan(number, f"demo-{number}", f"Phone {number}") for number in NUMBERS},
            groups={
                "sales": Group("sales", ("104", "105")),
                "line": Group("line", ("104", "105"), sequential=True, timeout=10.0, on_no_answer="voicemail:104"),
            },
            trunks={"provider": Trunk("provider", TRUNK, (("127.0.0.1", 5070),), caller_number="+74950000100")},
            queues={"support": Queue("support")},
            supervisors=frozenset({"107"}),
            prompts={"hours": Prompt("We are open.")},
            rooms={"lobby": Room("lobby"), "secret": Room("secret", pin="42", max_members=2)},
        )
        return exchange

    # the world around it

    def wall(self) -> float:
        return EPOCH + self.loop.time()

    def add_transport(self, place: Peer) -> MemoryTransport:
        """A socket of the switch."""
        transport = MemoryTransport(self.wire, place.transport, place.host, place.port)
        self.stack.add_transport(transport)
        if place.transport == "udp":
            self.wire.plug(place, self.stack.receive_datagram)
        else:
            self.wire.plug(place, lambda data, source: self.stack.receive(parse(data), source))
        return transport

    def phone(self, number: str, *, registered: bool = True, password: str = "", port: int | None = None) -> Phone:
        """A telephone, registered at once."""
        peer = Peer("udp", "127.0.0.1", port or next(self.ports))
        phone = Phone(self.wire, number, peer, password)
        if registered:
            self.bind(number, f"sip:{number}@{peer.host}:{peer.port}", peer)
        return phone

    def bind(self, number: str, contact: str, peer: Peer) -> None:
        """Register without a REGISTER."""
        aor = address_of_record(number, "localhost")
        self.location.bind(Binding(aor, contact, peer, self.wall() + 3600, f"bind-{contact}", 1))
        self.exchange.queues.phone_reachable(number, True)

    def trunk(self) -> Phone:
        """The other end of the trunk."""
        return Phone(self.wire, "provider", TRUNK, "none")

    # what may be changed

    def change(self, **fields: Any) -> None:
        """Another plan from now on."""
        self.exchange.plan = replace(self.exchange.plan, **fields)

    def change_phone(self, number: str, **fields: Any) -> None:
        """Other settings of an extension."""
        phones: Mapping[str, PhonePlan] = self.exchange.plan.phones
        self.change(phones={**phones, number: replace(phones[number], **fields)})

    # what may be looked at

    @property
    def calls(self) -> list[Call]:
        return list(self.exchange.calls.values())

    def leg(self, call: int, leg: int) -> FakeLeg:
        """A row of the media engine: leg `leg` of call number `call`, both counted from 1."""
        return self.media.legs[f"n-{call}-{leg}"]

    def story(self, call: int = 1) -> list[str]:
        """The kinds of facts that were written down of a call."""
        return [type(one).__name__ for one in self.facts[f"n-{call}"]]

    def last(self, kind: type[fact.Event], call: int = 1) -> Any:
        """The last fact of a kind."""
        return [one for one in self.facts[f"n-{call}"] if isinstance(one, kind)][-1]

    async def record(self, call: int = 1) -> CallRecord:
        """The record of a call, which is about to end."""
        async with asyncio.timeout(5.0):
            while self.story(call)[-1] != "CallEnded":
                await asyncio.sleep(0.01)
        return build_record(self.facts[f"n-{call}"])

    def _append(self, call: str, event: fact.Event) -> None:
        self.facts[call].append(event)

    def _hear_media(self, event: Any) -> None:
        self.exchange.hear_media(event)

    # the end

    async def check_nothing_is_left(self) -> None:
        """Calls end by themselves, timers run out, and then nothing remains of them."""
        await asyncio.sleep(LONG_ENOUGH)
        exchange, stack = self.exchange, self.stack
        await exchange.close()
        await asyncio.sleep(LONG_ENOUGH)
        self.pump.close()
        books: dict[str, Any] = {
            "calls": exchange.calls,
            "legs": exchange.legs,
            "tasks": exchange._tasks,
            "busy phones": exchange._busy,
            "callers in queues": exchange.queues._calls,
            "attempts": exchange.queues._attempts,
            "members of rooms": [one for room in exchange.plan.rooms.values() for one in room.members],
            "usages": stack._usages._by_local,
            "usages by remote tag": stack._usages._by_remote,
            "sessions": stack._usages._by_session,
            "users of transactions": stack._traffic._users,
            "open INVITEs": stack._traffic._invites,
            "server transactions": stack.table._servers,
            "client transactions": stack.table._clients,
            "deadlines": stack._deadlines._armed,
            "media legs": self.media.legs,
            "recordings": self.media.recordings,
            "timers": self.loop.timers(),
            "other tasks": asyncio.all_tasks() - {asyncio.current_task()},
            "mistakes towards the media engine": [] if self.complaints_expected else self.media.complaints,
        }
        left = {name: book for name, book in books.items() if book}
        assert not left, left
        assert stack.counters.bugs == 0
        for call in self.facts:
            self._check_facts(call)

    def _check_facts(self, call: str) -> None:
        """A call starts and ends once, and so does every leg of it."""
        kinds = [type(one) for one in self.facts[call]]
        assert kinds[0] is fact.CallStarted, kinds
        assert kinds[-1] is fact.CallEnded, kinds
        assert kinds.count(fact.CallEnded) == 1, kinds
        started = sorted(one.leg for one in self.facts[call] if isinstance(one, fact.LegStarted))
        ended = sorted(one.leg for one in self.facts[call] if isinstance(one, fact.LegEnded))
        assert len(set(ended)) == len(ended), ended
        assert set(started) <= set(ended), (started, ended)
        queue = [kind for kind in kinds if kind in (fact.QueueJoined, fact.QueueLeft)]
        assert queue.count(fact.QueueJoined) == queue.count(fact.QueueLeft), kinds
        build_record(self.facts[call])


def leg_of(call: Call, role: str) -> Leg:
    """The first leg of a call with a role."""
    return next(leg for leg in call.legs if leg.role == role)
