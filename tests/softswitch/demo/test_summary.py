"""The figures at the end, what people do, and the configuration they do it in."""

import datetime
import itertools
import tomllib
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from config.loader import load
from softswitch.demo import performance, script, voices
from softswitch.demo.errors import DemoError
from softswitch.demo.office import AGENTS, CALLERS, VISITORS, Office, as_toml
from softswitch.demo.summary import Summary, as_table, summarise
from softswitch.records import events
from softswitch.records.record import CallRecord, build_record

QUEUE = {
    "offered": 8, "answered": 5, "abandoned": 2, "short_abandoned": 1, "flowed_out": 0, "waiting": 1, "in_time": 4,
    "answered_wait": 20.0,
}  # fmt: skip


def talk(wait: float, seconds: float) -> CallRecord:
    """The record of one call through a queue."""
    begin, met, end = ({"at": at, "wall": 1000.0 + at} for at in (0.0, wait, wait + seconds))
    return build_record(
        [
            events.CallStarted("c", "106", "", "600", "phone:106", "", **begin),
            events.LegStarted("a", "caller", "106", "in", **begin),
            events.QueueJoined("support", 1, **begin),
            events.LegStarted("b", "agent", "101", "out", **begin),
            events.AgentConnected("support", "101", wait, **met),
            events.Bridged("a", "b", **met),
            events.LegEnded("a", "bye", "remote", None, {"mos": 4.0}, **end),
        ]
    )


def summary(queues: dict[str, dict[str, float]], records: tuple[CallRecord, ...] = ()) -> Summary:
    return summarise({"queues": queues}, records, (), seconds=60.0, service_threshold=5, short_abandon=2)


def test_the_books_of_all_queues_are_added() -> None:
    found = summary({"support": QUEUE, "sales": QUEUE})
    assert (found.offered, found.answered, found.abandoned, found.waiting) == (16, 10, 4, 2)
    assert found.average_wait == 4.0
    assert found.service_level == pytest.approx(8 / 14)
    assert found.to_dict()["service_level_formula"] == "answered within 5 s / (offered - gone within 2 s)"


def test_talk_and_sound_come_from_the_records() -> None:
    found = summary({"support": QUEUE}, (talk(2.0, 6.0), talk(4.0, 8.0)))
    assert found.average_talk == pytest.approx(7.0)
    assert found.longest_wait == pytest.approx(4.0)
    assert found.average_mos == 4.0


def test_nothing_at_all_divides_by_nothing() -> None:
    found = summary({})
    assert found.service_level is found.average_wait is found.average_talk is None
    Console(quiet=True).print(as_table(found))


def test_the_same_seed_gives_the_same_people() -> None:
    first, again, other = (list(itertools.islice(script.errands("106", seed), 20)) for seed in (1, 1, 2))
    assert first == again != other
    assert {errand.called for errand in first} == {"500", "600"}
    assert all(errand.called == "600" for errand in itertools.islice(script.errands("111", 1, by_menu=False), 20))
    assert any(answer.after is None for answer in itertools.islice(script.answers("101", 1), 100))


def test_the_derived_configuration_is_a_good_one(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.write()
    config = load(office.file)
    assert {*AGENTS, *CALLERS, *VISITORS} <= set(config.phones)
    assert config.queues["support"].wrap_up == 2
    assert [listener.port for listener in config.sip.listen] == [office.sip_port]
    assert Path(config.switch.data) == office.data
    assert not config.trunks


@given(
    st.recursive(
        st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"))
        | st.dates(datetime.date(1000, 1, 1)),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab c"é'), inner, max_size=4),
        max_leaves=10,
    )
)
def test_what_is_written_as_toml_is_read_back_as_it_was(value: object) -> None:
    assert tomllib.loads(f"key = {as_toml(value)}") == {"key": value}


def test_a_voice_repeats_with_a_breath_between(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", voices.tone(440.0, 1.0), voices.RATE, subtype="PCM_16")
    heard = voices.load(str(tmp_path / "a.wav"))
    assert len(heard) == round(1.7 * voices.RATE)
    assert abs(heard[: voices.RATE]).max() > 8000
    assert not heard[voices.RATE :].any()


def test_missing_phones_are_said_with_the_command_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "NEEDED", {"no_such_phone": "no-such-phone"})
    with pytest.raises(DemoError, match=r"no-such-phone.*pip install '\.\[dev\]'"):
        performance.perform(Console(quiet=True), 12.0, 1)


@pytest.mark.parametrize("seconds", [0.0, 1e9, float("nan")])
def test_a_senseless_length_is_refused(seconds: float) -> None:
    with pytest.raises(DemoError, match="--seconds takes 5 to 3600"):
        performance.perform(Console(quiet=True), seconds, 1)
