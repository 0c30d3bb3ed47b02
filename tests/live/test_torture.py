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


UNFRAMED = {"clerr", "baddn"}
"""Their bodies are shorter than they say: on a stream they are never whole."""


async def send_in_pieces(writer: asyncio.StreamWriter, data: bytes, size: int) -> None:
    """Send so many octets at a time. After the head there is time for a refusal: a reset connection would lose it."""
    head = data.find(b"\r\n\r\n") + 4
    for part in (data[:head], data[head:]):
        for start in range(0, len(part), size):
            writer.write(part[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)


async def verdict_on_a_stream(port: int, message: bytes, number: int, size: int) -> str:
    """The final status that a message gets in pieces of so many octets, or "drop"; an OPTIONS follows it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = message + OPTIONS.format(n=number).replace("SIP/2.0/UDP", "SIP/2.0/TCP").encode()
    answers = b""
    sending = asyncio.create_task(send_in_pieces(writer, data, size))
    try:
        async with asyncio.timeout(20):
            while f"alive-{number}".encode() not in answers and (piece := await reader.read(65536)):
                answers += piece
    except ConnectionError:
        pass  # the switch closed it: what follows a broken message cannot be told from it
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
    heads = [head for head in answers.split(b"SIP/2.0 ")[1:] if f"alive-{number}".encode() not in head]
    finals = [head[:3].decode() for head in heads if head[:3] >= b"200" and head[3:4] == b" "]
    return finals[0] if finals else "drop"


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="the messages of RFC 4475 are not beside this checkout")
@pytest.mark.parametrize("size", [1, 100_000])
async def test_the_messages_of_rfc_4475_get_a_strict_answer_on_a_stream(switch: RunningSwitch, size: int) -> None:
    expectations: list[dict[str, Any]] = json.loads((MESSAGES / "expectations.json").read_text())
    wrong = []
    for number, expected in enumerate(one for one in expectations if one["name"] not in UNFRAMED):
        message = (MESSAGES / expected["file"]).read_bytes()
        got = await verdict_on_a_stream(switch.sip_port, message, number, size)
        if not allowed(got, expected["strict"]):
            wrong.append(f"{expected['name']}: {got}, allowed {expected['strict']}")
    assert not wrong, "\n".join(wrong)
    assert (await switch.status())["sip"]["bugs"] == 0
