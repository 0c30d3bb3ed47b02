"""The agents and most of the callers: baresip phones without a sound card, all in one process.

Started as `python -m softswitch.demo.baresip_phones ORDER`; the order is JSON as `main` reads it. The agents answer,
the callers call until `calling` seconds have passed, and SIGTERM hangs up and ends it.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any

from baresip import Account, Call, CallState, Config, Event, Runtime, StackEvent, UserAgent
from baresip.errors import AudioNotActive, AudioRestarted, BaresipError

from softswitch.demo import script, voices
from softswitch.demo.child import say_ready
from softswitch.process import end_with_parent

FRAME = 0.02  # seconds between two looks at the sound
AHEAD = 2 * voices.RATE // 5
"""Octets of sound that are kept written in advance, 200 ms, so that a busy machine makes no gaps."""
HEARD = 1 << 16
"""Octets taken from baresip at a time."""


class Phone:
    """A phone with one call at a time."""

    def __init__(self, number: str, agent: UserAgent, voice: bytes) -> None:
        self.number = number
        self.agent = agent
        self.call: Call | None = None
        self.ended = asyncio.Event()
        self._voice = voice
        self._said = 0

    def adopt(self, call: Call) -> None:
        """This is the phone's call from now on."""
        self.call, self._said = call, 0
        self.ended.clear()
        call.on(self._happened)

    def _happened(self, event: StackEvent) -> None:
        if event.event is Event.CALL_CLOSED:
            self.ended.set()

    @property
    def is_free(self) -> bool:
        """Whether there is no call."""
        return self.call is None or self.call.state is CallState.CLOSED

    async def hang_up(self) -> None:
        """End the call, if there is one."""
        if self.call is not None and not self.is_free:
            with contextlib.suppress(BaresipError):
                await self.call.hangup()

    def move_sound(self, speaks: bool) -> None:
        """Say what is due, or keep silent, and listen."""
        call = self.call
        if call is None or call.state is not CallState.ESTABLISHED:
            return
        with contextlib.suppress(AudioNotActive, AudioRestarted):
            call.audio.read(HEARD)
            wanted = AHEAD - call.audio.info().tx_buffered if speaks else 0
            while wanted > 0:
                written = call.audio.write(self._voice[self._said : self._said + wanted])
                if not written:
                    return
                self._said = (self._said + written) % len(self._voice)
                wanted -= written


class Office:
    """All phones of the process. Raises BaresipError."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._server = f"127.0.0.1:{order['server_port']}"
        self._order = order
        self._runtime = Runtime()
        self._tasks: set[asyncio.Task[None]] = set()
        self._phones: dict[str, Phone] = {}
        self._met: dict[str, asyncio.Event] = {number: asyncio.Event() for number in order["callers"]}
        """Set while an agent talks to this caller."""

    async def run(self) -> None:
        """Register, play, and leave nothing behind."""
        order = self._order
        lines = (f"sip_listen 127.0.0.1:{order['sip_port']}", f"rtp_ports {order['rtp_ports']}", "")
        setting = Config(net_interface="127.0.0.1", max_concurrent_calls=None, extra_config_text="\n".join(lines))
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        await self._runtime.start(setting)
        try:
            for number in (*order["agents"], *order["callers"]):
                await self._add(number)
            self._begin()
            say_ready()
            await told.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.gather(*(phone.hang_up() for phone in self._phones.values()))
            await self._runtime.close()

    async def _add(self, number: str) -> None:
        account = Account(
            user=number, domain=self._server, password=f"demo-{number}", audio_codecs=("pcma", "pcmu"),
            dtmf_mode="rtpevent",
        )  # fmt: skip
        voice = voices.load(self._order["voices"][number]).astype("<i2").tobytes()
        phone = Phone(number, await UserAgent.create(self._runtime, account), voice)
        self._phones[number] = phone
        await phone.agent.register()

    def _begin(self) -> None:
        seed = self._order["seed"]
        for number in self._order["agents"]:
            self._serve(self._phones[number], seed)
        self._spawn(self._move_sound())
        for number in self._order["callers"]:
            self._spawn(self._visit(self._phones[number], seed))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            print(f"{type(task.exception()).__name__}: {task.exception()}", file=sys.stderr)

    async def _move_sound(self) -> None:
        while True:
            for number, phone in self._phones.items():
                phone.move_sound(speaks=number not in self._met or self._met[number].is_set())
            await asyncio.sleep(FRAME)

    # ---- an agent -----------------------------------------------------------------------------------------------

    def _serve(self, phone: Phone, seed: int) -> None:
        drawn = script.answers(phone.number, seed)

        def ring(call: Call) -> None:
            if phone.is_free:
                phone.adopt(call)
                self._spawn(self._take(phone, call, next(drawn)))
                return
            self._spawn(call.reject())

        phone.agent.on_incoming(ring)

    async def _take(self, phone: Phone, call: Call, answer: script.Answer) -> None:
        """Answer, talk, hang up; or let it ring."""
        if answer.after is None or await _happens(phone.ended, answer.after):
            return
        with contextlib.suppress(BaresipError):
            await call.answer()
            await call.wait_established()
            met = self._met.get(_number(call.peer or ""), asyncio.Event())
            met.set()
            await _happens(phone.ended, answer.talk)
            met.clear()
            await phone.hang_up()

    # ---- a caller -----------------------------------------------------------------------------------------------

    async def _visit(self, phone: Phone, seed: int) -> None:
        """Call until the time for calls is over."""
        until = time.monotonic() + self._order["calling"]
        for errand in script.errands(phone.number, seed):
            await asyncio.sleep(errand.pause)
            if time.monotonic() > until:
                return
            with contextlib.suppress(BaresipError):
                phone.adopt(await phone.agent.dial(f"sip:{errand.called}@{self._server}"))
                await self._ask(phone, errand)
            await phone.hang_up()
            await _happens(phone.ended, 2.0)

    async def _ask(self, phone: Phone, errand: script.Errand) -> None:
        call = phone.call
        if call is None:
            return
        await call.wait_established()
        if errand.keys and not await _happens(phone.ended, errand.keys_after):
            await call.send_dtmf(errand.keys)
        met = self._met[phone.number]
        if await _either(met, phone.ended, errand.patience) is met:
            await _happens(phone.ended, errand.talk)


def _number(uri: str) -> str:
    """The user of a SIP URI."""
    return uri.partition(":")[2].partition("@")[0]


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Whether it happens within so many seconds."""
    return await _either(event, event, seconds) is event


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> asyncio.Event | None:
    """Whichever of two happens first within so many seconds."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return next((event for event in (other, one) if event.is_set()), None)


def main() -> None:
    """Entry of the process: `python -m softswitch.demo.baresip_phones ORDER`."""
    end_with_parent()
    try:
        asyncio.run(Office(json.loads(sys.argv[1])).run())
    except BaresipError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
