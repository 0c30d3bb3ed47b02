"""The disk of the recordings: whether it can be written and has room. No disk can keep the loop waiting."""

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from softswitch.records.alarm import Alarm

log = logging.getLogger("call.recordings")

ANSWER_WITHIN = 1.0  # seconds for a disk to answer
LOOK_EVERY = 5.0  # seconds between looks
MEGABYTE = 1_000_000
SLOW = "The disk of the recordings does not answer."


class Store:
    """Looks at the folder of the recordings, now and then and before each recording."""

    def __init__(self, folder: Path) -> None:
        self.low_water = 0
        """Octets that must be free for a recording to begin."""
        self.trouble: str | None = None
        """Why no recording can begin, in one sentence."""
        self._folder = folder
        self._alarm = Alarm(log)
        self._looks: dict[Path, asyncio.Future[str | None]] = {}
        self._thread = ThreadPoolExecutor(2, thread_name_prefix="recordings folder")

    async def check(self, folder: Path | None = None) -> str | None:
        """Make a folder and see whether a recording can begin in it: None, or why not. Takes a second at most."""
        trouble = await self._ask(folder or self._folder)
        if trouble is None:
            self._alarm.clear("Calls are recorded again.")
        else:
            self._alarm.ring(trouble, "Calls are not recorded.")
        self.trouble = trouble
        return trouble

    async def watch(self) -> None:
        """Look for ever, so that a trouble is known before a call meets it, and its end too."""
        while True:
            await self.check()
            await asyncio.sleep(LOOK_EVERY)

    def close(self) -> None:
        """No thread is waited for: its disk may never answer."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, folder: Path) -> str | None:
        """One look at a folder at a time, whoever asks."""
        look = self._looks.get(folder)
        if look is None:
            loop = asyncio.get_running_loop()
            look = self._looks[folder] = loop.run_in_executor(self._thread, self._look, folder)
            look.add_done_callback(lambda _: self._looks.pop(folder, None))
        done, _ = await asyncio.wait([look], timeout=ANSWER_WITHIN)
        return look.result() if done else SLOW

    def _look(self, folder: Path) -> str | None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".writable-{os.getpid()}"
            try:
                probe.write_bytes(b"x")
            finally:
                probe.unlink(missing_ok=True)
            status = os.statvfs(folder)
        except OSError as error:
            return f"The folder {self._folder} of the recordings cannot be written: {error.strerror}."
        if status.f_bavail * status.f_frsize < self.low_water:
            return f"Less than {self.low_water // MEGABYTE} MB are free in {self._folder}."
        return None
