"""Which ports the live tests use on 127.0.0.1: SIP 6000-6999, RTP 40000-44999, one span for each kind of peer."""

import itertools
import os
import socket

SIP_PORTS = range(6000, 7000, 2)
"""Every second one: baresip listens for TLS on the port after its own."""
SWITCH_RTP = "40000-41999"
BARESIP_RTP = "42000-43998"
DEBIAN_BARESIP_RTP = "44200-44396"
LINPHONE_RTP = 44398
"""One phone: RTP here, RTCP one above."""
PYVOIP_RTP = range(44000, 44200)
SIPP_RTP = range(44400, 45000)

_first = os.getpid() * 29 % len(SIP_PORTS)
_next_port = itertools.cycle((*SIP_PORTS[_first:], *SIP_PORTS[:_first]))
"""Two test runs at once begin at different places."""


def is_free(port: int) -> bool:
    """Whether nobody holds `port` on 127.0.0.1, neither over UDP nor over TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_port() -> int:
    """The next SIP port that is free; a port is not handed out twice before all the others were."""
    for port in itertools.islice(_next_port, len(SIP_PORTS)):
        if is_free(port):
            return int(port)
    raise AssertionError(f"no port is free between {SIP_PORTS.start} and {SIP_PORTS.stop}")
