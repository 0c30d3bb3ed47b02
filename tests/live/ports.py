"""Which ports the live tests use on 127.0.0.1: one span for each kind of peer, and other spans in each test process.

Of the first process SIP 6000-6999 and RTP 40000-44999; of the next ones 1000 and 5000 higher.
"""

import itertools
import os
import socket

PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
"""Number of the test process (pytest-xdist)."""
_SIP, _RTP = 6000 + 1000 * PROCESS, 40000 + 5000 * PROCESS
SIP_PORTS = range(_SIP, _SIP + 1000, 2)
"""Every second one: baresip listens for TLS on the port after its own."""
SWITCH_RTP = f"{_RTP}-{_RTP + 1999}"
BARESIP_RTP = f"{_RTP + 2000}-{_RTP + 3998}"
DEBIAN_BARESIP_RTP = f"{_RTP + 4200}-{_RTP + 4396}"
LINPHONE_RTP = _RTP + 4398
"""One phone: RTP here, RTCP one above."""
PYVOIP_RTP = range(_RTP + 4000, _RTP + 4200)
SIPP_RTP = range(_RTP + 4400, _RTP + 5000)

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
