"""How the tests are shared out between processes (`-n` of pytest-xdist): file by file, the live ones first."""

import pytest
from xdist.scheduler import LoadScopeScheduling

LIVE = "tests/live/"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The live tests first: they take longest, and wait most of the time."""
    items.sort(key=lambda item: not item.nodeid.startswith(LIVE))


class ByFile(LoadScopeScheduling):
    """Each file in one process, for its tests may share a switch and ports."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Called when the tests run in several processes."""
    return ByFile(config, log)
