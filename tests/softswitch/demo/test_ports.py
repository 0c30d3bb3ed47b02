"""Which ports the demonstration takes when others hold some."""

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.demo import ports
from softswitch.demo.errors import DemoError


def test_a_port_that_somebody_holds_is_not_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((ports.HOST, 0))
        assert not ports.is_free(holder.getsockname()[1])


@given(st.sets(st.integers(100, 199)), st.integers(0, 2**32), st.lists(st.integers(1, 20), max_size=10))
def test_spans_are_free_begin_even_and_never_overlap(taken: set[int], seed: int, counts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ports, "FIRST", 100)
        patch.setattr(ports, "LAST", 200)
        patch.setattr(ports, "is_free", lambda port: port not in taken)
        patch.setattr(random, "SystemRandom", lambda: random.Random(seed))
        free = ports.FreePorts()
        handed: list[int] = []
        for count in counts:
            try:
                span = free.span(count)
            except DemoError:
                break
            assert len(span) == count
            assert span.start % 2 == 0
            handed += span
        assert len(handed) == len(set(handed))
        assert set(handed) <= set(range(100, 200)) - taken


@pytest.mark.parametrize("seed", range(20))
def test_the_only_free_span_is_found_from_wherever_it_begins_to_look(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    begin = random.Random(seed).randrange(100, 200, 2)
    only = range(begin - 20, begin - 10) if begin >= 130 else range(begin + 20, begin + 30)
    monkeypatch.setattr(ports, "FIRST", 100)
    monkeypatch.setattr(ports, "LAST", 200)
    monkeypatch.setattr(ports, "is_free", lambda port: port in only)
    monkeypatch.setattr(random, "SystemRandom", lambda: random.Random(seed))
    assert ports.FreePorts().span(10) == only


def test_too_many_ports_are_refused_in_one_sentence() -> None:
    with pytest.raises(DemoError, match="not enough free ports"):
        ports.FreePorts().span(50_000)
