"""Debian's linphonec, a telephone that somebody else wrote: it says a tone and keeps what it hears.

    async with Linphone(folder, "101", switch.sip_port, encryption="srtp") as phone:
        await phone.order("call 901")
        await phone.says("Media streams established")
    tone = dominant_frequency(phone.heard())    # after it ended

It answers calls by itself. On loopback it needs a SIP port of its own, the address to bind to, and leave to register
though it sees no network; its files lie in a home folder, which it does not make.
"""

import asyncio
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.live import sound
from tests.live.ports import LINPHONE_RTP, free_port

needs_linphone = pytest.mark.skipif(
    shutil.which("linphonec") is None, reason="the program linphonec is not installed (Debian: linphone-cli)"
)
Codec = Literal["PCMA", "G722"]
_WIDE = 16000


class Linphone:
    """One linphonec with one codec, registered on entry and gone after exit."""

    def __init__(
        self, folder: Path, number: str, registrar: int, *,
        codec: Codec = "G722", encryption: Literal["none", "srtp"] = "none", hz: float = 660,
    ) -> None:  # fmt: skip
        self.number = number
        self.home = folder / f"linphone-{number}"
        (self.home / ".local/share/linphone").mkdir(parents=True)
        self._registrar = registrar
        self._process: asyncio.subprocess.Process | None = None
        says = np.repeat(sound.tone(hz, 30), _WIDE // sound.RATE)
        soundfile.write(self.home / "says.wav", says, _WIDE)
        names = ("opus 48000", "speex 16000", "speex 8000", "PCMU 8000", "PCMA 8000", "G722 8000", "G729 8000")
        codecs = "".join(
            f"[audio_codec_{place}]\nmime={name.split()[0]}\nrate={name.split()[1]}\nchannels=1\n"
            f"enabled={int(name.startswith(codec))}\n"
            for place, name in enumerate(names)
        ).replace("mime=opus\nrate=48000\nchannels=1", "mime=opus\nrate=48000\nchannels=2")
        (self.home / "rc").write_text(
            f"[sip]\nsip_port={free_port()}\nsip_tcp_port=0\nsip_tls_port=0\nuse_ipv6=0\nbind_address=127.0.0.1\n"
            f'contact="{number}" <sip:{number}@127.0.0.1>\nregister_only_when_network_is_up=0\n'
            f"media_encryption={encryption}\n[rtp]\naudio_rtp_port={LINPHONE_RTP}\n[video]\nenabled=0\n{codecs}"
        )

    async def order(self, line: str) -> None:
        """Type a line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def says(self, text: str, timeout: float = 15) -> None:
        """Wait until it has written something on its screen."""
        async with asyncio.timeout(timeout):
            while text not in self.screen:
                await asyncio.sleep(0.05)

    @property
    def screen(self) -> str:
        return (self.home / "screen").read_text(errors="replace")

    @property
    def trace(self) -> str:
        """Every SIP message that it sent and got, among much else."""
        return (self.home / "trace").read_text(errors="replace")

    def heard(self) -> NDArray[np.int16]:
        """What it heard, at 8 kHz."""
        samples, rate = soundfile.read(self.home / "heard.wav", dtype="int16")
        factor = rate // sound.RATE
        narrow = samples[: len(samples) // factor * factor].reshape(-1, factor).mean(axis=1)
        return np.asarray(np.rint(narrow), np.int16)

    async def __aenter__(self) -> Self:
        with (self.home / "screen").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *("linphonec", "-a", "-c", str(self.home / "rc"), "-d", "6", "-l", str(self.home / "trace")),
                stdin=asyncio.subprocess.PIPE, stdout=screen, stderr=screen, cwd=self.home,
                env={**os.environ, "HOME": str(self.home)},
            )  # fmt: skip
        await self.order("soundcard use files")
        await self.order(f"record {self.home}/heard.wav")
        await self.order(f"play {self.home}/says.wav")
        server = f"127.0.0.1:{self._registrar}"
        await self.order(f"register sip:{self.number}@127.0.0.1 sip:{server} demo-{self.number}")
        async with asyncio.timeout(15):
            while "registered, identity" not in self.screen:
                await self.order("status register")
                await asyncio.sleep(0.2)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        await self.order("quit")
        self._process.stdin.close()
        try:
            async with asyncio.timeout(15):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if error is not None:
            print(f"--- linphonec ---\n{self.screen[-3000:]}\n{self.trace[-6000:]}")
