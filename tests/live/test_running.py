"""Starting, stopping, reloading, and processes that die."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phones
from tests.live.ports import free_port
from tests.live.running_switch import ROOT, RunningSwitch, children_of
from tests.live.sound import dominant_frequency


def child_named(pid: int, module: str) -> int:
    """The process that runs `python -m MODULE`."""
    for child in children_of(pid):
        if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return child
    raise AssertionError(f"no process of {module}")


async def test_the_stop_command_ends_it(switch: RunningSwitch) -> None:
    family = children_of(switch.pid)
    await switch.command("stop")
    await switch.ended(family)


async def refusal(file: Path) -> str:
    """What `softswitch run` says when it refuses to start."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", "run", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
    )
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    assert process.returncode == 1, out.decode()
    assert "Traceback" not in out.decode()
    return out.decode()


async def test_an_occupied_port_is_one_clear_sentence(folder: Path) -> None:
    switch = RunningSwitch(folder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", switch.sip_port))
        assert str(switch.sip_port) in await refusal(switch.file)


async def test_a_broken_file_is_refused_and_calls_never_notice(switch: RunningSwitch, phones: Phones) -> None:
    caller = await phones.add("101")
    await caller.call("901")
    await caller.answered()
    good = switch.file.read_text()
    switch.file.write_text(good.replace('strategy = "round_robin"', 'strategy = "round_robbin"'))
    with pytest.raises(AssertionError, match="round_robin"):
        await switch.command("reload")
    switch.file.write_text(good)
    os.kill(switch.pid, signal.SIGHUP)
    await asyncio.sleep(1.0)
    assert dominant_frequency(await caller.hear(0.5)) == pytest.approx(1004, abs=5)
    assert len((await switch.status())["calls"]) == 1


async def test_a_reload_takes_over_a_new_phone(switch: RunningSwitch, phones: Phones) -> None:
    switch.file.write_text(switch.file.read_text() + '\n[phones.120]\npassword = "demo-120"\n')
    await switch.command("reload")
    caller, new = await phones.add("101"), await phones.add("120", answer_after=0.1)
    await caller.call("120")
    await caller.answered()
    await new.hang_up()
    await caller.ended()


async def test_a_media_worker_that_dies_is_back_for_the_next_call(switch: RunningSwitch, phones: Phones) -> None:
    caller = await phones.add("101")
    os.kill(child_named(switch.pid, "media.worker"), signal.SIGKILL)
    await asyncio.sleep(3.0)
    await caller.call("901")
    await caller.answered()
    await asyncio.sleep(0.5)
    assert dominant_frequency(await caller.hear(0.5)) == pytest.approx(1004, abs=5)
    await caller.hang_up()


async def test_a_switch_process_that_dies_is_back_with_its_registrations(switch: RunningSwitch, phones: Phones) -> None:
    caller, callee = await phones.add("101"), await phones.add("102", answer_after=0.1)
    await asyncio.sleep(1.0)
    os.kill(child_named(switch.pid, "softswitch.switch"), signal.SIGKILL)
    await asyncio.sleep(0.2)
    for _ in range(50):
        if await switch.answers_options():
            break
    await caller.call("102")
    await caller.answered()
    await caller.hang_up()
    await callee.ended()


async def test_two_switches_do_not_share_a_data_folder(switch: RunningSwitch) -> None:
    text = switch.file.read_text().replace(f":{switch.sip_port}", f":{free_port()}")
    second = switch.folder / "second.toml"
    second.write_text(text)
    await refusal(second)
    assert await switch.answers_options()


async def test_no_call_stays_behind_after_a_day_of_all_kinds(start_switch: SwitchStarter) -> None:
    """Calls that end in every way leave no call and no leg in the switch."""
    switch = await start_switch()
    async with Phones(switch.sip_port) as phones:
        caller, callee = await phones.add("101"), await phones.add("102")
        for number in ("901", "700", "600", "102", "999"):
            await caller.call(number)
            await asyncio.sleep(0.4)
            await caller.hang_up()
            await asyncio.sleep(0.2)
        await caller.call("102")
        await callee.rings()
        await callee.reject()
        await caller.ended()
        await switch.is_idle()
