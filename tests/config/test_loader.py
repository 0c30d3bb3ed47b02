"""Files and folders."""

import os
from pathlib import Path

import pytest

from config import Config, ConfigErrors, load, read

from .write import BASE, keys, mistakes


def test_a_configuration_of_nothing_has_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    assert load(tmp_path / "empty.toml") == Config()
    assert load(str(tmp_path / "empty.toml")) == Config()


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.toml").write_text(text, "utf-8")
    return path


def test_the_files_of_a_folder_are_read_together(tmp_path: Path) -> None:
    folder(
        tmp_path,
        a_phones='[phones.101]\npassword = "demo-101"\n[[routes]]\ncalled = "1"\nto = "phone:101"\n',
        b_more='[phones.102]\npassword = "demo-102"\n[queues.support]\nagents = ["101", "102"]\n',
        c_routes='[[routes]]\ncalled = "2"\nto = "queue:support"\n',
    )
    (tmp_path / "notes.txt").write_text("not = read")
    (tmp_path / ".hidden.toml").write_text("not = 'read'")
    config = load(tmp_path)
    assert list(config.phones) == ["101", "102"]
    assert [route.called for route in config.routes] == ["1", "2"]


def test_a_key_in_two_files_is_a_mistake_with_both_places(tmp_path: Path) -> None:
    folder(tmp_path, a='[switch]\nname = "a"\n', b='# b\n[switch]\ndata = "./b"\nname = "b"\n')
    (mistake,) = read(tmp_path).mistakes
    assert (mistake.file, mistake.line, mistake.column, mistake.key) == (str(tmp_path / "b.toml"), 4, 1, "switch.name")
    assert mistake.message == f"expected this key once, it is already in {tmp_path / 'a.toml'}:2"


def test_mistakes_name_the_file_they_are_in_also_in_appended_lists(tmp_path: Path) -> None:
    folder(
        tmp_path,
        a='[[routes]]\ncalled = "1"\nto = "phone:1"\n',
        b="[phones.101]\npassword = 5\n",
        c='\n[[routes]]\ncalled = "1!"\nto = "phone:101"\n[[routes]]\ncalled = "2"\nto = "phone:102"\n',
    )
    found = [(Path(m.file).name, m.line, m.column, m.key) for m in read(tmp_path).mistakes]
    assert found == [
        ("a.toml", 3, 6, "routes.0.to"),
        ("b.toml", 2, 12, "phones.101.password"),
        ("c.toml", 3, 10, "routes.1.called"),
        ("c.toml", 7, 6, "routes.2.to"),
    ]


def test_all_files_of_a_folder_tell_their_syntax_errors(tmp_path: Path) -> None:
    folder(tmp_path, a="x =\n", b="[switch]\nname = ?\n", c="[sip]\nlisen = 1\n")
    assert [(Path(m.file).name, m.line) for m in read(tmp_path).mistakes] == [
        ("a.toml", 1),
        ("b.toml", 2),
        ("c.toml", 2),
    ]


def only(path: Path) -> str:
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.column, mistake.key) == (0, 0, "")
    assert str(mistake) == f"{path}: {mistake.message}"
    return mistake.message


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert only(tmp_path / "none.toml") == "expected a file that can be read: no such file or directory"


def test_a_folder_without_files_is_one_sentence(tmp_path: Path) -> None:
    assert only(tmp_path) == "expected files that end in .toml in this folder"


def test_a_file_name_that_cannot_be_is_one_sentence() -> None:
    assert only(Path("a\0b")).startswith("expected a file")


def test_a_folder_named_like_a_file_does_not_hide_the_other_files(tmp_path: Path) -> None:
    folder(tmp_path, b="[sip]\nlisen = 1\n")
    (tmp_path / "a.toml").mkdir()
    assert [(Path(m.file).name, m.line) for m in read(tmp_path).mistakes] == [("a.toml", 0), ("b.toml", 2)]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    folder(tmp_path, a="")
    (tmp_path / "a.toml").chmod(0)
    assert "permission denied" in only(tmp_path / "a.toml")


def test_a_file_that_is_no_text_says_where_it_stops_being_one(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes('[switch]\nname = "ö'.encode() + b'\xff"\n')
    (mistake,) = read(tmp_path / "a.toml").mistakes
    assert (mistake.line, mistake.column, mistake.message) == (2, 10, "expected UTF-8 text")


def test_a_file_too_large_to_be_meant_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.loader.MAX_SIZE", 10)
    folder(tmp_path, a="# 12345678901234567890")
    assert "16 MB" in only(tmp_path / "a.toml")


def test_a_byte_order_mark_and_the_line_ends_of_other_systems_are_no_mistakes(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode() + b"[sip]\r\nlisen = 1\r\n")
    (mistake,) = read(tmp_path / "a.toml").mistakes
    assert (mistake.line, mistake.column) == (7, 1)


def test_what_is_missing_because_of_a_syntax_error_is_not_told_as_well(tmp_path: Path) -> None:
    text = '[phones.101\npassword = "x"\n[queues.support]\nagents = ["101"]\n[phones.102]\npassword = ?\n'
    assert keys(tmp_path, text) == ["phones.101", "phones.102.password"]


def test_a_mistake_in_one_entry_does_not_make_others_that_name_it_mistakes(tmp_path: Path) -> None:
    text = (
        '[phones.101]\npassword = 5\n[queues.support]\nagents = ["101", "102"]\n[menus.m]\nfallback = "queue:supprt"\n'
    )
    assert keys(tmp_path, text) == ["phones.101.password", "queues.support.agents.1", "menus.m.fallback"]


def test_indices_are_those_of_the_file_also_behind_entries_that_are_wrong(tmp_path: Path) -> None:
    text = BASE + (
        '[[routes]]\ncalled = "1"\n[[routes]]\ncalled = "2"\nto = 7\n[[routes]]\ncalled = "3"\nto = "phone:999"\n'
        '[queues.support]\nagents = [5, "101", 6, "999"]\n'
    )
    found = [(m.line, m.column, m.key) for m in mistakes(tmp_path, text)]
    assert found == [
        (6, 3, "routes.0.to"),
        (10, 6, "routes.1.to"),
        (13, 6, "routes.2.to"),
        (15, 11, "queues.support.agents.0"),
        (15, 21, "queues.support.agents.2"),
        (15, 24, "queues.support.agents.3"),
    ]


@pytest.mark.parametrize(
    "text", ["phones = 5\n", "phones = [1]\n", "routes = 5\n", "routes = [1]\n", "sip = 'x'\n", "[[sip]]\n"]
)
def test_a_table_that_is_no_table_is_one_mistake(tmp_path: Path, text: str) -> None:
    assert len(mistakes(tmp_path, text)) == 1


def test_a_configuration_cannot_be_changed_after_it_was_read(tmp_path: Path) -> None:
    config = load(folder(tmp_path, a=BASE) / "a.toml")
    with pytest.raises(ValueError, match="frozen"):
        config.switch.name = "other"
