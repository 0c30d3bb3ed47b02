"""Who may speak to a leg: its latch.

Until the first packet a leg listens to the negotiated host, on any port, because a NAT chooses the port. That
packet's source is latched: from then on everybody else is a stranger, counted and dropped, however often he tries.
Only the negotiated address and port itself still counts more than another port of that host, which was a guess:
whoever shares a host or a NAT with the phone may have been quicker. A source that fell silent may move to another port
or host when its SSRC and sequence numbers go on (a NAT that forgot its binding), never otherwise.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.io import sockaddr

MOVE_AFTER: Final = 1.5
"""Seconds of silence after which a stream may go on from elsewhere."""

Rows = NDArray[np.intp]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]


class Latch:
    """The source that each row accepts.

    Parameters
    ----------
    peers : uint64[rows, 4]
        Where each row sends to: the latch writes what it learned there.
    peer_sizes : uint32[rows]
        Octets of those addresses.
    """

    def __init__(self, peers: Words, peer_sizes: NDArray[np.uint32]) -> None:
        capacity = len(peers)
        self._peers = peers
        self._peers[:] = sockaddr.ALL  # no source has this family
        self._peer_sizes = peer_sizes
        self._mask = np.full(capacity, sockaddr.ALL, np.uint64)
        self._wide = np.zeros(capacity, np.uint64)
        self._aims = self._peers.copy()
        """What was negotiated, in the words of an address."""
        self._negotiated: list[tuple[str, int] | None] = [None] * capacity
        self.latched = np.zeros(capacity, bool)
        self.strangers = np.zeros(capacity, np.int64)
        """Packets from others, per row."""

    def reset(self, row: int) -> None:
        """Accept nobody, until another leg has the row."""
        self._peers[row] = self._aims[row] = self._mask[row] = sockaddr.ALL
        self._wide[row] = 0
        self._negotiated[row] = None
        self.latched[row] = False
        self.strangers[row] = 0

    def aimed(self, row: int) -> bool:
        """Whether a row has somebody to send to."""
        return self._negotiated[row] is not None

    def aim(self, row: int, host: str, port: int) -> None:
        """Send to what was negotiated and listen to that host; an address that did not change keeps its latch."""
        if self._negotiated[row] == (host, port):
            return
        words = sockaddr.pack(host, port)
        wide = ":" in host
        self._negotiated[row] = (host, port)
        self._peers[row] = self._aims[row] = words
        self._peer_sizes[row] = sockaddr.SIZE if wide else sockaddr.V4_SIZE
        self._mask[row] = sockaddr.V6_HOST if wide else sockaddr.V4_HOST
        self._wide[row] = sockaddr.ALL if wide else 0
        self.latched[row] = False

    def known(self, rows: Rows, sources: Words) -> Flags:
        """Whether each packet, from uint64[n, 3] sources, comes from whom its row accepts."""
        return self._are_same(rows, sources, self._peers[rows], self._mask[rows])

    def negotiated(self, rows: Rows, sources: Words) -> Flags:
        """Whether each packet comes from the negotiated address and port, and its row is still at that host."""
        aims, wide = self._aims[rows], self._wide[rows] != 0
        exact = np.where(wide, np.uint64(sockaddr.V6_EXACT), np.uint64(sockaddr.V4_EXACT))
        host = np.where(wide, np.uint64(sockaddr.V6_HOST), np.uint64(sockaddr.V4_HOST))
        return self._are_same(rows, sources, aims, exact) & self._are_same(rows, self._peers[rows], aims, host)

    def _are_same(self, rows: Rows, addresses: Words, others: Words, mask: Words) -> Flags:
        same: Flags = ((addresses[:, 0] ^ others[:, 0]) & mask) == 0
        wide = self._wide[rows]
        if wide.any():
            same &= (((addresses[:, 1] ^ others[:, 1]) | (addresses[:, 2] ^ others[:, 2])) & wide) == 0
        return same

    def learn(self, rows: Rows, sources: Words) -> None:
        """Latch rows, each once, to the sources of their packets."""
        wide = self._wide[rows] != 0
        self._peers[rows, 0] = np.where(wide, sources[:, 0] & np.uint64(sockaddr.V6_EXACT), sources[:, 0])
        self._peers[rows[wide], 1:3] = sources[wide, 1:3]
        self._mask[rows] = np.where(wide, np.uint64(sockaddr.V6_EXACT), np.uint64(sockaddr.V4_EXACT))
        self.latched[rows] = True

    def host(self, row: int) -> str | None:
        """The host that a row sends to, None before it was configured."""
        if self._negotiated[row] is None:
            return None
        return sockaddr.unpack(self._peers[row])[0]
