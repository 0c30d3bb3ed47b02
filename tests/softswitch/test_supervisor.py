"""Processes that die are started again, those that refuse are not. The stand-ins are one-line programs."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from softswitch import supervisor
from softswitch.supervisor import REFUSED, Child


def program(folder: Path, last_words: str) -> list[str]:
    """A program that writes its process id on a line of `starts`, and then does what it is told."""
    first_words = f"import os, signal, sys, time\nopen({str(folder / 'starts')!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
    return [sys.executable, "-S", "-E", "-c", first_words + last_words]


def starts(folder: Path) -> list[int]:
    path = folder / "starts"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20.0):
        while not happened():
            await asyncio.sleep(0.01)


async def finished(work: Awaitable[None]) -> None:
    async with asyncio.timeout(20.0):
        await work


async def test_a_child_that_is_killed_is_started_again_within_a_second(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, "time.sleep(60)"))
    running = asyncio.create_task(child.run())
    await until(lambda: len(starts(tmp_path)) == 1)
    began = time.monotonic()
    with capture_logs() as log:
        os.kill(starts(tmp_path)[0], signal.SIGKILL)
        await until(lambda: len(starts(tmp_path)) == 2)
    assert time.monotonic() - began < 5.0
    assert log[0]["code"] == -signal.SIGKILL
    await child.stop()
    await finished(running)
    assert not child.refused


async def test_a_child_that_dies_at_once_is_tried_again_and_again_with_growing_pauses(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, "sys.exit(7)"))
    with capture_logs():
        running = asyncio.create_task(child.run())
        await until(lambda: len(starts(tmp_path)) == 3)
        await child.stop()
        await finished(running)
    assert not child.refused


async def test_a_child_that_refuses_is_not_started_again(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, f"sys.exit({REFUSED})"))
    await finished(child.run())
    assert child.refused
    assert len(starts(tmp_path)) == 1


async def test_an_exit_code_1_after_a_long_life_is_a_crash(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, "time.sleep(0.2); raise RuntimeError"), steady=0.1)
    with capture_logs():
        running = asyncio.create_task(child.run())
        await until(lambda: len(starts(tmp_path)) == 2)
        await child.stop()
        await finished(running)
    assert not child.refused


async def test_a_child_that_ends_well_is_not_started_again(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, "sys.exit(0)"))
    await finished(child.run())
    assert not child.refused
    assert len(starts(tmp_path)) == 1


async def test_a_child_that_is_stopped_ends_and_stays_away(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, "time.sleep(60)"))
    running = asyncio.create_task(child.run())
    await until(lambda: len(starts(tmp_path)) == 1)
    await child.stop()
    await finished(running)
    await child.stop()
    assert len(starts(tmp_path)) == 1


async def test_a_child_that_is_stopped_between_two_lives_is_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.3)
    child = Child("stand-in", program(tmp_path, "sys.exit(7)"))
    with capture_logs() as log:
        running = asyncio.create_task(child.run())
        await until(lambda: bool(log))
        await child.stop()
        await finished(running)
    assert len(starts(tmp_path)) == 1


async def test_a_child_that_is_stopped_while_it_is_being_started_ends(tmp_path: Path) -> None:
    child = Child("stand-in", program(tmp_path, "time.sleep(60)"))
    running = asyncio.create_task(child.run())
    await asyncio.sleep(0)
    await child.stop()
    await finished(running)


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1], 'w').close(); time.sleep(60)"
    child = Child("stand-in", [*program(tmp_path, deaf), str(tmp_path / "deaf")], stop_within=0.2)
    running = asyncio.create_task(child.run())
    await until((tmp_path / "deaf").exists)
    with capture_logs() as log:
        await finished(child.stop())
    await finished(running)
    assert [line["event"] for line in log] == ["a process did not end and was killed"]


async def test_a_signal_is_passed_on_and_one_to_nobody_is_not(tmp_path: Path) -> None:
    heard = "signal.signal(signal.SIGHUP, lambda *a: open(sys.argv[1], 'w').close())\n"
    ready = "open(sys.argv[2], 'w').close(); [time.sleep(0.05) for _ in range(1000)]"
    command = [*program(tmp_path, heard + ready), str(tmp_path / "heard"), str(tmp_path / "ready")]
    child = Child("stand-in", command)
    child.send(signal.SIGHUP)
    running = asyncio.create_task(child.run())
    await until((tmp_path / "ready").exists)
    child.send(signal.SIGHUP)
    await until((tmp_path / "heard").exists)
    await child.stop()
    await finished(running)
    child.send(signal.SIGHUP)
