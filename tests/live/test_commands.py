"""The commands of a person and of a script: what they print, as text and as JSON, and how they end."""

import asyncio
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually, is_idle
from tests.live.ports import free_port
from tests.live.raw_phone import RawPhone
from tests.live.running_switch import EXAMPLE, ROOT, RunningSwitch, children_of

VERBS = ("run", "check", "status", "metrics", "calls", "reload", "stop")
GOOD, REFUSED, MISUSED = 0, 1, 2


async def softswitch(*words: str, cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", *words),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=cwd,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, error = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in out + error, (words, error.decode())
    return process.returncode, out.decode(), error.decode()


async def all_of(*commands: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Several commands, two at a time."""
    places = asyncio.Semaphore(2)

    async def one(words: tuple[str, ...]) -> tuple[int, str, str]:
        async with places:
            return await softswitch(*words)

    return list(await asyncio.gather(*map(one, commands)))


async def test_help_and_wrong_usage() -> None:
    helped = await all_of(("--help",), *((verb, "--help") for verb in VERBS))
    assert [code for code, _, _ in helped] == [GOOD] * len(helped)
    assert all(verb in helped[0][1] for verb in VERBS)
    assert all("--json" in out for (_, out, _), verb in zip(helped[1:], VERBS, strict=True) if verb != "run")
    misused = await all_of(
        ("nonsense",),
        ("check", "--nonsense"),
        ("calls", "--limit", "many"),
        ("status", "one", "two"),
        ("run", "a", "b"),
    )
    assert [code for code, _, _ in misused] == [MISUSED] * len(misused), misused
    assert all(out + error for _, out, error in misused)


async def test_check_says_every_mistake_and_its_place(folder: Path) -> None:
    broken = folder / "broken.toml"
    broken.write_text(
        EXAMPLE.read_text().replace('"round_robin"', '"round_robbin"') + '\n[phones.120]\npasword = "x"\n'
    )
    good, bad, bad_json, missing = await all_of(
        ("check", str(EXAMPLE), "--json"), ("check", str(broken)), ("check", str(broken), "--json"),
        ("check", str(folder / "none.toml"), "--json"),
    )  # fmt: skip
    assert (good[0], json.loads(good[1])["mistakes"]) == (GOOD, [])
    assert bad[0] == bad_json[0] == missing[0] == REFUSED
    mistakes: list[dict[str, Any]] = json.loads(bad_json[1])["mistakes"]
    for mistake in mistakes:
        assert f"{mistake['file']}:{mistake['line']}:{mistake['column']}: {mistake['key']}" in bad[1]
    assert any("round_robin" in str(mistake) for mistake in mistakes)
    assert any("password" in str(mistake) for mistake in mistakes)
    assert json.loads(missing[1])["mistakes"]


async def test_without_a_switch_there_is_one_sentence(folder: Path) -> None:
    switch = RunningSwitch(folder)
    file = str(switch.file)
    answers = await all_of(("status", file), ("status", file, "--json"), ("reload", file), ("stop", file, "--json"))
    for code, out, error in answers:
        assert (code, out) == (REFUSED, "")
        assert error.count("\n") == 1
        assert "No switch is running" in error
    code, out, _ = await softswitch("calls", file, "--json")
    assert (code, json.loads(out)) == (GOOD, [])


async def test_a_running_switch_is_asked_changed_and_ended(start_switch: SwitchStarter) -> None:
    switch = await start_switch()
    file = str(switch.file)
    async with RawPhone("101", switch.sip_port) as phone:
        assert (await phone.register()).status == 200
        assert (await phone.call("901")).status == 200
        text, as_json = await all_of(("status", file), ("status", file, "--json"))
        assert text[0] == as_json[0] == GOOD
        status = json.loads(as_json[1])
        assert [(call["caller"], call["called"]) for call in status["calls"]] == [("101", "901")]
        assert "101@localhost" in str(status["registrations"])
        assert "901" in text[1]
        good = switch.file.read_text()
        switch.file.write_text(good + '\n[phones.120]\npassword = "demo-120"\n')
        code, out, _ = await softswitch("reload", file, "--json")
        assert (code, json.loads(out)["needs_restart"]) == (GOOD, [])
        switch.file.write_text(good + "\n[phones.121\n")
        code, out, error = await softswitch("reload", file, "--json")
        assert (code, out) == (REFUSED, "")
        assert f"{file}:" in error
        switch.file.write_text(good)
        await phone.hang_up()
    await eventually(switch, is_idle)
    await switch.calls(at_least=1)
    answers = await all_of(
        ("calls", file, "--json"), ("calls", file), ("calls", file, "--json", "--since", "1h", "--number", "901"),
        ("calls", file, "--json", "--number", "999"), ("calls", file, "--since", "someday"),
    )  # fmt: skip
    assert [code for code, _, _ in answers] == [GOOD] * 4 + [REFUSED]
    assert [len(json.loads(answers[place][1])) for place in (0, 2, 3)] == [1, 1, 0]
    assert "1 call" in answers[1][1]
    family = children_of(switch.pid)
    code, out, _ = await softswitch("stop", file, "--json")
    assert code == GOOD
    assert json.loads(out)
    await switch.ended(family)


async def test_metrics_are_printed_and_scraped_while_the_switch_runs_and_after_it_has_gone(
    start_switch: SwitchStarter,
) -> None:
    switch = await start_switch({})
    found = await switch.command("metrics", "--json")
    assert (found["softswitch_up"], found["softswitch_media_worker_up"]) == (1.0, {"1": 1.0})
    assert found["softswitch_agents"]["unreachable"] == len((await switch.status())["agents"])
    assert "# TYPE softswitch_sip_received_total counter" in await switch.command("metrics")
    port = free_port()
    exporter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "softswitch", "metrics", str(switch.file), "--listen", f"127.0.0.1:{port}"), cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert exporter.stdout is not None
        async with asyncio.timeout(60):
            assert f"http://127.0.0.1:{port}/metrics" in (await exporter.stdout.readline()).decode()
        assert "softswitch_up 1.0" in await asyncio.to_thread(scrape, port)
        family = children_of(switch.pid)
        await switch.command("stop")
        async with asyncio.timeout(60):
            await switch.ended(family)
        assert "softswitch_up 0.0" in await asyncio.to_thread(scrape, port)
    finally:
        exporter.terminate()
        async with asyncio.timeout(60):
            assert await exporter.wait() == 0


def scrape(port: int) -> str:
    """What Prometheus would read."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        return str(answer.read().decode())
