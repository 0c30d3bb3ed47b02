"""`softswitch metrics`: the figures of a running switch for Prometheus, once or over HTTP.

It is a process of its own that asks the switch at each scrape, so no request over HTTP ever reaches the switch.
"""

import asyncio
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from softswitch import settings
from softswitch.api.control import ControlError, ask
from softswitch.commands.common import DEFAULT, Json, Refused, Where, configured, console, order

Listen = Annotated[
    str | None, Parameter(help="HOST:PORT to answer GET /metrics on; without it the figures are printed once.")
]


def metrics(path: Where = DEFAULT, /, *, listen: Listen = None, as_json: Json = False) -> None:
    """Print the figures of a running switch for Prometheus, or answer its scrapes over HTTP."""
    from softswitch.api import metrics as figures  # Prometheus is loaded by this command alone

    if listen is None:
        found = order(path, "metrics")
        print(figures.as_json(found) if as_json else figures.as_text(found), end="")
        return
    host, port = _address(listen)
    socket = settings.control_socket(settings.data_folder(configured(path)))
    try:
        server = figures.serve(host, port, lambda: _fetch(socket))
    except OSError as error:
        raise Refused(f"http://{host}:{port} cannot be opened: {error.strerror or error}.") from error
    console.print(f"Metrics: http://{listen}/metrics; Ctrl-C ends it.")
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    done.wait()
    server.shutdown()


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refused(f"--listen takes an address and a port like 127.0.0.1:9464, not {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


def _fetch(socket: Path) -> dict[str, Any] | None:
    """The figures, or None while no switch answers."""
    try:
        return asyncio.run(ask(socket, "metrics"))
    except ControlError:
        return None
