"""SRTP between the engine and its backend (RFC 3711): opened as it comes, sealed as it leaves, packet by packet.

Only packets of legs with keys are touched. What was opened stands in the backend's buffer in place of what came, so
whatever is behind this sees plain packets; what does not authenticate, or came before, is counted and not seen at all:
nobody latches by it and no call ends of it. Nothing leaves a leg with keys unsealed.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from media import rtp
from media.io.ports import PortPair
from media.io.sockets import AT_ONCE, Arrivals, MediaIo, Rows
from media.latch import Latch
from media.protocol import SrtpKeys

if TYPE_CHECKING:
    from pylibsrtp import Session

MOST_AT_ONCE: Final = 128
"""Packets of one leg that are opened per reading: 0.3 ms. The phone's own is among them as long as others send less."""
MOST_FROM_STRANGERS: Final = 4
"""Packets of one leg from elsewhere than its latch, tried because a NAT may have forgotten its binding."""
MOST_OPENED: Final = 4096
"""Packets that are opened per reading: 10 ms."""
MOST_SOURCES: Final = 16
"""Streams (SSRCs) of one leg that the library keeps books of; the oldest is forgotten for the next, and with it which
of its packets came. A telephone has one, or one more after each hold."""


class SrtpIo:
    """A backend whose legs may have keys; without any it costs a look at an empty dictionary."""

    def __init__(self, io: MediaIo, latch: Latch) -> None:
        self._io = io
        self._latch = latch
        self.name = io.name
        self.packets, self.peers, self.peer_sizes = io.packets, io.peers, io.peer_sizes
        capacity = len(io.packets)
        self._sessions: dict[int, _Sessions] = {}
        self._secured = np.zeros(capacity, bool)
        self.errors = np.zeros(capacity, np.int64)
        """Packets that a row's peer sent in vain: bad tag, replay, no SRTP at all; and those that could not be sealed.
        """

    def secure(self, row: int, keys: SrtpKeys | None) -> None:
        """Use these keys for a row from now on; a direction whose key did not change goes on as it stood."""
        current = self._sessions.get(row)
        if keys is None:
            self._sessions.pop(row, None)
        elif current is None or current.keys != keys:
            self._sessions[row] = _Sessions(keys, current)
        self._secured[row] = keys is not None

    # receiving

    def receive(self, most: int = AT_ONCE) -> Arrivals | None:
        """No more than `most` datagrams that have come, opened; those that cannot be opened are missing."""
        arrivals = self._io.receive(most)
        if arrivals is None or not self._sessions:
            return arrivals
        sealed = self._secured[arrivals.rows]
        return self._open(arrivals, sealed) if sealed.any() else arrivals

    def receive_reports(self) -> list[tuple[int, bytes, str]]:
        """RTCP datagrams: row, content, host of the sender."""
        reports = self._io.receive_reports()
        if not self._sessions or not reports:
            return reports
        opened = [(row, self._open_report(row, datagram, host), host) for row, datagram, host in reports]
        return [(row, datagram, host) for row, datagram, host in opened if datagram is not None]

    def _open_report(self, row: int, datagram: bytes, host: str) -> bytes | None:
        sessions = self._sessions.get(row)
        if sessions is None:
            return datagram
        if host != self._latch.host(row):
            return None
        opened = sessions.open(datagram)
        self.errors[row] += opened is None
        return opened

    def _open(self, arrivals: Arrivals, sealed: NDArray[np.bool_]) -> Arrivals | None:
        rows, pool = arrivals.rows, arrivals.pool
        which, known = self._choose(arrivals, np.flatnonzero(sealed))
        sizes = arrivals.sizes.copy()
        keep = ~sealed
        if len(which):
            buffers, width = arrivals.buffers[which], int(sizes[which].max())
            block = pool[buffers, :width].tobytes()
            opened: list[bytes] = []
            for place, (row, size) in enumerate(zip(rows[which].tolist(), sizes[which].tolist(), strict=True)):
                datagram = self._sessions[row].open(block[place * width : place * width + size])
                if datagram is None:
                    self._count(row, is_known=bool(known[place]))
                opened.append(datagram or b"")
            pool[buffers, :width] = _stack(opened, width)
            sizes[which] = [len(datagram) for datagram in opened]
            keep[which] = sizes[which] > 0
        if not keep.any():
            return None
        return Arrivals(rows[keep], arrivals.buffers[keep], sizes[keep], pool, arrivals.sources)

    def _choose(self, arrivals: Arrivals, which: Rows) -> tuple[Rows, NDArray[np.bool_]]:
        """Indices of the packets to be opened, in order, and whether each comes from whom its row accepts.

        A flood takes no time from others: the first packets of every row go before the second ones. Strangers are
        tried when the row is latched, for its stream may have moved; before that nobody else is accepted anyhow.
        """
        rows = arrivals.rows
        known = self._latch.known(rows[which], arrivals.sources[arrivals.buffers[which]])
        if known.all() and len(which) == 1:
            return which, known
        ours, strangers = which[known], which[~known]
        chosen = _first(rows, ours, MOST_AT_ONCE)
        if len(chosen) < len(ours):
            np.add.at(self.errors, rows[np.setdiff1d(ours, chosen)], 1)
        if not len(strangers):
            return chosen, np.ones(len(chosen), bool)
        tried = _first(rows, strangers[self._latch.latched[rows[strangers]]], MOST_FROM_STRANGERS)
        np.add.at(self._latch.strangers, rows[np.setdiff1d(strangers, tried)], 1)
        both = np.sort(np.concatenate([chosen, tried]))
        return both, np.isin(both, chosen)

    def _count(self, row: int, *, is_known: bool) -> None:
        """A packet was not opened; strangers are counted as such."""
        (self.errors if is_known else self._latch.strangers)[row] += 1

    # sending

    def send(self, rows: Rows, size: int) -> None:
        """Send the first `size` octets of the rows' packets, each row at most once."""
        if self._sessions:
            sealed = self._secured[rows]
            if sealed.any():
                self._send_sealed(rows[sealed], size)
                rows = rows[~sealed]
                if not len(rows):
                    return
        self._io.send(rows, size)

    def send_from(self, rows: Rows, pool: NDArray[np.uint8], buffers: Rows, size: int) -> None:
        """Send the first `size` octets of pool[buffers] on the sockets of the rows; what is sealed grows in the rows'
        own packets.
        """
        if self._sessions:
            sealed = self._secured[rows]
            if sealed.any():
                self.packets[rows[sealed], :size] = pool[buffers[sealed], :size]
                self._send_sealed(rows[sealed], size)
                rows, buffers = rows[~sealed], buffers[~sealed]
                if not len(rows):
                    return
        self._io.send_from(rows, pool, buffers, size)

    def send_one(self, row: int, datagram: bytes) -> None:
        """Send one datagram of any size."""
        sealed = self._seal(row, datagram, is_report=False)
        if sealed is not None:
            self._io.send_one(row, sealed)

    def send_report(self, row: int, datagram: bytes) -> None:
        """Send RTCP to the port after the row's peer."""
        sealed = self._seal(row, datagram, is_report=True)
        if sealed is not None:
            self._io.send_report(row, sealed)

    def _send_sealed(self, rows: Rows, size: int) -> None:
        """The rows' packets grow by their tags, for which they have room."""
        block = self.packets[rows, :size].tobytes()
        by_size: dict[int, tuple[list[int], list[bytes]]] = {}
        for place, row in enumerate(rows.tolist()):
            sealed = self._seal(row, block[place * size : (place + 1) * size], is_report=False)
            if sealed is not None:
                who, what = by_size.setdefault(len(sealed), ([], []))
                who.append(row)
                what.append(sealed)
        for whole, (who, what) in by_size.items():
            these = np.array(who, np.intp)
            self.packets[these, :whole] = _stack(what, whole)
            self._io.send(these, whole)

    def _seal(self, row: int, datagram: bytes, *, is_report: bool) -> bytes | None:
        sessions = self._sessions.get(row)
        if sessions is None:
            return datagram
        sealed = sessions.seal(datagram, is_report=is_report)
        self.errors[row] += sealed is None
        return sealed

    # the rest of a backend

    def attach(self, row: int, pair: PortPair) -> None:
        """Begin to read a row's sockets."""
        self.errors[row] = 0
        self._io.attach(row, pair)

    def detach(self, row: int) -> None:
        """Cease to read a row's sockets, and forget its keys."""
        self.secure(row, None)
        self._io.detach(row)

    def close(self) -> None:
        """Give back what the kernel holds for us."""
        self._io.close()


class _Sessions:
    """Both directions of one leg."""

    __slots__ = ("_errors", "_inbound", "_last", "_outbound", "_sources", "keys")

    def __init__(self, keys: SrtpKeys, before: "_Sessions | None") -> None:
        # Loaded when the first leg has keys: most switches never have one.
        import pylibsrtp

        self.keys = keys
        self._errors = pylibsrtp.Error, ValueError
        self._inbound: Session
        self._outbound: Session
        self._sources: dict[bytes, None] = {}
        self._last = b""
        same = before if before is not None and before.keys.suite == keys.suite else None
        if same is not None and same.keys.receive == keys.receive:
            self._inbound, self._sources, self._last = same._inbound, same._sources, same._last
        else:
            self._inbound = _session(keys.suite, keys.receive, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        if same is not None and same.keys.send == keys.send:
            self._outbound = same._outbound
        else:
            self._outbound = _session(keys.suite, keys.send, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)

    def open(self, datagram: bytes) -> bytes | None:
        """The plain RTP or RTCP of a datagram, None when it does not authenticate or came before."""
        if len(datagram) < rtp.HEADER_SIZE:
            return None
        opened: bytes
        try:
            if rtp.is_rtcp(datagram[1]):
                opened, source = self._inbound.unprotect_rtcp(datagram), datagram[4:8]
            else:
                opened, source = self._inbound.unprotect(datagram), datagram[8:12]
        except self._errors:
            return None
        if source != self._last:
            self._note_source(source)
        return opened

    def seal(self, datagram: bytes, *, is_report: bool) -> bytes | None:
        """The datagram as it may leave, None when the library refuses (a sequence number that was used before)."""
        protect = self._outbound.protect_rtcp if is_report else self._outbound.protect
        try:
            sealed: bytes = protect(datagram)
        except self._errors:
            return None
        return sealed

    def _note_source(self, source: bytes) -> None:
        """The library keeps books for every SSRC; a peer that changes it in every packet takes no memory for that."""
        self._last = source
        self._sources.setdefault(source)
        if len(self._sources) > MOST_SOURCES:
            oldest = next(iter(self._sources))
            del self._sources[oldest]
            self._inbound.remove_stream(int.from_bytes(oldest, "big"))


def _session(suite: str, key: bytes, direction: int) -> "Session":
    from pylibsrtp import Policy, Session

    is_short = suite == "AES_CM_128_HMAC_SHA1_32"
    profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_32 if is_short else Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    return Session(Policy(key=key, ssrc_type=direction, srtp_profile=profile))


def _first(rows: Rows, which: Rows, limit: int) -> Rows:
    """The first packets of each row, not more than `limit` of one and `MOST_OPENED` of all.

    Parameters
    ----------
    rows : intp[n]
        Row of each packet, in order of arrival.
    which : intp[m]
        Indices into `rows`, in order: the packets in question.

    Returns
    -------
    intp[k]
        Indices into `rows`, in order. When they are too many, first packets go before second ones.
    """
    if len(which) <= limit:
        return which
    order = np.argsort(rows[which], kind="stable")
    at = rows[which][order]
    is_first = np.ones(len(at), bool)
    is_first[1:] = at[1:] != at[:-1]
    starts = np.flatnonzero(is_first)
    turn = np.empty(len(at), np.intp)
    turn[order] = np.arange(len(at)) - np.repeat(starts, np.diff(np.append(starts, len(at))))
    which, turn = which[turn < limit], turn[turn < limit]
    if len(which) <= MOST_OPENED:
        return which
    return np.sort(which[np.argsort(turn, kind="stable")[:MOST_OPENED]])


def _stack(datagrams: list[bytes], width: int) -> NDArray[np.uint8]:
    """Datagrams as rows, uint8[n, width], shorter ones filled with zeros."""
    octets = b"".join([datagram.ljust(width, b"\0") for datagram in datagrams])
    return np.frombuffer(octets, np.uint8).reshape(len(datagrams), width)
