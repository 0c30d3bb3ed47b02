"""Number patterns and the meaning of digits while a caller still dials."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.digits import MAX_DIGITS, DialPlan, Pattern
from ivr.errors import PatternError

EVERY_NUMBER = ["".join(digits) for length in range(1, 5) for digits in product("0129", repeat=length)]
"""Enough digits to tell all the elements below from each other."""

ELEMENTS = st.sampled_from(["0", "1", "2", "x", "z", "n", "[1-2]", "[02]"])
PATTERNS = st.builds(
    lambda parts, dot: Pattern("".join(parts) + dot),
    st.lists(ELEMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "."]),
)


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("101", "101", ""),
        ("101", "1011", None),
        ("101", "10", None),
        ("8xxx", "8101", "101"),
        ("8XXX", "8101", "101"),
        ("8xxx", "8", None),
        ("0x.", "0", None),
        ("0x.", "04", None),
        ("0x.", "0431", "431"),
        ("0.", "04", "4"),
        ("+7495.", "+74950000100", "0000100"),
        ("[135-7]x", "62", "62"),
        ("[135-7]x", "42", None),
        ("z.", "01", None),
        ("n1", "11", None),
        ("n1", "21", "21"),
        ("*98", "*98", ""),
        ("#9", "#9", ""),
        ("0.", "0*1", None),
    ],
)
def test_a_pattern_gives_the_part_that_it_leaves_open(text: str, number: str, rest: str | None) -> None:
    assert Pattern(text).match(number) == rest


@pytest.mark.parametrize(
    "text", ["", ".", "8a", "1.2", "[", "[]", "[a]", "[9-1]", "[1-]", "8xxx ", "1" * 33, "-1", "ä", "٣"]
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        Pattern(text)


def test_a_pattern_is_never_matched_by_more_digits_than_anybody_dials() -> None:
    assert Pattern("0.").match("0" * MAX_DIGITS) is not None
    assert Pattern("0.").match("0" * (MAX_DIGITS + 1)) is None
    assert not Pattern("0.").wants_more("0" * MAX_DIGITS)


@given(PATTERNS, PATTERNS)
def test_two_patterns_overlap_when_some_number_fits_both(first: Pattern, second: Pattern) -> None:
    both = any(first.match(n) is not None and second.match(n) is not None for n in EVERY_NUMBER)
    assert first.overlaps(second) == second.overlaps(first) == both


@given(PATTERNS, PATTERNS)
def test_a_pattern_covers_another_when_it_fits_all_its_numbers(first: Pattern, second: Pattern) -> None:
    all_of_it = all(first.match(n) is not None for n in EVERY_NUMBER if second.match(n) is not None)
    assert first.covers(second) == all_of_it


@given(PATTERNS, PATTERNS)
def test_of_two_patterns_one_inside_the_other_the_inner_one_is_more_exact(first: Pattern, second: Pattern) -> None:
    if first.covers(second) and not second.covers(first):
        assert first.precision < second.precision


@given(PATTERNS, st.sampled_from(EVERY_NUMBER[:84]))
def test_a_pattern_wants_more_exactly_when_more_digits_can_match(pattern: Pattern, number: str) -> None:
    longer = ["".join(tail) for length in range(1, 4) for tail in product("0129", repeat=length)]
    assert pattern.wants_more(number) == any(pattern.match(number + tail) is not None for tail in longer)


@given(st.text(max_size=40))
def test_any_text_either_is_a_pattern_or_is_refused(text: str) -> None:
    try:
        pattern = Pattern(text)
    except PatternError:
        return
    assert 1 <= len(pattern.places) <= MAX_DIGITS
    assert str(pattern) == text


@given(st.text(max_size=40))
def test_any_text_can_be_looked_up(number: str) -> None:
    plan = DialPlan.build({"101": "phone:101", "8xxx": "voicemail:*", "0.": "trunk:provider"})
    found = plan.find(number)
    assert found.destination is None or number[:1] in "108"


PLAN = DialPlan.build(
    {
        "10": "phone:10",
        "101": "phone:101",
        "8xxx": "voicemail:*",
        "800": "voicemail:own",
        "81xx": "menu:eighty-one",
        "9x": "a",
        "90": "b",
    }
)


@pytest.mark.parametrize(
    ("number", "destination", "more"),
    [
        ("", None, True),
        ("1", None, True),
        ("10", "phone:10", True),
        ("101", "phone:101", False),
        ("1011", None, False),
        ("2", None, False),
        ("800", "voicemail:own", True),
        ("8001", "voicemail:001", False),
        ("8201", "voicemail:201", False),
        ("8101", "menu:eighty-one", False),
        ("90", "b", False),
        ("91", "a", False),
    ],
)
def test_a_plan_says_where_a_number_leads_and_whether_more_may_come(
    number: str, destination: str | None, more: bool
) -> None:
    found = PLAN.find(number)
    assert (found.destination, found.more) == (destination, more)


def test_a_plain_number_wins_over_every_pattern_whatever_the_order() -> None:
    for entries in ({"9x": "a", "91": "b"}, {"91": "b", "9x": "a"}):
        assert DialPlan.build(entries).find("91").destination == "b"


def test_an_empty_plan_is_false_and_knows_nothing() -> None:
    assert not DialPlan({})
    assert PLAN
    assert DialPlan({}).find("101") == DialPlan.build({}).find("101")
    assert DialPlan({}).find("").more is False


@given(st.dictionaries(PATTERNS.map(str), st.just("menu:main"), max_size=5), st.sampled_from(EVERY_NUMBER))
def test_a_plan_finds_what_one_of_its_patterns_matches(entries: dict[str, str], number: str) -> None:
    found = DialPlan.build(entries).find(number)
    assert (found.destination is not None) == any(Pattern(text).match(number) is not None for text in entries)
