"""Socket addresses as the kernel writes them, in rows of four 64-bit words, so that all rows are compared at once.

word 0 of IPv4: family, port, address.  word 0 of IPv6: family, port, flow label; words 1 and 2: address.
"""

import socket
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import BadCommand

WORDS: Final = 4
SIZE: Final = 28
"""Octets of a sockaddr_in6, the longer one."""
V4_SIZE: Final = 16

_V4: Final = struct.Struct("=H2s4s24x")
_V6: Final = struct.Struct("=H2sI16sI4x")

Words = NDArray[np.uint64]

_FAMILY: Final = b"\xff\xff"
V4_EXACT: Final = int.from_bytes(_FAMILY + b"\xff\xff" + b"\xff" * 4, "little")
V4_HOST: Final = int.from_bytes(_FAMILY + b"\0\0" + b"\xff" * 4, "little")
V6_EXACT: Final = int.from_bytes(_FAMILY + b"\xff\xff" + b"\0" * 4, "little")
V6_HOST: Final = int.from_bytes(_FAMILY + b"\0" * 6, "little")
ALL: Final = 0xFFFFFFFFFFFFFFFF


def family_of(host: str) -> socket.AddressFamily:
    """IPv4 or IPv6, by the look of a literal address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def check(host: str) -> None:
    """Refuse what is no literal address."""
    try:
        socket.inet_pton(family_of(host), host.split("%")[0])
    except (OSError, ValueError) as error:
        raise BadCommand(f"{host!r} is no IP address") from error


def pack(host: str, port: int) -> Words:
    """A literal address as uint64[4]."""
    family = family_of(host)
    if not 0 <= port <= 0xFFFF:
        raise BadCommand(f"{port} is no port")
    try:
        packed = socket.inet_pton(family, host.split("%")[0])
    except (OSError, ValueError) as error:
        raise BadCommand(f"{host!r} is no IP address") from error
    wire_port = port.to_bytes(2, "big")
    if family == socket.AF_INET:
        return np.frombuffer(_V4.pack(family, wire_port, packed), np.uint64)
    return np.frombuffer(_V6.pack(family, wire_port, 0, packed, 0), np.uint64)


def unpack(words: Words) -> tuple[str, int]:
    """The host and port that uint64[3 or 4] stand for."""
    octets = words.tobytes()
    port = int.from_bytes(octets[2:4], "big")
    if int.from_bytes(octets[:2], "little") == socket.AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, octets[8:24]), port
    return socket.inet_ntop(socket.AF_INET, octets[4:8]), port
