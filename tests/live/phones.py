"""Real phones without a sound card: baresip in this process, one user agent per phone, sound in and out as arrays.

    async with Phones(server_port=6000) as phones:
        first, second = await phones.add("101"), await phones.add("102")
        await first.call("102")
        await second.rings()
        await second.answer()
        await first.answered()
        first.send_tone(440)
        assert abs(dominant_frequency(await second.hear(1.0)) - 440) < 5
        await first.hang_up()
        await second.ended()

What baresip does of its own accord: the callee sends a re-INVITE 50 to 150 ms after the ACK; a BYE from the far
end is reported as "Connection reset by peer"; reject() always means 486.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from baresip import Account, Call, CallState, Config, Event, Runtime, StackEvent, UserAgent
from baresip.audio import AudioInfo
from baresip.errors import AudioNotActive, AudioRestarted, BaresipError, StaleHandleError
from numpy.typing import NDArray

from tests.live import sound
from tests.live.ports import BARESIP_RTP, free_port

BYTES_PER_SECOND = 2 * sound.RATE
AHEAD = BYTES_PER_SECOND // 5
"""How much sound is kept written in advance, so that a busy machine does not make gaps: 200 ms."""


class Phone:
    """One phone with one call at a time."""

    def __init__(self, number: str, agent: UserAgent, server: str) -> None:
        self.number = number
        self.server = server
        self.current: Call | None = None
        self.digits: list[str] = []
        self.timeline: list[tuple[float, str, str]] = []
        self.incoming_count = 0
        self.answer_after: float | None = None
        self.on_ring: Callable[[Phone], None] | None = None
        self._agent = agent
        self._heard = bytearray()
        self._to_say = b""
        self._said = 0
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        agent.on_incoming(self._ringing)

    # Registration

    async def register(self) -> None:
        await self._agent.register()

    async def unregister(self) -> None:
        await self._agent.unregister()

    # Calls

    async def call(self, target: str, headers: dict[str, str] | None = None) -> None:
        """Send the INVITE; `answered` waits for the outcome."""
        uri = target if target.startswith("sip:") else f"sip:{target}@{self.server}"
        self._adopt(await self._agent.dial(uri, headers))

    async def answered(self, timeout: float = 10) -> None:
        """Wait until the call is established; raises baresip's CallFailed with its status when it is refused."""
        await self._call.wait_established(timeout)

    async def rings(self, timeout: float = 10) -> None:
        """Wait for an incoming call."""
        await self._until(lambda: self.current is not None and self.current.state is not CallState.CLOSED, timeout)

    async def answer(self) -> None:
        await self._call.answer()
        await self.answered()

    async def reject(self) -> None:
        """486 Busy Here, the only refusal this phone knows."""
        await self._call.reject()

    async def hang_up(self) -> None:
        with contextlib.suppress(StaleHandleError):
            await self._call.hangup()

    async def ended(self, timeout: float = 10) -> None:
        """Wait until the call is over, from whichever side."""
        await self._until(lambda: self.current is None or self.current.state is CallState.CLOSED, timeout)

    async def hold(self) -> None:
        await self._insist(self._call.hold)

    async def resume(self) -> None:
        await self._insist(self._call.resume)

    async def transfer(self, target: str) -> None:
        await self._call.transfer(f"sip:{target}@{self.server}")

    async def dtmf(self, digits: str) -> None:
        """Press keys, 100 ms each with 120 ms between; RFC 4733 or SIP INFO as the account says."""
        await self._call.send_dtmf(digits)

    @property
    def state(self) -> CallState | None:
        return self.current.state if self.current else None

    @property
    def in_call(self) -> bool:
        return self.state is CallState.ESTABLISHED

    @property
    def is_held(self) -> bool:
        """Whether the far end holds this phone."""
        return self.current is not None and self.current.remote_on_hold

    @property
    def caller(self) -> str:
        """The far end's URI of the current call."""
        return self._call.peer or ""

    def saw(self, name: str) -> bool:
        """Whether an event such as CALL_RINGING or CALL_PROGRESS happened in the current call."""
        return any(event == name for _, event, _ in self.timeline)

    # Sound

    def send_tone(self, hz: float) -> None:
        """Send a tone from now on."""
        self.send(sound.tone(hz, 1.0))

    def send(self, pcm: NDArray[np.int16]) -> None:
        """Send this sound over and over from now on."""
        self._to_say, self._said = pcm.astype("<i2").tobytes(), 0

    def send_nothing(self) -> None:
        self._to_say = b""

    def heard(self) -> NDArray[np.int16]:
        """Everything heard since the call began or since `forget`."""
        return np.frombuffer(bytes(self._heard), "<i2").astype(np.int16)

    def forget(self) -> None:
        self._heard.clear()

    async def hear(self, seconds: float, timeout: float = 10) -> NDArray[np.int16]:
        """The next `seconds` of sound, from now."""
        self.forget()
        await self._until(lambda: len(self._heard) >= seconds * BYTES_PER_SECOND, timeout)
        return self.heard()

    # Inside

    @property
    def _call(self) -> Call:
        if self.current is None:
            raise AssertionError(f"{self.number} has no call")
        return self.current

    def _adopt(self, call: Call) -> None:
        self.current = call
        self.timeline.clear()
        self.digits.clear()
        self.forget()
        call.on(self._happened)
        call.on_dtmf(lambda event: self.digits.append(event.digit))

    def _ringing(self, call: Call) -> None:
        self.incoming_count += 1
        if self.current is not None and self.current.state is not CallState.CLOSED:
            self._spawn(call.reject())
            return
        self._adopt(call)
        self._spawn(self._tell())
        if self.on_ring is not None:
            self.on_ring(self)
        if self.answer_after is not None:
            self._spawn(self._answer_later(call, self.answer_after))

    async def _answer_later(self, call: Call, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if call.state is CallState.INCOMING:
            with contextlib.suppress(StaleHandleError):
                await call.answer()

    def _happened(self, event: StackEvent) -> None:
        self.timeline.append((time.monotonic(), event.event.name, event.text or ""))
        if event.event is Event.CALL_CLOSED:
            self.send_nothing()
        self._spawn(self._tell())

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _until(self, condition: Callable[[], bool], timeout: float) -> None:
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    @staticmethod
    async def _insist(order: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Hold and resume are refused while another re-INVITE is in flight; try again for two seconds."""
        for _ in range(20):
            try:
                await order()
            except StaleHandleError:
                raise
            except BaresipError:
                await asyncio.sleep(0.1)
            else:
                return
        await order()

    async def pump(self) -> None:
        """Move 20 ms of sound in and out."""
        call = self.current
        if call is None or call.state is CallState.CLOSED:
            return
        with contextlib.suppress(AudioNotActive, AudioRestarted):
            info = call.audio.info()
            self._speak(call, info)
            fresh = call.audio.read(_size(info.rx_sample_rate, info.rx_channels))
            if fresh:
                self._heard += _narrow(fresh, info.rx_sample_rate, info.rx_channels)
                await self._tell()

    def _speak(self, call: Call, info: AudioInfo) -> None:
        if not self._to_say or not info.tx_sample_rate:
            return
        factor = _size(info.tx_sample_rate, info.tx_channels) // BYTES_PER_SECOND
        wanted = AHEAD - info.tx_buffered // factor
        while wanted > 0:
            piece = self._to_say[self._said : self._said + wanted]
            written = call.audio.write(_widen(piece, info.tx_sample_rate, info.tx_channels)) // factor
            if not written:
                return
            self._said = (self._said + written) % len(self._to_say)
            wanted -= written


def _size(rate: int, channels: int) -> int:
    """Bytes of a second at the codec's own rate."""
    return max(BYTES_PER_SECOND, 2 * rate * channels)


def _narrow(pcm: bytes, rate: int, channels: int) -> bytes:
    """What a wideband phone heard, as 8 kHz mono: the mean of the samples that one stands for."""
    factor = rate // sound.RATE * channels
    if factor <= 1:
        return pcm
    samples = np.frombuffer(pcm, "<i2")
    whole = samples[: len(samples) // factor * factor].reshape(-1, factor)
    return np.rint(whole.mean(axis=1)).astype("<i2").tobytes()


def _widen(pcm: bytes, rate: int, channels: int) -> bytes:
    """8 kHz mono at the rate and channels of a wideband phone, every sample held."""
    return np.repeat(np.frombuffer(pcm, "<i2"), rate // sound.RATE * channels).tobytes()


class Phones:
    """All the baresip phones of one test; baresip allows one runtime at a time in a process."""

    def __init__(self, server_port: int, server: str = "127.0.0.1", transport: Literal["udp", "tcp"] = "udp") -> None:
        self.server = f"{server}:{server_port}"
        self.port = free_port()
        self.phones: list[Phone] = []
        self._transport = transport
        self._runtime = Runtime()
        self._pump: asyncio.Task[None] | None = None

    async def add(
        self,
        number: str,
        password: str | None = None,
        *,
        register: bool = True,
        codecs: tuple[str, ...] = ("pcma", "pcmu"),
        dtmf_mode: Literal["rtpevent", "info", "auto"] = "rtpevent",
        answer_after: float | None = None,
    ) -> Phone:
        """A phone of the switch, registered with its example password unless told otherwise."""
        account = Account(
            user=number,
            domain=self.server,
            password=f"demo-{number}" if password is None else password,
            reg_interval=600 if register else 0,
            transport=self._transport,
            audio_codecs=codecs,
            dtmf_mode=dtmf_mode,
        )
        phone = Phone(number, await UserAgent.create(self._runtime, account), self.server)
        phone.answer_after = answer_after
        self.phones.append(phone)
        if register:
            await phone.register()
        return phone

    async def __aenter__(self) -> Self:
        lines = (f"sip_listen 127.0.0.1:{self.port}", f"rtp_ports {BARESIP_RTP}", "")
        await self._runtime.start(
            Config(net_interface="127.0.0.1", max_concurrent_calls=None, extra_config_text="\n".join(lines))
        )
        self._pump = asyncio.create_task(self._move_sound())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for phone in self.phones:
            if phone.state not in (None, CallState.CLOSED):
                await phone.hang_up()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self._runtime.close()

    async def _move_sound(self) -> None:
        while True:
            await asyncio.gather(*(phone.pump() for phone in self.phones))
            await asyncio.sleep(0.02)
