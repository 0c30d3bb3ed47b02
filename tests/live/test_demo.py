"""The demonstration from the command line: real calls, true figures, and nothing left behind."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from tests.live.running_switch import ROOT, RunningSwitch, children_of, is_alive

PATIENCE = 90
"""Seconds for a whole demonstration on a busy machine."""


async def start(folder: Path, *words: str) -> Process:
    """`softswitch demo WORDS` with a folder of its own for everything temporary."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", "demo", *words),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=ROOT, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip


async def at_work(demo: Process, module: str) -> list[int]:
    """All processes of the demonstration, as soon as the one that runs a module is among them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            family = children_of(demo.pid)
            if any(module in command_of(pid) for pid in family):
                return family
            assert demo.returncode is None
            await asyncio.sleep(0.1)


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


async def leaves_nothing(folder: Path, family: list[int]) -> None:
    await RunningSwitch.until(lambda: not any(map(is_alive, family)), 3, "a process stayed behind")
    assert list(folder.iterdir()) == []


async def finished(demo: Process) -> tuple[int | None, str, str]:
    """Exit code, output and complaints."""
    async with asyncio.timeout(PATIENCE):
        out, error = await demo.communicate()
    return demo.returncode, out.decode(), error.decode()


async def test_calls_are_offered_and_answered_and_nothing_is_left_behind(folder: Path) -> None:
    demo = await start(folder, "--seconds", "12", "--json")
    family = await at_work(demo, "softswitch.demo.pyvoip_caller")
    code, out, error = await finished(demo)
    assert (code, error) == (0, "")
    figures = json.loads(out)
    assert figures["offered"] >= figures["answered"] > 0
    accounted = sum(figures[outcome] for outcome in ("answered", "abandoned", "flowed_out", "waiting"))
    assert figures["offered"] == accounted
    assert figures["calls"] >= figures["offered"]
    assert figures["recordings"] > 0
    assert figures["recorded_seconds"] > 1
    assert 0 <= figures["service_level"] <= 1
    assert figures["average_talk"] > 0
    await leaves_nothing(folder, family)


async def test_without_a_terminal_there_is_a_line_for_each_change_and_ctrl_c_ends_with_the_table(folder: Path) -> None:
    demo = await start(folder, "--seconds", "300")
    assert demo.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b" talks to " not in await demo.stdout.readline():
            assert demo.returncode is None
    family = children_of(demo.pid)
    demo.send_signal(signal.SIGINT)
    code, out, error = await finished(demo)
    assert (code, error) == (0, "")
    assert "What happened in" in out
    await leaves_nothing(folder, family)


async def test_ctrl_c_while_it_starts_is_one_sentence(folder: Path) -> None:
    demo = await start(folder)
    family = await at_work(demo, "softswitch.demo.switch")
    demo.send_signal(signal.SIGINT)
    assert await finished(demo) == (1, "", "The demonstration was ended before it began.\n")
    await leaves_nothing(folder, family)


@pytest.mark.parametrize("module", ["softswitch.demo.baresip_phones", "softswitch.demo.switch"])
async def test_a_process_that_dies_ends_it_with_one_sentence(folder: Path, module: str) -> None:
    demo = await start(folder)
    family = await at_work(demo, module)
    os.kill(next(pid for pid in family if module in command_of(pid)), signal.SIGKILL)
    code, out, error = await finished(demo)
    assert (code, out) == (1, "")
    assert error.startswith("The ")
    assert error.count("\n") == 1
    await leaves_nothing(folder, family)
