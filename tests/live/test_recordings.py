"""Real phones talk, and what was recorded plays in the form that was wished for."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile
from baresip.errors import CallFailed

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import dominant_frequency, share_of


async def conversation(caller: Phone, callee: Phone, seconds: float = 2.0) -> None:
    """The caller hums 440 Hz, the other party 660 Hz."""
    await caller.call(callee.number)
    await callee.rings()
    await callee.answer()
    await caller.answered()
    caller.send_tone(440)
    callee.send_tone(660)
    await asyncio.sleep(seconds)
    await caller.hang_up()
    await callee.ended()


async def kept(switch: RunningSwitch, count: int) -> list[dict[str, Any]]:
    """The records, once so many recordings are in their final form; newest first."""
    await eventually(switch, lambda status: status["recordings"]["kept"] == count)
    return await switch.calls(at_least=count)


def file_of(switch: RunningSwitch, record: dict[str, Any]) -> Path:
    (one,) = record["recordings"]
    path = switch.data / "recordings" / one["path"]
    assert path.stat().st_size == one["size"]
    return path


async def test_calls_are_kept_as_gsm_and_as_flac_and_both_play(start_switch: SwitchStarter) -> None:
    switch = await start_switch(
        {"recordings.format": "gsm", "phones.102.record": True, "phones.103.record": True, "phones.103.format": "flac"}
    )
    async with Phones(switch.sip_port) as phones:
        caller = await phones.add("101")
        await conversation(caller, await phones.add("102"))
        await conversation(caller, await phones.add("103"))
        flac, gsm = await kept(switch, 2)
    path = file_of(switch, gsm)
    assert (path.suffix, soundfile.info(path).subtype) == (".wav", "GSM610")
    sound, rate = soundfile.read(path, dtype="int16")
    assert (sound.ndim, rate) == (1, 8000)
    assert len(sound) / rate == pytest.approx(gsm["recordings"][0]["seconds"], abs=0.5)
    assert share_of(440, sound[-8000:]) > 0.2
    assert share_of(660, sound[-8000:]) > 0.2
    path = file_of(switch, flac)
    assert (path.suffix, soundfile.info(path).format) == (".flac", "FLAC")
    sound, rate = soundfile.read(path, dtype="int16")
    assert (sound.shape[1], rate) == (2, 8000)
    assert dominant_frequency(sound[-8000:, 0]) == pytest.approx(440, abs=8)
    assert dominant_frequency(sound[-8000:, 1]) == pytest.approx(660, abs=8)
    folder = switch.data / "recordings"
    assert {one for one in folder.rglob("*") if one.is_file()} == {file_of(switch, gsm), path}


async def test_after_kill_9_a_recording_is_mended_and_kept_in_its_form(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"recordings.format": "gsm", "phones.102.record": True})
    async with Phones(switch.sip_port) as phones:
        caller, callee = await phones.add("101"), await phones.add("102")
        await caller.call("102")
        await callee.rings()
        await callee.answer()
        await caller.answered()
        caller.send_tone(440)
        await asyncio.sleep(3.0)
        switch.kill()
    await switch.start()
    (record,) = await kept(switch, 1)
    assert record["cause"] == "node_crash"
    path = file_of(switch, record)
    assert soundfile.info(path).subtype == "GSM610"
    assert soundfile.info(path).duration > 1.0


async def test_a_code_begins_a_recording_and_another_one_keeps_a_card_number_out_of_it(
    start_switch: SwitchStarter,
) -> None:
    switch = await start_switch({"phones.102.record_on_demand": True, "phones.102.format": "flac"})
    async with Phones(switch.sip_port) as phones:
        caller, callee = await phones.add("101"), await phones.add("102")
        await caller.call("102")
        await callee.rings()
        await callee.answer()
        await caller.answered()
        caller.send_tone(440)
        await callee.dtmf("*1")
        await eventually(switch, lambda status: status["recordings"]["running"] == 1)
        await asyncio.sleep(1.5)
        await callee.dtmf("*2")
        await asyncio.sleep(2.5)
        await callee.dtmf("*2")
        await asyncio.sleep(1.5)
        await caller.hang_up()
        await callee.ended()
        (record,) = await kept(switch, 1)
    (recording,) = record["recordings"]
    ((first, last),) = recording["pauses"]
    assert 2.0 < last - first < 5.0
    sound, rate = soundfile.read(file_of(switch, record), dtype="int16")
    silent = sound[round((first + 0.4) * rate) : round((last - 0.4) * rate)]
    assert not silent.any()
    for heard in (sound[round((first - 1) * rate) : round(first * rate)], sound[round((last + 0.3) * rate) :]):
        assert dominant_frequency(heard[:, 0]) == pytest.approx(440, abs=8)


async def test_a_queue_that_must_be_recorded_refuses_callers_while_it_cannot_be(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"queues.support.unwritable": "refuse", "recordings.low_water_mb": 1_000_000_000})
    async with Phones(switch.sip_port) as phones:
        caller = await phones.add("106")
        await caller.call("600")
        with pytest.raises(CallFailed) as refused:
            await caller.answered()
    assert refused.value.status == 503
    status = await eventually(switch, lambda status: status["recordings"]["trouble"])
    assert "MB are free" in status["recordings"]["trouble"]
    assert "MB are free" in " ".join((await switch.command("status")).split())
    assert switch.log.count("Calls are not recorded") == 1


async def test_a_call_is_held_and_let_go_from_the_command_line(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"phones.102.record": True})
    async with Phones(switch.sip_port) as phones:
        await conversation(await phones.add("101"), await phones.add("102"), 0.5)
    (record,) = await switch.calls(at_least=1)
    assert record["held"] is False
    said = await control(switch, "hold", record["call"], "--reason", "court order", "--json")
    assert said == {"call": record["call"], "held": True}
    (record,) = await switch.calls(at_least=1)
    assert record["held"] is True
    assert "is not held" in await control(switch, "unhold", "n-0", refused=True)
    assert "no call" in await control(switch, "hold", "n-0", refused=True)
    assert (await control(switch, "unhold", record["call"], "--json"))["held"] is False


async def control(switch: RunningSwitch, verb: str, call: str, *words: str, refused: bool = False) -> Any:
    """`softswitch hold CALL FILE`; the refusal when that is expected."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", verb, call, str(switch.file), *words),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    assert process.returncode == (1 if refused else 0), (out, error)
    return error.decode() if refused else json.loads(out)
