"""Expressions of skills: what they mean, and where their mistakes are."""

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.errors import SkillError
from acd.skills import ANYBODY, MAX_DEPTH, MAX_LENGTH, is_skill, read_need

MANAGER = {"billing": 1, "language.ro": 4}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("billing", True),
        ("vip", False),
        ("language.ro >= 3", True),
        ("language.ro>=5", False),
        ("language.ro == 4 and language.ro != 5", True),
        ("language.ro < 5 and language.ro > 3 and language.ro <= 4", True),
        ("language.ro >= 3 and (billing or vip)", True),
        ("vip or billing and language.ro >= 5", False),
        ("(vip or billing) and not vip", True),
        ("not not billing", True),
        ("", True),
    ],
)
def test_an_expression_means_what_it_says(text: str, met: bool) -> None:
    assert read_need(text).met_by(MANAGER) is met


@pytest.mark.parametrize("text", ["vip >= 0", "vip < 3", "vip != 3", "vip"])
def test_a_missing_skill_compares_as_false_whatever_is_asked(text: str) -> None:
    assert not read_need(text).met_by(MANAGER)
    assert read_need(f"not ({text})").met_by(MANAGER)


def test_a_skill_of_level_0_is_there_but_is_not_enough_by_itself() -> None:
    assert not read_need("billing").met_by({"billing": 0})
    assert read_need("billing >= 0").met_by({"billing": 0})


def test_several_expressions_must_all_hold() -> None:
    need = read_need("billing or vip", "language.ro >= 3")
    assert need.text == "(billing or vip) and language.ro >= 3"
    assert need.skills == {"billing", "vip", "language.ro"}
    assert need.met_by(MANAGER)
    assert not need.met_by({"vip": 1})


def test_nothing_asked_is_anybody_and_false() -> None:
    assert read_need() is read_need("", "  ") is ANYBODY
    assert not ANYBODY
    assert read_need("billing")


def test_the_same_text_is_the_same_need_whatever_the_spaces() -> None:
    assert read_need("a  and b") == read_need(" a and b ")
    assert len({read_need("a and b"), read_need("a  and  b"), read_need("b and a")}) == 2


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("language.ro >= ", 15, "expected a level from 0 to 100, but it ends here"),
        ("language.ro >= three", 16, 'got "three"'),
        ("language.ro => 3", 13, 'expected "and", "or" or the end, got "="'),
        ("billing and", 12, 'expected a skill, "not" or "(", but it ends here'),
        ("billing and or vip", 13, 'got "or"'),
        ("(billing or vip", 16, 'expected ")", but it ends here'),
        ("billing vip", 9, 'expected "and", "or" or the end, got "vip"'),
        ("billing) and vip", 8, 'got ")"'),
        ("billing >= 101", 12, "expected a level from 0 to 100"),
        ("billing >= 99999999999999999999", 12, "expected a level from 0 to 100"),
        ("3 <= billing", 1, 'got "3"'),
        ("billing & vip", 9, 'got "&"'),
        ("__import__('os')", 1, 'got "_"'),
        ("not", 4, "it ends here"),
        ("(" * (MAX_DEPTH + 1) + "a", MAX_DEPTH + 1, "levels at most"),
        ("a or " * MAX_LENGTH + "a", MAX_LENGTH + 1, "characters at most"),
    ],
)
def test_a_mistake_is_told_with_its_column(text: str, column: int, problem: str) -> None:
    with pytest.raises(SkillError) as caught:
        read_need(text)
    assert caught.value.column == column
    assert problem in caught.value.problem
    assert f"column {column}: " in str(caught.value)


@pytest.mark.parametrize("name", ["billing", "language.ro", "a", "level_2", "first-line", "русский"])
def test_names_of_skills(name: str) -> None:
    assert is_skill(name)
    assert read_need(name).skills == {name}


@pytest.mark.parametrize("name", ["", "and", "or", "not", "2", "a b", "a.", "-a", "_a", "a>1", "a\n"])
def test_what_is_no_name_of_a_skill(name: str) -> None:
    assert not is_skill(name)


SKILLS = st.sampled_from(["a", "b", "c.d"])
Written = tuple[str, Callable[[dict[str, int]], bool]]
"""An expression and what Python makes of it."""


def compare(skill: str, sign: str, level: int) -> Written:
    function = {">=": operator.ge, "<": operator.lt, "==": operator.eq}[sign]
    return f"{skill} {sign} {level}", lambda levels: skill in levels and function(levels[skill], level)


def join(first: Written, word: str, second: Written) -> Written:
    if word == "and":
        return f"({first[0]} and {second[0]})", lambda levels: first[1](levels) and second[1](levels)
    return f"({first[0]} or {second[0]})", lambda levels: first[1](levels) or second[1](levels)


def negate(one: Written) -> Written:
    return f"not {one[0]}", lambda levels: not one[1](levels)


WRITTEN = st.recursive(
    st.builds(compare, SKILLS, st.sampled_from([">=", "<", "=="]), st.integers(0, 5)),
    lambda inner: st.one_of(st.builds(join, inner, st.sampled_from(["and", "or"]), inner), st.builds(negate, inner)),
    max_leaves=6,
)


@given(WRITTEN, st.dictionaries(SKILLS, st.integers(0, 5)))
def test_an_expression_is_what_python_would_make_of_it(written: Written, levels: dict[str, int]) -> None:
    text, meaning = written
    assert read_need(text).met_by(levels) is meaning(levels)
    assert read_need(text, "a", "not b").met_by(levels) is (
        meaning(levels) and levels.get("a", 0) > 0 and levels.get("b", 0) < 1
    )


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_with_a_column_inside(text: str) -> None:
    try:
        need = read_need(text)
    except SkillError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert read_need(need.text) == need
