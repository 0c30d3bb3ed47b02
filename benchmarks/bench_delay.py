"""What a media worker adds to the way of the sound, and how evenly it sends.

Telephones in this process send packets that say when they were sent; the kernel says when what came of them arrived.
A relayed packet brings its own words back. In a room of three one speaks a loud frame now and then, and the first
loud frame that the others get is that one; the sound that waited in the jitter buffer is taken off. The floor is the
bar: 5 ms for the median of a relay, 40 ms for that of a mix, 2 ms for the 99th percentile of the error of 20 ms
between two packets of a mix.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.running import configure, media_worker
from media.client import MediaClient

PAIRS: Final = 10
ROOMS: Final = 5
SECONDS: Final = 8.0
SETTLE: Final = 1.0
LOADS: Final = (0, 300)
"""Bridged calls beside those that are measured."""
LONGEST: Final = 60
"""Seconds after which the load ends by itself."""
RELAY_BAR, MIX_BAR, PACE_BAR = 5.0, 40.0, 2.0
"""Milliseconds."""
TIMESTAMPS: Final = 35
"""SO_TIMESTAMPNS of Linux: the kernel's time of arrival beside every datagram."""
LOUD, QUIET = 0x00, 0xFF
EVERY: Final = 25
"""Frames from one loud one to the next."""


class Telephone:
    """Sends a frame every 20 ms; keeps when frames arrived, and from their payload what they tell."""

    def __init__(self, number: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.port = int(self.sock.getsockname()[1])
        self.target = 0
        self.frames = 0
        self.arrivals: list[tuple[float, bytes]] = []
        self._ssrc = 1000 + number

    def send(self, payload: bytes) -> None:
        """One frame of 160 octets."""
        head = struct.pack(">BBHII", 0x80, 0, self.frames & 0xFFFF, self.frames * 160, self._ssrc)
        self.frames += 1
        self.sock.sendto(head + payload, ("127.0.0.1", self.target))

    def read(self) -> None:
        """Take what has come."""
        while True:
            try:
                data, extra, _, _ = self.sock.recvmsg(2048, 256)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            self.arrivals.append((seconds + nanoseconds / 1e9, data[12:]))


def run() -> list[dict[str, Any]]:
    """Rows of milliseconds: relay and mix, without and with other calls."""
    return [row for calls in LOADS for row in asyncio.run(_measure(calls))]


async def _measure(calls: int) -> list[dict[str, Any]]:
    async with media_worker() as (client, _):
        with closing(client), _telephones(2 * PAIRS + 3 * ROOMS) as phones:
            for number, phone in enumerate(phones):
                phone.target = await client.open(str(number), "127.0.0.1")
                configure(client, str(number), phone.port)
                pair = number < 2 * PAIRS
                client.join(str(number), f"pair {number // 2}" if pair else f"room {(number - 2 * PAIRS) // 3}")
            load = await _load(client, calls)
            try:
                spoken = await asyncio.to_thread(_talk, phones)
            finally:
                if load is not None:
                    load.terminate()
                    await load.wait()
            waited = [await client.close_leg(str(number)) for number in range(2 * PAIRS, len(phones))]
    buffered = float(np.mean([report["buffer_ms"] for report in waited if report["buffer_ms"] is not None]))
    return _rows(calls, phones, spoken, buffered)


@contextmanager
def _telephones(count: int) -> Iterator[list[Telephone]]:
    phones = [Telephone(number) for number in range(count)]
    try:
        yield phones
    finally:
        for phone in phones:
            phone.sock.close()


async def _load(client: MediaClient, calls: int) -> asyncio.subprocess.Process | None:
    if not calls:
        return None
    legs = [f"load {leg}" for leg in range(2 * calls)]
    ports = [await client.open(leg, "127.0.0.1") for leg in legs]
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.rtp_load", str(LONGEST), *map(str, ports)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert load.stdin is not None
    assert load.stdout is not None
    sources = [int(port) for port in (await load.stdout.readline()).split()]
    for number, leg in enumerate(legs):
        configure(client, leg, sources[number % len(sources)])
        client.join(leg, f"load {number // 2}")
    await client.statistics()
    load.stdin.write(b"\n")
    return load


def _talk(phones: list[Telephone]) -> dict[int, list[float]]:
    """Send for a while, each telephone in a moment of its own; when each room's speaker was loud."""
    spoken: dict[int, list[float]] = {room: [] for room in range(ROOMS)}
    began = time.monotonic()
    end = began + SETTLE + SECONDS
    due = [began + 0.02 * number / len(phones) for number in range(len(phones))]
    while (now := time.monotonic()) < end:
        for number, phone in enumerate(phones):
            if now < due[number]:
                continue
            due[number] += 0.02
            room, seat = divmod(number - 2 * PAIRS, 3)
            loud = number >= 2 * PAIRS and not seat and phone.frames % EVERY == 0
            if loud:
                spoken[room].append(time.time())
            words = struct.pack("d", time.time()) if number < 2 * PAIRS else b""
            phone.send(words.ljust(160, bytes([LOUD if loud else QUIET])))
            phone.read()
        time.sleep(max(min(due) - time.monotonic(), 0.0))
    for phone in phones:
        phone.read()
    return spoken


def _rows(calls: int, phones: list[Telephone], spoken: dict[int, list[float]], buffered: float) -> list[dict[str, Any]]:
    relayed = [
        at - struct.unpack("d", payload[:8])[0]
        for phone in phones[: 2 * PAIRS]
        for at, payload in phone.arrivals[int(SETTLE / 0.02) :]
    ]
    mixed, errors = [], []
    for number, phone in enumerate(phones[2 * PAIRS :]):
        times = np.array([at for at, _ in phone.arrivals])[int(SETTLE / 0.02) :]
        errors.append(np.abs(np.diff(times) - 0.02))
        room, seat = divmod(number, 3)
        if seat:
            heard = [at for at, payload in phone.arrivals if payload[80] & 0x7F < 0x40]
            mixed += [min(at - loud for at in heard if at > loud) for loud in spoken[room][2:] if loud < heard[-1]]
    beside = f" beside {calls} bridged calls" if calls else ""
    pace = np.concatenate(errors) * 1000
    return [
        _row(f"relay{beside}, median", np.array(relayed) * 1000, 50, RELAY_BAR),
        _row(f"relay{beside}, 99th percentile", np.array(relayed) * 1000, 99, RELAY_BAR),
        _row(f"mix{beside}, median, jitter buffer taken off", np.array(mixed) * 1000 - buffered, 50, MIX_BAR),
        _row(f"mix{beside}, error of the pace, 99th percentile", pace, 99, PACE_BAR),
    ]


def _row(name: str, milliseconds: NDArray[np.float64], percentile: int, bar: float) -> dict[str, Any]:
    value = float(np.percentile(milliseconds, percentile))
    return {"name": name, "unit": "ms", "value": round(value, 2), "floor": bar, "ratio": round(value / bar, 2)}
