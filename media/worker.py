"""The media worker: a process with one loop that waits for orders and for the next tick.

    python -m media.worker --socket PATH --ports 20000-29999 --backend auto|uring|poll --silent-after 20

It serves one switch at a time on a Unix socket. When the switch goes, every leg is closed and every recording
finished, and the next one may come; when its parent process goes, it ends by itself. Ticks have absolute deadlines;
late ones are caught up, at most five at once, and counted.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy reads it once; threads of its own would delay the ticks

import argparse
import ctypes
import gc
import logging
import random
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from media import protocol
from media.beat import TICK, Beat, Looks
from media.codec.catalogue import preload
from media.engine import CAPACITY, SILENT_AFTER, Engine
from media.errors import BadCommand, MediaError
from media.io.choice import BACKENDS, choose
from media.io.loader import Loader
from media.io.ports import Ports, parse_range
from media.orders import Orders
from media.player import SoundCache
from media.protocol import MediaEvent
from media.recorder import RecordingThread

CATCH_UP: Final = 5
"""Late ticks that are made after all; those before them are skipped."""
IDLE: Final = 1.0
"""Seconds between two looks at our parent while there is nothing to do."""
READ_AT_ONCE: Final = 1 << 18
MOST_UNREAD: Final = 8 << 20
"""Octets that a switch may leave unread before it is taken for dead."""
SWITCH_INTERVAL: Final = 0.0005
"""Seconds that the writer's or the loader's thread may hold the interpreter while a tick waits."""
PR_SET_PDEATHSIG: Final = 1

log = logging.getLogger("media.worker")


class Switch:
    """The connection to the switch: bytes in and out, without waiting."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._splitter = protocol.LineSplitter()
        self._unsent = bytearray()

    @property
    def has_unsent(self) -> bool:
        """Whether the socket is to be watched for room."""
        return bool(self._unsent)

    def read(self) -> list[bytes] | None:
        """Lines that have come; None when the switch is gone."""
        try:
            data = self.sock.recv(READ_AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return self._splitter.feed(data) if data else None

    def write(self, line: bytes) -> None:
        """Queue a line."""
        self._unsent += line

    def flush(self) -> bool:
        """Send what fits; False when the switch is gone or does not read."""
        while self._unsent:
            try:
                sent = self.sock.send(self._unsent)
            except BlockingIOError:
                return len(self._unsent) <= MOST_UNREAD
            except OSError:
                return False
            del self._unsent[:sent]
        return True


class Worker:
    """The loop."""

    def __init__(self, path: str, ports: Ports, backend: str, silent_after: float, capacity: int = CAPACITY) -> None:
        self._path = path
        self._io, self.reason = choose(backend, capacity)
        rng = random.Random(os.urandom(16))  # noqa: S311 - SSRCs want to be random, not secret
        self._engine = Engine(self._io, rng, self._tell, capacity, silent_after)
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._loader = Loader(SoundCache(), lambda: os.eventfd_write(self._wake_fd, 1))
        self._recordings = RecordingThread()
        self._orders = Orders(
            self._engine,
            ports,
            self._loader,
            self._recordings,
            self._tell,
            self._answer,
            self._statistics,
            time.monotonic,
            time.time,
        )
        self._beat = Beat()
        self._looks = Looks()
        self._listener = _listen(path)
        self._switch: Switch | None = None
        self._waits_for_room = False
        self._stopping = False
        self._parent = os.getppid()
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(self._wake_fd, select.EPOLLIN)

    def stop(self) -> None:
        """End the loop after this turn."""
        self._stopping = True

    def run(self) -> None:
        """Serve until stopped or orphaned."""
        log.info("media worker on %s: %s", self._path, self.reason)
        due = time.monotonic() + TICK
        while not self._stopping:
            due = self._turn(due)
        self._close()

    def _turn(self, due: float) -> float:
        """Wait for an order or for the next deadline, and do what is to be done; the next tick's deadline."""
        if self._is_idle():
            self._io.receive()  # lets the kernel finish with the sockets of the last legs
            self._wait(IDLE)
            self._stopping |= os.getppid() != self._parent
            self._orders.handle_timer(time.monotonic())
            self._flush()
            return time.monotonic() + TICK
        now = time.monotonic()
        look_at = self._looks.next(now, due) if self._engine.relays else due
        self._wait(max(look_at - now, 0.0))
        now = time.monotonic()
        if now >= due:
            return self._tick(due, now)
        if now >= look_at:
            taken = self._engine.receive(now, time.time(), self._looks.most(now, due))
            self._looks.count(now, time.monotonic(), taken)
        self._flush()
        return due

    def _tick(self, due: float, now: float) -> float:
        behind = int((now - due) / TICK)
        if behind >= CATCH_UP:
            skipped = behind - CATCH_UP + 1
            self._engine.skip(skipped)
            self._beat.skipped += skipped
            due += skipped * TICK
        self._engine.tick(now, time.time())
        self._looks.count(now, now, 0)
        self._orders.handle_timer(now)
        self._beat.count(due, now, time.monotonic())
        if self._beat.ticks % 50 == 0:
            self._stopping |= os.getppid() != self._parent
        self._flush()
        return due + TICK

    def _is_idle(self) -> bool:
        return not len(self._engine.legs) and not len(self._engine.tapes)

    def _wait(self, seconds: float) -> None:
        """Until something can be read, or so long; `select` on the epoll, because that counts microseconds."""
        if not select.select([self._epoll.fileno()], [], [], seconds)[0]:
            return
        for fd, events in self._epoll.poll(0):
            if fd == self._listener.fileno():
                self._accept()
            elif fd == self._wake_fd:
                os.eventfd_read(self._wake_fd)
                self._orders.handle_timer(time.monotonic())
            else:
                self._serve(events)

    def _accept(self) -> None:
        with suppress(OSError):
            sock, _ = self._listener.accept()
            self._switch, self._waits_for_room = Switch(sock), False
            self._epoll.register(sock, select.EPOLLIN)
            self._epoll.unregister(self._listener)  # the next switch waits until this one is gone
            log.info("a switch came")

    def _serve(self, events: int) -> None:
        if self._switch is None:
            return
        if events & select.EPOLLOUT:
            self._flush()
        if not events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            return
        try:
            lines = self._switch.read()
            for line in lines or ():
                self._carry_out(line)
        except BadCommand as error:
            log.warning("the switch is cut off: %s", error)
            lines = None
        if lines is None:
            self._lose_switch()
            return
        self._flush()

    def _carry_out(self, line: bytes) -> None:
        answer = self._orders.carry_out(protocol.read_line(line))
        if answer is not None and self._switch is not None:
            self._switch.write(protocol.write_answer(answer))

    def _lose_switch(self) -> None:
        if self._switch is None:
            return
        log.info("the switch is gone: %d legs are closed", len(self._engine.legs))
        self._epoll.unregister(self._switch.sock)
        self._switch.sock.close()
        self._switch = None
        self._orders.reset()
        self._epoll.register(self._listener, select.EPOLLIN)

    def _flush(self) -> None:
        if self._switch is None:
            return
        if not self._switch.flush():
            self._lose_switch()
            return
        if self._switch.has_unsent != self._waits_for_room:
            self._waits_for_room = self._switch.has_unsent
            wanted = select.EPOLLIN | (select.EPOLLOUT if self._waits_for_room else 0)
            self._epoll.modify(self._switch.sock, wanted)

    def _tell(self, event: MediaEvent) -> None:
        if self._switch is not None:
            self._switch.write(protocol.write_event(event))

    def _answer(self, _: int, answer: dict[str, Any]) -> None:
        if self._switch is not None:
            self._switch.write(protocol.write_line(answer))

    def _statistics(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "backend": self._io.name,
            "reason": self.reason,
            "pid": os.getpid(),
            "legs": len(self._engine.legs),
            "rooms": len(self._engine.rooms),
            "recordings": len(self._engine.tapes),
            "relays": self._engine.relay.count,
            "malformed": self._engine.receiver.malformed,
            "send_errors": self._io.send_errors,
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            **self._beat.report(),
            "quality": self._engine.survey.report(),
        }

    def _close(self) -> None:
        self._orders.reset()
        self._recordings.close()
        self._loader.close()
        self._io.close()
        self._listener.close()
        if self._switch is not None:
            self._switch.sock.close()
        with suppress(FileNotFoundError):
            Path(self._path).unlink()
        log.info("media worker ended")


def _listen(path: str) -> socket.socket:
    """Listen on a Unix socket; one that a dead worker left behind is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    try:
        if Path(path).is_socket() and not _answers(path):
            Path(path).unlink(missing_ok=True)
        listener.bind(path)
        Path(path).chmod(0o600)
        listener.listen(4)
    except OSError as error:
        listener.close()
        raise MediaError(f"cannot listen on {path}: {error.strerror or error}") from error
    return listener


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(path) == 0


REFUSED: Final = 78
"""Exit code EX_CONFIG of sysexits.h: starting again will not help."""


def _die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when our parent ends, and see whether it had ended before we asked."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def _go_first() -> None:
    """Ask to be served before others: sound that waits is sound that is lost. Only root may, and it works without."""
    with suppress(PermissionError):
        os.nice(-10)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker; 0 after an orderly end, `REFUSED` when it could not begin."""
    parent = os.getppid()
    parser = argparse.ArgumentParser("media.worker", description="Carries the sound of calls.")
    parser.add_argument("--socket", required=True, help="Unix socket to listen on")
    parser.add_argument("--ports", default="20000-29999", help="range of RTP and RTCP ports")
    parser.add_argument("--backend", default="auto", choices=BACKENDS)
    parser.add_argument("--codecs", default="", help="codecs that will be spoken, to be loaded now: G722,OPUS")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    parser.add_argument(
        "--silent-after", type=float, default=SILENT_AFTER, help="seconds until a leg is said to be silent"
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=chosen.log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s")
    _die_with_parent(parent)
    _raise_file_limit()
    _go_first()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        preload(chosen.codecs.split(","))
        worker = Worker(chosen.socket, Ports(*parse_range(chosen.ports)), chosen.backend, chosen.silent_after)
    except MediaError as error:
        log.error("%s", error)
        return REFUSED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    gc.freeze()
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
