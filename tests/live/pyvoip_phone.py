"""A pyVoIP phone in a process of its own, told what to do by JSON lines.

pyVoIP is under the GPL and a phone, so nothing of ours imports it: `PyVoipPhone` starts this file with `-m` and
talks to it over its standard input and output.

    async with PyVoipPhone("101", server_port=6000) as phone:
        await phone.call("102")
        await phone.answered()
        phone.send_tone(440)
        print(dominant_frequency(await phone.hear(1.0)))
        await phone.hang_up()

What pyVoIP does of its own accord: it rings for one second before anybody may answer; it needs the 401 to an INVITE
before any 100; it knows 404 and 503 among the refusals and waits for ever after any other; a CANCEL does not stop it
from ringing; it acknowledges with a random To tag; it re-sends an authenticated INVITE with the branch of the first
one; its BYE carries the Via of the INVITE, which is the switch's own when the switch called; PCMA is encoded as PCMU,
so this phone is told to know PCMU only; sound is eight bits wide; it allocates memory for a jump of the timestamp.
"""

import asyncio
import base64
import json
import os
import resource
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tests.live import sound
from tests.live.ports import PYVOIP_RTP, free_port

MEMORY_LIMIT = 2 << 30
"""Bytes of address space for the phone's process."""


class PyVoipPhone:
    """The near side: the same verbs as `Phone`."""

    def __init__(self, number: str, server_port: int, password: str | None = None, answer_after: float = -1) -> None:
        self.number = number
        self.events: list[str] = []
        self.digits = ""
        self.state = ""
        self._order = {
            "server_port": server_port,
            "number": number,
            "password": f"demo-{number}" if password is None else password,
            "sip_port": free_port(),
            "answer_after": answer_after,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._heard = bytearray()

    async def call(self, target: str) -> None:
        self._tell(do="call", target=target)

    async def answer(self) -> None:
        self._tell(do="answer")
        await self.answered()

    async def reject(self) -> None:
        self._tell(do="reject")

    async def hang_up(self) -> None:
        self._tell(do="hang_up")

    async def rings(self, timeout: float = 10) -> None:
        await self.until(lambda: self.state == "RINGING", timeout)

    async def answered(self, timeout: float = 10) -> None:
        await self.until(lambda: self.state == "ANSWERED", timeout)

    async def ended(self, timeout: float = 10) -> None:
        await self.until(lambda: self.state in ("", "ENDED"), timeout)

    def send_tone(self, hz: float) -> None:
        """Send a tone from now on; 0 sends silence."""
        self._tell(do="tone", hz=hz)

    def heard(self) -> NDArray[np.int16]:
        """Everything heard since the call began or since `forget`, at 16 bits."""
        return (np.frombuffer(bytes(self._heard), np.uint8).astype(np.int16) - 128) * 256

    def forget(self) -> None:
        self._heard.clear()

    async def hear(self, seconds: float, timeout: float = 10) -> NDArray[np.int16]:
        """The next `seconds` of sound, from now."""
        self.forget()
        await self.until(lambda: len(self._heard) >= seconds * sound.RATE, timeout)
        return self.heard()

    async def until(self, condition: Callable[[], bool], timeout: float) -> None:
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    def _tell(self, **order: object) -> None:
        if self._process is None or self._process.stdin is None:
            raise AssertionError(f"{self.number} is not switched on")
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.live.pyvoip_phone", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._reader = asyncio.create_task(self._listen(self._process))
        self._tell(**self._order)
        await self.until(lambda: bool(self.events), 15)
        if self.events[0] != "registered":
            raise AssertionError(f"{self.number}: {self.events[0]}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._reader is None:
            return
        self._tell(do="quit")
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            report = json.loads(line)
            if "state" in report:
                self.state = report["state"]
            if "event" in report:
                self.events.append(report["event"])
            self.digits += report.get("digits", "")
            self._heard += base64.b64decode(report.get("sound", ""))
            async with self._changed:
                self._changed.notify_all()


class FarSide:
    """What runs in the phone's process: one thread reads orders, another moves sound every 20 ms."""

    def __init__(self, order: dict[str, Any], report: Callable[..., None]) -> None:
        import pyVoIP
        from pyVoIP.VoIP import VoIPPhone

        pyVoIP.RTPCompatibleCodecs = [pyVoIP.RTP.PayloadType.PCMU, pyVoIP.RTP.PayloadType.EVENT]
        self.report = report
        self.answer_after = order["answer_after"]
        self.call: Any = None
        self.state = ""
        self.tone = b""
        first = PYVOIP_RTP.start + (order["sip_port"] * 20) % (len(PYVOIP_RTP) - 20)
        self.phone = VoIPPhone(
            "127.0.0.1",
            order["server_port"],
            order["number"],
            order["password"],
            myIP="127.0.0.1",
            sipPort=order["sip_port"],
            rtpPortLow=first,
            rtpPortHigh=first + 19,
            callCallback=self.ring,
        )

    def ring(self, call: Any) -> None:
        """pyVoIP forgets the call when this returns, so it stays until the call is over."""
        self.call = call
        rang = time.monotonic()
        while call.state.value != "ENDED":
            if call.state.value == "RINGING" and 0 <= self.answer_after <= time.monotonic() - rang:
                call.answer()
            time.sleep(0.02)

    def obey(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "call":
                self.call = self.phone.call(order["target"])
            case "answer":
                self.call.answer()
            case "reject":
                self.call.deny()
            case "hang_up" if self.call is not None and self.call.state.value == "ANSWERED":
                self.call.hangup()
            case "tone":
                samples = sound.tone(order["hz"], 1.0) if order["hz"] else np.zeros(sound.RATE, np.int16)
                self.tone = (samples // 256 + 128).astype(np.uint8).tobytes()

    def move_sound(self) -> None:
        """pyVoIP takes 160 samples every 20 ms and more; a tenth of a second is kept written ahead."""
        due = time.monotonic()
        said = 0
        while True:
            time.sleep(0.02)
            call = self.call
            state = call.state.value if call is not None else ""
            if state != self.state:
                self.state, due = state, time.monotonic() - 0.1
                self.report(state=state)
            if state != "ANSWERED" or not call.RTPClients:
                continue
            self.listen(call)
            while self.tone and due < time.monotonic():
                call.write_audio(self.tone[said : said + 160])
                said = (said + 160) % sound.RATE
                due += 0.02

    def listen(self, call: Any) -> None:
        """Report what arrived. pyVoIP pads with 128 when nothing did, so a frame of only 128 is nothing."""
        fresh = b""
        while (frame := call.read_audio(160, blocking=False)) != b"\x80" * 160:
            fresh += frame
        digits = call.get_dtmf(16)
        if fresh or digits:
            self.report(sound=base64.b64encode(fresh).decode(), digits=digits)


def main() -> None:
    """Read orders from standard input until `quit` or its end."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    lock = threading.Lock()

    def report(**what: object) -> None:
        with lock:
            print(json.dumps(what), file=out, flush=True)

    side = FarSide(json.loads(sys.stdin.readline()), report)
    side.phone.start()
    status = side.phone.get_status().value
    report(event="registered" if status == "REGISTERED" else f"not registered: {status}")
    threading.Thread(target=side.move_sound, daemon=True).start()
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "quit":
            break
        side.obey(order)
    side.phone.stop()
    os._exit(0)


if __name__ == "__main__":
    main()
