"""The switch of the demonstration: `softswitch run`, which also ends when the demonstration is gone."""

import asyncio
import sys
from pathlib import Path

import uvloop

from config.errors import ConfigErrors
from config.loader import load
from softswitch.demo.child import say_ready
from softswitch.process import configure_log, end_with_parent
from softswitch.supervisor import supervise


async def run(path: Path) -> int:
    """Supervise until SIGTERM; say on standard output when the switch answers."""
    announce = asyncio.Event()
    telling = asyncio.get_running_loop().create_task(_tell(announce))
    try:
        return await supervise(load(path), path, announce)
    finally:
        telling.cancel()


async def _tell(ready: asyncio.Event) -> None:
    await ready.wait()
    say_ready()


def main() -> None:
    """Entry of the process: `python -m softswitch.demo.switch FILE`."""
    end_with_parent()
    configure_log("warning")
    try:
        sys.exit(uvloop.run(run(Path(sys.argv[1]))))
    except ConfigErrors as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
