"""Strangers and liars: who may do what, what is believed, and what only looks like SIP."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.live.control import eventually, is_idle, process_of, state
from tests.live.raw_phone import PATIENCE, Message, RawPhone
from tests.live.running_switch import RunningSwitch, cpu_seconds_of

MESSAGES = Path(__file__).parents[3] / "shared" / "data" / "rfc4475"
CPU_EACH = 0.05
"""Seconds that a message may cost, on a slow machine."""


@pytest.fixture
async def switch(shared_switch: RunningSwitch) -> AsyncIterator[RunningSwitch]:
    """The module's switch; after each test it is well and nothing is left in it."""
    yield shared_switch
    status = await eventually(shared_switch, is_idle)
    assert status["sip"]["bugs"] == 0
    assert await shared_switch.answers_options(PATIENCE)


@pytest.fixture
async def phone(switch: RunningSwitch) -> AsyncIterator[RawPhone]:
    """101, not registered."""
    async with RawPhone("101", switch.sip_port) as phone:
        yield phone


# ---- who may do what ----------------------------------------------------------------------------------------------

PROVEN = {"REGISTER": 200, "INVITE": 200, "SUBSCRIBE": 489, "MESSAGE": 404, "PUBLISH": 403}
"""Methods that need a proof of identity, and what they get with it (489: there is no such event package;
404: 901 is no extension; 403: it is somebody else)."""
OPEN = {
    "OPTIONS": 200, "NOTIFY": 481, "INFO": 481, "UPDATE": 481, "BYE": 481,
    "REFER": 403, "PRACK": 405, "NONSENSE": 501,
}  # fmt: skip
"""Methods that do nothing outside of a call, whoever sends them."""
SENDERS: dict[str, dict[str, Any]] = {
    "nobody": {"authorize": False},
    "wrong-password": {"password": "demo-999"},
    "unknown-user": {"number": "199"},
    "somebody-else": {"number": "102", "sender": "101"},
    "himself": {},
}


async def ask(switch: RunningSwitch, method: str, who: str, transport: str = "udp") -> Message:
    """One request of a sender: the final answer."""
    sender = dict(SENDERS[who])
    number, password = sender.pop("number", "101"), sender.pop("password", None)
    async with RawPhone(number, switch.sip_port, password=password, transport=transport) as phone:
        uri = f"sip:{phone.server}" if method in ("REGISTER", "OPTIONS") else f"sip:901@{phone.server}"
        body = phone.offer() if method == "INVITE" else ""
        answer = await phone.request(method, uri, body=body, **sender)
        if phone.dialog is not None:
            await phone.hang_up()
        return answer


@pytest.mark.parametrize("who", SENDERS)
async def test_every_method_of_every_sender_gets_what_the_policy_says(switch: RunningSwitch, who: str) -> None:
    refused = {"nobody": 401, "himself": None}.get(who, 403)
    expected = {**OPEN, **{method: refused or status for method, status in PROVEN.items()}}
    got = {method: (await ask(switch, method, who)).status for method in expected}
    assert got == expected


def looks(answer: Message) -> str:
    """An answer without what differs between any two: tags, branches, counts, nonces, addresses."""
    lines = [answer.first, *(f"{name}: {value}" for name, value in answer.headers)]
    return re.sub(
        r'nonce="[^"]*"|(branch|tag|rport)=[^;]*|call-id: .*|127\.0\.0\.1:\d+|\b1\d\d\b|\d+', "", "\n".join(lines)
    )


@pytest.mark.parametrize("method", PROVEN)
async def test_an_unknown_user_and_a_wrong_password_look_the_same(switch: RunningSwitch, method: str) -> None:
    wrong, unknown = [await ask(switch, method, who) for who in ("wrong-password", "unknown-user")]
    assert (wrong.status, looks(wrong)) == (403, looks(unknown))
    async with RawPhone("101", switch.sip_port) as known, RawPhone("199", switch.sip_port) as stranger:
        first, second = [
            await one.request(method, f"sip:{one.number}@{one.server}", authorize=False) for one in (known, stranger)
        ]
    assert (first.status, looks(first)) == (401, looks(second))


async def test_nobody_calls_in_the_name_of_another(switch: RunningSwitch) -> None:
    for transport in ("udp", "tcp"):
        answer = await ask(switch, "INVITE", "somebody-else", transport)
        assert answer.status == 403


# ---- what is believed ---------------------------------------------------------------------------------------------

SMUGGLED = [
    "P-Asserted-Identity : <sip:+1900@evil.example>",
    "P-Asserted-Identity\t:\t<sip:+1900@evil.example>",
    "p-preferred-identity: <sip:+1900@evil.example>",
    "Remote-Party-ID : <sip:+1900@evil.example>;privacy=off",
    "Diversion : <sip:+1900@evil.example>",
    "Identity : evil",
    "X-Bypass : y",
    "Alert-Info : <http://169.254.169.254/evil>",
    "Call-Info : <http://169.254.169.254/evil>",
    "Record-Route : <sip:evil.example;lr>",
    "Subject : ${evil} `evil` {evil=1} ../evil",
]
OURS = {
    *("via", "max-forwards", "from", "to", "call-id", "cseq", "contact", "allow", "user-agent", "content-type"),
    *("content-length", "supported"),
}
"""All that an INVITE of ours says."""


async def test_headers_of_a_caller_do_not_reach_whom_he_calls(switch: RunningSwitch, phone: RawPhone) -> None:
    async with RawPhone("102", switch.sip_port) as callee:
        assert (await callee.register()).status == 200
        assert (await phone.call("102", SMUGGLED)).status == 200
        assert callee.invited is not None
        assert {name for name, _ in callee.invited.headers} <= OURS
        assert "evil" not in str(callee.invited)
        assert "sip:101@" in callee.invited["from"]
        await phone.hang_up()
        async with asyncio.timeout(PATIENCE):
            await callee.ended_by_far_side.wait()
        assert (await callee.register(expires=0)).status == 200


@pytest.mark.parametrize(
    "line",
    ["X-Bypass\x01: y", "\x01X-Bypass: y", "X\x00: y", "From : <sip:102@localhost>;tag=x", "CSeq : 9 INVITE",
     "Content-Length : 5", "X Bypass: y", "no colon", ": nothing", "X-Stray: a\rVia: b"],
)  # fmt: skip
async def test_headers_that_are_none_or_come_twice_are_refused(phone: RawPhone, line: str) -> None:
    answer = await phone.answer_to(phone.raw("INVITE", f"sip:901@{phone.server}", [line]))
    assert answer.status == 400


NAMES = {
    "bad-utf8": ('"caf\udce9 \udcff\udcfe"', "caf\\xe9 \\xff\\xfe"),
    "overlong": ('"a\udcc0\udcaf"', "a\\xc0\\xaf"),
    "control": ('"a\\\x01\\\x00b"', "a\x01\\x00b"),
    "quotes": ('"a\\"b\\\\c"', 'a"b\\c'),
    "injection": ('"${x} `y` {z=1} \'; -- <script>=cmd()"', "${x} `y` {z=1} '; -- <script>=cmd()"),
    "good": ('"Ωmega 中文 ü"', "Ωmega 中文 ü"),
}


async def test_whatever_a_display_name_is_made_of_reaches_the_record(switch: RunningSwitch) -> None:
    before = len(await switch.calls())
    async with RawPhone("provider", switch.sip_port, local_port=switch.trunk_port) as trunk:
        for number, (name, _) in enumerate(NAMES.values()):
            text = trunk.raw("INVITE", f"sip:+74950000100@{trunk.server}", [], trunk.offer())
            text = text.replace("From: <sip:provider@", f"From: {name} <sip:+4930{number}@")
            assert (await trunk.answer_to(text)).status == 200, name
            trunk.send(bye_for(text, trunk.received[-1]))
            await eventually(switch, is_idle)
    records = (await switch.calls(at_least=before + len(NAMES)))[: len(NAMES)]
    got = {record["caller_number"]: record["caller_name"] for record in records}
    assert got == {f"+4930{number}": kept for number, (_, kept) in enumerate(NAMES.values())}
    json.dumps(got, ensure_ascii=False).encode()  # text that can be written anywhere


def bye_for(invite: str, answer: Message) -> str:
    """The BYE of a call that a hand-made INVITE began."""
    lines = [line for line in invite.partition("\r\n\r\n")[0].split("\r\n") if not line.startswith("Content-")]
    text = "\r\n".join([*lines, "Content-Length: 0", "", ""])
    text = text.replace("INVITE", "BYE", 1).replace("branch=z9hG4bK", "branch=z9hG4bKbye")
    text = re.sub(r"CSeq: \d+ INVITE", "CSeq: 1000000 BYE", text)
    return re.sub(r"To: [^\r]*", lambda _: f"To: {answer['to']}", text)


# ---- what only looks like SIP -------------------------------------------------------------------------------------


def huge(phone: RawPhone) -> dict[str, str]:
    """Messages that would cost much in a careless parser, each as much as a datagram holds."""
    uri = f"sip:901@{phone.server}"
    room = 64_000
    return {
        "long-header": phone.raw("INVITE", uri, ["X-Long: " + "x" * room]),
        "many-headers": phone.raw("INVITE", uri, ["X: y"] * (room // 6)),
        "many-vias": phone.raw("INVITE", uri, ["v: SIP/2.0/UDP a"] * (room // 18)),
        "many-via-values": phone.raw("INVITE", uri, ["v: " + ",".join(["SIP/2.0/UDP a"] * (room // 14))]),
        "folded": phone.raw("INVITE", uri, ["X-Fold: a" + "\r\n a" * (room // 4)]),
        "parameters": phone.raw("INVITE", uri, ["Contact: <sip:a@b>" + ";a=b" * (room // 4)]),
        "quotes": phone.raw("INVITE", uri, ['Contact: "' + '\\"' * (room // 2) + '" <sip:a@b>']),
        "brackets": phone.raw("INVITE", uri, ["Contact: " + "<" * room]),
        "commas": phone.raw("INVITE", uri, ["Accept: " + "," * room]),
        "credentials": phone.raw("INVITE", uri, ["Authorization: Digest " + 'a="' * (room // 3)]),
        "body": phone.raw("INVITE", uri, [], "v=0\r\n" + "m=audio 1 RTP/AVP 0\r\n" * (room // 21)),
        "payloads": phone.raw("INVITE", uri, [], "v=0\r\nm=audio 1 RTP/AVP" + " 0" * (room // 2) + "\r\n"),
    }


async def test_datagrams_of_64_kilobytes_are_cheap_and_harm_nobody(switch: RunningSwitch, phone: RawPhone) -> None:
    process = process_of(switch, "softswitch.switch")
    for what, text in huge(phone).items():
        before = cpu_seconds_of(process)
        for number in range(5):
            phone.send(text.replace("Call-ID: ", f"Call-ID: {number}-").replace("z9hG4bK", f"z9hG4bK{number}"))
            assert await switch.answers_options(PATIENCE)
        each = (cpu_seconds_of(process) - before) / 5
        assert each < CPU_EACH, f"{what}: {each * 1000:.0f} ms"
    status = await state(switch)
    assert status["load"]["transactions"] < 1000


# ---- TCP ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def line(switch: RunningSwitch) -> AsyncIterator[RawPhone]:
    """101 on a connection."""
    async with RawPhone("101", switch.sip_port, transport="tcp") as phone:
        yield phone


async def test_a_call_in_single_octets_and_many_requests_in_one(line: RawPhone) -> None:
    text = line.raw("OPTIONS", f"sip:{line.server}", [])
    for octet in text.encode():
        line.send(bytes([octet]))
        await asyncio.sleep(0)
    await line.until(1)
    texts = [line.raw("OPTIONS", f"sip:{line.server}", []) for _ in range(50)]
    line.send("".join(texts))
    await line.until(51)
    assert {one.status for one in line.received} == {200}
    asked = [re.findall("Call-ID: (.*)\r", one)[0] for one in texts]
    assert [one["call-id"] for one in line.received[1:]] == asked
    assert (await line.call("901")).status == 200
    await line.hang_up()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        ("\x16\x03\x01" + "\x00" * 70_000, 0),
        ("OPTIONS sip:x SIP/2.0\r\nX: " + "x" * 70_000, 0),
        ("huge-length", 413),
        ("negative-length", 400),
        ("two-lengths", 400),
    ],
    ids=["http", "tls", "endless", "huge-length", "negative-length", "two-lengths"],
)
async def test_a_connection_that_talks_nonsense_is_closed(line: RawPhone, text: str, status: int) -> None:
    lengths = {"huge-length": "4294967295", "negative-length": "-1", "two-lengths": "0\r\nContent-Length: 1"}
    if text in lengths:
        sound = line.raw("INVITE", f"sip:901@{line.server}", [])
        text = sound.replace("Content-Length: 0", f"Content-Length: {lengths[text]}")
    line.send(text)
    async with asyncio.timeout(PATIENCE):
        await line.closed.wait()
    assert [one.status for one in line.received] == ([status] if status else [])


async def test_callers_whose_connection_breaks_leave_nothing_behind(switch: RunningSwitch) -> None:
    async with RawPhone("102", switch.sip_port, answers=False) as callee:
        assert (await callee.register()).status == 200
        async with AsyncExitStack() as stack:
            numbers = ("101", "103", "104", "105")
            callers = [
                await stack.enter_async_context(RawPhone(one, switch.sip_port, transport="tcp")) for one in numbers
            ]
            calling = [asyncio.create_task(caller.call("102")) for caller in callers]
            await eventually(switch, lambda status: sum("ringing" in call["state"] for call in status["calls"]) == 4)
            for caller, task in zip(callers, calling, strict=True):
                caller.wire.abort()
                task.cancel()
            await asyncio.gather(*calling, return_exceptions=True)
        await eventually(switch, is_idle)
        assert (await callee.register(expires=0)).status == 200


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="the messages of RFC 4475 are not beside this checkout")
async def test_the_messages_of_rfc_4475_over_tcp(switch: RunningSwitch) -> None:
    """Each in three pieces with an OPTIONS behind it on a connection of its own, and all together on one."""
    messages = [path.read_bytes() for path in sorted(MESSAGES.glob("*.dat"))]
    assert len(messages) >= 49
    answered = await asyncio.gather(*(is_answered(switch, message) for message in messages))
    assert sum(answered) > 30  # others are never whole on a stream, or are answers
    async with RawPhone("101", switch.sip_port, transport="tcp") as phone:
        phone.send(b"".join(messages))
        async with asyncio.timeout(PATIENCE):
            await phone.closed.wait()


async def is_answered(switch: RunningSwitch, message: bytes) -> bool:
    """Whether anything comes back for a message in three pieces with an OPTIONS behind it."""
    async with RawPhone("101", switch.sip_port, transport="tcp") as phone:
        data = message + phone.raw("OPTIONS", f"sip:{phone.server}", []).encode()
        third = len(data) // 3
        for piece in (data[:third], data[third : 2 * third], data[2 * third :]):
            phone.send(piece)
            await asyncio.sleep(0.001)
        waiting = [asyncio.create_task(phone.closed.wait()), asyncio.create_task(phone.until(1))]
        _, left = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return bool(phone.received)
