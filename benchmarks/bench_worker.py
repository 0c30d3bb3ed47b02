"""How many bridged calls one media worker holds on one core: calls of two legs, packets relayed both ways.

A real worker in a process of its own gets more and more calls, each leg fed a packet every 20 ms by another process.
A step counts as held when no packet was lost inside (none missing on the way in, as many sent as came) and the 99th
percentile of the ticks' lateness stays under `LATE` milliseconds. The floor is what the steps before it cost per leg.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.running import configure, cpu_seconds, media_worker
from media.client import MediaClient
from media.protocol import LegReport

STEPS: Final = (250, 500, 1000, 1250, 1500, 1750, 2000)
"""Calls; the first step that is not held is the last one."""
SECONDS: Final = 20.0
"""As long as the last 1,000 ticks, over which a worker tells its percentiles."""
SETTLE: Final = 4.0
"""Seconds after which a step is measured: every leg has latched by then."""
LATE: Final = 5.0
LONGEST: Final = 60
"""Seconds after which the load ends by itself."""
IDLE: Final = 2000
"""Legs that are open and silent while their memory is measured."""
SETUPS: Final = 100_000


def run() -> list[dict[str, Any]]:
    """A row per step: CPU microseconds per leg and second, lateness, losses, and the most calls that were held."""
    rows: list[dict[str, Any]] = []
    held = 0
    for calls in STEPS:
        row = asyncio.run(_step(calls))
        rows.append(row)
        if not row.pop("held"):
            break
        held = calls
    first = float(rows[0]["value"])
    for row in rows:
        row["floor"], row["ratio"] = first, round(float(row["value"]) / first, 2)
    rows += asyncio.run(_memory())
    most = {"name": "worker, most calls held", "unit": "calls", "value": held, "floor": 1000, "ratio": held / 1000}
    return [*rows, most]


async def _step(calls: int) -> dict[str, Any]:
    async with media_worker() as (client, pid):
        return await _measure(calls, client, pid)


async def _memory() -> list[dict[str, Any]]:
    """What an idle leg takes, and what set-ups and tear-downs leave behind, in KiB of resident memory."""
    async with media_worker() as (client, pid):
        await _set_up_and_tear_down(client, 1)
        before = _resident(pid)
        for leg in range(IDLE):
            await client.open(str(leg), "127.0.0.1")
            configure(client, str(leg), 5000)
        await client.statistics()
        each = (_resident(pid) - before) / IDLE
        for leg in range(IDLE):
            await client.close_leg(str(leg))
        await _set_up_and_tear_down(client, SETUPS // 10)
        before = _resident(pid)
        await _set_up_and_tear_down(client, SETUPS)
        grown = _resident(pid) - before
        client.close()
    return [
        {"name": "worker, an idle leg", "unit": "KiB", "value": round(each, 2), "floor": 12,
         "ratio": round(each / 12, 2)},
        {"name": f"worker, {SETUPS:,} set-ups and tear-downs", "unit": "KiB grown", "value": grown, "floor": before,
         "ratio": round((before + grown) / before, 3)},
    ]  # fmt: skip


async def _set_up_and_tear_down(client: MediaClient, count: int) -> None:
    for first in range(0, count, 40):
        legs = [str(leg) for leg in range(first, min(first + 40, count))]
        await asyncio.gather(*(client.open(leg, "127.0.0.1") for leg in legs))
        for leg in legs:
            configure(client, leg, 5000)
            client.join(leg, f"call {first}")
        await asyncio.gather(*(client.close_leg(leg) for leg in legs))


def _resident(pid: int) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


async def _measure(calls: int, client: MediaClient, pid: int) -> dict[str, Any]:
    legs = [str(leg) for leg in range(2 * calls)]
    ports = [await client.open(leg, "127.0.0.1") for leg in legs]
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.rtp_load", str(LONGEST), *map(str, ports)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert load.stdin is not None and load.stdout is not None
        sources = [int(port) for port in (await load.stdout.readline()).split()]
        for number, leg in enumerate(legs):
            configure(client, leg, sources[number % len(sources)])
            client.join(leg, f"call {number // 2}")
        await client.statistics()
        load.stdin.write(b"\n")
        await asyncio.sleep(SETTLE)
        skipped = int((await client.statistics())["skipped_ticks"])  # while thousands of legs began at once
        before, began = cpu_seconds(pid), time.monotonic()
        await asyncio.sleep(SECONDS)
        spent, passed = cpu_seconds(pid) - before, time.monotonic() - began
        statistics = await client.statistics()
    finally:
        load.terminate()
        await load.wait()
    await asyncio.sleep(0.1)
    reports = [await client.close_leg(leg) for leg in legs]
    client.close()
    statistics["skipped_ticks"] -= skipped
    return _row(calls, spent / passed, statistics, reports)


def _row(calls: int, share: float, statistics: dict[str, Any], reports: list[LegReport]) -> dict[str, Any]:
    missing = sum(report["lost"] for report in reports)
    unsent = sum(report["packets_received"] - report["packets_sent"] for report in reports)
    late, skipped = float(statistics["start_error_p99_ms"]), int(statistics["skipped_ticks"])
    return {
        "name": f"worker, {calls} bridged calls",
        "unit": "CPU us per leg and second",
        "value": round(share / (2 * calls) * 1e6, 1),
        "core": f"{share:.0%}",
        "tick_late_p99_ms": round(late, 2),
        "lost": missing,
        "unsent": unsent,
        "held": missing == 0 and unsent == 0 and skipped == 0 and late < LATE,
    }
