"""The pump turns the stack with the loop's clock: one timer, for the earliest deadline."""

import asyncio
from typing import cast

from softswitch.pump import Pump
from softswitch.stack import Stack
from tests.softswitch.virtual_loop import VirtualLoop


class Wanting:
    """A stack that wants to be called at certain times."""

    def __init__(self, loop: VirtualLoop, *times: float) -> None:
        self.loop = loop
        self.wanted = list(times)
        self.called: list[float] = []

    def handle_timers(self) -> float | None:
        self.called.append(round(self.loop.now, 3))
        self.wanted = [time for time in self.wanted if time > self.loop.now]
        return min(self.wanted, default=None)


def pump_for(*after: float) -> tuple[Pump, Wanting, float]:
    loop = cast(VirtualLoop, asyncio.get_running_loop())
    pump = Pump(loop.time)
    stack = Wanting(loop, *(loop.now + seconds for seconds in after))
    pump.stack = cast(Stack, stack)
    return pump, stack, loop.now


async def test_it_calls_at_every_deadline_and_then_no_more() -> None:
    pump, stack, now = pump_for(1.0, 2.5, 32.0)
    pump.wake(now + 1.0)
    await asyncio.sleep(100)
    assert stack.called == [now + 1.0, now + 2.5, now + 32.0]


async def test_only_an_earlier_wish_moves_the_timer() -> None:
    pump, stack, now = pump_for()
    for seconds in (5.0, 9.0, 3.0, 4.0):
        pump.wake(now + seconds)
    assert len(stack.loop.timers()) == 1
    await asyncio.sleep(20)
    assert stack.called == [now + 3.0]


async def test_a_deadline_that_has_passed_is_served_soon_and_does_not_spin() -> None:
    pump, stack, now = pump_for()
    pump.wake(now - 10.0)
    await asyncio.sleep(0.01)
    assert stack.called == [now + 0.001]


async def test_a_closed_pump_leaves_no_timer() -> None:
    pump, stack, now = pump_for(1.0)
    pump.close()
    pump.wake(now + 1.0)
    pump.close()
    await asyncio.sleep(5)
    assert stack.called == []
