"""Hostile messages through the whole stack: parse, route and answer cost little memory, and nothing stays behind."""

import gc
import random
import tracemalloc

import pytest

from softswitch.sip.parser import MAX_MESSAGE
from softswitch.sip.peer import Peer
from softswitch.stack import Stack
from tests.softswitch.sip.samples import INVITE_LINES, request, write
from tests.softswitch.sip.test_hostile import FLOODS, MANY

PEER = Peer("udp", "192.0.2.10", 5062)
MEBIBYTE = 1024 * 1024
NESTED = {
    "nested multipart": "".join(
        f"--{n}\r\nContent-Type: multipart/mixed;boundary={n + 1}\r\n\r\n" for n in range(1500)
    ),
    "nested XML": "<a>" * 20_000,
    "nested brackets": "[" * 60_000,
}
MESSAGES = {
    **{name: flood(MANY)[:MAX_MESSAGE] for name, flood in FLOODS.items()},
    **{name: request("INVITE", "sip:x@192.0.2.2", body.encode()) for name, body in NESTED.items()},
    "a length of 2^32": write("INVITE sip:x SIP/2.0", INVITE_LINES, b"", 2**32),
    "a length of 2^64": write("INVITE sip:x SIP/2.0", INVITE_LINES, b"", 2**64),
    "a negative length": write("INVITE sip:x SIP/2.0", INVITE_LINES, b"", -1),
}


class Out:
    """A transport that counts."""

    name, host, port = "udp", "192.0.2.2", 5060

    def __init__(self) -> None:
        self.octets = 0

    def send(self, data: bytes, peer: Peer) -> None:
        self.octets += len(data)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_hostile_message_takes_less_than_a_mebibyte_and_leaves_nothing(name: str) -> None:
    now = [1000.0]
    stack = Stack(lambda: now[0], lambda when: None, rng=random.Random(1))
    out = Out()
    stack.add_transport(out)
    data = MESSAGES[name]
    stack.receive_datagram(data, PEER)  # what is made once for ever is not counted
    gc.collect()
    tracemalloc.start()
    try:
        stack.receive_datagram(data, PEER)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEBIBYTE
    assert out.octets <= 2 * (len(data) + 1000)
    assert stack.counters.bugs == 0
    for _ in range(20):
        now[0] += 40.0
        stack.handle_timers()
    assert len(stack.table) == 0
