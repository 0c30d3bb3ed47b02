"""A switch, or a media worker alone, in its own processes for a benchmark, on loopback and in a folder of its own."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from media.client import MediaClient
from media.errors import MediaError

ROOT = Path(__file__).parents[1]
READY_WITHIN = 60.0  # seconds
WORKER_PORTS = "20000-31999"


def free_port() -> int:
    """A UDP port that nobody uses just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


class Switch:
    """`with Switch() as switch:` starts one on the example configuration and ends it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.folder = Path(self._folder.name)
        self.port = free_port()
        self.file = self.folder / "softswitch.toml"
        text = (ROOT / "config" / "example.toml").read_text()
        text = text.replace("127.0.0.1:5060", f"127.0.0.1:{self.port}")
        text = re.sub(r'^data = "[^"]*"', f'data = "{self.folder}/var"', text, count=1, flags=re.MULTILINE)
        self.file.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "softswitch", "run", str(self.file))
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
        deadline = time.monotonic() + READY_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the switch did not start: {(self.folder / 'log').read_text()[-2000:]}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        self._folder.cleanup()

    @property
    def cpu_seconds(self) -> float:
        """CPU of all processes of the switch so far."""
        if self._process is None:
            return 0.0
        return sum(cpu_seconds(pid) for pid in (self._process.pid, *children_of(self._process.pid)))

    def status(self) -> dict[str, Any]:
        """What `softswitch status --json` says."""
        command = (sys.executable, "-m", "softswitch", "status", str(self.file), "--json")
        found: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=ROOT))
        return found

    def _answers(self) -> bool:
        request = (
            f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{time.monotonic_ns()};rport\r\n"
            f"From: <sip:bench@localhost>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {time.monotonic_ns()}\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.connect(("127.0.0.1", self.port))
            try:
                sock.send(request.encode())
                return b"200" in sock.recv(4096)[:16]
            except OSError:
                time.sleep(0.1)
                return False


@asynccontextmanager
async def media_worker() -> AsyncIterator[tuple[MediaClient, int]]:
    """A media worker of its own: the client and the process."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        socket = Path(folder) / "media.sock"
        worker = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "media.worker",
                "--socket",
                str(socket),
                "--ports",
                WORKER_PORTS,
                "--log-level",
                "error",
            )
        )
        try:
            yield await _connect(socket), worker.pid
        finally:
            worker.terminate()
            await worker.wait()


def configure(client: MediaClient, leg: str, port: int) -> None:
    """Tell a leg that its peer is on this port of 127.0.0.1 and speaks PCMU."""
    client.configure(
        leg, remote_host="127.0.0.1", remote_port=port, codec="PCMU", payload_type=0, receive_payload_type=0,
        dtmf_send=None, dtmf_receive=None, send=True, receive=True,
    )  # fmt: skip


async def _connect(socket: Path) -> MediaClient:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            return await MediaClient.connect(str(socket), lambda event: None)
        except MediaError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
