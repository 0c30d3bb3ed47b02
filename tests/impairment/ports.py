"""Ports of the proxies on 127.0.0.1: 38000-39999, below those of the live tests, a fourth for each test process."""

import itertools
import os
import socket

LOOPBACK = "127.0.0.1"
_FIRST = 38000 + 500 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4)
PROXY_PORTS = range(_FIRST, _FIRST + 500, 2)
"""Every second one: the odd port after an RTP port is its RTCP port (RFC 3550 section 11)."""

_first = os.getpid() * 31 % len(PROXY_PORTS)
_next_port = itertools.cycle((*PROXY_PORTS[_first:], *PROXY_PORTS[:_first]))
"""Two test runs at once begin at different places."""


def open_udp(port: int = 0) -> socket.socket:
    """A UDP socket on `port`, or on the next free even port of the span."""
    for candidate in (port,) if port else itertools.islice(_next_port, len(PROXY_PORTS)):
        opened = _bound(candidate)
        if opened is not None:
            return opened
    raise OSError(f"no UDP port is free for a proxy (wanted: {port or 'any'})")


def open_udp_pair() -> tuple[socket.socket, socket.socket]:
    """Two UDP sockets on an even port and the odd one after it: RTP and RTCP."""
    for candidate in itertools.islice(_next_port, len(PROXY_PORTS)):
        first = _bound(candidate)
        if first is None:
            continue
        second = _bound(candidate + 1)
        if second is not None:
            return first, second
        first.close()
    raise OSError("no pair of UDP ports is free for a relay")


def free_tcp_port() -> int:
    """The next even port of the span that nobody listens on over TCP."""
    for candidate in itertools.islice(_next_port, len(PROXY_PORTS)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, candidate))
            except OSError:
                continue
            return int(candidate)
    raise OSError("no TCP port is free for a proxy")


def _bound(port: int) -> socket.socket | None:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.bind((LOOPBACK, port))
    except OSError:
        opened.close()
        return None
    opened.setblocking(False)
    return opened
