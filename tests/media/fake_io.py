"""A backend of arrays: tests say what arrives and see what was sent; no socket, no kernel."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.io import sockaddr
from media.io.ports import PortPair
from media.io.sockets import AT_ONCE, BUFFER_SIZE, PITCH, Arrivals, Rows
from media.rtp import RtpPacket, parse


@dataclass
class FakeIo:
    """Implements MediaIo."""

    capacity: int = 64
    name: str = "fake"
    send_errors: int = 0
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    sent_reports: list[tuple[int, bytes]] = field(default_factory=list)
    reports: list[tuple[int, bytes, str]] = field(default_factory=list)
    attached: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.packets = np.zeros((self.capacity, PITCH), np.uint8)
        self.peers = np.zeros((self.capacity, sockaddr.WORDS), np.uint64)
        self.peer_sizes = np.zeros(self.capacity, np.uint32)
        self._waiting: list[tuple[int, bytes, str, int]] = []

    def arrive(self, row: int, datagram: bytes, host: str = "192.0.2.1", port: int = 4000) -> None:
        """A datagram that the next reading finds."""
        self._waiting.append((row, datagram, host, port))

    def sent_to(self, row: int) -> list[RtpPacket]:
        """What was sent on a row's socket, taken apart; forgets it."""
        mine = [parse(datagram) for at, datagram in self.sent if at == row]
        self.sent = [(at, datagram) for at, datagram in self.sent if at != row]
        return mine

    def attach(self, row: int, pair: PortPair | None) -> None:
        self.attached.add(row)

    def detach(self, row: int) -> None:
        self.attached.remove(row)

    def receive(self, most: int = AT_ONCE) -> Arrivals | None:
        waiting, self._waiting = self._waiting[:most], self._waiting[most:]
        if not waiting:
            return None
        pool = np.zeros((len(waiting), BUFFER_SIZE), np.uint8)
        sources = np.zeros((len(waiting), 3), np.uint64)
        for index, (_, datagram, host, port) in enumerate(waiting):
            pool[index, : len(datagram)] = np.frombuffer(datagram, np.uint8)
            sources[index] = sockaddr.pack(host, port)[:3]
        rows = np.array([row for row, *_ in waiting], np.intp)
        sizes = np.array([len(datagram) for _, datagram, *_ in waiting], np.int32)
        return Arrivals(rows, np.arange(len(waiting)), sizes, pool, sources)

    def send(self, rows: Rows, size: int) -> None:
        assert len(set(rows.tolist())) == len(rows), "a row is sent twice at once"
        self.sent += [(int(row), self.packets[row, :size].tobytes()) for row in rows]

    def send_from(self, rows: Rows, pool: NDArray[np.uint8], buffers: Rows, size: int) -> None:
        assert len(set(rows.tolist())) == len(rows), "a row is sent twice at once"
        self.sent += [(int(row), pool[at, :size].tobytes()) for row, at in zip(rows, buffers, strict=True)]

    def send_one(self, row: int, datagram: bytes) -> None:
        self.sent.append((row, datagram))

    def receive_reports(self) -> list[tuple[int, bytes, str]]:
        reports, self.reports = self.reports, []
        return reports

    def send_report(self, row: int, datagram: bytes) -> None:
        self.sent_reports.append((row, datagram))

    def close(self) -> None:
        self.attached.clear()
