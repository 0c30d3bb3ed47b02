"""Reserve groups: tiers of a queue that open when too many wait, or too long, and close by themselves when they do not.

A reserve opens at `length` callers or `wait` seconds of the longest wait, and closes once it was open for `least`
seconds, no more than `close_length` callers wait and nobody for `close_wait` seconds: two thresholds, so that it does
not flutter.
"""

from acd.alarm import Alarm
from acd.caller import Caller
from acd.commands import ReserveClosed, ReserveOpened
from acd.floor import Floor
from acd.line import Line
from acd.queue import Reserve


def update_reserves(floor: Floor) -> None:
    """Open and close what the last event has made necessary."""
    for line in floor.lines.values():
        for reserve in line.settings.reserves:
            _update(floor, line, reserve)


def await_reserve(floor: Floor, caller: Caller) -> None:
    """Look again when this caller has waited long enough for the next reserve to open."""
    waits = [reserve.wait for reserve in caller.line.settings.reserves if reserve.wait is not None]
    times = [caller.since + wait for wait in waits if caller.since + wait > floor.now]
    if times:
        floor.alarms.set(Alarm.RESERVE, caller.id, min(times))


def _update(floor: Floor, line: Line, reserve: Reserve) -> None:
    opened_at = line.open_reserves.get(reserve.tier)
    name, waiting = line.settings.name, len(line.waiting)
    if opened_at is None and _needed(line, reserve, floor.now):
        line.open_reserves[reserve.tier] = floor.now
        floor.alarms.set(Alarm.RESERVE_CLOSE, f"{name}/{reserve.tier}", floor.now + reserve.least)
        floor.orders.append(ReserveOpened(name, reserve.tier, waiting, line.longest_wait(floor.now)))
        floor.stir(line)
    elif opened_at is not None and floor.now >= opened_at + reserve.least and _relieved(line, reserve, floor.now):
        del line.open_reserves[reserve.tier]
        floor.orders.append(ReserveClosed(name, reserve.tier, waiting))
        floor.stir(line)  # without these agents another tier may have to open


def _needed(line: Line, reserve: Reserve, now: float) -> bool:
    if reserve.length is not None and len(line.waiting) >= reserve.length:
        return True
    return reserve.wait is not None and bool(line.waiting) and line.longest_wait(now) >= reserve.wait


def _relieved(line: Line, reserve: Reserve, now: float) -> bool:
    if reserve.length is not None and len(line.waiting) > reserve.close_at_length:
        return False
    return reserve.wait is None or not line.waiting or line.longest_wait(now) < reserve.close_at_wait
