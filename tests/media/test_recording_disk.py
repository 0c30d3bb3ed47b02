"""The engine, the thread that writes and a disk that misbehaves, with the clock turned by hand."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from media import recorder as module
from media.recorder import Closed, RecordingThread, WriteFailed, WriteResumed
from media.rtp import FRAME
from tests.media.studio import FakeRecorder, Studio, Talker, level

SECOND = 50  # ticks
PATIENCE = 10.0
FIVE_SECONDS = 5 * SECOND


class Disk:
    """Every write waits while it hangs, and is refused while it is full."""

    def __init__(self) -> None:
        self.runs = threading.Event()
        self.runs.set()
        self.is_full = False
        self.waiting = threading.Event()
        self._write = os.pwrite

    def pwrite(self, fd: int, data: bytes, at: int) -> int:
        self.waiting.set()
        assert self.runs.wait(60.0)
        self.waiting.clear()
        if self.is_full and at:
            raise OSError(28, "No space left on device")
        return self._write(fd, data, at)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    monkeypatch.setattr(os, "pwrite", disk.pwrite)
    monkeypatch.setattr(module, "_RETRY", 0.05)
    yield disk
    disk.runs.set()


@pytest.fixture
def thread(disk: Disk) -> Iterator[RecordingThread]:
    thread = RecordingThread(period=0.02)
    yield thread
    disk.runs.set()
    assert thread.close(PATIENCE)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Pair(Studio):
    """Two parties in a room."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.a: Talker = self.open("a")
        self.b: Talker = self.open("b")
        self.said = 0
        for name in "ab":
            self.engine.join(name, "room")

    def speak(self, ticks: int) -> None:
        """Both talk, each packet another level."""
        for _ in range(ticks):
            self.said += 1
            self.a.say(level(100 + self.said % 50 * 100))
            self.b.say(level(-100 - self.said % 50 * 100))
            self.tick()


@pytest.fixture
def studio() -> Pair:
    return Pair()


def reference(ticks: int) -> NDArray[np.int16]:
    """What the same talk is on a disk that works: int16[2, n]."""
    studio, tape = Pair(), FakeRecorder()
    studio.engine.record("r", tape.as_recorder(), ["a"], ["b"])
    studio.speak(ticks)
    studio.engine.stop_record("r")
    return tape.sound


def test_five_seconds_of_a_hanging_disk_cost_no_tick_and_no_sample(
    studio: Pair, thread: RecordingThread, disk: Disk, tmp_path: Path
) -> None:
    recorder = thread.open(str(tmp_path / "r.wav"))
    studio.engine.record("r", recorder, ["a"], ["b"])
    studio.speak(SECOND)
    disk.runs.clear()
    studio.speak(SECOND)
    assert disk.waiting.wait(PATIENCE)  # the thread hangs inside a write
    before_stall = studio.engine.tick_number
    slowest, heard = 0.0, len(studio.a.hears())
    for _ in range(FIVE_SECONDS):
        before = time.thread_time()
        studio.speak(1)
        slowest = max(slowest, time.thread_time() - before)
    assert disk.waiting.is_set()
    assert len(studio.a.hears()) == FIVE_SECONDS * FRAME
    assert heard > 0
    assert studio.engine.tick_number - before_stall == FIVE_SECONDS
    assert slowest < 0.02, slowest
    disk.runs.set()
    studio.speak(SECOND)
    studio.engine.stop_record("r")
    assert recorder.close(PATIENCE).error is None
    assert not [event for _, event in thread.poll() if isinstance(event, WriteFailed)]
    written, _ = soundfile.read(tmp_path / "r.wav", dtype="int16")
    np.testing.assert_array_equal(written.T, reference(8 * SECOND))


def test_a_disk_that_is_full_for_a_while_is_told_once_and_recording_goes_on_by_itself(
    studio: Pair, thread: RecordingThread, disk: Disk, tmp_path: Path
) -> None:
    recorder = thread.open(str(tmp_path / "r.wav"))
    studio.engine.record("r", recorder, ["a"], ["b"])
    told: list[object] = []

    def saw(*kinds: type) -> bool:
        told.extend(event for _, event in thread.poll())
        return [type(event) for event in told] == list(kinds)

    studio.speak(SECOND)
    disk.is_full = True
    studio.speak(2 * SECOND)
    wait_for(lambda: saw(WriteFailed))
    studio.speak(2 * SECOND)
    assert saw(WriteFailed)
    disk.is_full = False
    wait_for(lambda: saw(WriteFailed, WriteResumed))
    studio.speak(SECOND)
    studio.engine.stop_record("r")
    assert recorder.close(PATIENCE).error is None
    wait_for(lambda: saw(WriteFailed, WriteResumed, Closed))
    written, _ = soundfile.read(tmp_path / "r.wav", dtype="int16")
    np.testing.assert_array_equal(written.T, reference(6 * SECOND))


def test_nothing_of_a_pause_is_on_the_disk_and_what_follows_keeps_its_place(
    studio: Pair, thread: RecordingThread, tmp_path: Path
) -> None:
    recorder = thread.open(str(tmp_path / "r.wav"))
    studio.engine.record("r", recorder, ["a"], ["b"])
    studio.speak(77)
    studio.engine.record_change("r", [], [])
    studio.speak(123)
    studio.engine.record_change("r", ["a"], ["b"])
    studio.speak(100)
    studio.engine.stop_record("r")
    recorder.close(PATIENCE)
    written, _ = soundfile.read(tmp_path / "r.wav", dtype="int16")
    expected = reference(300)
    expected[:, 77 * FRAME : 200 * FRAME] = 0
    assert written.shape == expected.T.shape
    filling = slice(200 * FRAME, 204 * FRAME)  # a relay keeps no sound, so the jitter buffer begins anew
    for sound in (written.T, expected):
        sound[:, filling] = 0
    np.testing.assert_array_equal(written.T, expected)


FULL = """
import os, resource, signal, sys, time
import numpy as np
from media import recorder as module
module._RETRY = 0.05
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
thread = module.RecordingThread(period=0.02)
recorder = thread.open(sys.argv[1])
for number in range(100):
    recorder.append(np.full((2, 160), number, np.int16))
while not any(isinstance(event, module.WriteFailed) for _, event in thread.poll()):
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
while not any(isinstance(event, module.WriteResumed) for _, event in thread.poll()):
    time.sleep(0.01)
print(recorder.close().error)
thread.close()
"""


@pytest.mark.parametrize("room", [0, 20, 44, 45, 10_000])
def test_a_limit_of_the_file_system_is_met_anywhere_and_recording_goes_on_when_it_is_lifted(
    tmp_path: Path, room: int
) -> None:
    path = tmp_path / "r.wav"
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(room)], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == "None"
    written, _ = soundfile.read(path, dtype="int16")
    assert [int(one) for one in written[::160, 0]] == list(range(100))


def test_a_device_that_takes_nothing_ends_with_a_reason(thread: RecordingThread) -> None:
    recorder = thread.open("/dev/full")
    recorder.append(np.ones((2, 160), np.int16))
    report = recorder.close(PATIENCE)
    assert "No space left" in str(report.error)
