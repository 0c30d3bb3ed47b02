"""The control socket: one line in, one line out, and nothing that comes in does any harm."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from softswitch.api import control
from softswitch.api.control import MAX_LINE, ControlError, ControlServer, ask


async def echo(order: dict[str, Any]) -> dict[str, Any]:
    return {"heard": order}


async def refuse(order: dict[str, Any]) -> dict[str, Any]:
    raise ControlError("Not today.")


async def stumble(order: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError


async def hang(order: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(60)
    return {}


@pytest.fixture
async def socket(tmp_path: Path) -> AsyncIterator[Path]:
    """A listening control socket."""
    path = tmp_path / "run" / "control.sock"
    server = ControlServer({"echo": echo, "refuse": refuse, "stumble": stumble, "hang": hang})
    await server.listen(path)
    yield path
    await server.close()
    assert not path.exists()


async def say(path: Path, *lines: bytes) -> list[Any]:
    """Send lines over one connection; one answer for each."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 24)
    for line in lines:
        writer.write(line + b"\n")
    answers = [json.loads(await reader.readline()) for _ in lines]
    writer.close()
    await writer.wait_closed()
    return answers


async def test_an_order_is_carried_out_and_answered(socket: Path) -> None:
    assert await ask(socket, "echo", number=5) == {"heard": {"do": "echo", "number": 5}}


async def test_a_refusal_comes_as_the_same_sentence(socket: Path) -> None:
    with pytest.raises(ControlError, match=r"^Not today\.$"):
        await ask(socket, "refuse")


async def test_an_unknown_order_names_those_that_are_known(socket: Path) -> None:
    with pytest.raises(ControlError, match="known are echo, hang, refuse, stumble"):
        await ask(socket, "dance")


async def test_several_orders_over_one_connection(socket: Path) -> None:
    answers = await say(socket, b'{"do": "echo", "n": 1}', b'{"do": "refuse"}', b'{"do": "echo", "n": 2}')
    assert [sorted(answer) for answer in answers] == [["ok"], ["error"], ["ok"]]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"nonsense", b"[]", b"5", b"null", b'"status"', b"{", b"\xff\xfe", b'{"do": 5}', b'{"do": []}',
        b'{"do": {}}', b'{"do": null}', b"{}", b"[" * 50_000,
    ],
)  # fmt: skip
async def test_what_is_no_order_is_answered_with_an_error_and_the_next_one_works(socket: Path, line: bytes) -> None:
    first, second = await say(socket, line, b'{"do": "echo"}')
    assert list(first) == ["error"]
    assert list(second) == ["ok"]


async def test_a_line_without_end_closes_the_connection(socket: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(b"x" * (3 * MAX_LINE))
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()
    assert await ask(socket, "echo")


async def test_a_bug_in_a_handler_is_logged_and_answered(socket: Path) -> None:
    with capture_logs() as log, pytest.raises(ControlError, match="mistake"):
        await ask(socket, "stumble")
    assert [line["event"] for line in log] == ["bug"]
    assert await ask(socket, "echo")


async def test_a_switch_that_does_not_answer_is_told_apart_from_one_that_is_not_there(
    socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "TIMEOUT", 0.05)
    with pytest.raises(ControlError, match="does not answer"):
        await ask(socket, "hang")
    with pytest.raises(ControlError, match="No switch is running"):
        await ask(tmp_path / "nobody" / "run" / "control.sock", "echo")


async def test_a_connection_that_is_closed_in_the_middle_does_no_harm(socket: Path) -> None:
    _, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(b'{"do": "ec')
    writer.close()
    await writer.wait_closed()
    assert await ask(socket, "echo")


async def test_only_the_owner_may_open_the_socket(socket: Path) -> None:
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert socket.stat().st_uid == os.getuid()


async def test_the_socket_of_a_dead_switch_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("left behind")
    server = ControlServer({"echo": echo})
    await server.listen(path)
    assert await ask(path, "echo")
    await server.close()


async def test_a_path_that_no_socket_can_have_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="too long"):
        await ControlServer({}).listen(tmp_path / ("x" * 120) / "control.sock")


async def test_closing_twice_or_before_listening_does_nothing(tmp_path: Path) -> None:
    server = ControlServer({})
    await server.close()
    await server.listen(tmp_path / "control.sock")
    await server.close()
    await server.close()
