"""WAV files as recordings use them: a header of 44 octets, then PCM16 at 8 kHz; and their repair after a crash."""

import errno
import os
import stat
import struct
from typing import Final, NamedTuple

from media.errors import RecordingError
from media.resample import RATE

CHANNELS: Final = 2
FRAME_BYTES: Final = 2 * CHANNELS
"""Octets of one instant of sound, all channels."""
HEADER_BYTES: Final = 44
# RIFF WAVE with one fmt and one data chunk (Multimedia Programming Interface 1.0, 1991): sizes little endian, PCM is
# format 1.
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LARGEST_DATA: Final = (0xFFFFFFFF - HEADER_BYTES) // FRAME_BYTES * FRAME_BYTES


class Repair(NamedTuple):
    """What `repair` found."""

    seconds: float
    """Length of the file now."""
    changed: bool
    """Whether the file had to be changed."""


def build_header(data_bytes: int, channels: int = CHANNELS) -> bytes:
    """The 44 octets before `data_bytes` of PCM16 at 8 kHz; only whole frames count."""
    frame = 2 * channels
    size = min(data_bytes, _LARGEST_DATA) // frame * frame
    riff = (b"RIFF", size + HEADER_BYTES - 8, b"WAVE")
    return _HEADER.pack(*riff, b"fmt ", 16, 1, channels, RATE, RATE * frame, frame, 16, b"data", size)


def repair(path: str) -> Repair:
    """Make a recording that a crash cut off a whole WAV file again, with all the sound that reached the disk.

    Any length is accepted, from none to one that ends inside a sample.  A second call changes nothing.
    RecordingError when the file cannot be opened or is not one of our recordings; such a file is left as it is.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise RecordingError(f"the recording {path} cannot be repaired: {error}") from error
    try:
        return _repair(fd, path)
    except OSError as error:
        raise RecordingError(f"the recording {path} cannot be repaired: {error}") from error
    finally:
        os.close(fd)


def _repair(fd: int, path: str) -> Repair:
    status = os.fstat(fd)
    found = os.pread(fd, HEADER_BYTES, 0)
    channels = _channels_of(found)
    if not stat.S_ISREG(status.st_mode) or channels is None:
        raise RecordingError(f"the file {path} is not a recording of this switch")
    frame = 2 * channels
    data_bytes = max(0, status.st_size - HEADER_BYTES) // frame * frame
    header = build_header(data_bytes, channels)
    changed = found != header or status.st_size != HEADER_BYTES + data_bytes
    if changed:
        os.ftruncate(fd, HEADER_BYTES + data_bytes)
        write_all(fd, header)
        os.fsync(fd)
    return Repair(data_bytes // frame / RATE, changed)


def _channels_of(found: bytes) -> int | None:
    """Channels of the recording that begins like this, None when it is not one of ours; its sizes do not count."""
    for channels in (CHANNELS, 1):
        ours = bytearray(build_header(0, channels))
        ours[4:8], ours[40:44] = found[4:8], found[40:44]
        if ours.startswith(found):
            return channels
    return None


def write_data(fd: int, piece: bytes, at: int) -> int:
    """Write sound `at` octets after the header; how much of it the disk took."""
    if at + len(piece) > _LARGEST_DATA:
        raise OSError(errno.EFBIG, "a WAV file cannot be longer")
    return os.pwrite(fd, piece, HEADER_BYTES + at)


def write_all(fd: int, data: bytes) -> None:
    """Write from the beginning of the file; a full disk may take a part first and refuse the rest."""
    at = 0
    while at < len(data):
        at += os.pwrite(fd, data[at:], at)
