"""The control socket: one JSON object per line in, one per line out, over a Unix socket that only the owner may open.

{"do": "status"}    ->  {"ok": {...}}   or   {"error": "one sentence"}
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger("api.control")

MAX_LINE = 65536
MAX_PATH = 100  # a Unix socket's name has 108 bytes (unix(7))
TIMEOUT = 10.0

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ControlError(Exception):
    """The switch cannot be reached, or refuses; the text says why in one sentence."""


def _make_room(path: Path) -> None:
    """Make the socket's folder, and take away what a killed switch left there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


class ControlServer:
    """Answers orders on a Unix socket."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def listen(self, path: Path) -> None:
        """Open the socket. Raises ControlError."""
        if len(str(path)) > MAX_PATH:
            raise ControlError(f"The data folder's path is too long for a control socket: {path}")
        try:
            await asyncio.to_thread(_make_room, path)
            self._server = await asyncio.start_unix_server(self._serve, str(path), limit=MAX_LINE)
        except OSError as error:
            raise ControlError(f"The control socket {path} cannot be opened: {error.strerror}.") from error
        await asyncio.to_thread(path.chmod, 0o600)
        self._path = path

    async def close(self) -> None:
        """Close the socket and take its name away."""
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            log.debug("control connection lost")
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": "That is not a JSON object."}
        handler = self._handlers.get(str(order.get("do"))) if isinstance(order, dict) else None
        if handler is None:
            return {"error": f"Unknown order; known are {', '.join(sorted(self._handlers))}."}
        try:
            return {"ok": await handler(order)}
        except ControlError as error:
            return {"error": str(error)}
        except Exception:
            log.exception("bug", order=order)
            return {"error": "The switch made a mistake; its log says which."}


async def ask(path: Path, do: str, **fields: Any) -> dict[str, Any]:
    """Give one order to a running switch. Raises ControlError."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=16 * 1024 * 1024)
    except OSError as error:
        raise ControlError(f"No switch is running with this data folder ({path.parent.parent}).") from error
    try:
        writer.write(json.dumps({"do": do, **fields}).encode() + b"\n")
        async with asyncio.timeout(TIMEOUT):
            line = await reader.readline()
    except (OSError, ValueError, TimeoutError) as error:
        raise ControlError("The switch does not answer.") from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if not line:
        raise ControlError("The switch closed the connection.")
    answer = json.loads(line)
    if "error" in answer:
        raise ControlError(str(answer["error"]))
    ok: dict[str, Any] = answer["ok"]
    return ok
