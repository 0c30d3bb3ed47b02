"""What was said in a call is remembered, found by its name or a number, and shown without credentials."""

import json
import struct
from typing import Any

import pytest

from media.protocol import Digit
from softswitch.api.control import ControlError
from softswitch.api.trace import Trace, describe_sdp, mask
from softswitch.commands.ladder import draw
from softswitch.commands.pcap import write_pcap
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import talk
from tests.softswitch.sip.samples import request

PEER = Peer("udp", "127.0.0.1", 6000)


def watch(office: Office, **bounds: int) -> Trace:
    """A memory of what passes in this office."""
    trace = Trace(office.loop.time, **bounds)
    office.stack.watch = trace.see
    office.exchange.name_leg = trace.name_leg
    append = office.exchange._append

    def note(call: str, event: Any) -> None:
        append(call, event)
        trace.note(call, event)

    office.exchange._append = note
    return trace


async def ask(trace: Trace, call: str) -> dict[str, Any]:
    found = await trace.handlers()["trace"]({"call": call})
    return dict(json.loads(json.dumps(found)))


async def test_all_legs_of_a_call_are_told_in_order(office: Office) -> None:
    trace = watch(office)
    caller, callee = office.phone("101"), office.phone("102")
    mine, theirs = await talk(caller, callee)
    trace.hear(Digit("n-1-1", "7", 100, "rfc4733"))
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    found = await ask(trace, "102")
    assert found == await ask(trace, "n-1") == await ask(trace, "101")
    assert [(leg["leg"], leg["target"]) for leg in found["legs"]] == [("n-1-1", "phone:101"), ("n-1-2", "phone:102")]
    told = [(one["leg"][-1], one["sent"], one["summary"]) for one in found["messages"]]
    assert told[0] == ("1", False, "INVITE")
    assert ("2", True, "INVITE") in told
    answers = [(leg, sent) for leg, sent, text in told if text.startswith("200 ") and text.endswith("(INVITE)")]
    assert answers == [("2", False), ("1", True)]
    assert ("1", False, "BYE") in told
    assert ("2", True, "BYE") in told
    assert "sendrecv" in next(one["sdp"] for one in found["messages"] if one["summary"].startswith("200 "))
    assert "Bridged" in {one["event"] for one in found["events"]}
    assert '"7"' not in json.dumps(found["events"]), "keys may be part of a secret number"
    whole = json.dumps(found)
    assert "response=" not in whole
    assert "Authorization: (masked)" in whole


async def test_the_ladder_has_an_arrow_for_each_message_and_points_the_right_way(office: Office) -> None:
    trace = watch(office)
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    found = await ask(trace, "n-1")
    lines = draw(found)
    assert "phone:101" in lines[1]
    assert "switch" in lines[1]
    arrows = [line for line in lines if "--" in line]
    assert len(arrows) == len(found["messages"])
    first, last = arrows[0], next(line for line in arrows if "BYE " in line and line.index("BYE") > 45)
    assert "->|" in first
    assert "->|" in last
    assert "<-" in next(line for line in arrows if "200 OK (INVITE)" in line and line.index("200") < 45)
    assert max(map(len, lines)) < 250


async def test_other_calls_and_registrations_are_not_part_of_it(office: Office) -> None:
    trace = watch(office)
    for _ in range(2):
        mine, theirs = await talk(office.phone("101"), office.phone("102"))
        await mine.hang_up()
        await theirs.is_hung_up()
        await office.record()
    call_ids = [set(trace.find(name).legs.values()) for name in ("n-1", "n-2") if trace.find(name)]  # type: ignore[union-attr]
    assert not call_ids[0] & call_ids[1]
    for name, own in zip(("n-1", "n-2"), call_ids, strict=True):
        assert {leg["call_id"] for leg in (await ask(trace, name))["legs"]} == own
        assert all(any(one in text["text"] for one in own) for text in (await ask(trace, name))["messages"])
    assert (await ask(trace, "102"))["call"] == "n-2", "the last one"


async def test_who_asks_for_a_call_that_nobody_remembers_is_told_so(office: Office) -> None:
    trace = watch(office)
    for order in ({"call": "n-9"}, {"number": "199"}, {}, {"call": 5}):
        with pytest.raises(ControlError):
            await trace.handlers()["trace"](order)


def test_messages_are_remembered_up_to_so_many_octets() -> None:
    trace = Trace(lambda: 0.0, max_octets=10_000, max_calls=3)
    for number in range(100):
        trace.see(False, PEER, b"INVITE x\r\nCall-ID: %d\r\n\r\n" % number + b"x" * 800)
        trace.name_leg(f"n-{number}-1", str(number))
    assert len(trace._messages) == 9
    assert list(trace._stories) == ["n-97", "n-98", "n-99"]
    story = trace.find("n-99")
    assert story is not None
    assert [leg for leg, _ in trace.messages_of(story)] == ["n-99-1"]


def test_requests_that_belong_to_no_call_push_no_call_out() -> None:
    trace = Trace(lambda: 0.0)
    trace.see(False, PEER, b"REGISTER sip:x SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n")
    trace.see(True, PEER, b"SIP/2.0 200 OK\r\nVia: x\r\nCSeq: 1 REGISTER\r\n\r\n")
    assert not trace._messages
    trace.see(True, PEER, b"SIP/2.0 200 OK\r\nVia: x\r\nCSeq: 1 INVITE\r\n\r\n")
    assert len(trace._messages) == 1


@pytest.mark.parametrize(
    "text",
    [
        'Authorization: Digest username="101", response="SECRET"\r\n',
        'proxy-authorization : Digest username="101",\r\n response="SECRET",\r\n\tnonce="SECRET"\r\n',
        'AUTHORIZATION:\n Digest response="SECRET"\n',
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET|2^20|1:4\r\n",
        "a=crypto:1 inline:SECRET\r\n",
        "a=crypto:SECRET\r\n",
        "a=ice-pwd:SECRET\r\n",
        "INVITE sip:101:SECRET@host SIP/2.0\r\n",
        "Signal=SECRET\r\nDuration=100\r\n",
    ],
)
def test_nothing_that_lets_a_reader_in_is_shown(text: str) -> None:
    shown = mask(f"X: a\r\n{text}Call-ID: kept\r\n".encode())
    assert b"SECRET" not in shown
    assert shown.endswith(b"Call-ID: kept\r\n")


def test_a_session_description_in_one_line() -> None:
    lines = (
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 8 0",
        "a=sendonly",
    )
    body = "\r\n".join(lines).encode()
    assert describe_sdp(body) == "audio 192.0.2.1:4000 PCMA,PCMU sendonly"
    assert describe_sdp(b"nothing") == ""


@pytest.mark.parametrize(("peer", "head"), [("udp:192.0.2.7:5062", 28), ("tcp:[2001:db8::1]:5062", 48)])
def test_the_file_for_wireshark_has_one_packet_a_message(peer: str, head: int) -> None:
    message = {"at": 1.5, "sent": True, "peer": peer, "text": "BYE sip:x SIP/2.0\r\n\r\n"}
    data = write_pcap([message, {**message, "sent": False}], 1_000_000.25)
    assert struct.unpack("!IHHiIII", data[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    seconds, micro, length, whole = struct.unpack("!IIII", data[24:40])
    assert (seconds, micro, length, whole) == (1_000_001, 750_000, head + 21, head + 21)
    packet = data[40 : 40 + length]
    assert packet[0] >> 4 == (6 if head == 48 else 4)
    assert struct.unpack("!HH", packet[head - 8 : head - 4]) == (5060, 5062)
    assert packet[head:].startswith(b"BYE")
    assert len(data) == 24 + 2 * (16 + length)


async def test_messages_of_connections_are_remembered_as_well(office: Office) -> None:
    trace = watch(office)
    peer = Peer("tcp", "127.0.0.1", 6001, 1)
    text = request("BYE", "sip:x@127.0.0.1")
    office.stack.receive(parse(text), peer)
    office.complaints_expected = True  # no transport of this office reaches it
    assert next((seen.sent, seen.peer, seen.data) for seen in trace._messages) == (False, peer, text)


async def test_an_answer_has_a_bound_and_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.api.trace.MAX_ANSWER", 5000)
    trace = Trace(lambda: 0.0)
    trace.name_leg("n-1-1", "a")
    for number in range(20):
        trace.see(False, PEER, b"BYE %02d\r\nCall-ID: a\r\n\r\n" % number + b"x" * 1000)
    story = trace.find("n-1")
    assert story is not None
    found = [seen.data[4:6] for _, seen in trace.messages_of(story)]
    assert found == [b"15", b"16", b"17", b"18", b"19"]
