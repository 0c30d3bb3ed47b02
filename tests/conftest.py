"""How the tests are shared out between processes: the live tests, which wait most of the time, beside all others."""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

LIVE = "tests/live/"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The live tests first: they take longest."""
    items.sort(key=lambda item: Path(LIVE).name not in item.path.parent.parts)


class ByKind(LoadScopeScheduling):
    """All live tests in one process, for their phones use the same ports; of the others, each file in one."""

    def _split_scope(self, nodeid: str) -> str:
        return LIVE if nodeid.startswith(LIVE) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByKind:
    """Called when the tests run in several processes (`-n`)."""
    return ByKind(config, log)
