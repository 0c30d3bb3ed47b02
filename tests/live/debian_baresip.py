"""Debian's baresip, a telephone with SRTP, as a bounded child process: it says a tone and keeps what it hears.

    async with DebianBaresip(folder, port, number="849", encryption="srtp-mand") as phone:
        ...                                     # it answers calls by itself
    tone = dominant_frequency(phone.heard())    # after it ended

With a `password` it is an extension that registers at `registrar`; without one it is the other end of a trunk, which
proves itself by its address. It hangs up at the end of the sound that it plays.
"""

import asyncio
import shutil
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.live import sound
from tests.live.ports import DEBIAN_BARESIP_RTP

MODULES = next((str(path) for path in (*Path("/usr/lib").glob("*/baresip/modules"), Path("/usr/lib/baresip/modules"))
                if path.is_dir()), "")  # fmt: skip
needs_baresip = pytest.mark.skipif(
    shutil.which("baresip") is None or not Path(MODULES, "srtp.so").exists(),
    reason="the program baresip with its module srtp is not installed (Debian: baresip-core)",
)
Encryption = Literal["", "srtp", "srtp-mand", "srtp-mandf"]
"""None; RTP/AVP with keys; RTP/SAVP; RTP/SAVPF."""


class DebianBaresip:
    """One baresip, started on entry and gone after exit."""

    def __init__(
        self, folder: Path, port: int, number: str, encryption: Encryption, *, hz: float = 660, seconds: float = 6,
        codec: str = "PCMA", password: str = "", registrar: int = 0,
    ) -> None:  # fmt: skip
        """It listens on `port`, takes calls for `number`, says `hz` for so long in each and ends a little later."""
        self.folder = folder / f"baresip-{port}"
        self.folder.mkdir(parents=True)
        self.uri = f"sip:{number}@127.0.0.1:{port}"
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        factor = 2 if "16000" in codec else 1  # it plays files of the codec's own rate only
        says = np.repeat(sound.tone(hz, seconds), factor)
        soundfile.write(self.folder / "says.wav", says, factor * sound.RATE)
        encrypted = f";mediaenc={encryption}" if encryption else ""
        proof = f";auth_pass={password};regint=600" if password else ";regint=0"
        address = f"sip:{number}@127.0.0.1:{registrar}" if password else self.uri
        account = f"<{address}>{proof};answermode=auto;audio_codecs={codec}{encrypted}\n"
        (self.folder / "accounts").write_text(account)
        modules = ("g711", "g722", "aufile", "sndfile", *(("srtp",) if encryption else ()))
        (self.folder / "config").write_text(
            f"module_path {MODULES}\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\n"
            f"rtp_ports {DEBIAN_BARESIP_RTP}\naudio_source aufile,{self.folder}/says.wav\n"
            f"snd_path {self.folder}\n"
            + "".join(f"module {name}.so\n" for name in modules)
            + "module_app account.so\nmodule_app menu.so\nmodule_tmp uuid.so\n"
        )

    @property
    def trace(self) -> str:
        """Every SIP message that it sent and got, and what it says itself."""
        return (self.folder / "trace").read_text(errors="replace")

    def heard(self) -> NDArray[np.int16]:
        """What it heard in its last call, at 8 kHz."""
        files = sorted(self.folder.glob("*dec.wav"), key=lambda path: path.stat().st_mtime)
        assert files, f"baresip heard nothing:\n{self.trace[-4000:]}"
        samples, rate = soundfile.read(files[-1], dtype="int16")
        factor = rate // sound.RATE
        narrow = samples[: len(samples) // factor * factor].reshape(-1, factor).mean(axis=1)
        return np.asarray(np.rint(narrow), np.int16)

    async def call(self, target: str) -> None:
        """Start it, let it dial, and wait until it has ended by itself."""
        await self._start("-e", f"/dial {target}")
        await self.ended()

    async def ready(self, timeout: float = 10) -> None:
        """Wait until it listens."""
        async with asyncio.timeout(timeout):
            while "baresip is ready" not in self.trace:
                await asyncio.sleep(0.05)

    async def ended(self) -> None:
        """Wait for its end."""
        assert self._process is not None
        async with asyncio.timeout(self._seconds + 15):
            await self._process.wait()

    async def __aenter__(self) -> Self:
        await self._start()
        await self.ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self.ended()
        if error is not None:
            print(f"--- baresip ---\n{self.trace[-6000:]}")

    async def _start(self, *words: str) -> None:
        with (self.folder / "trace").open("wb") as trace:
            self._process = await asyncio.create_subprocess_exec(
                *("baresip", "-f", str(self.folder), "-s", "-t", str(int(self._seconds + 6)), *words),
                stdin=asyncio.subprocess.DEVNULL, stdout=trace, stderr=trace,
            )  # fmt: skip
