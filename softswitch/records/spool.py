"""A folder of JSON lines where facts wait while the database cannot take them.

Files are written once, replayed in the order of their names and removed after the database has committed them. A line
that was cut by a crash was never promised to anybody and is passed over. Everything here blocks: call it in a thread.
"""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from softswitch.records.errors import StorageError

FILE_BYTES = 1 << 20
"""A file is closed at this size, so a replay is made of small transactions."""
RESERVE_BYTES = 4 << 20
"""Kept for a full disk: about 20,000 events."""


class Spool:
    """Lines on disk, first in, first out."""

    def __init__(self, folder: Path) -> None:
        """Open the folder; files of an earlier process are found by ``oldest``."""
        self.folder = folder
        self._reserve = folder / "reserve"
        self._current: Path | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The spool folder {folder} cannot be made: {error.strerror}.") from error
        names = [int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdigit()]
        self._number = max(names, default=0)

    def files(self) -> list[Path]:
        """The files, oldest first."""
        return sorted(path for path in self.folder.glob("*.jsonl") if path.stem.isdigit())

    def append(self, lines: Sequence[str]) -> None:
        """Add lines and wait until the disk has them: all of them or ``StorageError``."""
        data = "".join(f"{line}\n" for line in lines).encode("ascii", "backslashreplace")
        try:
            self._write(data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._give_up_reserve():
                raise StorageError(f"The spool {self.folder} cannot be written: {error.strerror}.") from error
            self._retry(data)

    def read(self, path: Path) -> list[str]:
        """The whole lines of a file."""
        try:
            text = path.read_bytes().decode("ascii", "replace")
        except OSError as error:
            raise StorageError(f"The spool file {path} cannot be read: {error.strerror}.") from error
        return text.split("\n")[:-1]

    def remove(self, path: Path) -> None:
        """Forget a file whose lines are in the database."""
        if path == self._current:
            self._current = None
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"The spool file {path} cannot be removed: {error.strerror}.") from error

    def refuse(self, path: Path) -> None:
        """Put a file aside that can never be replayed, for somebody to look at."""
        try:
            path.rename(path.with_suffix(".refused"))
        except OSError as error:
            raise StorageError(f"The spool file {path} cannot be put aside: {error.strerror}.") from error

    def reserve(self) -> None:
        """Set space aside for the day when the disk is full; without space there is no reserve."""
        with suppress(OSError), self._reserve.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def _retry(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError as error:
            raise StorageError(f"The spool {self.folder} cannot be written: {error.strerror}.") from error

    def _give_up_reserve(self) -> bool:
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def _write(self, data: bytes) -> None:
        if self._current is None:
            self._number += 1
            self._current = self.folder / f"{self._number:010}.jsonl"
        with self._current.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                _write_all(file.fileno(), data)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(before)  # half a batch would be replayed twice, and its last line would be cut
                raise
            if before + len(data) >= FILE_BYTES:
                self._current = None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
