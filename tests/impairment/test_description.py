"""Session descriptions with other addresses."""

from tests.impairment.description import call_id, replace_audio, replace_contact
from tests.impairment.port import Address

SDP = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 101\r\na=rtcp:4001\r\na=sendrecv\r\n"
)


def message(body: str, length: str = "Content-Length: {}", kind: str = "Content-Type: application/sdp") -> bytes:
    head = (
        f"INVITE sip:102@127.0.0.1:38000 SIP/2.0\r\nCall-ID: abc@x\r\nContact: <sip:s@127.0.0.1:6000;x=1>\r\n{kind}\r\n"
    )
    return (head + length.format(len(body)) + "\r\n\r\n" + body).encode()


def seen_by(datagram: bytes) -> tuple[bytes, list[tuple[int, Address]]]:
    seen: list[tuple[int, Address]] = []

    def replace(number: int, old: Address) -> Address:
        seen.append((number, old))
        return ("127.0.0.1", 38100 + 2 * number)

    return replace_audio(datagram, replace), seen


def test_address_port_rtcp_and_length_are_replaced() -> None:
    changed, seen = seen_by(message(SDP))
    assert seen == [(0, ("10.0.0.1", 4000))]
    body = changed.partition(b"\r\n\r\n")[2]
    assert b"m=audio 38100 RTP/AVP 8 101\r\nc=IN IP4 127.0.0.1\r\na=rtcp:38101\r\na=sendrecv\r\n" in body
    assert f"Content-Length: {len(body)}\r\n".encode() in changed


def test_the_short_names_of_headers_are_known() -> None:
    changed, seen = seen_by(message(SDP, "l: {}", "c: application/sdp"))
    assert len(seen) == 1
    assert f"\r\nl: {len(changed.partition(bytes(2 * [13, 10]))[2])}\r\n".encode() in changed
    assert call_id(b"BYE sip:x SIP/2.0\r\ni: short\r\n\r\n") == b"short"


def test_an_address_of_the_stream_itself_counts_more_than_the_sessions() -> None:
    assert seen_by(message(SDP + "c=IN IP4 10.0.0.2\r\n"))[1] == [(0, ("10.0.0.2", 4000))]


def test_each_audio_stream_is_replaced_and_video_is_not() -> None:
    changed, seen = seen_by(message(SDP + "m=video 4010 RTP/AVP 96\r\nm=audio 4020 RTP/AVP 0\r\n"))
    assert seen == [(0, ("10.0.0.1", 4000)), (1, ("10.0.0.1", 4020))]
    assert b"m=video 4010 " in changed
    assert b"m=audio 38102 " in changed


def test_a_refused_or_held_stream_and_a_message_without_description_stay_as_they_are() -> None:
    for datagram in (
        message(SDP.replace("audio 4000", "audio 0")),
        message(SDP.replace("10.0.0.1", "0.0.0.0")),
        message("", kind="Subject: none"),
        message("m=audio 4000 RTP/AVP 8\r\n", kind="Content-Type: text/plain"),
        b"\r\n\r\n",
        b"",
    ):
        assert seen_by(datagram) == (datagram, [])


def test_only_the_contact_gets_the_other_address() -> None:
    datagram = (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:600\r\nm: <sip:s@127.0.0.1:600>, <sip:127.0.0.1:6000>\r\n\r\n"
    )
    changed = replace_contact(datagram, ("127.0.0.1", 600), ("127.0.0.1", 38000))
    assert changed == datagram.replace(b"s@127.0.0.1:600", b"s@127.0.0.1:38000")


def test_the_call_id_is_looked_for_in_the_head_alone() -> None:
    assert call_id(message(SDP)) == b"abc@x"
    assert call_id(b"BYE sip:x SIP/2.0\r\n\r\nCall-ID: no") == b""
