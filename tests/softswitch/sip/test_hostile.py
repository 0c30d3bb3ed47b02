"""Floods inside of one message: refused or read in linear time, with bounded memory."""

import tracemalloc
from collections.abc import Callable
from time import process_time

import pytest

from softswitch.sip.address import Address
from softswitch.sip.errors import SipError
from softswitch.sip.fields import ContentType, Credentials, Via
from softswitch.sip.grammar import parse_params, split_list
from softswitch.sip.message import Message, Request, respond
from softswitch.sip.negotiate import LocalMedia, answer_offer
from softswitch.sip.parser import MAX_MESSAGE, StreamParser, parse
from softswitch.sip.sdp import Sdp
from softswitch.sip.uri import Uri

from .samples import INVITE_LINES, SDP, invite, write

LIMIT = 0.1
"""Seconds of processor time for the worst 64 kB; 20 ms on an idle machine."""


def use(datagram: bytes) -> None:
    """Parse, look at everything, answer."""
    try:
        message: Message = parse(datagram)
    except SipError as error:
        request = getattr(error, "request", None)
        if request is not None:
            respond(request, 400, to_tag="1").to_bytes()
        return
    for name in ("via", "vias", "from_", "to", "contacts", "routes", "record_routes", "content_type", "expires"):
        try:
            getattr(message, name)
        except SipError:
            continue
    if isinstance(message, Request):
        respond(message, 200, to_tag="1").to_bytes()


def header(name: str, value: str) -> bytes:
    """Write an INVITE with one header replaced, cut to what a datagram can hold."""
    return invite(**{name: value[: MAX_MESSAGE - 1000]})


MANY = 64_000
FLOODS: dict[str, Callable[[int], bytes]] = {
    "10,000 headers": lambda size: write("INVITE sip:a@b SIP/2.0", [*INVITE_LINES, *["a:b"] * (size // 5)]),
    "compact headers": lambda size: write("INVITE sip:a@b SIP/2.0", [*INVITE_LINES, *["v:"] * (size // 4)]),
    "5,000 Vias": lambda size: write("INVITE sip:a@b SIP/2.0", ["v:SIP/2.0/UDP a"] * (size // 17) + [*INVITE_LINES]),
    "Vias in a list": lambda size: header("Via", ",".join(["SIP/2.0/UDP a"] * (size // 14))),
    "contacts in a list": lambda size: header("Contact", ",".join(["<sip:a>"] * (size // 8))),
    "contacts without brackets": lambda size: header("Contact", ",".join(["sip:a"] * (size // 6))),
    "a folded line": lambda size: header("Subject", "\r\n " * (size // 3)),
    "a folded line in To": lambda size: header("To", "\r\n\t" * (size // 3) + "<sip:a@b>"),
    "blanks": lambda size: header("To", " " * size + "<sip:a@b>"),
    "blanks inside": lambda size: header("To", "a" + " " * size + "b"),
    "tabs before a colon": lambda size: write("INVITE sip:a@b SIP/2.0", [*INVITE_LINES, "X" + "\t" * size + ": y"]),
    "blanks between parameters": lambda size: header("To", "<sip:a@b>" + " " * size + ";"),
    "parameters": lambda size: header("To", "<sip:a@b>" + ";a=b" * (size // 4)),
    "distinct parameters": lambda size: header("From", "<sip:a@b>" + "".join(f";p{n}" for n in range(size // 7))),
    "URI parameters": lambda size: header("To", "<sip:a@b" + ";a=b" * (size // 4) + ">"),
    "URI headers": lambda size: header("Contact", "<sip:a@b?" + "&a=b" * (size // 4) + ">"),
    "quotes": lambda size: header("From", '"' * size),
    "escaped quotes": lambda size: header("From", '"' + '\\"' * (size // 2)),
    "escaped quotes in a list": lambda size: header("Contact", '"' + '\\",' * (size // 3)),
    "brackets": lambda size: header("To", "<" * size),
    "brackets in a list": lambda size: header("Contact", "<," * (size // 2)),
    "commas": lambda size: header("Contact", "," * size),
    "semicolons": lambda size: header("Via", "SIP/2.0/UDP a" + ";" * size),
    "slashes": lambda size: header("Via", "SIP/" * (size // 4)),
    "a long token": lambda size: header("To", "a" * size),
    "a long name and bracket": lambda size: header("To", "a " * (size // 2) + "<"),
    "a long host": lambda size: header("To", "<sip:" + "a." * (size // 2) + "/>"),
    "a long user": lambda size: header("To", "<sip:" + "a:" * (size // 2) + ">"),
    "escapes": lambda size: header("To", "<sip:" + "%41" * (size // 3) + "@b>"),
    "digits in CSeq": lambda size: header("CSeq", "9" * size + " INVITE"),
    "zeros in CSeq": lambda size: header("CSeq", "0" * size + "1 INVITE"),
    "blanks in CSeq": lambda size: header("CSeq", "1" + " " * size + "INVITE"),
    "digits in Expires": lambda size: header("Expires", "9" * size),
    "a long request URI": lambda size: write(f"INVITE sip:{'a' * size} SIP/2.0", INVITE_LINES),
    "semicolons in the request URI": lambda size: write(f"INVITE sip:a{';' * size} SIP/2.0", INVITE_LINES),
    "a long method": lambda size: write(f"{'A' * size} sip:a SIP/2.0", INVITE_LINES),
    "spaces in the first line": lambda size: write(f"INVITE sip:a {' ' * size}SIP/2.0", INVITE_LINES),
    "a long reason": lambda size: write(f"SIP/2.0 200 {'a' * size}", INVITE_LINES),
    "line ends": lambda size: b"\r\n" * (size // 2),
    "carriage returns": lambda size: b"\r" * size,
    "zeros": lambda size: b"\x00" * size,
    "no line end at all": lambda size: b"INVITE sip:a@b SIP/2.0\r\nVia: " + b"x" * size,
}


def seconds(work: Callable[[], None]) -> float:
    """Measure the best of three."""
    times = []
    for _ in range(3):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_survived_quickly(name: str) -> None:
    datagram = FLOODS[name](MANY)[:MAX_MESSAGE]
    assert seconds(lambda: use(datagram)) < LIMIT


@pytest.mark.parametrize("name", FLOODS)
def test_twice_the_flood_takes_not_four_times_as_long(name: str) -> None:
    half, whole = FLOODS[name](MANY // 2), FLOODS[name](MANY)
    for _ in range(5):  # what is quadratic fails five times, a machine that has others to serve does not
        base = max(seconds(lambda: use(half)), 0.001)
        if seconds(lambda: use(whole)) < 3.2 * base:
            return
    pytest.fail("the time grows with more than the size")


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_in_small_pieces_is_survived_quickly(name: str) -> None:
    datagram = FLOODS[name](MANY)[:MAX_MESSAGE]

    def drip() -> None:
        parser = StreamParser()
        for place in range(0, len(datagram), 64):
            parser.feed(datagram[place : place + 64])

    assert seconds(drip) < LIMIT


def test_a_declared_length_allocates_nothing() -> None:
    tracemalloc.start()
    try:
        for length in (4294967295, 10**9, 60_000):
            StreamParser().feed(write("INVITE sip:a@b SIP/2.0", INVITE_LINES, b"", length))
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_a_stream_never_keeps_more_than_one_message() -> None:
    parser = StreamParser(max_message=10_000)
    for _ in range(100):
        parser.feed(b"x" * 1000)
    assert parser.broken
    assert parser.pending == 0


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (Uri.parse, "sip:" + "a" * MANY + "@"),
        (Uri.parse, "sip:a@b" + ";" * MANY),
        (Uri.parse, "sip:a@b?" + "&" * MANY),
        (Address.parse, '"' + "\\" * MANY),
        (Address.parse, "a" * MANY + "<"),
        (Address.parse_list, '"a",' * (MANY // 4) + '"'),
        (Via.parse, "SIP/2.0/UDP " + "[" * MANY),
        (Via.parse, "a" * MANY),
        (ContentType.parse, "a/" * (MANY // 2)),
        (Credentials.parse, "Digest " + "a=b," * (MANY // 4)),
        (Credentials.parse, "Digest " + 'a="\\' * (MANY // 4)),
        (Credentials.parse, "Digest " + "a=" * (MANY // 2)),
        (Credentials.parse, "Digest " + " " * MANY + "x"),
        (parse_params, "; " * (MANY // 2)),
        (parse_params, ';a="' + '\\"' * (MANY // 2)),
        (split_list, '"\\",' * (MANY // 4)),
        (split_list, '<"' * (MANY // 2)),
    ],
)
def test_a_value_that_wants_to_be_read_for_ever_is_not(read: Callable[[str], object], text: str) -> None:
    def work() -> None:
        try:
            read(text)
        except SipError:
            return

    assert seconds(work) < LIMIT


LOCAL = LocalMedia("127.0.0.1", 20000)
DESCRIPTIONS = {
    "media sections": SDP + b"m=audio 4000 RTP/AVP 0\r\n" * 2000,
    "attributes": SDP + b"a=rtpmap:0 PCMU/8000\r\n" * 2900,
    "short attributes": SDP + b"a=\r\n" * 16_000,
    "payload types": SDP.replace(b"0 8 101", b"0 " * 30_000),
    "a long line": SDP + b"a=" + b"x" * MANY,
    "blanks in m=": SDP.replace(b"0 8 101", b" " * MANY + b"\x01"),
    "blanks in c=": SDP.replace(b"IP4 192", b"IP4" + b" " * MANY + b"192"),
    "digits": SDP.replace(b"40000", b"9" * MANY),
    "digits in o=": SDP.replace(b"4711", b"9" * MANY),
    "digits in ptime": SDP + b"a=ptime:" + b"9" * MANY,
    "line ends": SDP + b"\r\n" * 30_000,
    "carriage returns": b"\r" * MANY,
    "zeros": b"v=0\r\n" + b"\x00" * MANY,
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_hostile_description_is_survived_quickly(name: str) -> None:
    def work() -> None:
        try:
            answer_offer(DESCRIPTIONS[name], LOCAL)
            str(Sdp.parse(DESCRIPTIONS[name]).origin)
        except SipError:
            return

    assert seconds(work) < LIMIT
