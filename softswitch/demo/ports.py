"""Ports on 127.0.0.1 that nobody holds, below those that the kernel hands out by itself."""

import random
import socket
from itertools import islice

from softswitch.demo.errors import DemoError

FIRST, LAST = 30000, 32700
HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nobody holds a port, neither over UDP nor over TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


class FreePorts:
    """Hands out ports, each of them once. Where it begins to look is drawn, so that two of these seldom meet."""

    def __init__(self) -> None:
        self._next = random.SystemRandom().randrange(FIRST, (FIRST + LAST) // 2) & ~1

    def span(self, count: int) -> range:
        """As many free ports in a row, the first of them even, as RTP wants it. Raises DemoError."""
        while self._next + count <= LAST:
            ports = range(self._next, self._next + count)
            taken = next(islice((port for port in ports if not is_free(port)), 1), None)
            if taken is None:
                self._next = ports.stop + 1 & ~1
                return ports
            self._next = taken + 2 & ~1
        raise DemoError(f"There are not enough free ports between {FIRST} and {LAST} for a demonstration.")
