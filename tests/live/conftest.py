"""Fixtures of the live tests: a switch in its own processes and real phones registered at it."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.live.phones import Phones
from tests.live.running_switch import RunningSwitch, Setting

SwitchStarter = Callable[..., Awaitable[RunningSwitch]]

QUICK: dict[str, Setting] = {
    "sip.ring_timeout": 4,
    "queues.support.ring_timeout": 3,
    "queues.support.retry": 1,
    "queues.support.wrap_up": 1,
    "menus.main.timeout": 2,
    "menus.main.inter_digit": 1,
}
"""Waiting made short."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real phones on a shared machine miss a deadline now and then: a live test is repeated twice before it counts.

    What is wrong fails three times; a repetition is shown as R.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a short name: a Unix socket's path has at most 107 bytes."""
    path = tmp_path_factory.mktemp("s")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def start_switch(folder: Path) -> AsyncIterator[SwitchStarter]:
    """Start a switch with settings of the test's own: `await start_switch({"media.codecs": ["PCMU"]})`."""
    async with AsyncExitStack() as stack:

        async def start(settings: dict[str, Setting] | None = None) -> RunningSwitch:
            return await stack.enter_async_context(RunningSwitch(folder, {**QUICK, **(settings or {})}))

        yield start


@pytest.fixture
async def switch(start_switch: SwitchStarter) -> RunningSwitch:
    """A switch on the example configuration with waiting made short."""
    return await start_switch()


@pytest.fixture(scope="module")
def shared_switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSwitch]:
    """One switch for all tests of a module that do not mind what happened before them."""
    switch = RunningSwitch(tmp_path_factory.mktemp("s"), QUICK)
    try:
        asyncio.run(switch.start())
        yield switch
        asyncio.run(switch.stop())
    finally:
        switch.kill()
        shutil.rmtree(switch.folder, ignore_errors=True)


def idle_share(seconds: float = 1.0) -> float:
    """How much of the processors' time nobody used during the next moment, from 0 to 1 (proc(5), /proc/stat)."""

    def sample() -> tuple[int, int]:
        times = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return times[3] + times[4], sum(times[:8])

    idle, total = sample()
    time.sleep(seconds)
    later_idle, later_total = sample()
    return (later_idle - idle) / max(later_total - total, 1)


@pytest.fixture
def quiet_machine() -> None:
    """Skip where others use the processors: what is late there is not late because of us."""
    idle = idle_share()
    if idle < 0.7:
        pytest.skip(f"the machine is busy: only {idle:.0%} of its time is free")


@pytest.fixture
async def phones(switch: RunningSwitch) -> AsyncIterator[Phones]:
    """The exchange's phones: `await phones.add("101")` makes one and registers it."""
    async with Phones(switch.sip_port) as phones:
        yield phones
