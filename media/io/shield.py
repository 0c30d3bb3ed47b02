"""Sockets that get empty datagrams: each ends a multishot request, so that a flood of them would bury the sound, as it
would where so many datagrams are taken from a socket at once and no more.

A socket that got one is told to take no more (a filter of classic BPF, `socket(7)`), and those that already wait in it
are thrown away.
"""

import ctypes
import os
import socket
import struct
from contextlib import closing, suppress
from typing import Final

SO_ATTACH_FILTER: Final = 26
UDP_HEADER: Final = 8
"""Octets that a filter of a UDP socket sees before the payload."""
MOST_DRAINED: Final = 1024
"""Empty datagrams thrown away at once: more than a socket's buffer holds."""

_LOAD_LENGTH, _JUMP_GREATER, _RETURN = 0x80, 0x25, 0x06
_PROGRAM: Final = b"".join(
    struct.pack("HBBI", *step)
    for step in (
        (_LOAD_LENGTH, 0, 0, 0),
        (_JUMP_GREATER, 0, 1, UDP_HEADER),
        (_RETURN, 0, 0, 0xFFFF),
        (_RETURN, 0, 0, 0),
    )
)
_STEPS: Final = ctypes.create_string_buffer(_PROGRAM, len(_PROGRAM))


def refuse_empty(fd: int) -> None:
    """Take no empty datagrams on this socket any more, and throw away those that are next in line."""
    with closing(socket.socket(fileno=os.dup(fd))) as sock:
        program = struct.pack("HL", len(_PROGRAM) // 8, ctypes.addressof(_STEPS))
        with suppress(OSError):  # without memory for it the flood is only drained
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        for _ in range(MOST_DRAINED):
            try:
                if sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return
                sock.recv(1, socket.MSG_DONTWAIT)
            except OSError:  # nothing is left, or an earlier send failed: both are noticed elsewhere
                return
