"""The process that keeps recordings after their calls: one thing at a time, behind everything else on the machine.

A process, and not a thread of the switch: a thread of the lowest priority that is pushed aside while it holds Python's
lock holds up the loop, for 100 to 240 ms on a busy machine, and a process never does.

It reads a JSON object per line from standard input, `{"id": 1, "do": "keep", "path": "..."}`, and writes one per line:
`{"id": 1, "ok": {...}}` or `{"id": 1, "error": {"code": "...", "text": "..."}}`. It ends with its input.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from media.archive import keep, waiting
from media.errors import MediaError
from media.retention import Rule, forget

PR_SET_PDEATHSIG: Final = 1  # prctl(2)
LOWEST: Final = 19  # nice(2); it counts for the disk too, see ioprio_set(2)

Fields = dict[str, Any]

ORDERS: Final[dict[str, Callable[[Fields], Fields]]] = {
    "keep": lambda fields: keep(str(fields["path"]))._asdict(),
    "forget": lambda fields: forget(
        str(fields["folder"]), [Rule(*rule) for rule in fields["rules"]], fields["held"], float(fields["now"])
    )._asdict(),
    "waiting": lambda fields: {"paths": waiting(str(fields["folder"]), int(fields["most"]))},
}


def answer(line: str) -> Fields:
    """Do what a line says."""
    fields = json.loads(line)
    number = {"id": fields["id"]}
    try:
        return {**number, "ok": ORDERS[fields["do"]](fields)}
    except MediaError as error:
        return {**number, "error": {"code": error.code, "text": error.text}}
    except OSError as error:
        return {**number, "error": {"code": MediaError.code, "text": str(error)}}


def main() -> None:
    """Serve standard input until it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the switch, which closes our input
    os.nice(LOWEST)
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
