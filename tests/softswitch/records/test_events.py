"""Events go to JSON and come back the same."""

import json
import math
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.records.errors import EventError
from softswitch.records.events import KINDS, CallStarted, Event, Heartbeat, LegEnded, LegRinging, from_json, make_event

TIMES = st.floats(min_value=0, max_value=1e10)
TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)
QUALITY = st.none() | st.dictionaries(
    TEXT, st.floats(allow_nan=False, allow_infinity=False) | st.integers(), max_size=4
)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(0, 2**40),
    float: TIMES,
    int | None: st.none() | st.integers(100, 699),
}


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: BY_TYPE.get(hints[name], QUALITY) for name in kind.names}, at=TIMES, wall=TIMES)


ANY_EVENT = st.sampled_from(list(KINDS.values())).flatmap(events_of)


@given(ANY_EVENT)
def test_every_event_comes_back_from_its_json(event: Event) -> None:
    assert from_json(event.to_json()) == event


@given(ANY_EVENT)
def test_the_json_is_one_line_of_ascii_that_json_reads(event: Event) -> None:
    text = event.to_json()
    assert text.isascii()
    assert "\n" not in text
    line = json.loads(text)
    assert line["kind"] == type(event).__name__
    assert {"at", "wall", *event.names} == line.keys() - {"kind"}


@given(ANY_EVENT)
def test_an_event_that_is_stored_in_parts_comes_back(event: Event) -> None:
    fields = json.loads(event.fields_to_json())
    assert make_event(type(event).__name__, event.at, event.wall, fields) == event


def test_octets_that_are_no_text_survive() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    event = CallStarted("c", "101", name, "102", "phone:101", at=1.0, wall=2.0)
    assert from_json(event.to_json()) == event


def test_a_number_that_json_has_not_becomes_null() -> None:
    event = LegEnded("a", "bye", "remote", None, {"mos": math.nan, "jitter": [math.inf, 1.0]}, at=1.0, wall=2.0)
    assert json.loads(event.to_json())["quality"] == {"mos": None, "jitter": [None, 1.0]}


def test_numbers_of_arrays_become_plain_numbers() -> None:
    event = LegEnded("a", "bye", "remote", None, {"mos": np.float32(4.5), "lost": np.int64(3)}, at=1.0, wall=2.0)
    assert json.loads(event.to_json())["quality"] == {"mos": 4.5, "lost": 3}


def test_a_report_that_no_json_can_hold_does_not_lose_the_event() -> None:
    endless: dict[Any, Any] = {("odd", "key"): object()}
    endless["self"] = endless
    line = json.loads(LegEnded("a", "bye", "remote", None, endless, at=1.0, wall=2.0).to_json())
    assert (line["leg"], line["cause"]) == ("a", "bye")


def test_keys_of_a_later_version_are_ignored() -> None:
    assert from_json('{"kind":"LegRinging","at":1.0,"wall":2.0,"leg":"a","colour":"red"}') == LegRinging(
        "a", at=1.0, wall=2.0
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        '{"kind":"Unheard","at":1,"wall":2}',
        '{"kind":["LegRinging"],"at":1,"wall":2}',
        '{"kind":"LegRinging","at":1,"wall":2}',
        '{"kind":"LegRinging","wall":2,"leg":"a"}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_event_says_so(text: str) -> None:
    with pytest.raises(EventError):
        from_json(text)


@given(st.text(max_size=60) | st.recursive(st.none() | st.integers() | TEXT, st.lists).map(json.dumps))
def test_no_line_raises_anything_else(text: str) -> None:
    try:
        from_json(text)
    except EventError:
        return


def test_a_heartbeat_has_only_its_clocks() -> None:
    assert Heartbeat(at=1.0, wall=2.0).to_json() == '{"kind":"Heartbeat","at":1.0,"wall":2.0}'
    assert Heartbeat(at=1.0, wall=2.0).fields_to_json() == "{}"
