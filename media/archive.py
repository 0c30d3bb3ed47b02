"""Recordings after the call: the WAV that was written becomes the file that is kept.

The WAV is removed when the other file was read back from the disk, has the same length and, where nothing may be lost,
the same samples. Until then the other file has a name that nobody looks for. Whatever happens in between, one of the
two is whole, and doing it again comes to the same end.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from media.errors import RecordingBusy, RecordingError
from media.resample import RATE
from media.wav import repair
from media.wish import Form, Wish, read_name

BLOCK: Final = 8000
"""Instants that are turned at a time."""
SHORTEST: Final = 160
"""Instants of silence in place of an empty recording: FLAC and Ogg know no file without sound."""
_CONTAINERS: Final[dict[Form, tuple[str, str]]] = {
    "wav": ("WAV", "PCM_16"), "ulaw": ("WAV", "ULAW"), "gsm": ("WAV", "GSM610"),
    "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "OPUS"),
}  # fmt: skip
_EXACT: Final = frozenset({"wav", "flac"})
_PADDED: Final[dict[str, int]] = {"gsm": 640}
"""Instants that a codec of whole frames may add at the end: two frames of WAV49, 320 instants each."""

Samples = NDArray[np.int16]


class Kept(NamedTuple):
    """A recording in its final form."""

    path: str
    seconds: float
    size: int
    """Octets."""


def keep(path: str) -> Kept:
    """Turn a finished recording into the form that its name wishes, and remove it.

    RecordingBusy while it is still being written, RecordingError when it cannot be done; the WAV is there then.
    """
    written = Path(path)
    named = read_name(written.name)
    if named is None:
        raise RecordingError(f"the name of {path} does not say what it is to become")
    stem, wish = named
    try:
        with written.open("rb") as held:
            _claim(held.fileno(), path)
            return _replace(written, written.with_name(wish.kept(stem)), wish)
    except (OSError, soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that all was written
        reason = error.strerror if isinstance(error, OSError) else str(error) or "not all of it was written"
        raise RecordingError(f"the recording {path} cannot be turned into {wish.form}: {reason}") from error


def _claim(fd: int, path: str) -> None:
    """Be the only one who works on a file; its writer holds the same lock."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RecordingBusy(f"the recording {path} is still being written") from None


def _replace(written: Path, kept: Path, wish: Wish) -> Kept:
    repair(str(written))
    seconds = soundfile.info(written).frames / RATE
    fresh = kept.with_name(f".{kept.name}.new")
    try:
        _turn(written, fresh, wish)
        _prove(written, fresh, wish)
        _settle(written, fresh, kept)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    return Kept(str(kept), seconds, kept.stat().st_size)


def _turn(written: Path, fresh: Path, wish: Wish) -> None:
    container, subtype = _CONTAINERS[wish.form]
    channels = 1 if wish.is_mixed else 2
    with soundfile.SoundFile(fresh, "w", RATE, channels, subtype, format=container) as file:
        for block in _source(written, wish):
            file.write(block)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())


def _prove(written: Path, fresh: Path, wish: Wish) -> None:
    """Decode all of the new file and compare it with the old one."""
    length = frames = 0
    for ours, theirs in zip_longest(_source(written, wish), _blocks(fresh)):
        length += len(ours) if ours is not None else 0
        frames += len(theirs) if theirs is not None else 0
        if wish.form in _EXACT and not np.array_equal(ours, theirs):
            raise RecordingError(f"the recording {written} and what it was turned into differ")
    if not length <= frames <= length + _PADDED.get(wish.form, 0):
        raise RecordingError(f"the recording {written} has {length} instants and what it was turned into {frames}")


def _settle(written: Path, fresh: Path, kept: Path) -> None:
    """Swap the files, so that a power cut at any instant leaves a whole one; ages count from the call."""
    status = written.stat()
    os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
    fresh.chmod(status.st_mode & 0o777)
    fresh.replace(kept)
    folder = os.open(kept.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
        written.unlink()
    finally:
        os.close(folder)


def _source(written: Path, wish: Wish) -> Iterator[Samples]:
    """The sound as it is to be kept, int16[n, channels]."""
    empty = True
    for block in _blocks(written):
        empty = False
        yield mix(block) if wish.is_mixed and block.shape[1] > 1 else block
    if empty:
        yield np.zeros((SHORTEST, 1 if wish.is_mixed else 2), np.int16)


def _blocks(path: Path) -> Iterator[Samples]:
    with soundfile.SoundFile(path) as file:
        while True:
            block = cast(Samples, file.read(BLOCK, dtype="int16", always_2d=True))
            if not len(block):
                return
            yield block


def mix(block: Samples) -> Samples:
    """Both channels in one, saturated: int16[n, 2] to int16[n, 1]."""
    total = block.sum(axis=1, dtype=np.int32, keepdims=True)
    mixed: Samples = np.clip(total, -32768, 32767).astype(np.int16)
    return mixed


def waiting(folder: str, most: int) -> list[str]:
    """Recordings under a folder that wait to be turned into something else, at most so many, oldest first."""
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        found += [os.path.join(place, name) for name in sorted(names) if read_name(name)]  # noqa: PTH118 (half a million)
        if len(found) >= most:
            break
    return found[:most]
