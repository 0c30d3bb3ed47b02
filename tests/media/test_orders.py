"""Orders as lines would bring them, right and hostile, without a process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media import protocol
from media.io.loader import Loader
from media.io.ports import Ports
from media.orders import Orders
from media.player import SoundCache
from media.protocol import CommandFailed
from media.recorder import RecordingThread
from media.rtp import RtpPacket
from tests.media.studio import Studio

CONFIGURE = {
    "do": "configure",
    "leg": "a",
    "remote_host": "127.0.0.1",
    "remote_port": 4000,
    "codec": "PCMU",
    "payload_type": 0,
    "receive_payload_type": 0,
    "dtmf_send": 101,
    "dtmf_receive": 101,
    "send": True,
    "receive": True,
    "ptime": 20,
}


class Desk:
    """Orders on an engine without sockets of its own."""

    def __init__(self) -> None:
        self.studio = Studio()
        self.ports = Ports(36000, 36255)
        self.answers: list[dict[str, Any]] = []
        self.loader = Loader(SoundCache(), lambda: None)
        self.recordings = RecordingThread()
        self.orders = Orders(
            self.studio.engine,
            self.ports,
            self.loader,
            self.recordings,
            self.studio.events.append,
            lambda _, answer: self.answers.append(answer),
            lambda: {"legs": len(self.studio.engine.legs)},
            lambda: self.studio.now,
            lambda: 1_700_000_000 + self.studio.now,
        )

    def ask(self, **fields: Any) -> Any:
        """A request; its answer."""
        return self.orders.carry_out({"id": 1, **fields})


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.orders.reset()
    made.loader.close()
    made.recordings.close()


def test_a_leg_lives_from_open_to_close(desk: Desk) -> None:
    opened = desk.ask(do="open", leg="a", address="127.0.0.1")
    assert opened["ok"]["port"] % 2 == 0
    assert desk.orders.carry_out(CONFIGURE) is None
    assert desk.ask(do="join", leg="a", room="r") == {"id": 1, "ok": {}}
    assert desk.ask(do="statistics")["ok"] == {"legs": 1}
    report = desk.ask(do="close", leg="a")["ok"]
    assert report == {}, "a leg that carried nothing has the report that needs no words"
    assert desk.studio.events == []
    assert len(desk.ports) == 128


def test_the_report_of_a_leg_with_sound_names_everything(desk: Desk) -> None:
    desk.ask(do="open", leg="a", address="127.0.0.1")
    desk.orders.carry_out(CONFIGURE)
    row = desk.studio.engine.legs.row("a")
    desk.studio.io.arrive(row, bytes(RtpPacket(0, False, 1, 160, 9, bytes(160))), "127.0.0.1")
    desk.studio.tick()
    report = desk.ask(do="close", leg="a")["ok"]
    assert set(report) == set(protocol.LegReport.__annotations__)
    assert report["packets_received"] == 1


def test_a_full_table_gives_the_ports_back(desk: Desk) -> None:
    capacity = desk.studio.engine.legs.capacity
    answers = [desk.ask(do="open", leg=str(leg), address="127.0.0.1") for leg in range(capacity + 5)]
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == ["no_ports"] * 6
    assert len(desk.ports) == 128 - (capacity - 1)
    desk.orders.reset()
    assert len(desk.studio.engine.legs) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": None},
        {"do": "fly"},
        {"do": "open"},
        {"do": "open", "leg": "a", "address": 5},
        {"do": "open", "leg": "a", "address": "::\0"},
        {"do": "open", "leg": "x" * 5000, "address": "127.0.0.1"},
        {"do": "join", "leg": "a"},
        {"do": "join", "leg": "b", "room": "r", "role": "spy"},
        {"do": "join", "leg": "b", "room": "r", "role": ["listen"]},
        {"do": "join", "leg": "b", "room": "r", "role": "whisper", "ear": "nobody"},
        {"do": "join", "leg": "b", "room": "r", "gain": 20.5},
        {"do": "join", "leg": "b", "room": "r", "gain": float("nan")},
        {"do": "join", "leg": "b", "room": "r", "gain": 10**400},
        {"do": "join", "leg": "b", "room": "r", "gain": "loud"},
        {"do": "watch", "room": "empty", "on": True},
        {"do": "play", "leg": "b", "token": "t", "sounds": []},
        {"do": "play", "leg": "b", "token": "t", "sounds": ["x"] * 65},
        {"do": "play", "leg": "nobody", "token": "t", "sounds": ["x"]},
        {"do": "record", "recording": "r", "path": "x.wav", "left": "b", "right": []},
        {"do": "record", "recording": "r", "path": "x.wav", "left": [5], "right": []},
        {"do": "record", "recording": "r", "path": "x.wav", "left": ["nobody"], "right": []},
        {"do": "stop_record", "recording": "r"},
        {"do": "send_digits", "leg": "b", "digits": "5"},
        CONFIGURE | {"leg": "nobody"},
        CONFIGURE | {"leg": "b", "remote_host": 5},
        CONFIGURE | {"leg": "b", "remote_host": "nowhere"},
        CONFIGURE | {"leg": "b", "remote_port": "x"},
        CONFIGURE | {"leg": "b", "remote_port": 70000},
        CONFIGURE | {"leg": "b", "codec": []},
        CONFIGURE | {"leg": "b", "payload_type": float("nan")},
        CONFIGURE | {"leg": "b", "more": 1},
        {"do": "configure", "leg": "b"},
        CONFIGURE | {"leg": "b", "srtp": {"suite": "AES_CM_128_HMAC_SHA1_80", "send": "QUJD", "receive": "QUJD"}},
        CONFIGURE | {"leg": "b", "srtp": "AES_CM_128_HMAC_SHA1_80"},
    ],
)
def test_wrong_orders_are_refused_with_a_sentence(desk: Desk, fields: dict[str, Any]) -> None:
    desk.ask(do="open", leg="b", address="127.0.0.1")
    answer = desk.ask(**fields)
    assert answer["error"]["text"]
    assert desk.orders.carry_out(fields) is None
    [failed] = desk.studio.told(CommandFailed)
    assert failed.code == answer["error"]["code"]
    assert len(protocol.write_event(failed)) < protocol.MAX_LINE


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["a", "127.0.0.1", "PCMU"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = ["open", "configure", "close", "join", "leave", "play", "stop", "echo", "send_digits", "detect_inband"]
names += ["record_change", "stop_record", "statistics", "watch", "detect_progress"]
hostile = st.fixed_dictionaries(
    {"do": st.sampled_from(names) | json_values, "leg": st.just("a") | json_values},
    optional={
        name: json_values
        for name in (
            *CONFIGURE,
            "id",
            "room",
            "muted",
            "deaf",
            "gain",
            "role",
            "ear",
            "sounds",
            "token",
            "repeat",
            "on",
            "digits",
            "address",
            "recording",
            "left",
        )
        if name not in ("do", "leg")
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
@given(st.lists(hostile, max_size=6))
def test_no_line_of_json_breaks_the_worker(desk: Desk, many: list[dict[str, Any]]) -> None:
    for fields in many:
        answer = desk.orders.carry_out(protocol.read_line(json.dumps(fields).encode()))
        if answer is not None:
            protocol.write_line(answer)
    desk.orders.handle_timer(desk.studio.now)
    desk.studio.tick(2)
    for event in desk.studio.events:
        protocol.write_event(event)


def test_a_recording_is_answered_when_its_file_is_whole(desk: Desk, tmp_path: Path) -> None:
    desk.ask(do="open", leg="a", address="127.0.0.1")
    path = str(tmp_path / "r.wav")
    assert desk.ask(do="record", recording="r", path=path, left=["a"], right=[]) == {"id": 1, "ok": {}}
    assert "error" in desk.ask(do="record", recording="r", path=path, left=["a"], right=[])
    desk.studio.tick(30)
    assert desk.ask(do="stop_record", recording="r") is None
    while not desk.answers:
        desk.orders.handle_timer(desk.studio.now)
    assert desk.answers == [{"id": 1, "ok": {"seconds": 0.6, "path": path, "error": None}}]


def test_a_disk_that_hangs_does_not_leave_a_request_without_answer(desk: Desk, tmp_path: Path) -> None:
    desk.recordings.poll = list  # type: ignore[method-assign]
    desk.ask(do="record", recording="r", path=str(tmp_path / "r.wav"), left=[], right=[])
    desk.ask(do="stop_record", recording="r")
    desk.orders.handle_timer(desk.studio.now + 3.9)
    assert desk.answers == []
    desk.orders.handle_timer(desk.studio.now + 4.1)
    assert "too slow" in desk.answers[0]["ok"]["error"]
