"""Every test of calls runs on a loop that never waits, and leaves nothing behind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.softswitch.call.office import Office
from tests.softswitch.virtual_loop import VirtualLoop


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable[[], VirtualLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A switch with phones 101 to 107; what is left of its calls is an error."""
    with capture_logs() as log:
        office = Office(tmp_path)
        yield office
        await office.check_nothing_is_left()
    assert [line for line in log if line["event"] == "bug"] == []
