"""The line of recordings that wait for their final form, with the real process behind it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media.wish import Wish
from softswitch.call import archive as module
from softswitch.call.archive import Archive
from tests.media.test_archive import conversation, written

PATIENCE = 20.0
GSM = Wish("gsm")

Start = Callable[[], Archive]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """An archive at work; nothing of it is left after the test."""
    running: list[tuple[Archive, asyncio.Task[None]]] = []

    def begin() -> Archive:
        archive = Archive(tmp_path, lambda name: name == "live-1-2")
        running.append((archive, asyncio.get_running_loop().create_task(archive.run())))
        return archive

    yield begin
    for archive, task in running:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await archive.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_an_earlier_life_left_is_kept_and_what_is_running_is_not_touched(
    start: Start, tmp_path: Path
) -> None:
    left = written(tmp_path, GSM, conversation(1.0))
    live = written(tmp_path, GSM, conversation(1.0), "live-1-2")
    archive = start()
    await until(lambda: archive.kept == 1 and not left.exists())
    assert soundfile.info(tmp_path / "n-1-2.wav").subtype == "GSM610"
    assert live.exists()


async def test_recordings_are_kept_one_after_the_other_as_they_end(start: Start, tmp_path: Path) -> None:
    archive = start()
    for number in range(5):
        archive.put(written(tmp_path, Wish("flac"), conversation(0.2), f"n-{number}-2"))
    await until(lambda: archive.kept == 5)
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"n-{number}-2.flac" for number in range(5)]
    assert archive.waiting == 0


async def test_a_full_line_forgets_nothing(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "LOOK_SOON", 0.1)
    archive = start()
    await until(lambda: archive._process is not None)
    for number in range(7):
        archive.put(written(tmp_path, GSM, conversation(0.2), f"n-{number}-2"))
    await until(lambda: archive.kept == 7)


async def test_a_recording_as_it_is_wished_is_left_alone(start: Start, tmp_path: Path) -> None:
    archive = start()
    archive.put(written(tmp_path, Wish(), conversation(0.2)))
    assert archive.waiting == 0


async def test_a_file_that_cannot_be_kept_is_told_once_and_keeps_nobody_waiting(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.1)
    (tmp_path / "n-1-2.to-gsm-mixed.wav").write_bytes(b"no recording" * 10)
    archive = start()
    await until(lambda: archive.trouble)
    await asyncio.sleep(0.5)
    assert "not a recording of this switch" in (archive.trouble or "")
    archive.put(written(tmp_path, GSM, conversation(0.2), "n-2-2"))
    await until(lambda: archive.kept == 1)
    assert (capsys.readouterr().out + capsys.readouterr().err).count("recording not kept") <= 1


async def test_the_process_may_be_killed_and_is_there_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SOON", 0.1)
    archive = start()
    path = written(tmp_path, Wish("ogg"), np.tile(conversation(60.0), (10, 1)))
    archive.put(path)
    await until(lambda: (tmp_path / ".n-1-2.ogg.new").exists())
    assert archive._process is not None
    os.kill(archive._process.pid, signal.SIGKILL)
    await until(lambda: archive.kept == 1)
    assert [one.name for one in tmp_path.iterdir()] == ["n-1-2.ogg"]


async def test_a_stop_waits_for_no_long_recording(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_WITHIN", 0.1)
    archive = start()
    path = written(tmp_path, Wish("ogg"), np.tile(conversation(60.0), (60, 1)))
    archive.put(path)
    await until(lambda: (tmp_path / ".n-1-2.ogg.new").exists())
    process = archive._process
    assert process is not None
    async with asyncio.timeout(2.0):
        await archive.close()
    assert process.returncode is not None
    assert path.exists()


def lag_of(loop_lags: list[float]) -> float:
    return float(np.percentile(loop_lags, 99))


async def test_the_loop_does_not_notice_that_an_hour_is_being_turned(start: Start, tmp_path: Path) -> None:
    lags: list[float] = []
    loop = asyncio.get_running_loop()

    async def watch(done: Callable[[], bool]) -> None:
        while not done():
            began = loop.time()
            await asyncio.sleep(0.005)
            lags.append(loop.time() - began - 0.005)

    archive = start()
    await until(lambda: archive._process is not None)
    archive.put(written(tmp_path, GSM, np.tile(conversation(60.0), (60, 1))))
    work: Awaitable[None] = watch(lambda: archive.kept == 1)
    async with asyncio.timeout(60.0):
        await work
    print(f"lag of the loop: median {np.median(lags) * 1e3:.2f} ms, 99 % {lag_of(lags) * 1e3:.2f} ms")
    assert float(np.median(lags)) < 0.005
