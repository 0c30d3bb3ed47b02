"""Orders about records and recordings that are kept for ever."""

import time
from collections.abc import Mapping
from typing import Any

import structlog

from softswitch.api.control import ControlError, Handler
from softswitch.call.retention import Retention
from softswitch.records.errors import StorageError

log = structlog.get_logger("api.holds")

MAX_TEXT = 500
"""Characters of what an order names."""


def handlers(retention: Retention) -> Mapping[str, Handler]:
    """`hold` and `unhold`."""

    async def hold(order: dict[str, Any]) -> dict[str, Any]:
        call, reason = str(order.get("call", ""))[:MAX_TEXT], str(order.get("reason", ""))[:MAX_TEXT]
        try:
            if not await retention.hold(call, reason, time.time()):
                raise ControlError(f"There is no call {call}.")
        except StorageError as error:
            raise ControlError(str(error)) from error
        log.info("call held", call=call, reason=reason)
        return {"call": call, "held": True}

    async def unhold(order: dict[str, Any]) -> dict[str, Any]:
        call = str(order.get("call", ""))[:MAX_TEXT]
        try:
            if not await retention.lift(call):
                raise ControlError(f"The call {call} is not held.")
        except StorageError as error:
            raise ControlError(str(error)) from error
        log.info("call no longer held", call=call)
        return {"call": call, "held": False}

    return {"hold": hold, "unhold": unhold}
