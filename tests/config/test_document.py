"""One TOML file: where things stand, and its syntax errors."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.document import Document, Path, dotted, read_document

TEXT = """\
title = "ö"
[phones.101]
name = "Küche"
"pass word" = 'x'
groups.inner.deep = 1

[[routes]]
called = "0."
[[routes]]
called = [ "a", { b = 1, "ключ" = [2,
  3] } ]   # a comment
[routes.sub]
x = 1
[menus.main.options]
1 = "a"
"""


def places(text: str) -> dict[Path, tuple[tuple[int, int], tuple[int, int]]]:
    document = read_document("x.toml", text)
    assert document.mistakes == []
    return {path: (place.key[1:], place.value[1:]) for path, place in document.places.items()}


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("title",), (1, 1), (1, 9)),
        (("phones",), (2, 2), (2, 2)),
        (("phones", "101"), (2, 9), (2, 9)),
        (("phones", "101", "name"), (3, 1), (3, 8)),
        (("phones", "101", "pass word"), (4, 1), (4, 15)),
        (("phones", "101", "groups"), (5, 1), (5, 1)),
        (("phones", "101", "groups", "inner", "deep"), (5, 14), (5, 21)),
        (("routes",), (7, 3), (7, 3)),
        (("routes", 0), (7, 3), (7, 3)),
        (("routes", 0, "called"), (8, 1), (8, 10)),
        (("routes", 1), (9, 3), (9, 3)),
        (("routes", 1, "called", 0), (10, 12), (10, 12)),
        (("routes", 1, "called", 1, "b"), (10, 19), (10, 23)),
        (("routes", 1, "called", 1, "ключ"), (10, 26), (10, 35)),
        (("routes", 1, "called", 1, "ключ", 1), (11, 3), (11, 3)),
        (("routes", 1, "sub", "x"), (13, 1), (13, 5)),
        (("menus", "main", "options", "1"), (15, 1), (15, 5)),
    ],
)
def test_every_key_and_value_is_found_in_characters(path: Path, key: tuple[int, int], value: tuple[int, int]) -> None:
    assert places(TEXT)[path] == (key, value)


def test_the_values_are_those_of_tomllib() -> None:
    assert read_document("x.toml", TEXT).values == tomllib.loads(TEXT)


def every_path(value: object, path: Path = ()) -> list[Path]:
    inside: list[Path] = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            inside += every_path(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            inside += every_path(item, (*path, index))
    return inside


def test_nothing_is_without_a_place() -> None:
    assert set(every_path(tomllib.loads(TEXT))) <= set(places(TEXT))


def faults(text: str) -> list[tuple[int, int, str]]:
    return [(mistake.line, mistake.column, mistake.key) for mistake in read_document("x.toml", text).mistakes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a =\nb = 2\n", [(1, 3, "a")]),
        ("a = yes\nb = no\nc = 3\n", [(1, 5, "a"), (2, 5, "b")]),
        ("[x]\na 1\nb = 'c\n", [(2, 3, "x.a"), (3, 5, "x.b")]),
        ("[x\na = 1\n[y]\nb =\n", [(1, 2, "x"), (4, 3, "y.b")]),
        ("a = [1,\n\n[x]\nb = ]\n", [(1, 5, "a"), (4, 5, "x.b")]),
        ('a = """never\nclosed\n', [(1, 5, "a")]),
        ('a = """x = \ny = ?\n"""\nb = !\n', [(4, 5, "b")]),
        ("a = 1\na = 2\nb = 1\nb = 2\n", [(2, 1, "a"), (4, 1, "b")]),
        ("[a]\nb = 1\nb = 2\nb = 3\n", [(3, 1, "a.b"), (4, 1, "a.b")]),
        ("a = { b = 1, b = 2 }\n", [(1, 19, "a")]),
        ("[a]\nx = 1\n[b]\n[a]\ny = 2\n", [(4, 2, "a")]),
        ("a.b = 1\n[a]\nc = 1\n", [(2, 2, "a")]),
        ("a = 1\n[a.b]\nc = 1\n", [(2, 4, "a.b")]),
        ("= 1\n", [(1, 1, "")]),
        ("?\n", [(1, 1, "")]),
        ("a = 2026-13-45\n", [(1, 9, "a")]),
        ("a = 1 b = 2\n", [(1, 7, "a")]),
        ("a = " + "[" * 5000 + "\n", [(1, 5, "a")]),
    ],
)
def test_every_syntax_error_is_reported_at_once(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert faults(text) == expected


def test_what_is_right_in_a_broken_file_is_still_read() -> None:
    document = read_document("x.toml", "a =\nb = 2\n[c]\nd = 'x\ne = [\n 1,\n 2]\n[f\ng = 1\n[h]\ni = 1\n")
    assert document.values == {"b": 2, "c": {"e": [1, 2]}, "h": {"i": 1}}
    assert document.places["c", "e", 1].key.line == 7
    assert document.places["h", "i"].key.line == 11


def test_a_file_cut_anywhere_never_raises_and_is_right_only_when_tomllib_says_so() -> None:
    for end in range(len(TEXT)):
        half = TEXT[:end]
        document = read_document("x.toml", half)
        assert (not document.mistakes) == parses(half), half


def parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


PIECES = st.sampled_from(
    ["a", "b.c", '"k"', "=", " ", "\n", "[", "]", "[[", "]]", "{", "}", ",", "1", "'x'", '"', '"""', "'''", "#", "true",
     "2026-01-01", "\r", "\\", "ö", "\x00", "x = 1\n", "[t]\n", "[[t]]\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_or_its_mistakes_are_told(text: str) -> None:
    document: Document = read_document("x.toml", text)
    if parses(text):
        assert document.mistakes == []
        assert document.values == tomllib.loads(text)
        assert set(every_path(document.values)) <= set(document.places)
        return
    assert document.mistakes
    for mistake in document.mistakes:
        assert 1 <= mistake.line <= text.count("\n") + 1
        assert mistake.column >= 1
        assert mistake.message.startswith("expected ")


def test_keys_are_written_with_quotes_only_where_they_need_them() -> None:
    assert dotted(("phones", "101", "name")) == "phones.101.name"
    assert dotted(("extensions", "0x.")) == 'extensions."0x."'
    assert dotted(("routes", 0, "called")) == "routes.0.called"
