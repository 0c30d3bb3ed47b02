"""Pairs of UDP ports for RTP (even) and RTCP (the next one).

The socket for RTCP is made when it is first needed: many calls end without any sound, and a socket costs 15 us.
"""

import errno
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from media.errors import BadCommand, PortsExhausted
from media.io import sockaddr
from media.io.sockaddr import family_of

EXPEDITED: Final = 0xB8
"""DSCP EF in the TOS octet: voice goes first where the network cares."""


@dataclass(slots=True)
class PortPair:
    """The socket for RTP with its even port, and what is needed to make the one for RTCP."""

    port: int
    address: str
    family: socket.AddressFamily
    rtp: socket.socket
    rtcp: socket.socket | None = None

    def open_rtcp(self) -> socket.socket | None:
        """The socket on the next port; None when somebody else took it."""
        if self.rtcp is None:
            with suppress(OSError):
                self.rtcp = _bind(self.family, self.address, self.port + 1)
        return self.rtcp

    def close(self) -> None:
        """Close the sockets."""
        self.rtp.close()
        if self.rtcp is not None:
            self.rtcp.close()


class Ports:
    """Hands out port pairs of a range, the one given back longest ago first.

    So a late packet of the last call seldom meets the next call on the same port.
    """

    def __init__(self, first: int, last: int) -> None:
        if not 0 < first < last <= 0xFFFF:
            raise BadCommand(f"{first}-{last} is no range of ports")
        self._free = deque(range(first + first % 2, last, 2))

    def __len__(self) -> int:
        """Pairs that are free as far as we know."""
        return len(self._free)

    def open(self, address: str) -> PortPair:
        """Bind the next pair that nobody else holds."""
        family = family_of(address)
        sockaddr.check(address)
        for _ in range(len(self._free)):
            port = self._free.popleft()
            try:
                return PortPair(port, address, family, _bind(family, address, port))
            except OSError as error:
                self._free.append(port)
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise PortsExhausted(f"no more sockets: {error.strerror}") from error
                if error.errno != errno.EADDRINUSE:
                    raise BadCommand(f"cannot use the address {address!r}: {error.strerror}") from error
        raise PortsExhausted("every RTP port is in use")

    def close(self, pair: PortPair) -> None:
        """Close a pair and give its ports back."""
        pair.close()
        self._free.append(pair.port)


def parse_range(text: str) -> tuple[int, int]:
    """ "20000-29999" as two numbers."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise BadCommand(f"{text!r} is no range of ports such as 20000-29999")
    return int(first), int(last)


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock
