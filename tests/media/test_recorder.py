"""Recordings: never in the way of the tick, valid at any instant, whole again after whatever happened to the disk."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from media import recorder as module
from media.errors import RecordingError
from media.recorder import (
    Closed,
    Recorder,
    RecordingThread,
    WriteFailed,
    WriteResumed,
    repair,
)
from media.wav import HEADER_BYTES

Block = NDArray[np.int16]
PATIENCE = 10.0


def block(number: int, count: int = 160) -> Block:
    """Sound that tells which block and which channel it is: int16[2, count]."""
    return np.stack([np.full(count, number, np.int16), np.full(count, -number, np.int16)])


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Another thread works; give it time, but not for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Tape(list[str]):
    """Collects the names of the events of a recording thread."""

    def __init__(self, thread: RecordingThread) -> None:
        super().__init__()
        self.thread = thread
        self.texts: list[str] = []

    def saw(self, *names: str) -> bool:
        for _, event in self.thread.poll():
            self.append(type(event).__name__)
            if isinstance(event, WriteFailed):
                self.texts.append(event.text)
        return self == list(names)


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingThread]:
    monkeypatch.setattr(module, "_RETRY", 0.05)
    recordings = RecordingThread(period=0.02)
    yield recordings
    assert recordings.close(PATIENCE)
    assert not [one for one in threading.enumerate() if one.name == "recordings"]


def numbers(path: str | Path) -> list[int]:
    """The block numbers in a recording, both channels checked."""
    sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert rate == 8000
    assert (sound[:, 0] == -sound[:, 1]).all()
    return [int(x) for x in sound[::160, 0]]


def test_what_is_appended_is_what_is_in_the_file(thread: RecordingThread, tmp_path: Path) -> None:
    path = tmp_path / "2024" / "a.wav"
    recorder = thread.open(str(path))
    sound = np.random.default_rng(0).integers(-32768, 32768, (2, 16000)).astype(np.int16)
    for at in range(0, 16000, 160):
        recorder.append(sound[:, at : at + 160])
    assert recorder.close() == Closed(str(path), 2.0, None)
    read, rate = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(read, sound.T)
    assert rate == 8000
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (2, 2, 8000, 16000)


def test_the_block_may_be_reused_as_soon_as_it_is_appended(thread: RecordingThread, tmp_path: Path) -> None:
    recorder = thread.open(str(tmp_path / "a.wav"))
    reused = block(1)
    for number in range(10):
        reused[0], reused[1] = number, -number
        recorder.append(reused)
    recorder.close()
    assert numbers(tmp_path / "a.wav") == list(range(10))


def test_the_file_is_a_valid_wav_at_any_instant(thread: RecordingThread, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    recorder = thread.open(str(path))
    wait_for(lambda: path.exists() and path.stat().st_size >= HEADER_BYTES)
    lengths = []
    for number in range(300):
        recorder.append(block(number))
        lengths.append(len(numbers(path)))
        time.sleep(0.001)
    assert lengths == sorted(lengths)
    assert lengths[-1] > 100
    recorder.close()
    assert numbers(path) == list(range(300))


def test_the_header_follows_within_a_second_with_the_usual_settings(tmp_path: Path) -> None:
    recordings = RecordingThread()
    recorder = recordings.open(str(tmp_path / "a.wav"))
    wait_for((tmp_path / "a.wav").exists)
    recorder.append(block(7, 8000))
    wait_for(lambda: len(numbers(tmp_path / "a.wav")) == 50, 1.0)
    assert recordings.close()


def test_an_empty_recording_is_a_valid_file(thread: RecordingThread, tmp_path: Path) -> None:
    recorder = thread.open(str(tmp_path / "a.wav"))
    assert recorder.close().seconds == 0
    assert numbers(tmp_path / "a.wav") == []


def test_all_recordings_are_written_by_one_thread(thread: RecordingThread, tmp_path: Path) -> None:
    before = threading.active_count()
    recorders = [thread.open(str(tmp_path / f"{number}.wav")) for number in range(50)]
    for number, recorder in enumerate(recorders):
        recorder.append(block(number))
    assert threading.active_count() == before + 1
    for recorder in recorders:
        recorder.finish()
    wait_for(lambda: all(recorder.closed.is_set() for recorder in recorders))
    assert [numbers(tmp_path / f"{number}.wav") for number in range(50)] == [[number] for number in range(50)]


def test_finishing_returns_at_once_and_tells_when_the_file_is_complete(thread: RecordingThread, tmp_path: Path) -> None:
    recorder = thread.open(str(tmp_path / "a.wav"))
    recorder.append(block(1))
    recorder.finish()
    recorder.finish()
    recorder.append(block(2))
    wait_for(recorder.closed.is_set)
    assert thread.poll() == [(recorder, Closed(str(tmp_path / "a.wav"), 0.02, None))]
    assert numbers(tmp_path / "a.wav") == [1]


def test_a_file_that_is_there_already_is_not_touched(thread: RecordingThread, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"somebody's letter")
    tape = Tape(thread)
    recorder = thread.open(str(path))
    recorder.append(block(1))
    wait_for(lambda: tape.saw("WriteFailed"))
    error = recorder.close().error
    assert error is not None
    assert "already a file" in error
    assert path.read_bytes() == b"somebody's letter"


def test_a_full_disk_is_told_once(thread: RecordingThread) -> None:
    tape = Tape(thread)
    recorder = thread.open("/dev/full")
    for number in range(20):
        recorder.append(block(number))
        time.sleep(0.01)
    assert tape.saw("WriteFailed")
    assert tape.texts == ["the recording /dev/full cannot be written: No space left on device"]
    report = recorder.close()
    assert report.error == tape.texts[0]
    assert tape.saw("WriteFailed", "Closed")


def test_recording_goes_on_by_itself_when_the_disk_has_room_again(
    thread: RecordingThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes a part of a write that ends inside a sample, then nothing, then everything again."""
    path, full, write = tmp_path / "a.wav", threading.Event(), os.pwrite

    def pwrite(fd: int, data: bytes, at: int) -> int:
        if not full.is_set():
            return write(fd, data, at)
        if at == 0:
            return write(fd, data, at)
        room = HEADER_BYTES + 3 * 640 + 333 - at
        if room <= 0:
            raise OSError(28, "No space left on device")
        return write(fd, data[:room], at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    tape = Tape(thread)
    recorder = thread.open(str(path))
    recorder.append(block(0))
    wait_for(lambda: recorder.queued == 0)
    full.set()
    for number in range(1, 30):
        recorder.append(block(number))
    wait_for(lambda: tape.saw("WriteFailed"))
    time.sleep(0.2)
    full.clear()
    wait_for(lambda: tape.saw("WriteFailed", "WriteResumed"))
    assert recorder.close().error is None
    assert numbers(path) == list(range(30))


def test_a_long_failure_leaves_silence_and_everything_after_it_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.05)
    thread, blocker = RecordingThread(period=0.02, queue_seconds=0.2), tmp_path / "folder"
    blocker.write_text("not a folder")
    tape, path = Tape(thread), blocker / "a.wav"
    recorder = thread.open(str(path))
    wait_for(lambda: tape.saw("WriteFailed"))
    for number in range(1, 101):
        recorder.append(block(number))
    blocker.unlink()
    wait_for(lambda: tape.saw("WriteFailed", "WriteResumed"))
    wait_for(lambda: recorder.queued == 0)
    for number in range(101, 106):
        recorder.append(block(number))
    report = recorder.close()
    assert thread.close()
    assert numbers(path) == [*range(1, 11), *[0] * 90, *range(101, 106)]
    assert report.seconds == recorder.seconds == 2.1
    assert report.error == f"1.8 s of the recording {path} are silence: they could not be kept"


def test_silence_at_the_end_counts_too(tmp_path: Path) -> None:
    thread = RecordingThread(period=5, queue_seconds=0.1)
    recorder = thread.open(str(tmp_path / "a.wav"))
    for number in range(1, 21):
        recorder.append(block(number))
    assert recorder.close().seconds == 0.4
    assert numbers(tmp_path / "a.wav") == [*range(1, 6), *[0] * 15]
    assert thread.close()
    assert [type(event) for _, event in thread.poll()] == [WriteFailed, WriteResumed, Closed]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told_and_retried(thread: RecordingThread, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    tape = Tape(thread)
    recorder = thread.open(str(folder / "a.wav"))
    recorder.append(block(1))
    wait_for(lambda: tape.saw("WriteFailed"))
    folder.chmod(0o700)
    wait_for(lambda: tape.saw("WriteFailed", "WriteResumed"))
    recorder.close()
    assert numbers(folder / "a.wav") == [1]


def test_a_folder_that_is_removed_is_told_and_made_again(thread: RecordingThread, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.wav"
    tape = Tape(thread)
    recorder = thread.open(str(path))
    recorder.append(block(1))
    wait_for(lambda: path.exists() and len(numbers(path)) == 1)
    path.unlink()
    path.parent.rmdir()
    recorder.append(block(2))
    wait_for(lambda: tape.saw("WriteFailed", "WriteResumed"))
    recorder.append(block(3))
    assert recorder.close().seconds == 0.06
    assert tape.texts == [f"the recording {path} cannot be written: the file was removed"]
    assert numbers(path) == [0, 2, 3]


def test_a_file_that_comes_back_is_written_on(
    thread: RecordingThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.5)
    path, tape = tmp_path / "a.wav", Tape(thread)
    recorder = thread.open(str(path))
    recorder.append(block(1))
    wait_for(lambda: path.exists() and len(numbers(path)) == 1)
    path.rename(tmp_path / "elsewhere.wav")
    recorder.append(block(2))
    wait_for(lambda: tape.saw("WriteFailed"))
    (tmp_path / "elsewhere.wav").rename(path)
    wait_for(lambda: tape.saw("WriteFailed", "WriteResumed"))
    assert recorder.close().error is None
    assert numbers(path) == [1, 2]


def test_a_recording_without_sound_notices_too_that_its_file_was_removed(
    thread: RecordingThread, tmp_path: Path
) -> None:
    path, tape = tmp_path / "a.wav", Tape(thread)
    thread.open(str(path))
    wait_for(path.exists)
    path.unlink()
    wait_for(lambda: tape.saw("WriteFailed", "WriteResumed"))
    wait_for(path.exists)


@pytest.mark.parametrize("path", ["nul\0byte/a.wav", "x" * 5000, "", "/proc/none/a.wav", "\udcff/\ud800.wav"])
def test_a_path_that_cannot_be_is_an_event_and_no_exception(thread: RecordingThread, path: str) -> None:
    tape = Tape(thread)
    recorder = thread.open(path)
    recorder.append(block(1))
    wait_for(lambda: tape.saw("WriteFailed"))
    assert recorder.close().error is not None


def test_appending_never_waits_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk hangs: the queue is bounded, appending stays quick, closing gives up in time, all ends well later."""
    hanging, write = threading.Event(), os.pwrite

    def pwrite(fd: int, data: bytes, at: int) -> int:
        hanging.wait(PATIENCE)
        return write(fd, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    thread = RecordingThread(period=0.02, queue_seconds=1.0)
    recorder = thread.open(str(tmp_path / "a.wav"))
    slowest = 0.0
    for number in range(500):
        before = time.thread_time()
        recorder.append(block(number % 100))
        slowest = max(slowest, time.thread_time() - before)
    assert slowest < 0.01
    assert recorder.queued <= 8000
    before = time.monotonic()
    report = recorder.close(0.1)
    assert not thread.close(0.1)
    assert time.monotonic() - before < 2
    assert "still being written" in str(report.error)
    hanging.set()
    assert thread.close(PATIENCE)
    assert len(numbers(tmp_path / "a.wav")) == 500


def test_all_recordings_together_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.02)
    thread = RecordingThread(period=0.02, queue_bytes=64_000, queue_seconds=60)
    (tmp_path / "f").write_text("not a folder")
    recorders = [thread.open(str(tmp_path / "f" / f"{number}.wav")) for number in range(10)]
    for _ in range(20):
        for recorder in recorders:
            recorder.append(block(1, 1600))
        time.sleep(0.02)
    held = sum(recorder.queued for recorder in recorders) * 4
    assert held < 20 * 64_000 // 4
    assert any(recorder.lost for recorder in recorders)
    assert thread.close(PATIENCE)


def test_closing_the_thread_completes_every_recording(tmp_path: Path) -> None:
    thread = RecordingThread(period=30)
    recorders = [thread.open(str(tmp_path / f"{number}.wav")) for number in range(5)]
    for recorder in recorders:
        recorder.append(block(3))
    assert thread.close()
    assert all(numbers(tmp_path / f"{number}.wav") == [3] for number in range(5))
    assert all(recorder.close(0).error is None for recorder in recorders)
    with pytest.raises(RecordingError, match="being stopped"):
        thread.open(str(tmp_path / "late.wav"))


def test_a_thread_that_never_recorded_closes_at_once() -> None:
    thread = RecordingThread()
    assert thread.close(0)
    assert thread.poll() == []


def test_no_descriptor_stays_open(thread: RecordingThread, tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        thread.open(str(tmp_path / f"{number}.wav")).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


CHILD = """
import os, sys, time
import numpy as np
from media.recorder import RecordingThread
thread = RecordingThread()
recorder = thread.open(sys.argv[1])
for number in range(100000):
    recorder.append(np.full((2, 160), number % 30000, np.int16) * np.array([[1], [-1]], np.int16))
    print(number, flush=True)
    time.sleep(0.01)
"""


@pytest.mark.parametrize("blocks", [3, 150])
def test_after_kill_9_the_file_plays_and_repair_loses_less_than_a_second(tmp_path: Path, blocks: int) -> None:
    path = tmp_path / "a.wav"
    with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == blocks:
                break
        wait_for(path.exists)
        wait_for(lambda: path.stat().st_size >= HEADER_BYTES)
        child.send_signal(signal.SIGKILL)
    before = numbers(path)
    repair(path=str(path))
    after = numbers(path)
    assert after[: len(before)] == before
    assert after == list(range(len(after)))
    assert blocks - len(after) < 100
    assert not repair(str(path)).changed


LIMITED = """
import resource, signal, sys, time
import numpy as np
from media.recorder import RecordingThread
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
thread = RecordingThread(period=0.01)
recorder = thread.open(sys.argv[1])
names = []
while len(names) < 1:
    recorder.append(np.full((2, 160), 5, np.int16))
    time.sleep(0.002)
    names += [type(event).__name__ for _, event in thread.poll()]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
while len(names) < 2:
    time.sleep(0.01)
    names += [type(event).__name__ for _, event in thread.poll()]
print(*names, recorder.close().error, recorder.samples)
thread.close()
"""


def test_a_file_size_limit_is_survived_without_losing_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    *names, error, samples = run.stdout.split()
    assert names == ["WriteFailed", "WriteResumed"]
    assert error == "None"
    sound, _ = soundfile.read(path, dtype="int16")
    assert len(sound) == int(samples)
    assert (sound == 5).all()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_appending_is_cheap(thread: RecordingThread, tmp_path: Path) -> None:
    recorder: Recorder = thread.open(str(tmp_path / "a.wav"))
    frame, best = block(1), 1.0
    for _ in range(20):
        before = time.thread_time()
        for _ in range(20):
            recorder.append(frame)
        best = min(best, (time.thread_time() - before) / 20)
    assert best < 50e-6
