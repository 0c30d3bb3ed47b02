"""The backend for every Linux: non-blocking sockets, read with `recvmmsg` after `epoll`, written with `sendto`.

The calls go through ctypes because they then read and write the rows of our arrays and the raw socket addresses,
without a Python object per packet.
"""

import ctypes
import select
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.io import sockaddr
from media.io.ports import PortPair
from media.io.shield import refuse_empty
from media.io.sockets import AT_ONCE, BUFFER_SIZE, Arrivals, Rows, Sockets

PER_SOCKET: Final = 16
"""Datagrams read from one socket per turn; a flood on one port leaves the others their share."""
DONT_WAIT: Final = 0x40

_MESSAGE: Final = np.dtype(
    [
        ("name", "u8"), ("name_size", "u4"), ("pad", "u4"), ("vectors", "u8"), ("vector_count", "u8"),
        ("control", "u8"), ("control_size", "u8"), ("flags", "u4"), ("pad2", "u4"), ("size", "u4"), ("pad3", "u4"),
    ]
)  # struct mmsghdr of a 64-bit Linux  # fmt: skip
_VECTOR: Final = np.dtype([("base", "u8"), ("size", "u8")])

_libc = ctypes.CDLL(None)
_recvmmsg = _libc.recvmmsg
_recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_sendto = _libc.sendto
_sendto.argtypes = (
    ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint,
)  # fmt: skip
_sendto.restype = ctypes.c_ssize_t


class Poll(Sockets):
    """Media sockets polled once per turn."""

    name = "poll"

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._epoll = select.epoll()
        self._rows: dict[int, int] = {}
        self._quiet: set[int] = set()
        """Rows that nothing has come to."""
        self._fds = [-1] * capacity
        self._buffers = np.zeros((AT_ONCE, BUFFER_SIZE), np.uint8)
        self._sources = np.zeros((AT_ONCE, sockaddr.WORDS), np.uint64)
        self._vectors = np.zeros(AT_ONCE, _VECTOR)
        self._messages = np.zeros(AT_ONCE, _MESSAGE)
        self._order = np.arange(AT_ONCE)
        self._row_of = np.zeros(AT_ONCE, np.intp)
        each = np.arange(AT_ONCE, dtype=np.uint64)
        self._vectors["base"] = self._buffers.ctypes.data + each * BUFFER_SIZE
        self._vectors["size"] = BUFFER_SIZE
        self._messages["name"] = self._sources.ctypes.data + each * self._sources.strides[0]
        self._messages["vectors"] = self._vectors.ctypes.data + each * _VECTOR.itemsize
        self._messages["vector_count"] = 1

    def attach(self, row: int, pair: PortPair) -> None:
        """Begin to read a row's sockets."""
        super().attach(row, pair)
        fd = pair.rtp.fileno()
        self._rows[fd] = row
        self._fds[row] = fd
        self._quiet.add(row)
        self._epoll.register(fd, select.EPOLLIN)

    def detach(self, row: int) -> None:
        """Cease to read a row's sockets; they may be closed then."""
        super().detach(row)
        self._quiet.discard(row)
        fd, self._fds[row] = self._fds[row], -1
        self._epoll.unregister(fd)
        del self._rows[fd]

    def receive(self, most: int = AT_ONCE) -> Arrivals | None:
        """Datagrams that have come since the last call, no more than `most`; what is left comes with the next call."""
        ready = self._epoll.poll(0, max(len(self._rows), 1))
        if not ready:
            return None
        self._messages["name_size"] = sockaddr.SIZE
        count = 0
        messages, step, rows = self._messages.ctypes.data, _MESSAGE.itemsize, self._rows
        for fd, _ in ready:
            room = min(PER_SOCKET, most - count)
            if not room:
                break
            got = _recvmmsg(fd, messages + count * step, room, DONT_WAIT, None)
            if got > 0:
                row = rows[fd]
                if row in self._quiet:
                    self._quiet.discard(row)
                    self._begin_reports(row)
                self._row_of[count : count + got] = row
                count += got
        if not count:
            return None
        sizes = self._messages["size"][:count].astype(np.int32)
        if not sizes.all():
            for row in np.unique(self._row_of[:count][sizes == 0]).tolist():
                refuse_empty(int(self._fds[row]))
        return Arrivals(self._row_of[:count], self._order[:count], sizes, self._buffers, self._sources[:, :3])

    def send(self, rows: Rows, size: int) -> None:
        """Send the first `size` octets of the rows' packets, each row at most once."""
        self.send_from(rows, self.packets, rows, size)

    def send_from(self, rows: Rows, pool: NDArray[np.uint8], buffers: Rows, size: int) -> None:
        """Send the first `size` octets of pool[buffers] on the sockets of the rows."""
        first_packet, pitch = pool.ctypes.data, pool.strides[0]
        first_peer, peer_pitch = self.peers.ctypes.data, self.peers.strides[0]
        fds, sizes = self._fds, self.peer_sizes
        for row, buffer in zip(rows.tolist(), buffers.tolist(), strict=True):
            peer = first_peer + row * peer_pitch
            if _sendto(fds[row], first_packet + buffer * pitch, size, DONT_WAIT, peer, int(sizes[row])) < 0:
                self.send_errors += 1

    def close(self) -> None:
        """Give back what the kernel holds for us."""
        self._epoll.close()
        super().close()
