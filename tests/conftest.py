"""How the tests are shared out between processes: the live tests, which wait most of the time, beside all others."""

from pathlib import Path

import pytest

LIVE = Path(__file__).parent / "live"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The live tests first, all in one process, for their phones use the same ports; else a file is in one process."""
    items.sort(key=lambda item: LIVE not in item.path.parents)
    for item in items:
        group = "live" if LIVE in item.path.parents else str(item.path.relative_to(LIVE.parent))
        item.add_marker(pytest.mark.xdist_group(group))
