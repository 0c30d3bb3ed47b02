"""The ordered multimap of header fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.headers import COMPACT, Headers, canonical


def make() -> Headers:
    return Headers([("Via", "a"), ("v", "b"), ("FROM", "c"), ("X-Thing", "d"), ("via", "e")])


def test_names_are_compared_without_case_and_in_compact_form() -> None:
    headers = make()
    for name in ("Via", "VIA", "via", "v", "V", "vIa"):
        assert headers.get(name) == "a"
        assert headers.get_all(name) == ["a", "b", "e"]
        assert name in headers
    assert headers.get("x-thing") == headers.get("X-THING") == "d"


def test_what_is_missing_is_missing() -> None:
    headers = make()
    assert headers.get("To") is None
    assert headers.get_all("To") == []
    assert "To" not in headers
    assert 5 not in headers


def test_an_empty_value_is_a_value() -> None:
    headers = Headers([("s", "")])
    assert headers.get("Subject") == ""
    assert headers.get("subject") == ""
    assert "s" in headers


@pytest.mark.parametrize(("letter", "name"), COMPACT.items())
def test_every_compact_form_is_expanded(letter: str, name: str) -> None:
    assert canonical(letter) == canonical(letter.upper()) == name


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("call-id", "Call-ID"),
        ("CALL-ID", "Call-ID"),
        ("cSeQ", "CSeq"),
        ("www-authenticate", "WWW-Authenticate"),
        ("x-my-header", "X-My-Header"),
        ("X-MY-HEADER", "X-My-Header"),
        ("p-asserted-identity", "P-Asserted-Identity"),
    ],
)
def test_a_name_has_one_spelling(spelled: str, name: str) -> None:
    assert canonical(spelled) == name


def test_order_is_kept() -> None:
    assert list(make()) == [("Via", "a"), ("Via", "b"), ("From", "c"), ("X-Thing", "d"), ("Via", "e")]
    assert len(make()) == 5


def test_add_puts_behind_and_prepend_before() -> None:
    headers = make()
    headers.add("v", "z")
    headers.prepend("VIA", "0")
    assert headers.get_all("Via") == ["0", "a", "b", "e", "z"]
    assert next(iter(headers)) == ("Via", "0")


def test_set_takes_the_place_of_the_first_and_drops_the_others() -> None:
    headers = make()
    headers.set("via", "x")
    headers.set("New", "y")
    assert list(headers) == [("Via", "x"), ("From", "c"), ("X-Thing", "d"), ("New", "y")]


def test_replace_first_leaves_the_others() -> None:
    headers = make()
    headers.replace_first("v", "x")
    headers.replace_first("New", "y")
    assert headers.get_all("Via") == ["x", "b", "e"]
    assert headers.get("New") == "y"


def test_remove_drops_all() -> None:
    headers = make()
    headers.remove("V")
    headers.remove("Nothing")
    assert list(headers) == [("From", "c"), ("X-Thing", "d")]


def test_a_copy_stands_on_its_own() -> None:
    headers = make()
    headers.cache["From"] = "typed"
    twin = headers.copy()
    assert twin == headers
    twin.add("To", "x")
    twin.set("From", "y")
    assert "To" not in headers
    assert headers.get("From") == "c"
    assert headers.cache == {"From": "typed"}
    assert twin.cache == {}
    assert twin != headers


@pytest.mark.parametrize("change", ["add", "set", "prepend", "replace_first"])
def test_a_line_end_in_a_value_never_gets_in(change: str) -> None:
    headers = Headers([("Subject", "a\r\nVia: evil")])
    getattr(headers, change)("X-Name", "b\nVia: evil\rRoute: evil")
    assert all("\r" not in value and "\n" not in value for _, value in headers)


@pytest.mark.parametrize("change", ["add", "set", "prepend", "replace_first", "remove"])
def test_every_change_drops_what_was_understood_of_that_header(change: str) -> None:
    headers = Headers([("From", "a"), ("To", "b")])
    headers.cache.update({"From": 1, "To": 2})
    getattr(headers, change)("f", *([] if change == "remove" else ["c"]))
    assert headers.cache == {"To": 2}


NAMES = st.sampled_from(["Via", "v", "From", "f", "X-A", "x-a", "To"])


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "set", "prepend", "remove", "replace_first"]), NAMES, st.text(max_size=3))
    )
)
def test_get_and_get_all_always_agree_with_the_list(steps: list[tuple[str, str, str]]) -> None:
    headers = Headers()
    for change, name, value in steps:
        getattr(headers, change)(name, *([] if change == "remove" else [value]))
        for probe in ("Via", "From", "X-A", "To"):
            values = [value for spelled, value in headers if spelled == probe]
            assert headers.get_all(probe) == values
            assert headers.get(probe) == (values[0] if values else None)
            assert (probe in headers) == bool(values)
