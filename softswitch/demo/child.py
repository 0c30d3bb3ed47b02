"""A process of the demonstration: started with a log of its own, ended by its id."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Self

from softswitch.demo.errors import DemoError

READY = b"ready\n"
"""What a process writes on its standard output when it can be used."""
STOP_WITHIN = 15.0  # seconds for a process to end by itself


def say_ready() -> None:
    """In the process: it can be used. From now on whatever is printed goes to the log."""
    os.write(1, READY)
    os.dup2(2, 1)


class Child:
    """One process in a session of its own, so that Ctrl-C reaches only the demonstration itself."""

    def __init__(self, what: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._what = what
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, what: str, module: str, argument: str, folder: Path) -> Self:
        """Run `python -m MODULE ARGUMENT`; what it complains of goes to a log in the folder."""
        log = folder / f"{what.replace(' ', '-')}.log"
        with log.open("wb") as complaints:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, argument,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=complaints,
                start_new_session=True, env={**os.environ, "TMPDIR": str(folder)},
            )  # fmt: skip
        return cls(what, process, log)

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more."""
        return self._process.returncode is not None

    async def ready(self, within: float) -> None:
        """Wait until it says so. Raises DemoError when it ends before, or takes too long."""
        try:
            async with asyncio.timeout(within):
                if await self._says_ready():
                    return
                await self._process.wait()
        except TimeoutError:
            raise DemoError(f"The {self._what} did not start within {within:.0f} s.") from None
        raise self.failure()

    async def _says_ready(self) -> bool:
        if self._process.stdout is None:
            return False
        while line := await self._process.stdout.readline():
            if line == READY:
                return True
        return False

    def failure(self) -> DemoError:
        """Why it ended, in its own last words."""
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines()]
        said = [line for line in lines if line and not line[0].isdigit()]  # a line of the log begins with its date
        reason = said[-1] if said else f"exit code {self._process.returncode}"
        return DemoError(f"The {self._what} ended: {reason}")

    async def stop(self) -> None:
        """End it: politely, then not."""
        if self.has_ended:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
