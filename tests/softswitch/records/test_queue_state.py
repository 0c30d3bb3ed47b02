"""The file of what the queues know."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from softswitch.records.queue_state import QueueStateFile


def test_what_was_saved_is_read_again_with_its_age(tmp_path: Path) -> None:
    file = QueueStateFile(tmp_path / "queues.json")
    assert file.load(100.0) is None
    file.save({"version": 1}, 100.0)
    file.save({"version": 2}, 110.0)
    assert file.load(125.0) == ({"version": 2}, 110.0, 15.0)
    assert file.load(50.0) == ({"version": 2}, 110.0, 0.0), "the clock was put back"
    assert [file.name for file in tmp_path.iterdir()] == ["queues.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"saved_at": "x", "state": {}}', '{"saved_at": 1, "state": 2}']
)
def test_a_file_that_is_broken_is_told_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "queues.json"
    path.write_text(text)
    with capture_logs() as logs:
        assert QueueStateFile(path).load(0.0) is None
    assert [entry["log_level"] for entry in logs] == ["error"]


def test_a_disk_that_fails_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    with capture_logs() as logs:
        QueueStateFile(tmp_path / "nowhere" / "queues.json").save({}, 0.0)
    assert len(logs) == 1
