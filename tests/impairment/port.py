"""A UDP socket in the loop: calls back with what came, closes at once and leaves nothing behind."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

Address = tuple[str, int]
Receive = Callable[[bytes, Address], None]

AT_ONCE = 64
"""Datagrams read before others in the loop have their turn."""


class Port:
    """Reads from an open, non-blocking UDP socket until it is closed."""

    def __init__(self, opened: socket.socket, receive: Receive) -> None:
        self._socket = opened
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self.address: Address = opened.getsockname()
        self.is_open = True
        self._loop.add_reader(opened.fileno(), self._read)

    def send(self, datagram: bytes, to: Address) -> None:
        """Send, or lose it: a full or refusing socket is one more impairment."""
        if self.is_open:
            with contextlib.suppress(OSError):
                self._socket.sendto(datagram, to)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            if not self.is_open:
                return
            try:
                datagram, source = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of something sent before
                continue
            self._receive(datagram, source)
