"""What cannot be is said in one sentence, and what is scarce is refused without harm to what goes on."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
import soundfile

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually, is_idle, state
from tests.live.ports import SWITCH_RTP
from tests.live.raw_phone import RawPhone
from tests.live.running_switch import ROOT, RunningSwitch, with_setting
from tests.live.sound import tone

PAIRS = 10
"""Calls to an echo that twenty ports are enough for."""


async def refusal(file: Path) -> str:
    """What `softswitch run` says when it does not start; it must be a single sentence."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", "run", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    said = out.decode()
    assert process.returncode == 1, said
    assert "Traceback" not in said
    return said


def sentences(said: str) -> list[str]:
    """The lines that are for the operator, without the diary of a start that was broken off."""
    return [line for line in said.splitlines() if line.strip() and " INFO " not in line and "[info" not in line]


@contextmanager
def taken(kind: socket.SocketKind, port: int) -> Iterator[None]:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        yield


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
async def test_a_port_that_is_taken(folder: Path, kind: socket.SocketKind) -> None:
    switch = RunningSwitch(folder)
    with taken(kind, switch.sip_port):
        (sentence,) = sentences(await refusal(switch.file))
    name = "UDP" if kind is socket.SOCK_DGRAM else "TCP"
    assert sentence == f"{name} 127.0.0.1:{switch.sip_port} cannot be opened: Address already in use."


async def test_a_second_switch_on_the_same_data_folder_is_refused_and_the_first_goes_on(
    start_switch: SwitchStarter,
) -> None:
    first = await start_switch()
    other = first.folder / "other"
    other.mkdir()
    second = RunningSwitch(other)
    second.file.write_text(second.file.read_text().replace(str(second.data), str(first.data)))
    (sentence,) = sentences(await refusal(second.file))
    assert "Another softswitch" in sentence
    assert str(first.data) in sentence
    async with RawPhone("101", first.sip_port) as phone:
        assert (await phone.register()).status == 200
        assert (await phone.call("901")).status == 200
        await phone.hang_up()
    await eventually(first, is_idle)


async def test_a_configuration_that_cannot_be_read(folder: Path) -> None:
    missing = folder / "nothing.toml"
    (sentence,) = sentences(await refusal(missing))
    assert str(missing) in sentence
    broken = folder / "broken.toml"
    broken.write_bytes(b'[switch]\nname = "\xff\xfe"\n')
    said = sentences(await refusal(broken))
    assert len(said) == 1
    assert "broken.toml" in said[0]


@pytest.mark.parametrize("what", ["data-is-a-file", "data-is-read-only", "database-is-none", "address-is-not-ours"])
async def test_surroundings_that_do_not_fit(folder: Path, what: str) -> None:
    switch = RunningSwitch(folder)
    match what:
        case "data-is-a-file":
            switch.data.write_text("a file")
        case "data-is-read-only":
            switch.file.write_text(with_setting(switch.file.read_text(), "switch.data", "/proc/softswitch"))
        case "database-is-none":
            switch.data.mkdir()
            (switch.data / "softswitch.db").write_bytes(b"this is no database at all" * 100)
        case _:
            text = switch.file.read_text().replace("udp:127.0.0.1", "udp:127.200.0.1")
            switch.file.write_text(text.replace("127.200.0.1", "192.0.2.1").replace("demo-", "pass-1-"))
    said = sentences(await refusal(switch.file))
    assert len(said) == 1, said


async def test_a_prompt_that_is_gone_and_a_recording_that_cannot_be_written_lose_no_call(
    folder: Path, start_switch: SwitchStarter
) -> None:
    prompt = folder / "good-day.wav"
    soundfile.write(prompt, tone(440, 0.5), 8000)
    greetings = {f"menus.main.greeting_{part}": f"file:{prompt}" for part in ("morning", "day", "evening", "night")}
    switch = await start_switch({**greetings, "recordings.folder": "/proc/recordings", "phones.102.record": True})
    prompt.unlink()
    async with RawPhone("101", switch.sip_port) as caller, RawPhone("102", switch.sip_port) as callee:
        assert (await caller.register()).status == (await callee.register()).status == 200
        assert (await caller.call("500")).status == 200
        before = caller.packets
        await switch.until(lambda: caller.packets > before + 25, 30, "the rest of the greeting is not heard")
        await caller.hang_up()
        assert (await caller.call("102")).status == 200
        assert await callee.hears(caller.voice)
        await caller.hang_up()
        await eventually(switch, is_idle)
    lines = switch.log.splitlines()
    assert 1 <= sum(str(prompt) in line for line in lines) <= 2  # once for the caller, perhaps once before him
    assert sum("this call is not recorded" in line for line in lines) == 1


@pytest.fixture
async def crowd(start_switch: SwitchStarter) -> AsyncIterator[tuple[RunningSwitch, list[RawPhone]]]:
    """Phones enough to use up the media ports of a switch that has twenty, of which others hold some."""
    first = int(SWITCH_RTP.partition("-")[0])
    async with AsyncExitStack() as stack:
        for port in (first, first + 4):
            stack.enter_context(taken(socket.SOCK_DGRAM, port))
        switch = await start_switch({"media.ports": f"{first}-{first + 2 * PAIRS + 3}"})
        numbers = [str(number) for number in range(101, 111)] * 2
        yield switch, [await stack.enter_async_context(RawPhone(one, switch.sip_port)) for one in numbers]


async def test_calls_beyond_the_last_media_port_get_503_and_those_before_go_on(
    crowd: tuple[RunningSwitch, list[RawPhone]],
) -> None:
    switch, phones = crowd
    for _ in range(2):
        answers = [await phone.call("900") for phone in phones]
        talking = [phone for phone, answer in zip(phones, answers, strict=True) if answer.status == 200]
        refused = [answer for answer in answers if answer.status != 200]
        assert len(talking) == PAIRS
        assert {answer.status for answer in refused} == {503}
        assert all(answer["retry-after"] for answer in refused)
        assert all(await asyncio.gather(*(phone.hears(phone.voice) for phone in talking)))
        await asyncio.gather(*(phone.hang_up() for phone in talking[1:]))
        assert await talking[0].hears(talking[0].voice)
        assert (await talking[1].call("900")).status == 200  # at once
        await asyncio.gather(*(phone.hang_up() for phone in talking[:2]))
        await eventually(switch, is_idle)
    assert (await state(switch))["sip"]["bugs"] == 0
    causes = [record["cause"] for record in await switch.calls(at_least=2 * len(phones))]
    assert causes.count("no_media") == 2 * PAIRS
