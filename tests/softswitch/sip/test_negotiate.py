"""Offer and answer (RFC 3264)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.crypto import INCOMPATIBLE_TRANSPORT
from softswitch.sip.errors import BadSdp, NotAcceptable, SipError
from softswitch.sip.negotiate import (
    CODECS,
    INCOMPATIBLE_ADDRESS,
    INCOMPATIBLE_FORMAT,
    NO_SUCH_MEDIA,
    Codec,
    LocalMedia,
    Negotiated,
    accept_answer,
    answer_offer,
    make_offer,
)
from softswitch.sip.sdp import DIRECTIONS, Sdp

from .samples import SDP

LOCAL = LocalMedia("192.0.2.99", 20000, session_id=7, version=3)


def offer(*sections: str, connection: str = "IN IP4 192.0.2.10", session: str = "") -> bytes:
    """Write an offer of the peer."""
    head = f"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc={connection}\r\nt=0 0\r\n{session}"
    return (head + "".join(f"m={section}\r\n" for section in sections)).encode()


def refusal(body: bytes, local: LocalMedia = LOCAL) -> NotAcceptable:
    """Answer what cannot be accepted."""
    with pytest.raises(NotAcceptable) as caught:
        answer_offer(body, local)
    assert caught.value.status == 488
    return caught.value


# --- offers of ours


def test_an_offer_has_all_codecs_in_order_and_events() -> None:
    assert make_offer(LOCAL) == (
        b"v=0\r\no=- 7 3 IN IP4 192.0.2.99\r\ns=softswitch\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n"
        b"m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_wideband_codecs_are_offered_with_what_their_decoders_take() -> None:
    text = make_offer(replace(LOCAL, codecs=("OPUS", "G722", "L16", "GSM"))).decode()
    assert "m=audio 20000 RTP/AVP 96 9 97 3 101\r\n" in text
    assert "a=rtpmap:96 opus/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:97 L16/16000\r\n" in text
    assert "a=fmtp:96 useinbandfec=1;maxaveragebitrate=32000;maxplaybackrate=16000;stereo=0\r\n" in text


def test_a_codec_keeps_the_payload_type_that_it_has_in_the_session() -> None:
    local = replace(LOCAL, codecs=("OPUS", "PCMA"))
    body = offer("audio 4000 RTP/AVP 111 8") + b"a=rtpmap:111 opus/48000/2\r\n"
    answer, agreed = answer_offer(body, local)
    assert (agreed.codec.name, agreed.codec.payload_type, agreed.codec.clock_rate) == ("OPUS", 111, 48000)
    assert b"m=audio 20000 RTP/AVP 111 8 101" in make_offer(local, previous=answer)


def test_a_usual_payload_type_that_means_something_else_here_is_not_used_again() -> None:
    local = replace(LOCAL, codecs=("OPUS",))
    settled = (
        make_offer(local).replace(b"101", b"96").replace(b"AVP 96 96", b"AVP 96").replace(b"rtpmap:96 opus", b"x:")
    )
    assert b"RTP/AVP 127 96\r\n" in make_offer(local, previous=settled)


def test_an_offer_without_events_over_ipv6() -> None:
    local = LocalMedia("2001:db8::1", 20002, ("PCMU",), telephone_event=False, ptime=30)
    text = make_offer(local, "sendonly").decode()
    assert "c=IN IP6 2001:db8::1\r\n" in text
    assert "m=audio 20002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:30\r\na=sendonly\r\n" in text


def test_the_same_offer_again_has_the_same_version() -> None:
    first = make_offer(LOCAL)
    assert make_offer(LOCAL, previous=first) == first
    assert make_offer(replace(LOCAL, version=99), previous=first) == first


def test_each_change_counts_the_version_up_by_one() -> None:
    versions = []
    current = make_offer(LOCAL)
    for direction in ("sendonly", "sendonly", "sendrecv", "inactive"):
        current = make_offer(LOCAL, direction, current)
        versions.append(Sdp.parse(current).origin.version)
    moved = make_offer(replace(LOCAL, port=20010), "inactive", current)
    assert versions == [4, 4, 5, 6]
    assert Sdp.parse(moved).origin == replace(Sdp.parse(current).origin, version=7)


def test_a_later_offer_keeps_the_sections_at_their_places() -> None:
    answer, _ = answer_offer(
        offer(
            "video 5000 RTP/AVP 31",
            "audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000",
            "image 6000 udptl t38",
        ),
        LOCAL,
    )
    again = Sdp.parse(make_offer(LOCAL, previous=answer))
    assert [(section.kind, section.port) for section in again.media] == [("video", 0), ("audio", 20000), ("image", 0)]
    assert again.media[1].formats == ["8", "0", "96"]
    assert again.origin.version == 4


def test_a_payload_type_for_events_never_takes_one_that_means_something_else() -> None:
    answer = (
        make_offer(replace(LOCAL, telephone_event=False)).replace(b"AVP 8 0", b"AVP 8 0 101")
        + b"a=rtpmap:101 odd/8000\r\n"
    )
    assert Sdp.parse(make_offer(LOCAL, previous=answer)).media[0].formats == ["8", "0", "96"]


def test_a_previous_description_without_media_is_no_hindrance() -> None:
    previous = b"v=0\r\no=- 7 3 IN IP4 192.0.2.99\r\ns=x\r\nt=0 0\r\n"
    assert len(Sdp.parse(make_offer(LOCAL, previous=previous)).media) == 1


# --- answers of ours


@pytest.mark.parametrize(
    ("formats", "lines", "answered"),
    [
        ("0 13 101", "", "0 13"),
        ("0 8 13", "a=rtpmap:13 CN/8000\r\n", "8 13"),
        ("0 118", "a=rtpmap:118 CN/8000\r\n", "0"),
        ("0 118", "a=rtpmap:118 CN/16000\r\n", "0"),
        ("0", "", "0"),
    ],
)
def test_comfort_noise_is_answered_where_it_is_offered_by_its_own_number(
    formats: str, lines: str, answered: str
) -> None:
    answer, negotiated = answer_offer(offer(f"audio 4000 RTP/AVP {formats}\r\n{lines}".rstrip()), LOCAL)
    assert f"m=audio 20000 RTP/AVP {answered}\r\n".encode() in answer
    assert (b"a=rtpmap:13 CN/8000\r\n" in answer) == ("13" in answered.split())
    assert negotiated.codec.name in ("PCMU", "PCMA")
    assert negotiated.comfort_noise == ("13" in answered.split())


@pytest.mark.parametrize(("codec", "number", "noise"), [("G722", 9, True), ("GSM", 3, False)])
def test_a_codec_that_pauses_by_itself_is_answered_without_comfort_noise(codec: str, number: int, noise: bool) -> None:
    answer, negotiated = answer_offer(offer(f"audio 4000 RTP/AVP {number} 13"), replace(LOCAL, codecs=(codec,)))
    assert (b"RTP/AVP %d 13\r\n" % number in answer) == noise
    assert negotiated.comfort_noise == noise


@pytest.mark.parametrize(
    ("codecs", "answer", "noise"),
    [
        (("PCMA", "PCMU"), "audio 4000 RTP/AVP 8 13", True),
        (("PCMA", "PCMU"), "audio 4000 RTP/AVP 8", False),
        (("PCMA",), "audio 4000 RTP/AVP 8 13\r\na=rtpmap:13 CN/16000", False),
        (("GSM", "PCMA"), "audio 4000 RTP/AVP 3 13", False),
        (("GSM",), "audio 4000 RTP/AVP 3 13", False),
    ],
)
def test_comfort_noise_that_we_offer_is_in_use_when_it_is_answered(
    codecs: tuple[str, ...], answer: str, noise: bool
) -> None:
    local = replace(LOCAL, codecs=codecs, comfort_noise=True)
    ours = make_offer(local)
    assert (b" 13 101\r\n" in ours) == (b"a=rtpmap:13 CN/8000\r\n" in ours) == (codecs != ("GSM",))
    assert accept_answer(ours, offer(answer), local).comfort_noise == noise
    assert make_offer(local, previous=ours) == ours


def test_comfort_noise_that_we_did_not_offer_is_not_in_use() -> None:
    assert not accept_answer(make_offer(LOCAL), offer("audio 4000 RTP/AVP 8 13"), LOCAL).comfort_noise


def test_an_answer_takes_our_first_codec_and_their_events() -> None:
    answer, agreed = answer_offer(SDP, LOCAL)
    assert agreed == Negotiated(Codec("PCMA", 8000, 1, 8), 8, 101, 101, "192.0.2.10", 40000, "sendrecv", False, 20)
    assert answer == (
        b"v=0\r\no=- 7 3 IN IP4 192.0.2.99\r\ns=softswitch\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n"
        b"m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        b"a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_the_order_of_our_codecs_decides() -> None:
    assert answer_offer(SDP, replace(LOCAL, codecs=("PCMU", "PCMA")))[1].codec.name == "PCMU"
    assert answer_offer(SDP, replace(LOCAL, codecs=("G722", "PCMU")))[1].codec.name == "PCMU"


def test_an_answer_has_as_many_sections_in_the_same_order() -> None:
    body = offer(
        "video 5000 RTP/AVP 31 34",
        "audio 4000 RTP/AVP 0",
        "audio 4002 RTP/AVP 8",
        "image 6000 udptl t38",
        "text 0 RTP/AVP",
    )
    answer = Sdp.parse(answer_offer(body, LOCAL)[0])
    assert [str(section).partition("\r\n")[0] for section in answer.media] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 20000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 8",
        "m=image 0 udptl t38",
        "m=text 0 RTP/AVP 0",
    ]


def test_an_audio_section_that_we_cannot_take_gives_way_to_the_next() -> None:
    body = offer("audio 4000 RTP/SAVP 0", "audio 4002 RTP/AVP 18", "audio 0 RTP/AVP 0", "audio 4004 RTP/AVP 0")
    answer, agreed = answer_offer(body, LOCAL)
    assert [section.port for section in Sdp.parse(answer).media] == [0, 0, 0, 20000]
    assert agreed.remote_port == 4004


def test_the_profile_of_the_offer_is_kept() -> None:
    assert b"m=audio 20000 RTP/AVPF 0\r\n" in answer_offer(offer("audio 4000 RTP/AVPF 0"), LOCAL)[0]


def test_other_payload_types_of_the_peer_are_used() -> None:
    body = offer(
        "audio 4000 RTP/AVP 97 98 99\r\na=rtpmap:97 pcmu/8000/1\r\na=rtpmap:98 opus/48000/2\r\n"
        "a=rtpmap:99 Telephone-Event/8000\r\na=fmtp:97 x=y"
    )
    answer, agreed = answer_offer(body, LOCAL)
    assert b"m=audio 20000 RTP/AVP 97 99\r\na=rtpmap:97 PCMU/8000\r\na=rtpmap:99 telephone-event/8000\r\n" in answer
    assert agreed.codec == Codec("PCMU", 8000, 1, 97, "x=y")
    assert (agreed.receive_payload_type, agreed.dtmf_send, agreed.dtmf_receive) == (97, 99, 99)


def test_a_static_number_that_was_given_another_meaning_has_that_meaning() -> None:
    body = offer("audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMA/8000\r\na=rtpmap:8 PCMU/8000")
    assert answer_offer(body, LOCAL)[1].codec == Codec("PCMA", 8000, 1, 0)


def test_codecs_that_are_listed_twice_are_taken_once() -> None:
    body = offer("audio 4000 RTP/AVP 8 8 96 8\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 PCMA/8000\r\na=rtpmap:8 PCMU/8000")
    answer, agreed = answer_offer(body, LOCAL)
    assert agreed.codec == Codec("PCMA", 8000, 1, 8)
    assert b"m=audio 20000 RTP/AVP 8\r\n" in answer


def test_events_at_another_clock_rate_are_not_ours() -> None:
    body = offer(
        "audio 4000 RTP/AVP 0 100 101\r\na=rtpmap:100 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000"
    )
    assert answer_offer(body, LOCAL)[1].dtmf_send == 101


def test_no_events_when_one_side_does_not_want_them() -> None:
    answer, agreed = answer_offer(SDP, replace(LOCAL, telephone_event=False))
    assert (agreed.dtmf_send, agreed.dtmf_receive) == (None, None)
    assert b"telephone-event" not in answer
    assert answer_offer(offer("audio 4000 RTP/AVP 0"), LOCAL)[1].dtmf_send is None


@pytest.mark.parametrize(
    ("line", "ptime"),
    [("a=ptime:30", 30), ("a=ptime:1", 20), ("a=ptime:1000", 20), ("a=ptime:", 20), ("a=maxptime:20", 20)],
)
def test_we_send_packets_as_long_as_the_peer_likes_them(line: str, ptime: int) -> None:
    assert answer_offer(SDP + line.encode(), LOCAL)[1].ptime == ptime


def test_attributes_that_nobody_knows_change_nothing() -> None:
    odd = (
        SDP
        + b"a=candidate:1 1 UDP 1 10.0.0.1 9 typ host\r\na=ice-ufrag:x\r\na=rtcp-mux\r\na=crypto\r\n"
        + b"a=\r\nb=TIAS\r\nk=prompt\r\n"
    )
    assert answer_offer(odd, LOCAL) == answer_offer(SDP, LOCAL)


def test_the_same_answer_again_has_the_same_version_and_a_changed_one_the_next() -> None:
    first, _ = answer_offer(SDP, LOCAL)
    assert answer_offer(SDP, LOCAL, previous=first)[0] == first
    held, _ = answer_offer(SDP.replace(b"sendrecv", b"sendonly"), LOCAL, previous=first)
    assert Sdp.parse(held).origin.version == 4
    back, _ = answer_offer(SDP, LOCAL, previous=held)
    assert Sdp.parse(back).origin.version == 5


# --- directions and hold

# RFC 3264 section 6.1: what we answer, by what is offered (rows) and what we want (columns)
MEETING = {
    "sendrecv": {"sendrecv": "sendrecv", "sendonly": "sendonly", "recvonly": "recvonly", "inactive": "inactive"},
    "sendonly": {"sendrecv": "recvonly", "sendonly": "inactive", "recvonly": "recvonly", "inactive": "inactive"},
    "recvonly": {"sendrecv": "sendonly", "sendonly": "sendonly", "recvonly": "inactive", "inactive": "inactive"},
    "inactive": {"sendrecv": "inactive", "sendonly": "inactive", "recvonly": "inactive", "inactive": "inactive"},
}


@pytest.mark.parametrize("offered", DIRECTIONS)
@pytest.mark.parametrize("wanted", DIRECTIONS)
def test_directions_meet(offered: str, wanted: str) -> None:
    answer, agreed = answer_offer(offer(f"audio 4000 RTP/AVP 0\r\na={offered}"), LOCAL, wanted)
    assert agreed.direction == MEETING[offered][wanted]
    assert answer.endswith(f"a={agreed.direction}\r\n".encode())
    assert agreed.held == (offered in ("sendonly", "inactive"))


def test_a_direction_of_the_session_counts_for_its_sections() -> None:
    assert answer_offer(offer("audio 4000 RTP/AVP 0", session="a=sendonly\r\n"), LOCAL)[1].direction == "recvonly"


@pytest.mark.parametrize(
    ("connection", "attribute", "direction"),
    [
        ("IN IP4 0.0.0.0", "", "recvonly"),
        ("IN IP4 0.0.0.0", "a=sendrecv", "recvonly"),
        ("IN IP4 0.0.0.0", "a=sendonly", "recvonly"),
        ("IN IP4 0.0.0.0", "a=inactive", "inactive"),
        ("IN IP4 0.0.0.0", "a=recvonly", "inactive"),
        ("IN IP6 ::", "", "recvonly"),
    ],
)
def test_hold_in_the_old_style(connection: str, attribute: str, direction: str) -> None:
    agreed = answer_offer(offer(f"audio 4000 RTP/AVP 0\r\n{attribute}".rstrip(), connection=connection), LOCAL)[1]
    assert (agreed.held, agreed.direction) == (True, direction)


def test_hold_by_the_address_of_the_section() -> None:
    agreed = answer_offer(offer("audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0"), LOCAL)[1]
    assert (agreed.held, agreed.remote_host) == (True, "0.0.0.0")


# --- what is not acceptable


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (offer("audio 4000 RTP/AVP 18"), INCOMPATIBLE_FORMAT),
        (offer("audio 4000 RTP/AVP 96"), INCOMPATIBLE_FORMAT),
        (offer("audio 4000 RTP/AVP 0\r\na=rtpmap:0 odd/8000"), INCOMPATIBLE_FORMAT),
        (offer("audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000"), INCOMPATIBLE_FORMAT),
        (offer("audio 4000 RTP/SAVP 0"), INCOMPATIBLE_TRANSPORT),
        (offer("audio 4000 UDP/TLS/RTP/SAVPF 0"), INCOMPATIBLE_TRANSPORT),
        (offer("video 4000 RTP/AVP 31"), NO_SUCH_MEDIA),
        (offer("audio 0 RTP/AVP 0"), NO_SUCH_MEDIA),
        (offer(), NO_SUCH_MEDIA),
        (offer("audio 4000 RTP/AVP 0", connection="IN IP4 host.example.com"), INCOMPATIBLE_ADDRESS),
        (offer("audio 4000 RTP/AVP 0", connection="IN IP4 224.2.1.1/127"), INCOMPATIBLE_ADDRESS),
        (offer("audio 4000 RTP/AVP 0", connection="IN IP4 255.255.255.255"), INCOMPATIBLE_ADDRESS),
        (offer("audio 4000 RTP/AVP 0", connection="IN IP6 2001:db8::1"), INCOMPATIBLE_ADDRESS),
    ],
)
def test_an_offer_without_anything_for_us_is_refused_with_a_warning(body: bytes, code: int) -> None:
    error = refusal(body)
    assert error.code == code
    assert error.warning == f'{code} softswitch "{error.text}"'
    assert error.text in str(error)


def test_the_first_problem_is_told() -> None:
    assert refusal(offer("audio 4000 RTP/SAVP 0", "audio 4002 RTP/AVP 18")).code == INCOMPATIBLE_TRANSPORT


def test_a_warning_cannot_break_out_of_its_quotes() -> None:
    assert NotAcceptable('a "b" \\').warning == '304 softswitch "a \\"b\\" \\\\"'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n",
        SDP.replace(b"c=IN IP4", b"c=IN"),
        SDP.replace(b"0 8 101", b"4294967296"),
    ],
)
def test_an_offer_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadSdp):
        answer_offer(body, LOCAL)


# --- answers of the peer


def accept(answer: bytes, direction: str = "sendrecv") -> Negotiated:
    """Take an answer to our usual offer."""
    return accept_answer(make_offer(LOCAL, direction), answer, LOCAL)


def test_an_answer_is_understood() -> None:
    agreed = accept(offer("audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:30"))
    assert agreed == Negotiated(Codec("PCMU", 8000, 1, 0), 0, 101, 101, "192.0.2.10", 4000, "sendrecv", False, 30)


def test_the_peer_decides_among_the_offered_codecs() -> None:
    assert accept(offer("audio 4000 RTP/AVP 0 8")).codec.name == "PCMU"
    assert accept(offer("audio 4000 RTP/AVP 18 8 0")).codec.name == "PCMA"


def test_an_answer_may_use_other_numbers() -> None:
    agreed = accept(offer("audio 4000 RTP/AVP 97 100\r\na=rtpmap:97 PCMU/8000\r\na=rtpmap:100 telephone-event/8000"))
    assert (agreed.codec.payload_type, agreed.receive_payload_type) == (97, 0)
    assert (agreed.dtmf_send, agreed.dtmf_receive) == (100, 101)


def test_a_number_without_meaning_in_the_answer_means_what_we_offered() -> None:
    agreed = accept(offer("audio 4000 RTP/AVP 0 101"))
    assert (agreed.dtmf_send, agreed.dtmf_receive) == (101, 101)


def test_an_answer_without_events_has_no_events() -> None:
    agreed = accept(offer("audio 4000 RTP/AVP 0"))
    assert (agreed.dtmf_send, agreed.dtmf_receive) == (None, None)


@pytest.mark.parametrize(
    ("ours", "theirs", "direction", "held"),
    [
        ("sendrecv", "sendrecv", "sendrecv", False),
        ("sendrecv", "recvonly", "sendonly", False),
        ("sendrecv", "sendonly", "recvonly", True),
        ("sendrecv", "inactive", "inactive", True),
        ("sendonly", "recvonly", "sendonly", False),
        ("sendonly", "sendrecv", "sendonly", False),
        ("sendonly", "inactive", "inactive", True),
        ("recvonly", "sendonly", "recvonly", False),
        ("inactive", "inactive", "inactive", False),
    ],
)
def test_hold_in_an_answer(ours: str, theirs: str, direction: str, held: bool) -> None:
    agreed = accept(offer(f"audio 4000 RTP/AVP 0\r\na={theirs}"), ours)
    assert (agreed.direction, agreed.held) == (direction, held)


@pytest.mark.parametrize("answer", [offer(), offer("audio 4000 RTP/AVP 0", "video 0 RTP/AVP 31"), b"junk", b""])
def test_an_answer_that_does_not_belong_to_the_offer_is_refused(answer: bytes) -> None:
    with pytest.raises(BadSdp):
        accept(answer)


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ("audio 0 RTP/AVP 0", NO_SUCH_MEDIA),
        ("video 4000 RTP/AVP 0", NO_SUCH_MEDIA),
        ("audio 4000 RTP/AVP 18", INCOMPATIBLE_FORMAT),
        ("audio 4000 RTP/AVP 101", INCOMPATIBLE_FORMAT),
        ("audio 4000 RTP/SAVP 0", INCOMPATIBLE_TRANSPORT),
    ],
)
def test_an_answer_without_anything_for_us_is_not_acceptable(section: str, code: int) -> None:
    with pytest.raises(NotAcceptable) as caught:
        accept(offer(section))
    assert caught.value.code == code


def test_an_offer_of_ours_without_media_has_no_answer() -> None:
    with pytest.raises(BadSdp):
        accept_answer(offer(), offer(), LOCAL)


def test_the_audio_of_a_later_offer_is_found_at_its_place() -> None:
    answer, _ = answer_offer(offer("video 5000 RTP/AVP 31", "audio 4000 RTP/AVP 0"), LOCAL)
    again = make_offer(LOCAL, previous=answer)
    agreed = accept_answer(again, offer("video 0 RTP/AVP 31", "audio 4000 RTP/AVP 8"), LOCAL)
    assert (agreed.codec.name, agreed.remote_port) == ("PCMA", 4000)


# --- in general


@given(
    st.permutations(list(CODECS)).flatmap(
        lambda names: st.integers(1, len(CODECS)).map(lambda count: tuple(names[:count]))
    ),
    st.permutations(list(CODECS)).map(tuple),
    st.booleans(),
    st.booleans(),
    st.sampled_from(DIRECTIONS),
    st.sampled_from(DIRECTIONS),
)
def test_both_sides_understand_the_same(
    ours: tuple[str, ...], theirs: tuple[str, ...], event: bool, their_event: bool, direction: str, wanted: str
) -> None:
    caller = LocalMedia("192.0.2.1", 20000, ours, telephone_event=event)
    callee = LocalMedia("192.0.2.2", 30000, theirs, telephone_event=their_event)
    body = make_offer(caller, direction)
    answer, at_callee = answer_offer(body, callee, wanted)
    at_caller = accept_answer(body, answer, caller)
    mirror = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
    assert at_caller.codec == at_callee.codec
    assert at_caller.direction == mirror[at_callee.direction]
    assert (at_caller.dtmf_send, at_caller.dtmf_receive) == (at_callee.dtmf_receive, at_callee.dtmf_send)
    assert (at_caller.dtmf_send is not None) == (event and their_event)
    assert (at_caller.remote_port, at_callee.remote_port) == (30000, 20000)


LINES = [
    *SDP.split(b"\r\n")[1:-1],
    b"m=video 5000 RTP/AVP 31",
    b"a=sendonly",
    b"c=IN IP4 0.0.0.0",
    b"a=rtpmap:8",
    b"b=AS",
    b"m=audio 0 RTP/AVP 8",
    b"a=ptime:",
]


@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=12), max_size=16))
def test_any_mix_of_lines_is_answered_or_refused(lines: list[bytes]) -> None:
    body = b"\r\n".join([b"v=0", *lines])
    try:
        answer, agreed = answer_offer(body, LOCAL)
    except SipError:
        return
    assert len(Sdp.parse(answer).media) == len(Sdp.parse(body).media)
    assert 0 < agreed.remote_port < 65536
    assert accept_answer(make_offer(LOCAL, previous=answer), answer, LOCAL)


@given(st.data())
def test_a_description_with_any_octets_changed_is_answered_or_refused(data: st.DataObject) -> None:
    body = bytearray(SDP)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    for work in (
        lambda: answer_offer(bytes(body), LOCAL),
        lambda: accept_answer(make_offer(LOCAL), bytes(body), LOCAL),
    ):
        try:
            work()
        except SipError:
            continue
