"""io_uring's rings as numpy arrays: submissions are written as slices, completions read as one array.

Facts that the layout follows: with DEFER_TASKRUN packets that arrive do not wake the sleeping process; all that is due
is run inside `io_uring_enter`, 20 items at a time, or as many as completions are asked for if that is more. Asking for
more than there are would put us to sleep, even with a time-out of zero. So we ask again and again for as many as are
there already: 20, 40, 80 ... until there are no more.
"""

import ctypes
import errno
import mmap
import os
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import BackendUnavailable

_SETUP, _ENTER, _REGISTER = 425, 426, 427
_SETUP_CQSIZE, _SETUP_SUBMIT_ALL = 1 << 3, 1 << 7
_SETUP_SINGLE_ISSUER, _SETUP_DEFER_TASKRUN = 1 << 12, 1 << 13
_ENTER_GETEVENTS = 1 << 0
_REGISTER_PBUF_RING: Final = 22
_OFFSET_SQES: Final = 0x10000000

OP_RECVMSG: Final = 10
OP_ASYNC_CANCEL: Final = 14
OP_SEND: Final = 26
BUFFER_SELECT: Final = 1 << 5
SKIP_SUCCESS: Final = 1 << 6
MULTISHOT: Final = 1 << 1
MORE: Final = 1 << 1
"""Completion flag: the multishot request lives on."""
MOST_RUNS: Final = 64

SQE: Final = np.dtype(
    [
        ("op", "u1"), ("flags", "u1"), ("ioprio", "u2"), ("fd", "i4"), ("address2", "u8"), ("address", "u8"),
        ("size", "u4"), ("op_flags", "u4"), ("user_data", "u8"), ("group", "u2"), ("personality", "u2"),
        ("address_size", "u2"), ("pad", "u2"), ("pad2", "u8"), ("pad3", "u8"),
    ]
)  # struct io_uring_sqe, as send and recvmsg use it  # fmt: skip
CQE: Final = np.dtype([("user_data", "u8"), ("result", "i4"), ("flags", "u4")])
_BUFFER: Final = np.dtype([("address", "u8"), ("size", "u4"), ("id", "u2"), ("tail", "u2")])


class _Params(ctypes.Structure):
    """struct io_uring_params."""

    _fields_ = [
        *((name, ctypes.c_uint32) for name in ("sq_entries", "cq_entries", "flags", "cpu", "idle", "features", "wq")),
        ("reserved", ctypes.c_uint32 * 3),
        ("sq", ctypes.c_uint32 * 10),
        ("cq", ctypes.c_uint32 * 10),
    ]


_libc: Final = ctypes.CDLL(None, use_errno=True)
_syscall: Final = _libc.syscall
_syscall.argtypes = (ctypes.c_long,) * 7  # all as wide as a register: the last one goes over the stack
_syscall.restype = ctypes.c_long


def _call(number: int, first: int, second: int, third: int, fourth: int = 0, fifth: int = 0, sixth: int = 0) -> int:
    """A system call; addresses are numbers."""
    result = int(_syscall(number, first, second, third, fourth, fifth, sixth))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class Ring:
    """One submission and one completion ring.

    Parameters
    ----------
    entries : int
        Submissions at a time; larger batches go in parts.
    completions : int
        Completions that may wait.
    """

    def __init__(self, entries: int, completions: int) -> None:
        flags = _SETUP_CQSIZE | _SETUP_SUBMIT_ALL | _SETUP_SINGLE_ISSUER | _SETUP_DEFER_TASKRUN
        parameters = _Params(cq_entries=completions, flags=flags)
        try:
            self.fd = _call(_SETUP, entries, ctypes.addressof(parameters), 0)
        except OSError as error:
            raise BackendUnavailable(_reason(error)) from error
        sq, cq = parameters.sq, parameters.cq
        size = max(sq[6] + parameters.sq_entries * 4, cq[5] + parameters.cq_entries * CQE.itemsize)
        self._memory = mmap.mmap(self.fd, size, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        sqes_size = parameters.sq_entries * SQE.itemsize
        self._sqe_memory = mmap.mmap(self.fd, sqes_size, mmap.MAP_SHARED, offset=_OFFSET_SQES)
        self._words = np.frombuffer(self._memory, np.uint32, size // 4)
        self._sq_tail, self._cq_head, self._cq_tail = sq[1] // 4, cq[0] // 4, cq[1] // 4
        np.frombuffer(self._memory, np.uint32, parameters.sq_entries, sq[6])[:] = np.arange(parameters.sq_entries)
        self._cqes = np.frombuffer(self._memory, CQE, parameters.cq_entries, cq[5])
        self._sqes = np.frombuffer(self._sqe_memory, SQE, parameters.sq_entries)
        self._sqe_words = self._sqes.view(np.uint64).reshape(parameters.sq_entries, -1)

    def submit(self, sqes: NDArray[np.void], *, run: bool = False) -> None:
        """Hand requests to the kernel; those that can be done at once are done on return.

        With `run` it also does some of what became due meanwhile, which is how a cancelled request ends at once.
        """
        for start in range(0, len(sqes), len(self._sqes)):
            self._submit_part(sqes[start : start + len(self._sqes)], _ENTER_GETEVENTS if run else 0)

    def submit_rows(
        self,
        prepared: NDArray[np.uint64],
        rows: NDArray[np.intp],
        size: int,
        addresses: NDArray[np.uint64] | None = None,
    ) -> None:
        """Hand over prepared requests, uint64[capacity, 8], of these rows, with `size` octets each, which are at their
        own places in memory when `addresses`, uint64[n], are given.

        They are gathered where the kernel reads them; only a batch that crosses the end of the ring is copied twice.
        """
        start = int(self._words[self._sq_tail]) % len(self._sqes)
        if start + len(rows) > len(self._sqes):
            sqes = prepared[rows].view(SQE)[:, 0]
            sqes["size"] = size
            if addresses is not None:
                sqes["address"] = addresses
            self.submit(sqes)
            return
        place = slice(start, start + len(rows))
        np.take(prepared, rows, axis=0, out=self._sqe_words[place], mode="clip")
        self._sqes["size"][place] = size
        if addresses is not None:
            self._sqes["address"][place] = addresses
        self._enter(len(rows), 0)

    def run(self, most: int) -> None:
        """Let the kernel do what became due, until about `most` completions wait; never sleeps."""
        ready = self.ready
        for _ in range(MOST_RUNS):
            if ready >= most:
                return
            try:
                _call(_ENTER, self.fd, 0, ready, _ENTER_GETEVENTS)
            except OSError as error:
                if error.errno not in (errno.EINTR, errno.EBUSY):
                    raise
            before, ready = ready, self.ready
            if ready == before:
                return

    def completions(self, most: int) -> NDArray[np.void]:
        """The oldest completions, CQE [n], no more than `most`, a copy; they are gone from the ring."""
        head, count = int(self._words[self._cq_head]), min(self.ready, most)
        start = head % len(self._cqes)
        done = self._cqes[start : start + count].copy()
        if len(done) < count:
            done = np.concatenate([done, self._cqes[: count - len(done)]])
        self._words[self._cq_head] = (head + count) & 0xFFFFFFFF
        return done

    def register_buffers(self, address: int, count: int) -> None:
        """Let requests pick from a ring of buffers, group 0."""
        try:
            registration = (ctypes.c_uint64 * 5)(address, count, 0, 0, 0)
            _call(_REGISTER, self.fd, _REGISTER_PBUF_RING, ctypes.addressof(registration), 1)
        except OSError as error:
            raise BackendUnavailable(_reason(error)) from error

    def close(self) -> None:
        """Give the rings back."""
        os.close(self.fd)

    @property
    def ready(self) -> int:
        """Completions that wait."""
        return (int(self._words[self._cq_tail]) - int(self._words[self._cq_head])) & 0xFFFFFFFF

    def _submit_part(self, sqes: NDArray[np.void], flags: int) -> None:
        tail = int(self._words[self._sq_tail])
        start = tail % len(self._sqes)
        fits = min(len(sqes), len(self._sqes) - start)
        self._sqes[start : start + fits] = sqes[:fits]
        if fits < len(sqes):
            self._sqes[: len(sqes) - fits] = sqes[fits:]
        self._enter(len(sqes), flags)

    def _enter(self, left: int, flags: int) -> None:
        """Tell the kernel of so many more requests that stand in the ring."""
        self._words[self._sq_tail] = (int(self._words[self._sq_tail]) + left) & 0xFFFFFFFF
        while left > 0:
            left -= _call(_ENTER, self.fd, left, 0, flags)


class BufferRing:
    """Buffers from which the kernel picks one for every datagram.

    Parameters
    ----------
    count, size : int
        How many (a power of two) of how many octets.
    """

    def __init__(self, ring: Ring, count: int, size: int) -> None:
        self.pool = np.zeros((count, size), np.uint8)
        self._memory = mmap.mmap(-1, count * _BUFFER.itemsize)
        self._entries = np.frombuffer(self._memory, _BUFFER, count)
        self._addresses = self.pool.ctypes.data + np.arange(count, dtype=np.uint64) * np.uint64(size)
        self._entries["size"] = size
        self._tail = 0
        ring.register_buffers(self._entries.ctypes.data, count)
        self.give_back(np.arange(count))

    def give_back(self, ids: NDArray[np.intp]) -> None:
        """Let the kernel use these buffers again."""
        at = (self._tail + np.arange(len(ids))) % len(self._entries)
        self._entries["address"][at] = self._addresses[ids]
        self._entries["id"][at] = ids
        self._tail = (self._tail + len(ids)) & 0xFFFF
        self._entries["tail"][0] = self._tail


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSYS:
        return "the kernel has no io_uring"
    if error.errno in (errno.EPERM, errno.EACCES):
        return "io_uring is forbidden here"
    if error.errno == errno.EINVAL:
        return "the kernel's io_uring is too old"
    return f"io_uring cannot be set up: {error.strerror}"
