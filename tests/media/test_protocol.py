import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import protocol
from media.errors import ERRORS, BadCommand, MediaError, PortsExhausted, from_code
from media.protocol import Digit, LineSplitter, WorkerLost


@given(st.sampled_from(sorted(protocol.EVENTS)), st.text(max_size=20), st.integers(0, 9999))
def test_an_event_is_read_as_it_was_written(name: str, text: str, number: int) -> None:
    kind = protocol.EVENTS[name]
    types = {"str": text, "int": number, "float": number / 4}
    event = kind(*(types[getattr(field.type, "__name__", str(field.type))] for field in dataclasses.fields(kind)))
    line = protocol.write_event(event)
    assert line.count(b"\n") == 1
    assert protocol.read_event(protocol.read_line(line[:-1])) == event


@given(st.binary(max_size=200))
def test_any_line_is_an_object_or_refused(line: bytes) -> None:
    with contextlib.suppress(BadCommand):
        fields = protocol.read_line(line)
        with contextlib.suppress(BadCommand):
            protocol.read_event(fields)


@pytest.mark.parametrize(
    "fields", [{"event": "nothing"}, {"event": "digit"}, {"event": "digit", "leg": "a", "more": 1}, {}]
)
def test_events_with_other_fields_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadCommand):
        protocol.read_event(fields)


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=20), st.data())
def test_lines_are_found_however_the_stream_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    splitter, got = LineSplitter(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += splitter.feed(stream[:size])
        stream = stream[size:]
    assert got == lines


def test_a_line_that_never_ends_is_refused() -> None:
    splitter = LineSplitter(100)
    splitter.feed(b"x" * 60)
    with pytest.raises(BadCommand):
        splitter.feed(b"x" * 60)


def test_a_line_that_is_too_long_is_not_written() -> None:
    with pytest.raises(BadCommand):
        protocol.write_line({"path": "x" * protocol.MAX_LINE})


def test_errors_travel_as_codes() -> None:
    for code, kind in ERRORS.items():
        assert type(from_code(code, "why")) is kind
        assert from_code(code, "why").text == "why"
    assert type(from_code("unheard of", "why")) is MediaError
    assert isinstance(from_code("no_ports", "x"), PortsExhausted)


def test_events_are_compared_by_value() -> None:
    assert Digit("a", "1", 100, "rfc4733") == Digit("a", "1", 100, "rfc4733")
    assert WorkerLost() == WorkerLost()


@given(st.integers(0, 1 << 40), st.sampled_from([{}, {"port": 5000}]), st.booleans())
def test_an_answer_is_read_as_it_was_written(number: int, ok: dict[str, int], refused: bool) -> None:
    answer = {"id": number, "error": {"code": "x", "text": "y"}} if refused else {"id": number, "ok": ok}
    assert protocol.read_line(protocol.write_answer(answer)[:-1]) == answer


@pytest.mark.parametrize("line", [b"{} {}", b"{}x", b'{"a":1}]', b"5", b"\xff", b"", b"{"])
def test_a_line_with_more_or_less_than_one_object_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        protocol.read_line(line)
