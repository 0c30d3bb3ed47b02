"""What both backends share: sockets by row, rows of outgoing packets, and RTCP, rare enough for plain calls.

A row's RTCP begins with the first packet that comes to it, or with the first report that it sends.
"""

import select
import socket
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media.io import sockaddr
from media.io.ports import PortPair

PITCH: Final = 664
"""Octets from one outgoing packet to the next: 80 ms of G.711, a header and the tag of SRTP, rounded up to whole words.
"""
BUFFER_SIZE: Final = 768
"""Octets of a receive buffer: 80 ms of G.711 and its headers; no power of two, for the sake of the cache sets."""
AT_ONCE: Final = 8192
"""Datagrams read per call at most."""
REPORTS_AT_ONCE: Final = 256
"""RTCP datagrams read per call; the others wait in their sockets."""

Rows = NDArray[np.intp]


@dataclass(slots=True)
class Arrivals:
    """Datagrams of one reading, in order of arrival; valid until the next reading."""

    rows: Rows
    """intp[n]: the row of the socket."""
    buffers: Rows
    """intp[n]: where in `pool`."""
    sizes: NDArray[np.int32]
    """int32[n]: octets of the datagram."""
    pool: NDArray[np.uint8]
    """uint8[buffers, size]: every row begins with a datagram."""
    sources: NDArray[np.uint64]
    """uint64[buffers, 3]: socket address of the sender."""

    def datagram(self, index: int) -> bytes:
        """One datagram by itself."""
        return self.pool[self.buffers[index], : self.sizes[index]].tobytes()


class MediaIo(Protocol):
    """What the engine asks of a backend; tests answer with arrays of their own."""

    name: str
    packets: NDArray[np.uint8]
    """uint8[rows, PITCH]: the next packet of every row, sent by `send`."""
    peers: NDArray[np.uint64]
    """uint64[rows, 4]: where each row sends to."""
    peer_sizes: NDArray[np.uint32]
    """uint32[rows]: octets of that address."""

    def attach(self, row: int, pair: PortPair) -> None:
        """Begin to read a row's sockets."""

    def detach(self, row: int) -> None:
        """Cease to read a row's sockets; they may be closed then."""

    def receive(self, most: int = AT_ONCE) -> Arrivals | None:
        """Datagrams that have come since the last call, no more than `most`; what is left comes with the next call."""

    def send(self, rows: Rows, size: int) -> None:
        """Send the first `size` octets of the rows' packets, each row at most once."""

    def send_from(self, rows: Rows, pool: NDArray[np.uint8], buffers: Rows, size: int) -> None:
        """Send the first `size` octets of pool[buffers], uint8[n, >= size], on the rows' sockets, each row at most
        once; the pool is free when this returns.
        """

    def send_one(self, row: int, datagram: bytes) -> None:
        """Send one datagram of any size."""

    def receive_reports(self) -> list[tuple[int, bytes, str]]:
        """RTCP datagrams: row, content, host of the sender."""

    def send_report(self, row: int, datagram: bytes) -> None:
        """Send RTCP to the port after the row's peer."""

    def close(self) -> None:
        """Give back what the kernel holds for us."""


class Sockets:
    """Sockets by row, for a backend to build upon."""

    def __init__(self, capacity: int) -> None:
        self.packets = np.zeros((capacity, PITCH), np.uint8)
        self.peers = np.zeros((capacity, sockaddr.WORDS), np.uint64)
        self.peer_sizes = np.zeros(capacity, np.uint32)
        self.send_errors = 0
        self._pairs: dict[int, PortPair] = {}
        self._reports = select.epoll()
        self._report_rows: dict[int, tuple[int, socket.socket]] = {}

    def attach(self, row: int, pair: PortPair) -> None:
        """Begin to read a row's sockets."""
        self._pairs[row] = pair

    def detach(self, row: int) -> None:
        """Cease to read a row's sockets; they may be closed then."""
        rtcp = self._pairs.pop(row).rtcp
        if rtcp is not None:
            self._reports.unregister(rtcp)
            del self._report_rows[rtcp.fileno()]

    def send_one(self, row: int, datagram: bytes) -> None:
        """Send one datagram of any size."""
        self._send_to(self._pairs[row].rtp, datagram, row, 0)

    def receive_reports(self) -> list[tuple[int, bytes, str]]:
        """RTCP datagrams: row, content, host of the sender."""
        if not self._report_rows:
            return []
        reports = []
        for fd, _ in self._reports.poll(0, REPORTS_AT_ONCE):
            row, sock = self._report_rows[fd]
            try:
                datagram, source = sock.recvfrom(BUFFER_SIZE)
            except OSError:  # an ICMP error about what was sent before; reading it clears it
                continue
            reports.append((row, datagram, str(source[0])))
        return reports

    def send_report(self, row: int, datagram: bytes) -> None:
        """Send RTCP to the port after the row's peer."""
        rtcp = self._begin_reports(row)
        if rtcp is not None:
            self._send_to(rtcp, datagram, row, 1)

    def close(self) -> None:
        """Give back what the kernel holds for us."""
        self._reports.close()

    def _begin_reports(self, row: int) -> socket.socket | None:
        """The RTCP socket of a row, watched from now on; None when its port cannot be had."""
        pair = self._pairs[row]
        if pair.rtcp is not None:
            return pair.rtcp
        rtcp = pair.open_rtcp()
        if rtcp is not None:
            self._report_rows[rtcp.fileno()] = row, rtcp
            self._reports.register(rtcp, select.EPOLLIN)
        return rtcp

    def _send_to(self, sock: socket.socket, datagram: bytes, row: int, port_offset: int) -> None:
        host, port = sockaddr.unpack(self.peers[row])
        if not 0 < port + port_offset <= 0xFFFF:
            return
        try:
            sock.sendto(datagram, (host, port + port_offset))
        except OSError:
            self.send_errors += 1
