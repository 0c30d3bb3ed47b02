"""Ports on 127.0.0.1 that nobody holds, below those that the kernel hands out by itself."""

import random
import socket

from softswitch.demo.errors import DemoError

FIRST, LAST = 10000, 32700
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
        self._next = random.SystemRandom().randrange(FIRST, LAST, 2)
        self._unseen = LAST - FIRST
        """How many ports have not been looked at."""

    def span(self, count: int) -> range:
        """As many free ports in a row, the first of them even, as RTP wants it. Raises DemoError."""
        while count <= self._unseen:
            if self._next + count > LAST:
                self._go_on(LAST)
                continue
            ports = range(self._next, self._next + count)
            taken = next((port for port in ports if not is_free(port)), None)
            if taken is None:
                self._go_on(ports.stop)
                return ports
            self._go_on(taken + 1)
        raise DemoError(f"There are not enough free ports between {FIRST} and {LAST} for a demonstration.")

    def _go_on(self, port: int) -> None:
        """Look on from the next even port, after the last one from the first one."""
        port += port % 2
        self._unseen -= port - self._next
        self._next = port if port < LAST else FIRST
