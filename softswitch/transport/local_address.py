"""Which address of ours a peer sees, when a socket is bound to all of them."""

import socket
from functools import lru_cache
from ipaddress import ip_address

WILDCARDS = frozenset(("0.0.0.0", "::"))  # noqa: S104 - compared with, not bound to


def advertised(bound: str, peer_host: str, external: str | None) -> str:
    """The address that a peer shall answer to: `external` for peers beyond a NAT, else the one it sees of us."""
    if external is not None and (":" in external) == (":" in peer_host) and not _is_near(peer_host):
        return external
    return towards(peer_host) if is_wildcard(bound) else bound


def _is_near(host: str) -> bool:
    """Whether a peer is on this machine or in a private network, on our side of the NAT."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Whether an address stands for all addresses of this machine."""
    return host in WILDCARDS


@lru_cache(maxsize=4096)
def towards(peer_host: str) -> str:
    """The local address that the kernel would use towards a peer; nothing is sent to find out.

    >>> towards("127.0.0.1")
    '127.0.0.1'
    """
    family = socket.AF_INET6 if ":" in peer_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((peer_host, 9))
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(sock.getsockname()[0])
