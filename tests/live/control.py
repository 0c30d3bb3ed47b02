"""Quick looks into a running switch, through its control socket and not through a new process for each."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from softswitch.api.control import ControlError, ask
from tests.live.running_switch import RunningSwitch, children_of

PATIENCE = 30.0
"""Seconds; a machine may be three times slower than this one and busy besides."""


async def state(switch: RunningSwitch) -> dict[str, Any]:
    """What `softswitch status --json` prints."""
    return await ask(switch.data / "run" / "control.sock", "status")


async def eventually(
    switch: RunningSwitch, holds: Callable[[dict[str, Any]], bool], timeout: float = PATIENCE
) -> dict[str, Any]:
    """Wait until the status is as it should be, and return it."""
    began = time.monotonic()
    found: dict[str, Any] = {}
    while time.monotonic() - began < timeout:
        try:
            found = await state(switch)
        except ControlError:
            found = {}
        if found and holds(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"the switch is still like this after {timeout} s: {found}\n{switch.log[-3000:]}")


def is_idle(status: dict[str, Any]) -> bool:
    """No call, no leg, no session."""
    return (status["calls"], status["media"].get("legs"), status["load"]["sessions"]) == ([], 0, 0)


def process_of(switch: RunningSwitch, module: str) -> int:
    """The process that runs `python -m MODULE`."""
    for child in children_of(switch.pid):
        if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return child
    raise AssertionError(f"no process of {module}")
