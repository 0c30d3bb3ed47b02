"""Recordings: stereo WAV files, PCM16 at 8 kHz, written by one thread so that no disk can delay a tick.

The tick appends blocks to a bounded queue and goes on.  The thread writes what is queued and then the header, so the
file is a valid WAV at any instant and lags the call by less than a second; after a crash `repair` takes in what the
last header did not cover.

When the disk is full, the folder cannot be written or the file was removed there is one `WriteFailed`, the file is
tried again every second, and `WriteResumed` follows the first write that works.  Sound that did not fit into the
queue meanwhile becomes silence, so everything after it keeps its place in time.
"""

import errno
import fcntl
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import RecordingError
from media.resample import RATE
from media.wav import FRAME_BYTES, HEADER_BYTES, Repair, build_header, repair, write_all, write_data

__all__ = ["Closed", "Recorder", "RecorderEvent", "RecordingThread", "Repair", "WriteFailed", "WriteResumed", "repair"]

_PERIOD: Final = 0.25
"""Seconds between two writes of one recording: also the age of its header."""
_ROUNDS: Final = 5
"""Rounds of the writer in a period; recordings that began at different times are written in different rounds."""
_RETRY: Final = 1.0
"""Seconds until a file that could not be written is tried again."""
_QUEUE_SECONDS: Final = 10.0
_QUEUE_BYTES: Final = 128 << 20

Block = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """A recording cannot be written now; it is tried again."""

    text: str
    """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class WriteResumed:
    """A recording that could not be written is written again."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A recording is complete, or given up."""

    path: str
    seconds: float
    """Length of the file."""
    error: str | None
    """Why the file is not whole, None when it is."""


RecorderEvent = WriteFailed | WriteResumed | Closed


class Recorder:
    """One recording; made by `RecordingThread.open`, used by the thread of the tick."""

    def __init__(self, path: str, wake: Callable[[], None], queue_seconds: float) -> None:
        self.path = path
        self.samples = 0
        """Instants appended so far, silence for what did not fit included."""
        self.lost = 0
        """Instants that became silence because the queue was full."""
        self.crowded = False
        """Set by the writer while all recordings together hold too much."""
        self._wake = wake
        self._most = round(queue_seconds * RATE)
        self._gap = 0
        self._queued: deque[bytes | int] = deque()
        self._in = 0
        self._out = 0
        self._finishing = False
        self.closed = threading.Event()
        self.report: Closed | None = None

    @property
    def seconds(self) -> float:
        """Length of what was appended."""
        return self.samples / RATE

    @property
    def queued(self) -> int:
        """Instants that wait for the writer."""
        return self._in - self._out

    @property
    def finishing(self) -> bool:
        """Whether nothing more will be appended."""
        return self._finishing

    def append(self, block: Block) -> None:
        """Add sound, int16[2, m], left first; never waits, and what finds the queue full becomes silence."""
        count = block.shape[1]
        self.samples += count
        if self._finishing:
            return
        if self.crowded or self.queued + count > self._most:
            self._gap += count
            self.lost += count
            return
        self._flush_gap()
        self._queued.append(block.T.tobytes())
        self._in += count

    def finish(self) -> None:
        """Nothing more will come: the writer completes the file and then tells `Closed`; returns at once."""
        if self._finishing:
            return
        self._flush_gap()
        self._finishing = True
        self._wake()

    def close(self, timeout: float = 5.0) -> Closed:
        """Finish and wait for the file to be complete, at most `timeout` seconds."""
        self.finish()
        self.closed.wait(timeout)
        return self.report or Closed(self.path, self.seconds, f"the recording {self.path} is still being written")

    def take(self) -> list[bytes | int]:
        """Everything queued in order, neighbouring blocks joined, lengths of silence between them; for the writer."""
        taken: list[bytes | int] = []
        run: list[bytes] = []
        while self._queued:
            piece = self._queued.popleft()
            if isinstance(piece, bytes):
                run.append(piece)
                continue
            taken += [b"".join(run), piece]
            run.clear()
        taken.append(b"".join(run))
        return [piece for piece in taken if piece]

    def release(self, count: int) -> None:
        """Instants that the writer has written make room in the queue."""
        self._out += count

    def complete(self, report: Closed) -> None:
        """The writer is done with the file."""
        self.report = report
        self.closed.set()

    def _flush_gap(self) -> None:
        if self._gap:
            self._queued.append(self._gap)
            self._gap = 0


class RecordingThread:
    """The one thread of the process that writes recordings.

    It starts with the first recording.  `poll` hands out what happened since the last time, for the tick to pass on.
    """

    def __init__(
        self, *, queue_seconds: float = _QUEUE_SECONDS, queue_bytes: int = _QUEUE_BYTES, period: float = _PERIOD
    ) -> None:
        self._queue_seconds = queue_seconds
        self._queue_bytes = queue_bytes
        self._period = period
        self._thread: threading.Thread | None = None
        self._arrivals: deque[Recorder] = deque()
        self._events: deque[tuple[Recorder, RecorderEvent]] = deque()
        self._wake = threading.Event()
        self._stopping = False

    def open(self, path: str) -> Recorder:
        """Begin a recording; the folder is made when it is missing.  Troubles of the file come as events."""
        if self._stopping:
            raise RecordingError(f"the recording {path} cannot begin: the writer is being stopped")
        recorder = Recorder(path, self._wake.set, self._queue_seconds)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
            self._thread.start()
        self._arrivals.append(recorder)
        self._wake.set()
        return recorder

    def poll(self) -> list[tuple[Recorder, RecorderEvent]]:
        """What happened to the recordings, oldest first; never waits."""
        happened = []
        while self._events:
            happened.append(self._events.popleft())
        return happened

    def close(self, timeout: float = 5.0) -> bool:
        """Complete every recording and end the thread in `timeout` seconds; False when the disk did not let it."""
        self._stopping = True
        self._wake.set()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        files: list[_File] = []
        while True:
            self._wake.wait(self._period / _ROUNDS if files else None)
            self._wake.clear()
            stopping = self._stopping
            while self._arrivals:
                files.append(_File(self._arrivals.popleft(), self._events, self._period))
            self._spread_crowding(files)
            files = [file for file in files if not file.visit(time.monotonic(), stopping=stopping)]
            if stopping:
                return

    def _spread_crowding(self, files: list["_File"]) -> None:
        """Tell all recordings to keep nothing more while together they hold more than the process may spend."""
        crowded = sum(file.recorder.queued for file in files) * FRAME_BYTES > self._queue_bytes
        for file in files:
            file.recorder.crowded = crowded


class _File:
    """A recording as the writer sees it: where its octets go and whether that works now."""

    def __init__(self, recorder: Recorder, events: deque[tuple[Recorder, RecorderEvent]], period: float) -> None:
        self.recorder = recorder
        self._events = events
        self._period = period
        self._due = 0.0
        self._seen = 0.0
        self._fd = -1
        self._begun = False
        self._data_bytes = 0
        self._header_bytes = -1
        self._pending: deque[bytes | int] = deque()
        self._trouble: str | None = None

    def visit(self, now: float, *, stopping: bool) -> bool:
        """Write when it is time to; True when the recording is over."""
        if stopping:
            self.recorder.finish()
        finishing = self.recorder.finishing
        if not finishing and (now < self._due or self._idle(now)):
            return False
        self._seen = now
        try:
            self._write(finishing=finishing)
        except (OSError, ValueError) as error:
            self._fail(error)
            self._due = now + max(self._period, _RETRY)
        else:
            self._succeed()
            self._due = now + self._period
        return finishing and self._end()

    def _idle(self, now: float) -> bool:
        """Whether there is nothing to write; a file that is not written is still looked after once a second."""
        written = self._header_bytes == self._data_bytes and self._trouble is None
        return written and not self.recorder.queued and now < self._seen + _RETRY

    def _write(self, *, finishing: bool) -> None:
        self._ensure_open()
        self._write_queue()
        if finishing or self._header_bytes != self._data_bytes:
            self._write_header()

    def _ensure_open(self) -> None:
        """Open the file, or find out that somebody removed it: what goes into a file without a name is lost."""
        if self._fd < 0:
            Path(self.recorder.path).parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.recorder.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
            with suppress(OSError):  # some file systems know no locks
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # for whoever keeps the file when it is complete
            self._refuse_foreign()
            return
        if not _is_same(self.recorder.path, self._fd):
            self._release_file()
            raise FileNotFoundError(errno.ENOENT, "the file was removed")

    def _refuse_foreign(self) -> None:
        """Never write over a file that was there before."""
        status = os.fstat(self._fd)
        if not self._begun and stat.S_ISREG(status.st_mode) and status.st_size:
            self._release_file()
            raise FileExistsError(errno.EEXIST, "there is already a file of this name")
        self._begun = True
        self._header_bytes = -1

    def _write_queue(self) -> None:
        """Put what is queued at its place in time; what is skipped reads as zeros, which is silence."""
        if not self._pending:
            self._pending.extend(self.recorder.take())
        while self._pending:
            piece = self._pending.popleft()
            if isinstance(piece, int):
                self._data_bytes += piece * FRAME_BYTES
                lost = f"the recording {self.recorder.path} lost {piece / RATE:.1f} s: the disk is too slow"
                self._tell_trouble(lost)
                continue
            written = self._write_piece(piece)
            if written < len(piece):
                self._pending.appendleft(piece[written:])

    def _write_piece(self, piece: bytes) -> int:
        try:
            written = write_data(self._fd, piece, self._data_bytes)
        except OSError:
            self._pending.appendleft(piece)
            raise
        before = self._data_bytes // FRAME_BYTES
        self._data_bytes += written
        self.recorder.release(self._data_bytes // FRAME_BYTES - before)
        return written

    def _write_header(self) -> None:
        if os.fstat(self._fd).st_size < HEADER_BYTES + self._data_bytes:
            os.ftruncate(self._fd, HEADER_BYTES + self._data_bytes)
        write_all(self._fd, build_header(self._data_bytes))
        self._header_bytes = self._data_bytes

    def _fail(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self._tell_trouble(f"the recording {self.recorder.path} cannot be written: {reason}")

    def _tell_trouble(self, text: str) -> None:
        if self._trouble is None:
            self._events.append((self.recorder, WriteFailed(text)))
            self._trouble = text

    def _succeed(self) -> None:
        if self._trouble is not None:
            self._events.append((self.recorder, WriteResumed()))
            self._trouble = None

    def _end(self) -> bool:
        self._release_file()
        error = self._trouble
        if error is None and self.recorder.lost:
            seconds = self.recorder.lost / RATE
            error = f"{seconds:.1f} s of the recording {self.recorder.path} are silence: they could not be kept"
        report = Closed(self.recorder.path, self._data_bytes // FRAME_BYTES / RATE, error)
        self.recorder.complete(report)
        self._events.append((self.recorder, report))
        return True

    def _release_file(self) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                os.close(self._fd)
            self._fd = -1


def _is_same(path: str, fd: int) -> bool:
    try:
        there, here = os.stat(path), os.fstat(fd)  # noqa: PTH116 (once a period for every recording)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
