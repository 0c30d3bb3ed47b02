"""One switch per data folder: a lock that the kernel drops when its holder dies, however it dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from softswitch.records.errors import StorageError


class FolderLock:
    """An exclusive lock on a folder, held until ``release`` or the death of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock or say in one sentence who has it."""
        self.path = folder / "softswitch.lock"
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StorageError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StorageError(
                f"Another softswitch (process {holder}) already works on the data folder {folder};"
                " stop it first or set another [switch] data folder."
            ) from error
        with suppress(OSError):  # the number of the process is a courtesy; a full disk must not stop the switch
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another switch work on the folder."""
        os.close(self._file)
