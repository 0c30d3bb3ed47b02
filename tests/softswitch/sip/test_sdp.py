"""Session descriptions: read, kept, written, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import BadSdp
from softswitch.sip.sdp import MAX_FORMATS, MAX_LINES, MAX_MEDIA, Connection, Encoding, MediaSection, Origin, Sdp

from .samples import SDP


def test_a_description_is_read() -> None:
    sdp = Sdp.parse(SDP)
    assert sdp.origin == Origin("-", 4711, 1, "IP4", "192.0.2.10")
    assert sdp.value("s") == "-"
    assert sdp.value("b") is None
    (audio,) = sdp.media
    assert (audio.kind, audio.port, audio.protocol, audio.formats) == ("audio", 40000, "RTP/AVP", ["0", "8", "101"])
    assert audio.encodings == {
        0: Encoding("PCMU", 8000),
        8: Encoding("PCMA", 8000),
        101: Encoding("telephone-event", 8000),
    }
    assert audio.parameters == {101: "0-16"}
    assert sdp.connection_of(audio) == Connection("IP4", "192.0.2.10")
    assert sdp.direction_of(audio) == "sendrecv"
    assert audio.ptime is None


def test_a_description_is_written_as_it_came() -> None:
    assert Sdp.parse(SDP).to_bytes() == SDP


def test_lines_that_nobody_knows_stay_in_their_order() -> None:
    body = (
        b"v=0\r\no=a 1 1 IN IP4 h\r\ns=x\r\ni=info\r\nz=0 0\r\nY=odd\r\n"
        b"b=nocolon\r\na=unknown:x:y\r\na=flag\r\nt=0 0\r\n"
        b"m=audio 4000/2 RTP/AVP 0\r\ni=left\r\nc=IN IP4 192.0.2.1/127/3\r\na=x\r\n"
        b"m=video 5000 RTP/AVP 31\r\n"
    )
    sdp = Sdp.parse(body)
    assert sdp.to_bytes() == body
    assert sdp.attributes("unknown") == ["x:y"]
    assert sdp.attributes("flag") == [""]
    assert sdp.media[0].connection == Connection("IP4", "192.0.2.1")
    assert sdp.media[0].port_count == 2


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_any_line_end_will_do(ending: bytes) -> None:
    assert Sdp.parse(SDP.replace(b"\r\n", ending)).to_bytes() == SDP


def test_missing_last_line_end_and_missing_name_and_time_are_forgiven() -> None:
    sdp = Sdp.parse(b"v=0\r\no=a 1 1 IN IP4 h\r\nc=IN IP4 192.0.2.1\r\nm=audio 49217 RTP/AVP 0 12")
    assert sdp.media[0].encodings == {0: Encoding("PCMU", 8000)}


def test_a_section_has_its_own_address_and_direction_before_those_of_the_session() -> None:
    sdp = Sdp.parse(SDP.replace(b"t=0 0", b"t=0 0\r\na=inactive") + b"c=IN IP6 2001:db8::1\r\na=recvonly\r\n")
    (audio,) = sdp.media
    assert sdp.connection_of(audio) == Connection("IP6", "2001:db8::1")
    assert sdp.direction_of(audio) == "recvonly"
    audio.lines = [line for line in audio.lines if line[0] != "a"]
    assert sdp.direction_of(audio) == "inactive"


@pytest.mark.parametrize(
    ("address", "unspecified"), [("0.0.0.0", True), ("::", True), ("192.0.2.1", False), ("host.example", False)]
)
def test_the_address_of_hold_is_known(address: str, unspecified: bool) -> None:
    assert Connection("IP4", address).is_unspecified == unspecified


@pytest.mark.parametrize(
    ("lines", "encodings"),
    [
        (b"a=rtpmap:96 opus/48000/2", {96: Encoding("opus", 48000, 2)}),
        (b"a=rtpmap:96 A/1\r\na=rtpmap:96 B/2", {96: Encoding("A", 1)}),
        (b"a=rtpmap:97 A/1", {}),
        (b"a=rtpmap:96", {}),
        (b"a=rtpmap:x A/1", {}),
        (b"a=rtpmap:96 A", {}),
        (b"a=rtpmap:96 A/9999999", {}),
        (b"a=rtpmap:4294967296 A/8000", {}),
    ],
)
def test_a_payload_type_means_what_its_first_good_rtpmap_says(lines: bytes, encodings: dict[int, Encoding]) -> None:
    body = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 96\r\n" + lines
    assert Sdp.parse(body).media[0].encodings == encodings


def test_a_payload_type_that_is_listed_twice_counts_once() -> None:
    section = MediaSection.parse("audio 4000 RTP/AVP 8 0 8 0 8")
    assert section.payload_types == [8, 0]
    assert list(section.encodings) == [8, 0]


@pytest.mark.parametrize(
    ("text", "ptime"),
    [("20", 20), ("30 ", 30), ("20.0", 20), ("0", None), ("x", None), ("", None), ("99999", None), ("-20", None)],
)
def test_a_packet_time_is_a_number_or_nothing(text: str, ptime: int | None) -> None:
    section = MediaSection.parse("audio 4000 RTP/AVP 0")
    section.lines = [("a", f"ptime:{text}")]
    assert section.ptime == ptime


def test_encodings_are_compared_without_case() -> None:
    assert Encoding("pcmu", 8000).is_same(Encoding("PCMU", 8000, 1))
    assert not Encoding("PCMU", 8000).is_same(Encoding("PCMU", 16000))
    assert not Encoding("L16", 8000, 2).is_same(Encoding("L16", 8000))
    assert (str(Encoding("PCMU", 8000)), str(Encoding("opus", 48000, 2))) == ("PCMU/8000", "opus/48000/2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"hello",
        b"v=1\r\n",
        b"o=a 1 1 IN IP4 h\r\nv=0\r\n",
        b"v=0\r\n\r\nm=audio 1 RTP/AVP 0",
        b"v=0\r\nnonsense",
        b"v=0\r\n=x",
        b"v=0\r\nm =audio 1 RTP/AVP 0",
        b"v=0\r\nm=",
        b"v=0\r\nm=audio",
        b"v=0\r\nm=audio 4000",
        b"v=0\r\nm=audio 4000 RTP/AVP",
        b"v=0\r\nm=audio 65536 RTP/AVP 0",
        b"v=0\r\nm=audio -1 RTP/AVP 0",
        b"v=0\r\nm=audio 99999999999999 RTP/AVP 0",
        b"v=0\r\nm=audio 4000 RTP/AVP 128",
        b"v=0\r\nm=audio 4000 RTP/AVP 4294967296",
        b"v=0\r\nm=audio 4000 RTP/AVP -1",
        b"v=0\r\nm=audio 4000 UDP/TLS/RTP/SAVPF 300",
        b"v=0\r\nm=audio 4000 RTP/AVP 0\x00",
        b"\x00\xff",
    ],
)
def test_a_broken_description_is_refused(body: bytes) -> None:
    with pytest.raises(BadSdp) as caught:
        Sdp.parse(body)
    assert caught.value.status == 488


def test_formats_of_other_profiles_are_not_numbers() -> None:
    assert MediaSection.parse("image 4000 udptl t38").formats == ["t38"]
    assert MediaSection.parse("application 9 UDP/DTLS/SCTP webrtc-datachannel").payload_types == []
    assert MediaSection.parse("audio 0 RTP/AVP").formats == []


@pytest.mark.parametrize(
    "text", ["", "a b 1 IN IP4 h", "a 1 1 IN IP5 h", "a 1 1 OUT IP4 h", "a 1 1 IN IP4", f"a {'9' * 21} 1 IN IP4 h"]
)
def test_a_broken_origin_is_refused(text: str) -> None:
    with pytest.raises(BadSdp):
        Origin.parse(text)
    with pytest.raises(BadSdp):
        _ = Sdp.parse(f"v=0\r\no={text}".encode()).origin


def test_a_missing_origin_or_address_is_refused_when_asked_for() -> None:
    sdp = Sdp.parse(b"v=0\r\nm=audio 4000 RTP/AVP 0")
    with pytest.raises(BadSdp):
        _ = sdp.origin
    with pytest.raises(BadSdp):
        sdp.connection_of(sdp.media[0])


@pytest.mark.parametrize("text", ["", "IN", "IN IP4", "IN IP7 h", "IP4 h", "IN IP4 h x"])
def test_a_broken_address_is_refused(text: str) -> None:
    with pytest.raises(BadSdp):
        Connection.parse(text)


def test_bounds() -> None:
    section = b"m=audio 4000 RTP/AVP 0\r\n"
    assert len(Sdp.parse(b"v=0\r\n" + section * MAX_MEDIA).media) == MAX_MEDIA
    for body in (
        b"v=0\r\n" + section * (MAX_MEDIA + 1),
        b"v=0\r\n" + b"a=x\r\n" * MAX_LINES,
        b"v=0\r\nm=audio 4000 RTP/AVP" + b" 0" * (MAX_FORMATS + 1),
    ):
        with pytest.raises(BadSdp):
            Sdp.parse(body)


LINES = st.tuples(
    st.sampled_from("oscibtakzr"),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20),
)
SECTIONS = st.builds(
    MediaSection,
    st.sampled_from(["audio", "video"]),
    st.integers(1, 65535),
    st.sampled_from(["RTP/AVP", "RTP/SAVP"]),
    st.lists(st.integers(0, 127).map(str), min_size=1, max_size=5),
    st.lists(LINES, max_size=5),
    st.none() | st.integers(1, 9),
)


@given(st.builds(Sdp, st.lists(LINES, max_size=6), st.lists(SECTIONS, max_size=4)))
def test_any_description_goes_both_ways(sdp: Sdp) -> None:
    assert Sdp.parse(sdp.to_bytes()) == sdp


@given(st.binary(max_size=200))
def test_any_octets_are_a_description_or_an_error_of_ours(body: bytes) -> None:
    for candidate in (body, b"v=0\r\n" + body, SDP + body):
        try:
            sdp = Sdp.parse(candidate)
        except BadSdp:
            continue
        for section in sdp.media:
            _ = section.encodings, section.parameters, section.ptime, sdp.direction_of(section)
        assert Sdp.parse(sdp.to_bytes()) == sdp
