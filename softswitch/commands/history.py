"""What commands read of past calls."""

import time
from datetime import UTC, datetime, timedelta

from config.model import Config
from softswitch import settings
from softswitch.commands.common import Refused
from softswitch.records.errors import StorageError
from softswitch.records.visits import Visit

UNITS = {"m": 60, "h": 3600, "d": 86400}


def moment(text: str) -> float:
    """Seconds since 1970 of `2026-11-23T09:00`, `yesterday`, `today`, or of `24h` ago. Raises Refused."""
    if text[:-1].isdigit() and text[-1:] in UNITS:
        return time.time() - int(text[:-1]) * UNITS[text[-1]]
    if text in ("today", "yesterday"):
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - timedelta(days=text == "yesterday")).timestamp()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"--since takes a date like {datetime.now(UTC):%Y-%m-%d}, yesterday, or a span like 24h, not {text!r}"
        ) from None
    return (found if found.tzinfo else found.astimezone()).timestamp()


async def visits(config: Config, since: float, until: float | None = None) -> list[Visit]:
    """The visits to queues in the database of a configuration. Raises Refused."""
    # the database costs half a second to import, which no other command should pay
    from softswitch.records.database import Database
    from softswitch.records.store import RecordStore

    try:
        database = await Database.open(settings.data_folder(config), exclusive=False)
    except StorageError as error:
        raise Refused(str(error)) from error
    try:
        return await RecordStore(database).visits(since, time.time() if until is None else until)
    finally:
        await database.close()
