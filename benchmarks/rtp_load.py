"""A telephone exchange's worth of RTP from one process: every leg gets a packet each 20 ms, in four bursts 5 ms apart.

    python -m benchmarks.rtp_load SECONDS PORT ...

It sends from `SOURCES` sockets on 127.0.0.1 (printed on the first line), leg i from socket i modulo that, and reads
nothing: what comes back, reports to the ports after those included, is dropped by the kernel. What it sends is noise as
loud as speech, in mu-law. It begins when a line comes on its standard input.
"""

import ctypes
import socket
import sys
import time

import numpy as np
from numpy.typing import NDArray

from media.g711 import encode_rows

SOURCES = 64
BURSTS = 4
SIZE = 172
TRIES = 100
SPREAD = 1160
"""Scale of the samples' Laplace distribution: -26 dBov, as speech is levelled to."""

MESSAGE = np.dtype(
    [
        ("name", "u8"), ("name_size", "u4"), ("pad", "u4"), ("vectors", "u8"), ("vector_count", "u8"),
        ("control", "u8"), ("control_size", "u8"), ("flags", "u4"), ("pad2", "u4"), ("size", "u4"), ("pad3", "u4"),
    ]
)  # fmt: skip
VECTOR = np.dtype([("base", "u8"), ("size", "u8")])


class Load:
    """Packets of all legs, and the calls that send them."""

    def __init__(self, ports: list[int]) -> None:
        count = len(ports)
        pairs = [_open_pair() for _ in range(min(SOURCES, count))]
        self.sockets = [sock for sock, _ in pairs]
        self._reports = [sock for _, sock in pairs]
        order = np.argsort(np.arange(count) % len(self.sockets), kind="stable")
        self._packets = np.zeros((count, SIZE), np.uint8)
        self._packets[:, 0] = 0x80
        self._packets[:, 8:12] = np.arange(1, count + 1, dtype=">u4").view(np.uint8).reshape(-1, 4)
        self._packets[:, 12:] = _speak(count)
        names = np.zeros((count, 16), np.uint8)
        names[:, 0] = socket.AF_INET
        names[:, 2:4] = np.array(ports, ">u2").view(np.uint8).reshape(-1, 2)[order]
        names[:, 4:8] = (127, 0, 0, 1)
        vectors = np.zeros(count, VECTOR)
        vectors["base"] = self._packets.ctypes.data + np.arange(count, dtype=np.uint64) * SIZE
        vectors["size"] = SIZE
        self._messages = np.zeros(count, MESSAGE)
        self._messages["name"] = names.ctypes.data + np.arange(count, dtype=np.uint64) * 16
        self._messages["name_size"] = 16
        self._messages["vectors"] = vectors.ctypes.data + np.arange(count, dtype=np.uint64) * VECTOR.itemsize
        self._messages["vector_count"] = 1
        self._kept = names, vectors
        shares = np.bincount(np.arange(count) % len(self.sockets))
        starts = np.concatenate([[0], np.cumsum(shares)[:-1]])
        self._shares = list(zip(self.sockets, starts.tolist(), shares.tolist(), strict=True))
        self._send = ctypes.CDLL(None).sendmmsg
        self._send.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self._number = 0

    def burst(self, part: int) -> None:
        """Send the packets of a fourth of the sockets; every leg has had its packet after four calls."""
        if part == 0:
            self._number += 1
            self._packets[:, 2:4] = np.array([self._number & 0xFFFF], ">u2").view(np.uint8)
            self._packets[:, 4:8] = np.array([self._number * 160 & 0xFFFFFFFF], ">u4").view(np.uint8)
        address = self._messages.ctypes.data
        for sock, start, share in self._shares[part::BURSTS]:
            self._send(sock.fileno(), address + start * MESSAGE.itemsize, share, 0)


def _open_pair() -> tuple[socket.socket, socket.socket]:
    """Two sockets with little room at neighbouring ports, as a telephone has them for RTP and RTCP."""
    for _ in range(TRIES):
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for sock in pair:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        pair[0].bind(("127.0.0.1", 0))
        try:
            pair[1].bind(("127.0.0.1", pair[0].getsockname()[1] + 1))
        except (OSError, OverflowError):
            for sock in pair:
                sock.close()
            continue
        return pair[0], pair[1]
    raise OSError("no two neighbouring ports are free")


def _speak(count: int) -> NDArray[np.uint8]:
    """A frame for every leg, uint8[count, 160] of mu-law, with the spread of samples that speech has."""
    sound = np.random.default_rng(1).laplace(0, SPREAD, (count, SIZE - 12))
    codes = np.zeros(sound.shape, np.uint8)
    encode_rows(np.clip(sound, -32768, 32767).astype(np.int16), np.zeros(count, np.uint8), codes)
    return codes


def main() -> None:
    """Send until the time is over."""
    seconds, load = float(sys.argv[1]), Load([int(port) for port in sys.argv[2:]])
    print(*(sock.getsockname()[1] for sock in load.sockets), flush=True)
    sys.stdin.readline()
    due, part = time.monotonic(), 0
    end = due + seconds
    while due < end:
        due += 0.02 / BURSTS
        time.sleep(max(due - time.monotonic(), 0))
        load.burst(part)
        part = (part + 1) % BURSTS


if __name__ == "__main__":
    main()
