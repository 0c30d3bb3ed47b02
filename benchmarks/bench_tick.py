"""What a packet costs: the whole media tick against a bare echo over the same backend, in the same minute.

For 100, 400 and 1,200 legs and both backends a second process sends every leg a packet each 20 ms, while this one in
turn echoes them bare, mixes them in rooms of three (receive, jitter buffer, decode, mix, encode, send), does the same
with every leg on a recording, and relays them in pairs. CPU microseconds per pair of packets, one in and one out; the
median of several short measurements in turn, because others use the machine too. The writer's thread counts, too.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

from media.beat import PARTS, TICK
from media.engine import Engine
from media.errors import BackendUnavailable
from media.io.choice import choose
from media.io.ports import Ports
from media.io.sockets import MediaIo
from media.legs import Negotiated
from media.recorder import RecordingThread

SIZES: Final = (100, 400, 1200)
BACKENDS: Final = ("uring", "poll")
ROUNDS: Final = 9
SECONDS: Final = 0.4
"""Length of one measurement; every figure is the median of `ROUNDS`."""
RECORDED: Final = 2.0
"""The same with recordings, whose blocks of sound reach the writer every second or so, in every third round."""
WARM_UP: Final = 0.3
LONGEST: Final = 60
"""Seconds after which the load ends by itself."""
PORTS: Final = (32000, 39999)


class Bench:
    """Legs on a backend, under load from another process."""

    def __init__(self, backend: str, count: int) -> None:
        self.io: MediaIo = choose(backend, 2048)[0]
        self.engine = Engine(self.io, random.Random(1), lambda _: None, 2048)
        self._ports = Ports(*PORTS)
        self._pairs = [self._ports.open("127.0.0.1") for _ in range(count)]
        self._names = [str(leg) for leg in range(count)]
        for name, pair in zip(self._names, self._pairs, strict=True):
            self.engine.open(name, pair, time.monotonic())
        command = [sys.executable, "-m", "benchmarks.rtp_load", str(LONGEST), *(str(pair.port) for pair in self._pairs)]
        self._load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._load.stdout is not None
        sources = [int(port) for port in self._load.stdout.readline().split()]
        for leg, name in enumerate(self._names):
            peer = sources[leg % len(sources)]
            self.engine.configure(
                name, Negotiated("127.0.0.1", peer, "PCMU", 0, 0, None, None, True, True), time.monotonic()
            )
        self._moved = 0

    def start(self) -> None:
        """Let the load begin, and take the first packets."""
        assert self._load.stdin is not None
        self._load.stdin.write("\n")
        self._load.stdin.flush()
        self.gather(3)
        self._run(self._engine_tick, WARM_UP)

    def gather(self, size: int) -> None:
        """Put the legs into rooms of `size`."""
        for leg, name in enumerate(self._names):
            self.engine.join(name, f"{size} {leg // size}")

    def measure_recording(self) -> float:
        """Microseconds per pair of packets with every leg on a recording, two legs in each file."""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            recordings = RecordingThread()
            pairs = list(zip(self._names[::2], self._names[1::2], strict=True))
            for number, (left, right) in enumerate(pairs):
                recorder = recordings.open(f"{folder}/{number}.wav")
                self.engine.record(str(number), recorder, [left], [right])
            self._run(self._engine_tick, WARM_UP)
            found = self._run(self._engine_tick, RECORDED)
            for number in range(len(pairs)):
                self.engine.stop_record(str(number)).finish()
            recordings.close()
        return found

    def measure_echo(self) -> float:
        """Microseconds per pair of packets of the bare echo."""
        return self._run(self._echo, SECONDS)

    def measure_tick(self) -> float:
        """Microseconds per pair of packets of the engine."""
        return self.run_engine(SECONDS)

    def run_engine(self, seconds: float) -> float:
        """The same over so many seconds."""
        return self._run(self._engine_tick, seconds)

    def close(self) -> None:
        """End the load and give everything back."""
        self._load.terminate()
        self._load.communicate()
        for name, pair in zip(self._names, self._pairs, strict=True):
            self.engine.close(name, time.monotonic(), time.time())
            self._ports.close(pair)
        self.io.close()

    def _run(self, tick: Callable[[float], int], seconds: float) -> float:
        due = time.monotonic()
        end, count = due + seconds, 0
        began = time.process_time()
        while time.monotonic() < end:
            due = max(due + TICK, time.monotonic() - TICK)
            if self.engine.relays and tick == self._engine_tick:
                for part in range(1, PARTS):
                    time.sleep(max(due - TICK * (PARTS - part) / PARTS - time.monotonic(), 0))
                    self.engine.receive(time.monotonic(), time.time())
            time.sleep(max(due - time.monotonic(), 0))
            count += tick(time.monotonic())
        return (time.process_time() - began) / max(count, 1) * 2e6

    def _engine_tick(self, now: float) -> int:
        before = self._moved
        self.engine.tick(now, time.time())
        self._moved = int(self.engine.receiver.reception.received.sum() + self.engine.legs.packets_sent.sum())
        return self._moved - before

    def _echo(self, _: float) -> int:
        """Every packet back to its sender, as cheaply as the backend can: no headers, no sound."""
        arrivals = self.io.receive()
        if arrivals is None:
            return 0
        self.io.packets[arrivals.rows, :172] = arrivals.pool[arrivals.buffers, :172]
        self.io.send(arrivals.rows, 172)
        return 2 * len(arrivals.rows)


@contextmanager
def bench(backend: str, count: int) -> Iterator[Bench]:
    """A bench that is cleared afterwards."""
    made = Bench(backend, count)
    try:
        made.start()
        yield made
    finally:
        made.close()


def run() -> list[dict[str, Any]]:
    """Measure; each result has name, unit, value, floor (the bare echo) and their ratio."""
    results = []
    for backend in BACKENDS:
        for count in SIZES:
            try:
                results += _compare(backend, count)
            except BackendUnavailable as error:
                print(f"{backend}: left out, {error.text}", file=sys.stderr)
                break
    return results


def _compare(backend: str, count: int) -> list[dict[str, Any]]:
    floors, fulls, relays, recorded = [], [], [], []
    with bench(backend, count) as made:
        for number in range(ROUNDS):
            made.gather(3)
            fulls.append(made.measure_tick())
            floors.append(made.measure_echo())
            if number % 3 == 0:
                recorded.append(made.measure_recording())
            made.gather(2)
            relays.append(made.measure_tick())
    floor = median(floors)
    return [
        _result(f"full path, {count} legs, {backend}", median(fulls), floor),
        _result(f"full path and recording, {count} legs, {backend}", median(recorded), floor),
        _result(f"relay, {count} legs, {backend}", median(relays), floor),
    ]


def _result(name: str, value: float, floor: float) -> dict[str, Any]:
    return {
        "name": name,
        "unit": "CPU us per packet in and one out",
        "value": round(value, 2),
        "floor": round(floor, 2),
        "ratio": round(value / floor, 2),
    }


if __name__ == "__main__":
    for line in run():
        print(f"{line['name']:34} {line['value']:7.2f}  echo {line['floor']:7.2f}  x {line['ratio']:.2f}")
