"""What is said to those who wait. Nothing here is ever waited for."""

import math

from acd.alarm import Alarm
from acd.caller import Caller
from acd.commands import Announce, PromiseBroken
from acd.floor import Floor


def start_announcing(floor: Floor, caller: Caller) -> None:
    """Set the times of the first announcements."""
    settings = caller.line.settings
    if settings.promise is not None and caller.promised_until is None:
        caller.promised_until = floor.now + settings.promise
        caller.line.counts.promises += 1
        count_down(floor, caller)
    elif caller.promised_until is not None and caller.promised_until > floor.now:
        count_down(floor, caller)
    begin = max(floor.now, caller.promised_until or 0.0)
    if settings.announce_position or settings.announce_wait:
        floor.alarms.set(Alarm.PLACE, caller.id, begin + settings.announce_first)
    if settings.periodic:
        floor.alarms.set(Alarm.PERIODIC, caller.id, begin + settings.periodic_every)


def count_down(floor: Floor, caller: Caller) -> None:
    """Say how many seconds are left of the promise, every second at its own time; at the end it is broken."""
    if caller.promised_until is None:
        return
    left = math.ceil(caller.promised_until - floor.now - 1e-6)
    if left <= 0:
        line = caller.line
        line.counts.promises_broken += 1
        floor.orders.append(PromiseBroken(caller.id, line.settings.name, line.settings.promise or 0.0))
        return
    floor.sayings.append(Announce(caller.id, "countdown", wait_seconds=float(left)))
    floor.alarms.set(Alarm.COUNTDOWN, caller.id, caller.promised_until - (left - 1))


def say_place(floor: Floor, caller: Caller) -> None:
    """Say the position when it got better, and the wait when it is known."""
    settings = caller.line.settings
    position = caller.line.position(caller)
    if settings.announce_position and _worth_saying(caller, position):
        caller.said_position = position
        floor.sayings.append(Announce(caller.id, "position", position=position))
    if settings.announce_wait:
        _say_wait(floor, caller, position)
    floor.alarms.set(Alarm.PLACE, caller.id, floor.now + settings.announce_every)


def say_periodic(floor: Floor, caller: Caller) -> None:
    """Say the next prompt of the rotation."""
    settings = caller.line.settings
    floor.sayings.append(Announce(caller.id, "periodic", index=caller.prompts % len(settings.periodic)))
    caller.prompts += 1
    floor.alarms.set(Alarm.PERIODIC, caller.id, floor.now + settings.periodic_every)


def _worth_saying(caller: Caller, position: int) -> bool:
    if not caller.line.settings.position_only_up or caller.said_position is None:
        return True
    return position < caller.said_position


def _say_wait(floor: Floor, caller: Caller, position: int) -> None:
    """Never more than was said before, never more than the cap, and nothing when unknown."""
    estimate = caller.line.pace.wait(position)
    if estimate is None:
        return
    wait = min(estimate, caller.line.settings.longest_announced_wait)
    if caller.said_wait is not None:
        wait = min(wait, caller.said_wait)
    caller.said_wait = wait
    caller.said_wait_first = caller.said_wait_first or (wait, floor.now)
    expected = caller.line.pace.range(position)
    floor.sayings.append(Announce(caller.id, "wait", position=position, wait_seconds=wait, wait_range=expected))
