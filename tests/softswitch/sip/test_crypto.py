"""Keys of SRTP in offers and answers (RFC 4568)."""

import base64
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.crypto import KEY_SIZE, MAX_LINES, SUITES, Crypto, SrtpKeys, SrtpPolicy, make_key
from softswitch.sip.errors import NotAcceptable, SipError
from softswitch.sip.negotiate import LocalMedia, accept_answer, answer_offer, make_offer
from softswitch.sip.sdp import Sdp

LONG, SHORT = SUITES
KEY, OTHER_KEY = bytes(range(KEY_SIZE)), bytes(range(100, 100 + KEY_SIZE))
OFF = LocalMedia("192.0.2.99", 20000, session_id=7, version=3)
PREFERRED, REQUIRED = replace(OFF, srtp="preferred"), replace(OFF, srtp="required")


def inline(key: bytes = KEY) -> str:
    return "inline:" + base64.b64encode(key).decode()


def line(suite: str = LONG, key: bytes = KEY, tag: int = 1, more: str = "") -> str:
    return f"{tag} {suite} {inline(key)}{more}"


def section(protocol: str, *cryptos: str, port: int = 4000) -> str:
    return f"audio {port} {protocol} 8\r\n" + "".join(f"a=crypto:{crypto}\r\n" for crypto in cryptos)


def describe(*sections: str) -> bytes:
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    return (head + "".join(f"m={one}" for one in sections)).encode()


def cryptos_of(description: bytes, place: int = 0) -> list[Crypto]:
    found = [Crypto.parse(value) for value in Sdp.parse(description).media[place].attributes("crypto")]
    assert None not in found
    return [one for one in found if one is not None]


def protocols_of(description: bytes) -> list[str]:
    return [f"{one.protocol} {one.port}" for one in Sdp.parse(description).media]


def refusal(body: bytes, local: LocalMedia) -> NotAcceptable:
    with pytest.raises(NotAcceptable) as caught:
        answer_offer(body, local)
    assert caught.value.status == 488
    return caught.value


# --- single lines


def test_a_line_is_read_and_written() -> None:
    crypto = Crypto.parse(line(SHORT, tag=4))
    assert crypto == Crypto(4, SHORT, KEY)
    assert crypto is not None
    assert crypto.to_value() == line(SHORT, tag=4)


@pytest.mark.parametrize(
    "value",
    [
        line(more="|2^20"),
        line(more="|2^48"),
        line(more="|1048576"),
        line(more=" WSH=128"),
        line(more=" -vendor=7"),
        line(more="|2^31 WSH=64"),
        line().replace("inline:", "INLINE:"),
        line().replace(" ", "   "),
    ],
)
def test_lifetimes_and_harmless_parameters_are_taken(value: str) -> None:
    crypto = Crypto.parse(value)
    assert crypto is not None
    assert crypto.key == KEY


@pytest.mark.parametrize(
    "value",
    [
        line(more="|2^20|1:4"),
        line(more="|1:4"),
        f"1 {LONG} {inline()}|2^20|1:4;{inline(OTHER_KEY)}|2^20|2:4",
        line(more="|2^10"),
        line(more="|1000"),
        line(more=" UNENCRYPTED_SRTP"),
        line(more=" UNENCRYPTED_SRTCP"),
        line(more=" UNAUTHENTICATED_SRTP"),
        line(more=" KDR=4"),
        line(more=" FEC_ORDER=FEC_SRTP"),
        line("AES_256_CM_HMAC_SHA1_80"),
        line("AEAD_AES_128_GCM"),
        line("F8_128_HMAC_SHA1_80"),
        line("aes_cm_128_hmac_sha1_80"),
        f"1 {LONG} uri:https://keys.example",
        f"x {LONG} {inline()}",
        f"1234567890 {LONG} {inline()}",
        f"1 {LONG}",
        "",
        "1",
    ],
)
def test_what_cannot_be_honoured_to_the_letter_is_not_chosen(value: str) -> None:
    assert Crypto.parse(value) is None
    refusal(describe(section("RTP/SAVP", value)), PREFERRED)
    chosen = answer_offer(describe(section("RTP/SAVP", value, line(SHORT, OTHER_KEY, 7))), PREFERRED)[1].srtp
    assert chosen is not None
    assert (chosen.suite, chosen.receive) == (SHORT, OTHER_KEY)


@pytest.mark.parametrize("key", [b"", b"\1", KEY[:-1], KEY + b"\1", KEY * 2])
@pytest.mark.parametrize("policy", ["preferred", "required"])
@pytest.mark.parametrize("protocol", ["RTP/AVP", "RTP/SAVP"])
def test_a_key_of_another_length_is_refused_even_beside_a_good_one(
    key: bytes, policy: SrtpPolicy, protocol: str
) -> None:
    body = describe(section(protocol, line(key=key) if key else f"1 {LONG} inline:====", line(SHORT, tag=2)))
    assert "30 octets" in refusal(body, replace(OFF, srtp=policy)).text


@pytest.mark.parametrize("text", ["A" * 39 + "=", "=" * 40, "A" * 39, "+" * 41])
def test_what_is_no_base64_of_a_key_is_refused(text: str) -> None:
    refusal(describe(section("RTP/SAVP", f"1 {LONG} inline:{text}")), REQUIRED)


def test_keys_are_in_no_text_but_the_description() -> None:
    crypto, keys = Crypto(1, LONG, KEY), SrtpKeys(LONG, KEY, OTHER_KEY)
    _, agreed = answer_offer(describe(section("RTP/SAVP", line())), REQUIRED)
    said = repr((crypto, keys, agreed)) + str(crypto)
    error = refusal(describe(section("RTP/SAVP", line(key=KEY[:-1]))), REQUIRED)
    said += f"{error} {error!r} {error.warning}"
    for secret in (KEY, OTHER_KEY, KEY[:-1], agreed.srtp.send if agreed.srtp else b""):
        assert repr(secret)[2:-1] not in said
        assert base64.b64encode(secret).decode()[:16] not in said


# --- answers of ours


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("local", [PREFERRED, REQUIRED])
@pytest.mark.parametrize("protocol", ["RTP/SAVP", "RTP/SAVPF", "RTP/AVP", "RTP/AVPF"])
def test_keys_are_answered_with_the_same_profile_tag_and_suite_and_a_key_of_ours(
    suite: str, local: LocalMedia, protocol: str
) -> None:
    answer, agreed = answer_offer(describe(section(protocol, line(suite, tag=5))), local)
    (ours,) = cryptos_of(answer)
    assert protocols_of(answer) == [f"{protocol} 20000"]
    assert agreed.srtp == SrtpKeys(suite, ours.key, KEY)
    assert (ours.tag, ours.suite, len(ours.key)) == (5, suite, KEY_SIZE)
    assert ours.key not in (KEY, make_key())


def test_the_first_key_that_we_can_use_is_taken() -> None:
    body = describe(section("RTP/SAVP", line("AEAD_AES_256_GCM", KEY * 2), line(SHORT, OTHER_KEY, 2), line(tag=3)))
    answer, agreed = answer_offer(body, REQUIRED)
    assert [one.tag for one in cryptos_of(answer)] == [2]
    assert agreed.srtp is not None
    assert agreed.srtp.receive == OTHER_KEY


def test_two_calls_never_have_the_same_key() -> None:
    body = describe(section("RTP/SAVP", line()))
    assert len({cryptos_of(answer_offer(body, REQUIRED)[0])[0].key for _ in range(50)}) == 50


def test_required_refuses_plain_rtp() -> None:
    error = refusal(describe(section("RTP/AVP")), REQUIRED)
    assert error.text == "SRTP is required"
    refusal(describe(section("RTP/AVP", line("AEAD_AES_256_GCM"))), REQUIRED)


@pytest.mark.parametrize("local", [PREFERRED, REQUIRED])
@pytest.mark.parametrize("protocol", ["RTP/SAVP", "RTP/SAVPF"])
def test_a_secure_profile_without_a_key_is_refused(local: LocalMedia, protocol: str) -> None:
    refusal(describe(section(protocol)), local)


@pytest.mark.parametrize("cryptos", [(), (line(),)])
def test_a_secure_profile_is_refused_where_srtp_is_off(cryptos: tuple[str, ...]) -> None:
    refusal(describe(section("RTP/SAVP", *cryptos)), OFF)


@pytest.mark.parametrize("protocol", ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/RTP/SAVP", "udptl"])
def test_other_profiles_are_refused_with_any_key(protocol: str) -> None:
    refusal(describe(section(protocol, line())), PREFERRED)


def test_where_srtp_is_off_keys_of_a_plain_offer_are_left_alone() -> None:
    answer, agreed = answer_offer(describe(section("RTP/AVP", line(), line(key=b"short"))), OFF)
    assert (cryptos_of(answer), agreed.srtp) == ([], None)


def test_preferred_takes_plain_rtp_from_whoever_has_no_key() -> None:
    for cryptos in ((), (line("AEAD_AES_256_GCM"),)):
        answer, agreed = answer_offer(describe(section("RTP/AVP", *cryptos)), PREFERRED)
        assert (protocols_of(answer), cryptos_of(answer), agreed.srtp) == (["RTP/AVP 20000"], [], None)


@pytest.mark.parametrize("local", [PREFERRED, REQUIRED])
def test_of_two_sections_the_secure_one_is_taken_wherever_it_stands(local: LocalMedia) -> None:
    plain, secure = section("RTP/AVP", port=4000), section("RTP/SAVP", line(), port=4002)
    assert protocols_of(answer_offer(describe(plain, secure), local)[0]) == ["RTP/AVP 0", "RTP/SAVP 20000"]
    assert protocols_of(answer_offer(describe(secure, plain), local)[0]) == ["RTP/SAVP 20000", "RTP/AVP 0"]
    assert protocols_of(answer_offer(describe(secure, plain), OFF)[0]) == ["RTP/SAVP 0", "RTP/AVP 20000"]


# --- offers of ours


def test_required_offers_savp_and_preferred_avp_both_with_a_new_key_for_each_suite() -> None:
    for local, protocol in ((REQUIRED, "RTP/SAVP"), (PREFERRED, "RTP/AVP")):
        lines = cryptos_of(make_offer(local)) + cryptos_of(make_offer(local))
        assert protocols_of(make_offer(local)) == [f"{protocol} 20000"]
        assert [(one.tag, one.suite) for one in lines] == [(1, LONG), (2, SHORT)] * 2
        assert len({one.key for one in lines}) == 4
    assert b"crypto" not in make_offer(OFF)


@pytest.mark.parametrize("local", [PREFERRED, REQUIRED])
@pytest.mark.parametrize("tag", [1, 2])
def test_the_answer_s_tag_says_which_of_our_keys_is_meant(local: LocalMedia, tag: int) -> None:
    offered = make_offer(local)
    protocol = Sdp.parse(offered).media[0].protocol
    agreed = accept_answer(offered, describe(section(protocol, line(SUITES[tag - 1], OTHER_KEY, tag))), local)
    assert agreed.srtp == SrtpKeys(SUITES[tag - 1], cryptos_of(offered)[tag - 1].key, OTHER_KEY)


@pytest.mark.parametrize("local", [PREFERRED, REQUIRED])
@pytest.mark.parametrize(
    "cryptos",
    [
        (line(tag=3),),
        (line(SHORT, tag=1),),
        (line("AEAD_AES_256_GCM"),),
        (line(key=KEY[1:]),),
        (line(), line(SHORT, tag=2)),
        (line(), "nonsense"),
        (line(more="|1:4"),),
        (line(more=" UNENCRYPTED_SRTP"),),
    ],
)
def test_an_answer_with_a_key_that_does_not_belong_to_the_offer_is_not_acceptable(
    local: LocalMedia, cryptos: tuple[str, ...]
) -> None:
    offered = make_offer(local)
    with pytest.raises(NotAcceptable):
        accept_answer(offered, describe(section(Sdp.parse(offered).media[0].protocol, *cryptos)), local)


@pytest.mark.parametrize("protocol", ["RTP/AVP", "RTP/SAVP", "RTP/AVPF"])
def test_required_accepts_no_answer_without_a_key(protocol: str) -> None:
    with pytest.raises(NotAcceptable):
        accept_answer(make_offer(REQUIRED), describe(section(protocol)), REQUIRED)
    with pytest.raises(NotAcceptable):
        accept_answer(make_offer(REQUIRED), describe(section(protocol)), OFF)


def test_preferred_accepts_an_answer_without_keys_as_plain() -> None:
    assert accept_answer(make_offer(PREFERRED), describe(section("RTP/AVP")), PREFERRED).srtp is None


def test_an_answer_with_savp_to_a_plain_offer_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptable):
        accept_answer(make_offer(OFF), describe(section("RTP/SAVP", line())), OFF)


# --- a call that goes on


def test_the_same_key_of_the_peer_keeps_ours_and_another_one_changes_it() -> None:
    first, agreed = answer_offer(describe(section("RTP/SAVP", line())), REQUIRED)
    again, kept = answer_offer(describe(section("RTP/SAVP", line(tag=9))), REQUIRED, previous=first, agreed=agreed.srtp)
    assert kept.srtp == agreed.srtp
    assert cryptos_of(again)[0] == replace(cryptos_of(first)[0], tag=9)
    body = describe(section("RTP/SAVP", line(key=OTHER_KEY)))
    _, changed = answer_offer(body, REQUIRED, previous=again, agreed=kept.srtp)
    assert changed.srtp is not None
    assert agreed.srtp is not None
    assert changed.srtp.receive == OTHER_KEY
    assert changed.srtp.send != agreed.srtp.send


@pytest.mark.parametrize("protocol", ["RTP/SAVP", "RTP/AVP"])
def test_a_later_offer_of_ours_repeats_profile_and_keys(protocol: str) -> None:
    answer, _ = answer_offer(describe(section(protocol, line(SHORT, tag=6))), PREFERRED)
    again = make_offer(REQUIRED, "sendonly", answer)
    assert cryptos_of(again) == cryptos_of(answer)
    assert protocols_of(again) == [f"{protocol} 20000"]
    with pytest.raises(NotAcceptable):
        accept_answer(again, describe(section(protocol)), REQUIRED)
    assert accept_answer(again, describe(section(protocol, line(SHORT, tag=6))), REQUIRED).srtp is not None


def test_a_later_offer_of_a_plain_call_stays_plain() -> None:
    answer, _ = answer_offer(describe(section("RTP/AVP")), PREFERRED)
    assert b"crypto" not in make_offer(PREFERRED, previous=answer)


# --- hostile ones


def test_lines_are_bounded_and_cost_little() -> None:
    body = describe(section("RTP/SAVP", *(line(tag=tag) for tag in range(1, MAX_LINES + 1))))
    assert answer_offer(body, REQUIRED)[1].srtp is not None
    for many in (MAX_LINES + 1, 1900):
        began = time.perf_counter()
        refusal(describe(section("RTP/SAVP", *(line(tag=tag) for tag in range(many)))), REQUIRED)
        assert time.perf_counter() - began < 0.05


def test_the_first_of_two_lines_with_one_tag_counts() -> None:
    _, agreed = answer_offer(describe(section("RTP/SAVP", line(), line(SHORT, OTHER_KEY))), REQUIRED)
    assert agreed.srtp is not None
    assert agreed.srtp.receive == KEY


@pytest.mark.parametrize(
    "value",
    [
        "1 " + LONG + " inline:" + "A" * 60_000,
        "1 " + LONG + " " + "inline:" * 8000,
        "1" * 60_000,
        "1 " + " " * 60_000,
        line(more=" -" + "x" * 60_000),
        line(more=" WSH=1" * 10_000),
        line(more="|2^" + "9" * 60_000),
        line(more="|" * 60_000),
    ],
)
def test_endless_lines_are_read_in_no_time(value: str) -> None:
    began = time.perf_counter()
    with pytest.raises(SipError):
        answer_offer(describe(section("RTP/SAVP", value)), replace(REQUIRED, codecs=("PCMU",)))
    assert time.perf_counter() - began < 0.05


@given(st.text(st.characters(exclude_characters="\r\n"), max_size=80), st.sampled_from(["RTP/AVP", "RTP/SAVP"]))
def test_any_text_is_read_or_refused(text: str, protocol: str) -> None:
    body = describe(section(protocol, text.encode("utf-8", "ignore").decode()))
    for local in (OFF, PREFERRED, REQUIRED):
        try:
            answer_offer(body, local)
        except SipError as error:
            assert error.status == 488


@given(st.integers(0, 110), st.characters(max_codepoint=255, exclude_characters="\r\n"))
def test_one_wrong_character_makes_no_other_call_than_one_with_the_key_as_written(place: int, character: str) -> None:
    good = line(more="|2^31 WSH=128")
    bad = good[:place] + character + good[place + 1 :]
    try:
        _, agreed = answer_offer(describe(section("RTP/SAVP", bad)), REQUIRED)
    except SipError as error:
        assert error.status == 488
        return
    assert agreed.srtp is not None
    assert base64.b64encode(agreed.srtp.receive).decode() in bad
