"""What the queues know, kept in a file over a restart: agents' statuses, breaks, wrap-ups, pointers, figures."""

import json
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger("records.queues")

MOST = 64 * 1024 * 1024
"""Octets of a file that is read."""


class QueueStateFile:
    """One JSON file, replaced as a whole, so that it is valid whenever the power goes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, wall: float) -> tuple[dict[str, Any], float, float] | None:
        """What was saved, the wall time of that, and the seconds since; None when there is nothing of use."""
        try:
            with self._path.open("rb") as file:
                kept = json.loads(file.read(MOST))
            saved_at, state = float(kept["saved_at"]), dict(kept["state"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("state of the queues not read, it begins anew", file=str(self._path), error=str(error))
            return None
        return state, saved_at, max(0.0, wall - saved_at)

    def save(self, state: dict[str, Any], wall: float) -> None:
        """Put a new file into the place of the old one. A disk that fails is told to the log: calls go on."""
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_text(json.dumps({"saved_at": wall, "state": state}))
            fresh.replace(self._path)
        except OSError as error:
            log.error("state of the queues not saved", file=str(self._path), error=str(error))
