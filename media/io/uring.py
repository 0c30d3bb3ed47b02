"""The backend for new Linux: io_uring through ctypes and arrays.

Every socket that packets come to has one multishot `recvmsg`, which fills buffers of a common ring until it is
cancelled; all packets of a tick leave in one submission and need no completion. Until its first packet a socket is only
watched by an `epoll`: that costs a tenth of beginning and cancelling a request, and many calls end without any sound.
"""

import ctypes
import select
import socket
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import BackendUnavailable
from media.io import ring as kernel
from media.io import sockaddr
from media.io.ports import PortPair
from media.io.shield import refuse_empty
from media.io.sockets import AT_ONCE, BUFFER_SIZE, Arrivals, Rows, Sockets

BUFFERS: Final = 8192
SUBMISSIONS: Final = 4096
COMPLETIONS: Final = 32768
NAME_AT: Final = 16
"""Where the source address begins in a buffer, after struct io_uring_recvmsg_out."""
DATAGRAM_AT: Final = NAME_AT + sockaddr.SIZE
DONT_WAIT: Final = 0x40
SENDING: Final = 1 << 62
CANCELLING: Final = 1 << 61
PROBE_WITHIN: Final = 0.5

_ROW: Final = np.uint64(0xFFFFFFFF)


class _MessageHeader(ctypes.Structure):
    """struct msghdr; for a multishot recvmsg only its two sizes count."""

    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class Uring(Sockets):
    """Media sockets on one ring."""

    name = "uring"

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._ring = kernel.Ring(SUBMISSIONS, COMPLETIONS)
        self._buffers = kernel.BufferRing(self._ring, BUFFERS, BUFFER_SIZE)
        self._template = _MessageHeader(name_size=sockaddr.SIZE)
        self._pool = self._buffers.pool[:, DATAGRAM_AT:]
        self._sources = self._buffers.pool.view(np.uint64)[:, NAME_AT // 8 : NAME_AT // 8 + 3]
        self._fds = np.full(capacity, -1, np.int32)
        self._serial = np.zeros(capacity, np.uint64)
        """How many legs a row had; completions of those before are not for the present one."""
        self._quiet = select.epoll()
        self._quiet_rows: dict[int, int] = {}
        """Descriptor to row of the sockets that nothing has come to."""
        self._unarmed: set[int] = set()
        self._requests = 0
        """Receiving requests that the kernel holds."""
        self._used = np.empty(0, np.intp)
        self._sends = np.zeros(capacity, kernel.SQE)
        self._send_words = self._sends.view(np.uint64).reshape(capacity, -1)
        self._send_fds, self._address_sizes = self._sends["fd"], self._sends["address_size"]
        each = np.arange(capacity, dtype=np.uint64)
        self._sends["op"], self._sends["flags"] = kernel.OP_SEND, kernel.SKIP_SUCCESS
        self._sends["op_flags"], self._sends["user_data"] = DONT_WAIT, SENDING
        self._sends["address"] = self.packets.ctypes.data + each * np.uint64(self.packets.strides[0])
        self._sends["address2"] = self.peers.ctypes.data + each * np.uint64(self.peers.strides[0])
        self._probe()

    def attach(self, row: int, pair: PortPair) -> None:
        """Begin to read a row's sockets."""
        super().attach(row, pair)
        self._enter(row, pair.rtp, pair.family)

    def detach(self, row: int) -> None:
        """Cease to read a row's sockets; they may be closed then."""
        super().detach(row)
        self._leave(row)

    def receive(self, most: int = AT_ONCE) -> Arrivals | None:
        """Datagrams that have come since the last call, no more than `most`; what is left comes with the next call."""
        if len(self._used):
            self._buffers.give_back(self._used)
            self._used = self._used[:0]
        if self._quiet_rows:
            self._find_loud()
        if self._unarmed:
            self._arm(np.fromiter(self._unarmed, np.intp, len(self._unarmed)))
            self._unarmed.clear()
        if not self._requests and not self._ring.ready:
            return None
        self._ring.run(most)
        done = self._ring.completions(most)
        if not len(done):
            return None
        return self._sort(done)

    def send(self, rows: Rows, size: int) -> None:
        """Send the first `size` octets of the rows' packets, each row at most once."""
        self._ring.submit_rows(self._send_words, rows, size)

    def send_from(self, rows: Rows, pool: NDArray[np.uint8], buffers: Rows, size: int) -> None:
        """Send the first `size` octets of pool[buffers] on the sockets of the rows; without waiting, so the kernel has
        copied them, or given them up, when this returns.
        """
        addresses = buffers.astype(np.uint64) * np.uint64(pool.strides[0]) + np.uint64(pool.ctypes.data)
        self._ring.submit_rows(self._send_words, rows, size, addresses)

    def close(self) -> None:
        """Give back what the kernel holds for us."""
        self._ring.close()
        self._quiet.close()
        super().close()

    def _sort(self, done: "np.ndarray[tuple[int], np.dtype[np.void]]") -> Arrivals | None:
        """Tell datagrams from ends of requests and from failed sends."""
        received = done["user_data"] < CANCELLING
        if not received.all():
            self.send_errors += int(np.count_nonzero(done["user_data"] == SENDING))
            done = done[received]
        rows = (done["user_data"] & _ROW).astype(np.intp)
        present = (done["user_data"] >> np.uint64(32)) == self._serial[rows]
        ended = (done["flags"] & kernel.MORE) == 0
        if ended.any():
            self._requests -= int(np.count_nonzero(ended))
            self._note_ended(rows[present & ended])
            empty = present & ended & (done["result"] == DATAGRAM_AT)
            for row in rows[empty].tolist():
                refuse_empty(int(self._fds[row]))
        filled = done["result"] >= DATAGRAM_AT
        buffers = (done["flags"][filled] >> 16).astype(np.intp)
        self._used = buffers
        if filled.all() and present.all():
            return Arrivals(rows, buffers, done["result"] - np.int32(DATAGRAM_AT), self._pool, self._sources)
        usable = present[filled]
        sizes = (done["result"][filled][usable] - DATAGRAM_AT).astype(np.int32)
        return Arrivals(rows[filled][usable], buffers[usable], sizes, self._pool, self._sources)

    def _note_ended(self, rows: Rows) -> None:
        """A request ended for want of buffers, with an error of an earlier send or with an empty datagram: begin it
        anew next time.
        """
        self._unarmed.update(row for row in rows.tolist() if self._fds[row] >= 0)

    def _enter(self, row: int, sock: socket.socket, family: socket.AddressFamily) -> None:
        fd = sock.fileno()
        self._fds[row] = self._send_fds[row] = fd
        self._address_sizes[row] = sockaddr.SIZE if family == socket.AF_INET6 else sockaddr.V4_SIZE
        self._quiet_rows[fd] = row
        self._quiet.register(fd, select.EPOLLIN)

    def _find_loud(self) -> None:
        """Sockets that something has come to are read by the ring from now on."""
        for fd, _ in self._quiet.poll(0, len(self._quiet_rows)):
            self._quiet.unregister(fd)
            row = self._quiet_rows.pop(fd)
            self._unarmed.add(row)
            if row:
                self._begin_reports(row)

    def _leave(self, row: int) -> None:
        fd = int(self._fds[row])
        if self._quiet_rows.pop(fd, None) is not None:
            self._quiet.unregister(fd)
        elif row not in self._unarmed:
            self._cancel(row)
        self._unarmed.discard(row)
        self._fds[row] = -1
        self._serial[row] = (int(self._serial[row]) + 1) & 0xFFFFFF

    def _arm(self, rows: Rows) -> None:
        sqes = np.zeros(len(rows), kernel.SQE)
        sqes["op"], sqes["flags"], sqes["ioprio"] = kernel.OP_RECVMSG, kernel.BUFFER_SELECT, kernel.MULTISHOT
        sqes["fd"], sqes["address"], sqes["size"] = self._fds[rows], ctypes.addressof(self._template), 1
        sqes["user_data"] = self._user_data(rows)
        self._requests += len(rows)
        self._ring.submit(sqes)

    def _cancel(self, row: int) -> None:
        """End a row's request, so that its socket is free when it is closed."""
        sqes = np.zeros(1, kernel.SQE)
        sqes["op"], sqes["flags"], sqes["fd"] = kernel.OP_ASYNC_CANCEL, kernel.SKIP_SUCCESS, -1
        sqes["address"], sqes["user_data"] = self._user_data(np.array([row])), CANCELLING
        self._ring.submit(sqes, run=True)

    def _user_data(self, rows: Rows) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
        return rows.astype(np.uint64) | self._serial[rows] << np.uint64(32)

    def _probe(self) -> None:
        """Send ourselves a packet: kernels before 6.1 take the requests but do less than we need."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self._enter(0, probe, socket.AF_INET)
            self.peers[0] = sockaddr.pack(*probe.getsockname())
            try:
                arrived = self._probe_arrives()
            except OSError as error:
                raise BackendUnavailable(f"io_uring refuses a request: {error.strerror}") from error
            finally:
                self._leave(0)
                self.peers[0] = 0
        if not arrived:
            self.close()
            raise BackendUnavailable("the kernel's io_uring is too old")

    def _probe_arrives(self) -> bool:
        self.receive()
        self.send(np.array([0]), 12)
        until = time.monotonic() + PROBE_WITHIN
        while time.monotonic() < until:
            arrivals = self.receive()
            if arrivals is not None and len(arrivals.rows):
                words = arrivals.sources[arrivals.buffers[0]]
                return int(arrivals.sizes[0]) == 12 and int(words[0]) == int(self.peers[0, 0])
            time.sleep(0.001)
        return False
