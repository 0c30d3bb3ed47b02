"""The 49 messages of RFC 4475 against a running switch, with the strict score: every request gets an allowed answer."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.running_switch import RunningSwitch

MESSAGES = Path(__file__).parents[3] / "shared" / "data" / "rfc4475"
OPTIONS = (
    "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKalive{n};rport\r\n"
    "From: <sip:torture@localhost>;tag=t{n}\r\nTo: <sip:127.0.0.1>\r\nCall-ID: alive-{n}\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


class Answers(asyncio.DatagramProtocol):
    """Status codes in the order they come."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.queue.put_nowait(data)


def allowed(answer: str, expected: list[str]) -> bool:
    """Whether a status (or "drop") is among the allowed ones, such as 2xx or 404."""
    return any(answer == one or (one.endswith("xx") and answer[:1] == one[0]) for one in expected)


async def verdict(transport: asyncio.DatagramTransport, answers: Answers, message: bytes, number: int) -> str:
    """The final status that a message gets, or "drop"; the switch must answer an OPTIONS afterwards."""
    transport.sendto(message)
    transport.sendto(OPTIONS.format(n=number).encode())
    statuses: list[str] = []
    while True:
        data = await asyncio.wait_for(answers.queue.get(), 10)
        status = data[8:11].decode()
        if f"alive-{number}".encode() in data:
            assert status == "200"
            return statuses[-1] if statuses else "drop"
        statuses.append(status)


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="the messages of RFC 4475 are not beside this checkout")
async def test_49_of_49_messages_of_rfc_4475_get_a_strict_answer(switch: RunningSwitch) -> None:
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(
        Answers, local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", switch.sip_port)
    )
    expectations: list[dict[str, Any]] = json.loads((MESSAGES / "expectations.json").read_text())
    wrong = []
    for number, expected in enumerate(expectations):
        got = await verdict(transport, answers, (MESSAGES / expected["file"]).read_bytes(), number)
        if not allowed(got, expected["strict"]):
            wrong.append(f"{expected['name']}: {got}, allowed {expected['strict']}")
    transport.close()
    assert not wrong, "\n".join(wrong)
    assert len(expectations) == 49
    status = await switch.status()
    assert status["sip"]["bugs"] == 0
