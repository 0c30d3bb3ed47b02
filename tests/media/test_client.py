"""The client against a worker played by the test."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from media import client as client_module
from media.client import MediaClient
from media.errors import MediaError, PortsExhausted, WorkerGone
from media.protocol import Digit, MediaEvent, WorkerLost


class Script:
    """A worker that keeps what it is told and says what it is told to say."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.chunks: list[bytes] = []
        self.events: list[MediaEvent] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        while data := await reader.read(1 << 16):
            self.chunks.append(data)
            for line in data.splitlines():
                order = json.loads(line)
                if "id" in order and order["do"] in self.answers:
                    self.say({"id": order["id"], **self.answers[order["do"]]})

    def say(self, fields: object) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(fields).encode() + b"\n")

    def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()

    @property
    def orders(self) -> list[dict[str, Any]]:
        return [json.loads(line) for chunk in self.chunks for line in chunk.splitlines()]


@pytest.fixture
async def script(tmp_path: Path) -> AsyncIterator[Script]:
    made = Script(tmp_path / "media.sock")
    server = await asyncio.start_unix_server(made.serve, made.path)
    yield made
    made.hang_up()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def client(script: Script) -> AsyncIterator[MediaClient]:
    made = await MediaClient.connect(script.path, script.events.append)
    yield made
    made.close()
    await asyncio.sleep(0.02)


async def turn() -> None:
    await asyncio.sleep(0.05)


async def test_orders_of_one_turn_are_written_at_once_in_order(client: MediaClient, script: Script) -> None:
    client.join("a", "room")
    client.play("a", ["x.wav", {"tone": "busy"}], "t", repeat=True)
    client.stop("a")
    client.echo("a", on=True)
    client.send_digits("a", "1#")
    client.detect_inband("a", on=False)
    client.detect_progress("a", on=True)
    client.leave("a")
    client.record_change("r", ["a"], [])
    await turn()
    assert len(script.chunks) == 1
    assert script.orders == [
        {"do": "join", "leg": "a", "room": "room"},
        {"do": "play", "leg": "a", "sounds": ["x.wav", {"tone": "busy"}], "token": "t", "repeat": True},
        {"do": "stop", "leg": "a"},
        {"do": "echo", "leg": "a", "on": True},
        {"do": "send_digits", "leg": "a", "digits": "1#"},
        {"do": "detect_inband", "leg": "a", "on": False},
        {"do": "detect_progress", "leg": "a", "on": True},
        {"do": "leave", "leg": "a"},
        {"do": "record_change", "recording": "r", "left": ["a"], "right": []},
    ]


async def test_only_what_is_unusual_about_a_member_of_a_room_is_said(client: MediaClient, script: Script) -> None:
    client.join("a", "room", muted=True, gain=-3.0)
    client.join("s", "room", role="whisper", ear="a")
    client.watch("room", True)
    await turn()
    assert script.orders == [
        {"do": "join", "leg": "a", "room": "room", "muted": True, "gain": -3.0},
        {"do": "join", "leg": "s", "room": "room", "role": "whisper", "ear": "a"},
        {"do": "watch", "room": "room", "on": True},
    ]


async def test_answers_find_who_asked_whatever_their_order(client: MediaClient, script: Script) -> None:
    asked = [asyncio.ensure_future(client.open(leg, "127.0.0.1")) for leg in "abc"]
    await turn()
    for order in reversed(script.orders):
        script.say({"id": order["id"], "ok": {"port": ord(order["leg"])}})
    assert await asyncio.gather(*asked) == [97, 98, 99]


async def test_an_error_is_raised_as_what_it_was(client: MediaClient, script: Script) -> None:
    script.answers["open"] = {"error": {"code": "no_ports", "text": "every RTP port is in use"}}
    with pytest.raises(PortsExhausted, match="every RTP port"):
        await client.open("a", "127.0.0.1")


async def test_events_are_told_and_unknown_answers_ignored(client: MediaClient, script: Script) -> None:
    client.leave("a")
    await turn()
    script.say({"id": 99, "ok": {}})
    script.say({"event": "digit", "leg": "a", "digit": "5", "duration_ms": 100, "method": "rfc4733"})
    await turn()
    assert script.events == [Digit("a", "5", 100, "rfc4733")]


async def test_a_worker_that_does_not_answer_is_an_error(
    client: MediaClient, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_WITHIN", 0.05)
    with pytest.raises(MediaError, match="did not answer 'statistics'"):
        await client.statistics()


async def test_a_lost_worker_fails_who_waits_and_is_told_once(client: MediaClient, script: Script) -> None:
    asked = asyncio.ensure_future(client.statistics())
    await turn()
    script.hang_up()
    with pytest.raises(WorkerGone):
        await asked
    client.leave("a")
    with pytest.raises(WorkerGone):
        await client.close_leg("a")
    assert script.events == [WorkerLost()]


async def test_a_worker_that_talks_nonsense_is_left(client: MediaClient, script: Script) -> None:
    client.leave("a")
    await turn()
    script.say([1, 2])
    await turn()
    assert script.events == [WorkerLost()]


async def test_closing_is_no_loss(client: MediaClient, script: Script) -> None:
    client.leave("a")
    client.close()
    await turn()
    assert [order["do"] for order in script.orders] == ["leave"]
    assert script.events == []
    with pytest.raises(WorkerGone):
        await client.statistics()


async def test_a_missing_worker_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkerGone, match="no media worker"):
        await MediaClient.connect(str(tmp_path / "nothing.sock"), lambda _: None)
