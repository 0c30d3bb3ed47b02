"""The spool: lines that wait on disk, in order, also on a full disk."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.records import spool as module
from softswitch.records.errors import StorageError
from softswitch.records.spool import Spool


def all_lines(spool: Spool) -> list[str]:
    return [line for path in spool.files() for line in spool.read(path)]


def test_lines_come_back_in_the_order_they_went_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(20):
        spool.append([f"line {number}", f"more {number}"])
    assert all_lines(spool) == [line for number in range(20) for line in (f"line {number}", f"more {number}")]


def test_a_file_that_is_big_enough_is_followed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 50)
    spool = Spool(tmp_path)
    for number in range(12):
        spool.append([f"a line of twenty {number:03}"])
    assert len(spool.files()) == 4
    assert all_lines(spool) == [f"a line of twenty {number:03}" for number in range(12)]


def test_a_new_process_goes_on_in_a_new_file_behind_the_old_ones(tmp_path: Path) -> None:
    Spool(tmp_path).append(["old"])
    again = Spool(tmp_path)
    again.append(["new"])
    assert [path.name for path in again.files()] == ["0000000001.jsonl", "0000000002.jsonl"]
    assert all_lines(again) == ["old", "new"]


def test_a_line_that_was_cut_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(["whole"])
    with spool.files()[0].open("a") as file:
        file.write('{"half":')
    assert all_lines(spool) == ["whole"]


def test_a_removed_file_is_not_written_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(["first"])
    (path,) = spool.files()
    spool.remove(path)
    assert spool.files() == []
    spool.append(["second"])
    assert all_lines(spool) == ["second"]
    assert spool.files() != [path]


def test_a_file_put_aside_is_no_longer_replayed_but_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(["odd"])
    spool.refuse(spool.files()[0])
    assert spool.files() == []
    assert (tmp_path / "0000000001.refused").read_text() == "odd\n"


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("mine\n")
    assert Spool(tmp_path).files() == []


FullDisk = Callable[[int], None]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    """Makes the disk hold so many more bytes; giving up the reserve makes room for a megabyte."""
    room = [1 << 30]

    def write(descriptor: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = min(room[0], len(data))
        room[0] -= part
        return real_write(descriptor, data[:part])

    def unlink(path: Path, missing_ok: bool = False) -> None:
        real_unlink(path, missing_ok)
        if path.name == "reserve":
            room[0] += 1 << 20

    def leave(octets: int) -> None:
        room[0] = octets

    real_write, real_unlink = os.write, Path.unlink
    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(Path, "unlink", unlink)
    return leave


def test_on_a_full_disk_the_reserve_is_given_up_and_nothing_is_lost(tmp_path: Path, full_disk: FullDisk) -> None:
    spool = Spool(tmp_path)
    spool.reserve()
    assert (tmp_path / "reserve").stat().st_size == module.RESERVE_BYTES
    full_disk(10)
    spool.append(["a line that does not fit into ten bytes"])
    assert all_lines(spool) == ["a line that does not fit into ten bytes"]
    assert not (tmp_path / "reserve").exists()


def test_without_a_reserve_a_full_disk_is_an_error_and_leaves_no_half_line(tmp_path: Path, full_disk: FullDisk) -> None:
    spool = Spool(tmp_path)
    spool.append(["before"])
    full_disk(10)
    with pytest.raises(StorageError, match="No space left"):
        spool.append(["a line that does not fit into ten bytes"])
    full_disk(1 << 20)
    spool.append(["after"])
    assert all_lines(spool) == ["before", "after"]


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"The spool folder .*file/spool cannot be made: Not a directory\."):
        Spool(tmp_path / "file" / "spool")


def test_a_disk_error_is_told_and_does_not_touch_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    spool = Spool(tmp_path)
    spool.reserve()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        spool.append(["line"])
    assert (tmp_path / "reserve").exists()
