"""What time brings: one function for each alarm."""

from collections.abc import Callable, Mapping

from acd.alarm import Alarm
from acd.announcing import count_down, say_periodic, say_place
from acd.callers import come_back
from acd.floor import Floor
from acd.lease import Outcome
from acd.offers import withdraw
from acd.reserve import await_reserve
from acd.staff import end_wrap_up, pause_overdue
from acd.waiting import ask_again, await_next_tier, await_relaxing, overflow_by_wait, time_out

Owner = str | int
"""The caller, agent or queue by its id, or the number of the lease."""


def _ring_over(floor: Floor, owner: Owner) -> None:
    withdraw(floor, floor.leases[int(owner)], Outcome.NO_ANSWER, "timeout")


def _rest_over(floor: Floor, owner: Owner) -> None:
    seat = floor.seats[str(owner)]
    seat.resting = False
    floor.refresh(seat)


def _wrap_up_over(floor: Floor, owner: Owner) -> None:
    end_wrap_up(floor, floor.seats[str(owner)])


def _wait_over(floor: Floor, owner: Owner) -> None:
    time_out(floor, floor.callers[str(owner)])


def _tier_opens(floor: Floor, owner: Owner) -> None:
    caller = floor.callers[str(owner)]
    caller.open_tiers += 1
    floor.seeking[caller.id] = caller
    await_next_tier(floor, caller)


def _widens(floor: Floor, owner: Owner) -> None:
    caller = floor.callers[str(owner)]
    progressive = caller.line.settings.progressive
    if progressive is None or caller.width is None or caller.width >= len(caller.line.posts):
        return
    caller.width += 1
    floor.reconsider(caller)
    floor.seeking[caller.id] = caller
    floor.alarms.set(Alarm.WIDEN, caller.id, floor.now + progressive)


def _relaxes(floor: Floor, owner: Owner) -> None:
    caller = floor.callers[str(owner)]
    caller.relaxed += 1
    ask_again(floor, caller)
    await_relaxing(floor, caller)


def _held_long_enough(floor: Floor, owner: Owner) -> None:
    caller = floor.callers[str(owner)]
    caller.held = False
    floor.seeking[caller.id] = caller


def _reserve_due(floor: Floor, owner: Owner) -> None:
    """Reserves are looked at after everything that happens; here only the next look is set."""
    await_reserve(floor, floor.callers[str(owner)])


def _reserve_may_close(floor: Floor, owner: Owner) -> None:
    """Reserves are looked at after everything that happens."""


def _waited_too_long_here(floor: Floor, owner: Owner) -> None:
    overflow_by_wait(floor, floor.callers[str(owner)])


def _pause_too_long(floor: Floor, owner: Owner) -> None:
    pause_overdue(floor, floor.seats[str(owner)])


def _next_second(floor: Floor, owner: Owner) -> None:
    count_down(floor, floor.callers[str(owner)])


def _call_back_again(floor: Floor, owner: Owner) -> None:
    come_back(floor, floor.callers[str(owner)])


def _place_due(floor: Floor, owner: Owner) -> None:
    say_place(floor, floor.callers[str(owner)])


def _prompt_due(floor: Floor, owner: Owner) -> None:
    say_periodic(floor, floor.callers[str(owner)])


DUE: Mapping[Alarm, Callable[[Floor, Owner], None]] = {
    Alarm.RING: _ring_over,
    Alarm.REST: _rest_over,
    Alarm.WRAP_UP: _wrap_up_over,
    Alarm.MAX_WAIT: _wait_over,
    Alarm.TIER: _tier_opens,
    Alarm.WIDEN: _widens,
    Alarm.PLACE: _place_due,
    Alarm.PERIODIC: _prompt_due,
    Alarm.RELAX: _relaxes,
    Alarm.PREFERRED: _held_long_enough,
    Alarm.RESERVE: _reserve_due,
    Alarm.RESERVE_CLOSE: _reserve_may_close,
    Alarm.COUNTDOWN: _next_second,
    Alarm.CALLBACK: _call_back_again,
    Alarm.PAUSE: _pause_too_long,
    Alarm.OVERFLOW: _waited_too_long_here,
}
