"""SIPp as a bounded child process: a scenario goes in, counted calls come out.

    users = write_users(tmp_path / "users.csv", [("101", "102")])
    async with registered("102", switch.sip_port) as port, Sipp("call_called", ..., local_port=port) as called:
        caller = await run("call_caller", switch.sip_port, tmp_path, calls=5, users=users, duration_ms=500)
        assert caller.good and (await called.result()).good

A called side has to be registered before: `registration.registered` does it and gives the port.
"""

import asyncio
import csv
import itertools
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.live.ports import SIPP_RTP, free_port

SCENARIOS = Path(__file__).parent / "sipp"

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed (Debian: sip-tester)")

_run_number = itertools.count()
_media_port = itertools.cycle(range(SIPP_RTP.start, SIPP_RTP.stop - 20, 20))


@dataclass(frozen=True)
class Result:
    """What SIPp counted."""

    exit_code: int
    successful: int
    failed: int
    retransmissions: int
    """Messages SIPp sent or received more than once."""
    unexpected: int
    mean_response_ms: float
    """From the INVITE (or REGISTER) to its 200, as the scenario marks it."""
    errors: str
    """SIPp's own words about the calls that failed."""

    @property
    def good(self) -> bool:
        return self.exit_code == 0 and self.failed == 0 and self.successful > 0


def write_users(path: Path, calls: Iterable[Sequence[str]]) -> Path:
    """Write SIPp's injection file: (number, number to call, further fields) with the example passwords."""
    lines = [
        ";".join((number, f"[authentication username={number} password=demo-{number}]", *rest))
        for number, *rest in calls
    ]
    path.write_text("\n".join(["SEQUENTIAL", *lines]) + "\n")
    return path


def milliseconds(text: str) -> float:
    """SIPp's 00:00:01:234567 (hours, minutes, seconds, microseconds) as milliseconds."""
    hours, minutes, seconds, micro = (int(part) for part in text.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + micro / 1000


class Sipp:
    """One SIPp, started on entry and gone after exit."""

    def __init__(
        self,
        scenario: str,
        server_port: int,
        folder: Path,
        *,
        calls: int = 1,
        rate: float = 10,
        users: Path | None = None,
        local_port: int | None = None,
        duration_ms: int = 0,
        seconds: int = 40,
        transport: str = "u1",
        host: str = "127.0.0.1",
    ) -> None:
        """`calls` at `rate` per second, each talking for `duration_ms`; everything is over after `seconds`."""
        self.name = f"{scenario}-{next(_run_number)}"
        self.folder = folder
        self.local_port = local_port or free_port()
        self.seconds = seconds
        self._statistics = folder / f"{self.name}.csv"
        self._errors = folder / f"{self.name}.errors"
        self._screen = folder / f"{self.name}.screen"
        self._process: asyncio.subprocess.Process | None = None
        host = f"[{host}]" if ":" in host else host
        self._command = [
            "sipp", f"{host}:{server_port}", "-sf", str(SCENARIOS / f"{scenario}.xml"),
            "-i", host, "-p", str(self.local_port), "-bind_local", "-t", transport, "-cp", str(free_port()),
            "-mi", host, "-mp", str(next(_media_port)), "-m", str(calls),
            "-r", str(rate), "-l", str(max(calls, 10)), "-d", str(duration_ms),
            "-timeout", str(seconds), "-timeout_error", "-nostdin", "-skip_rlimit",
            "-trace_stat", "-stf", str(self._statistics), "-fd", "1",
            "-trace_err", "-error_file", str(self._errors),
        ]  # fmt: skip
        if users is not None:
            self._command += ["-inf", str(users)]

    async def __aenter__(self) -> Self:
        with self._screen.open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=screen, stderr=screen, cwd=self.folder
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def result(self) -> Result:
        """Wait until all calls were handled and read the counts."""
        if self._process is None:
            raise AssertionError(f"{self.name} was not started")
        async with asyncio.timeout(self.seconds + 10):
            code = await self._process.wait()
        errors = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        if not self._statistics.exists():
            raise AssertionError(f"{self.name} did not start: {self._screen.read_text(errors='replace')[-2000:]}")
        with self._statistics.open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return Result(
            exit_code=code,
            successful=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
            unexpected=int(last["FailedUnexpectedMessage(C)"]),
            mean_response_ms=milliseconds(last["ResponseTime1(C)"]) if "ResponseTime1(C)" in last else 0.0,
            errors=errors[:4000],
        )


async def run(scenario: str, server_port: int, folder: Path, **options: object) -> Result:
    """Start a scenario and wait for its end."""
    async with Sipp(scenario, server_port, folder, **options) as sipp:  # type: ignore[arg-type]
        return await sipp.result()
