"""`softswitch trace` on a running switch."""

import asyncio
import sys
from pathlib import Path

from tests.live.control import eventually, is_idle
from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import ROOT, RunningSwitch


async def trace(switch: RunningSwitch, *words: str) -> tuple[int, str]:
    """What the command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", "trace", *words), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_call_is_shown_as_a_ladder_and_written_for_wireshark(switch: RunningSwitch, tmp_path: Path) -> None:
    async with RawPhone("101", switch.sip_port) as caller, RawPhone("102", switch.sip_port) as callee:
        assert (await callee.register()).status == 200
        assert (await caller.call("102")).status == 200
        assert await caller.hears(callee.voice)
        await caller.hang_up()
        async with asyncio.timeout(PATIENCE):
            await callee.ended_by_far_side.wait()
    await eventually(switch, is_idle)
    file = tmp_path / "call.pcap"
    code, text = await trace(switch, "102", str(switch.file), "--pcap", str(file), "--full")
    assert code == 0, text
    assert "phone:101" in text
    assert "phone:102" in text
    assert "180 Ringing (INVITE)" in text
    assert "Bridged" in text
    assert "Authorization: (masked)" in text
    assert file.read_bytes()[:4] == b"\xa1\xb2\xc3\xd4"
    code, text = await trace(switch, "199", str(switch.file))
    assert (code, "remembered" in text) == (1, True)
