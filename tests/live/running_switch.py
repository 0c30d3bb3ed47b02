"""The switch as a child process on free ports, with a configuration made from the example.

    async with RunningSwitch(folder, {"queues.support.ring_timeout": 2}) as switch:
        ...  switch.sip_port, switch.trunk_port, switch.data, await switch.command("status", "--json")

Leaving stops it by SIGTERM and insists that it left nothing behind: no process, no port, no traceback in its log.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.live.ports import SWITCH_RTP, free_port, is_free
from tests.live.registration import Mailbox

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config" / "example.toml"
START_SECONDS = 20
STOP_SECONDS = 15

Setting = bool | int | float | str | list[str]


def as_toml(value: Setting) -> str:
    """A value as it is written in the file; JSON's way of writing these is TOML's too."""
    return json.dumps(value)


def with_setting(text: str, key: str, value: Setting) -> str:
    """The file with one key set: "queues.support.ring_timeout" replaces the line of the table or adds one."""
    table, _, name = key.rpartition(".")
    lines = text.splitlines()
    header = f"[{table}]"
    if header not in lines:
        lines += ["", header]
    first = lines.index(header) + 1
    last = next((row for row in range(first, len(lines)) if lines[row].startswith("[")), len(lines))
    setting = f"{name} = {as_toml(value)}"
    for row in range(first, last):
        if re.match(rf'"?{re.escape(name)}"?\s*=', lines[row]):
            lines[row] = setting
            return "\n".join(lines) + "\n"
    lines.insert(first, setting)
    return "\n".join(lines) + "\n"


def example_configuration(sip_port: int, trunk_port: int, data: Path, settings: Mapping[str, Setting]) -> str:
    """The example on other ports, with its data elsewhere and the office always open."""
    text = EXAMPLE.read_text()
    text = text.replace("127.0.0.1:5060", f"127.0.0.1:{sip_port}").replace("127.0.0.1:5070", f"127.0.0.1:{trunk_port}")
    always = {"switch.data": str(data), "media.ports": SWITCH_RTP, "media.workers": 1, "schedules.office.force": "open"}
    for key, value in {**always, **settings}.items():
        text = with_setting(text, key, value)
    return text


def children_of(pid: int) -> list[int]:
    """Every living descendant of a process, nearest first."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(0), [])
        found += children
        waiting += children
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def cpu_seconds_of(pid: int) -> float:
    """User and system time of one process; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class RunningSwitch:
    """A switch of its own for a test. It may be killed and started again over the same data."""

    def __init__(self, folder: Path, settings: Mapping[str, Setting] | None = None) -> None:
        self.folder = folder
        self.data = folder / "var"
        self.sip_port = free_port()
        self.trunk_port = free_port()
        self.file = folder / "softswitch.toml"
        self.file.write_text(example_configuration(self.sip_port, self.trunk_port, self.data, settings or {}))
        self.log_file = folder / "softswitch.log"
        self.expected_in_log: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    # Life

    async def start(self) -> None:
        """Start it and wait until it answers an OPTIONS over UDP."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "softswitch", "run", str(self.file)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
            )  # fmt: skip
        began = time.monotonic()
        while not await self.answers_options():
            if self._process.poll() is not None:
                raise AssertionError(f"the switch ended with {self._process.returncode}:\n{self.log[-4000:]}")
            if time.monotonic() - began > START_SECONDS:
                raise AssertionError(f"the switch does not answer after {START_SECONDS} s:\n{self.log[-4000:]}")

    async def stop(self) -> None:
        """SIGTERM, then insist that nothing stayed behind."""
        if self._process is None:
            return
        family = children_of(self.pid)
        self._process.send_signal(signal.SIGTERM)
        await self.ended(family)

    async def ended(self, family: list[int]) -> None:
        """Wait for the end of the switch and of its processes, and insist that it ended well."""
        process = self._process
        assert process is not None
        try:
            await self.until(lambda: process.poll() is not None, STOP_SECONDS, "the switch did not stop")
        except AssertionError:
            self.kill()
            raise
        self._process = None
        await self.until(lambda: not any(map(is_alive, family)), 3, "a process of the switch stayed behind")
        assert process.returncode == 0, f"the switch ended with {process.returncode}:\n{self.log[-4000:]}"
        self.leaves_nothing_behind()

    def kill(self) -> None:
        """SIGKILL to all its processes at once, as a power cut would."""
        if self._process is None:
            return
        for pid in (*reversed(children_of(self.pid)), self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def leaves_nothing_behind(self) -> None:
        assert is_free(self.sip_port), "the SIP port is still held"
        sockets = [str(path) for path in self.data.rglob("*") if path.is_socket()]
        assert sockets == [], "sockets were left in the data folder"
        unexpected = self.log
        for text in self.expected_in_log:
            unexpected = unexpected.replace(text, "")
        assert "Traceback" not in unexpected, unexpected[unexpected.index("Traceback") - 500 :][:6000]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.stop()
            return
        print(f"--- the switch's log ---\n{self.log[-8000:]}")
        self.kill()

    # Facts

    @property
    def pid(self) -> int:
        if self._process is None:
            raise AssertionError("the switch is not running")
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def cpu_seconds(self) -> float:
        """CPU time of all its processes together."""
        return sum(map(cpu_seconds_of, (self.pid, *children_of(self.pid))))

    def recordings(self) -> list[Path]:
        """Sound files of recorded calls, oldest first."""
        return sorted((self.data / "recordings").rglob("*.wav"), key=lambda path: path.stat().st_mtime)

    async def command(self, verb: str, *words: str) -> Any:
        """`softswitch VERB FILE WORDS`; what it prints, read as JSON when asked for JSON."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "softswitch", verb, str(self.file), *words),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        async with asyncio.timeout(20):
            out, error = await process.communicate()
        assert process.returncode == 0, f"softswitch {verb}: {out.decode()}{error.decode()}"
        return json.loads(out) if "--json" in words else out.decode()

    async def status(self) -> dict[str, Any]:
        answer = await self.command("status", "--json")
        assert isinstance(answer, dict)
        return answer

    async def calls(self, at_least: int = 0) -> list[dict[str, Any]]:
        """The call records, newest first; the writer is given some time to write as many as are waited for."""
        for _ in range(20):
            records = await self.command("calls", "--json", "--limit", "10000")
            if len(records) >= at_least:
                break
            await asyncio.sleep(0.25)
        assert len(records) >= at_least, records
        return list(records)

    async def is_idle(self, timeout: float = 8) -> None:
        """Insist that no call and no leg is left."""
        began = time.monotonic()
        while True:
            status = await self.status()
            left = (status["calls"], status["media"]["legs"])
            if left == ([], 0):
                return
            assert time.monotonic() - began < timeout, f"calls and legs that stayed: {left}"
            await asyncio.sleep(0.5)

    async def answers_options(self, timeout: float = 0.2) -> bool:
        """Whether an OPTIONS over UDP is answered with a 200."""
        transport, mailbox = await asyncio.get_running_loop().create_datagram_endpoint(
            Mailbox, remote_addr=("127.0.0.1", self.sip_port)
        )
        host, port = transport.get_extra_info("sockname")
        try:
            transport.sendto(
                (
                    f"OPTIONS sip:127.0.0.1:{self.sip_port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{time.monotonic_ns()};rport\r\n"
                    f"From: <sip:test@{host}>;tag=1\r\nTo: <sip:127.0.0.1:{self.sip_port}>\r\n"
                    f"Call-ID: {time.monotonic_ns()}\r\nCSeq: 1 OPTIONS\r\n"
                    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
                ).encode()
            )
            async with asyncio.timeout(timeout):
                return (await mailbox.received.get()).startswith("SIP/2.0 200")
        except TimeoutError:
            return False
        finally:
            transport.close()
            await mailbox.closed.wait()

    @staticmethod
    async def until(condition: Callable[[], bool], timeout: float, otherwise: str) -> None:
        """Look every 20 ms until the condition holds."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > timeout:
                raise AssertionError(otherwise)
            await asyncio.sleep(0.02)
