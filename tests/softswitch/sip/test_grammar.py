"""Tokens, quoted strings, parameters and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import BadHeader
from softswitch.sip.grammar import (
    MAX_LIST,
    MAX_PARAMS,
    Quoted,
    format_params,
    is_token,
    parse_params,
    parse_tokens,
    quote,
    split_list,
    unquote,
)

TOKEN = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~", min_size=1, max_size=12)
TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize("text", ["INVITE", "!interesting-Method0123456789_*+`.%indeed'~", "100rel"])
def test_a_token_is_a_token(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", "a b", "a,b", "a;b", '"a"', "a=b", "a@b", "a\x00", "ä", "a\n"])
def test_anything_with_a_separator_is_no_token(text: str) -> None:
    assert not is_token(text)


@given(TEXT)
def test_a_quoted_text_comes_back(text: str) -> None:
    assert unquote(quote(text)) == text


def test_a_line_end_cannot_be_quoted() -> None:
    assert quote("a\r\nVia: x") == '"a  Via: x"'


@pytest.mark.parametrize("text", ["", "abc", '"', '"abc', 'abc"'])
def test_what_is_not_in_quotes_stays(text: str) -> None:
    assert unquote(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (";lr", {"lr": None}),
        (";tag=1a", {"tag": "1a"}),
        (" ; tag\t = 1a ", {"tag": "1a"}),
        (";TAG=A;Expires=60", {"tag": "A", "expires": "60"}),
        (';text="a;b,c\\"d"', {"text": 'a;b,c"d'}),
        (";rport=", {"rport": None}),
        (';empty=""', {"empty": ""}),
        (";received=[2001:db8::1]", {"received": "[2001:db8::1]"}),
        (";branch=abc/def==", {"branch": "abc/def=="}),
        (";tag=first;tag=second", {"tag": "first"}),
    ],
)
def test_parameters_are_read(text: str, expected: dict[str, str | None]) -> None:
    assert parse_params(text) == expected


@pytest.mark.parametrize(
    "text", ["x", ";", ";;a", ";a;", ";=b", ";a b", ';a="b', ';a="b"c', ";a=b c", ";a=<b>", ";a\x00=b"]
)
def test_broken_parameters_are_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        parse_params(text)


def test_too_many_parameters_are_refused() -> None:
    assert len(parse_params("".join(f";p{n}" for n in range(MAX_PARAMS)))) == MAX_PARAMS
    with pytest.raises(BadHeader):
        parse_params("".join(f";p{n}" for n in range(MAX_PARAMS + 1)))


def test_quotes_around_a_value_are_kept_when_written_again() -> None:
    params = parse_params(';a="b";c=d')
    assert isinstance(params["a"], Quoted)
    assert format_params(params) == ';a="b";c=d'


def test_a_value_that_needs_quotes_gets_them() -> None:
    assert format_params({"a": "b c", "d": None, "e": "", "f": 'x"y'}) == ';a="b c";d;e="";f="x\\"y"'


@given(st.dictionaries(TOKEN, st.none() | TEXT))
def test_parameters_go_both_ways(params: dict[str, str | None]) -> None:
    assert parse_params(format_params(params)) == params


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["a"]),
        (" a , b\t,c ", ["a", "b", "c"]),
        ('"a,b" <sip:x@y>, <sip:c,d@e>;q=1', ['"a,b" <sip:x@y>', "<sip:c,d@e>;q=1"]),
        ('"\\",\\"", b', ['"\\",\\""', "b"]),
        ("a,,b", ["a", "", "b"]),
        ("", [""]),
    ],
)
def test_a_list_is_cut_at_its_commas_only(text: str, expected: list[str]) -> None:
    assert split_list(text) == expected


@pytest.mark.parametrize("text", ['"a, b', "<a, b", '"a\\", b', "a>, <b<, c", '<a,"b>,"c'])
def test_a_list_without_balance_is_refused_or_kept_whole(text: str) -> None:
    try:
        items = split_list(text)
    except BadHeader:
        return
    assert ",".join(items).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("item", ["a", "<a>"])
def test_too_long_a_list_is_refused(item: str) -> None:
    assert len(split_list(",".join([item] * MAX_LIST))) == MAX_LIST
    with pytest.raises(BadHeader):
        split_list(",".join([item] * (MAX_LIST + 1)))


def test_option_tags_of_all_values_are_collected_in_order() -> None:
    assert parse_tokens(["100rel, timer", "", "replaces"]) == ["100rel", "timer", "replaces"]
    with pytest.raises(BadHeader):
        parse_tokens(["a b"])
