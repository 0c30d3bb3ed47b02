"""SRTP (RFC 3711) between the engine and its backend; the library is the peer, too."""

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Error

from media import rtcp, srtp
from media.errors import BadCommand
from media.latch import MOVE_AFTER, Latch
from media.legs import Negotiated
from media.protocol import KEY_SIZE, SUITES, UNHEARD, Digit, MediaSilent, SrtpKeys
from media.rtp import FRAME, HEADER_SIZE, PLAIN_SIZE, RtpPacket
from media.telephone_event import Event
from tests.media.fake_io import FakeIo
from tests.media.secure_talker import KEYS, SHORT_KEYS, SecureTalker, make_session
from tests.media.studio import FakeRecorder, Studio, encode, level, loudest_hz, sine

TAGS = dict(zip(SUITES, (10, 4), strict=True))


@pytest.fixture
def studio() -> Studio:
    return Studio()


def errors_of(studio: Studio, name: str) -> int:
    return studio.engine.close(name, studio.now, studio.now)["srtp_errors"]


def hangs_up(studio: Studio, name: str) -> Any:
    return studio.engine.close(name, studio.now, studio.now)


# --- sound in and out


@pytest.mark.parametrize("keys", [KEYS, SHORT_KEYS], ids=SUITES)
def test_an_echo_is_opened_and_sealed_packet_by_packet(studio: Studio, keys: SrtpKeys) -> None:
    phone = SecureTalker(studio, "a", keys)
    studio.engine.echo("a", on=True)
    said = [level(value) for value in range(100, 2100, 100)]
    for frame in said:
        phone.say(frame)
        studio.tick()
    raw = phone.raw()
    assert {len(datagram) for datagram in raw} == {PLAIN_SIZE + TAGS[keys.suite]}
    opened = [phone.inbound.unprotect(datagram)[HEADER_SIZE:] for datagram in raw]
    assert opened == [encode(frame) for frame in said]
    assert all(encode(frame) not in datagram for frame, datagram in zip(said, raw, strict=True))
    report = hangs_up(studio, "a")
    assert (report["packets_received"], report["lost"], report["srtp_errors"]) == (20, 0, 0)


@pytest.mark.parametrize("codecs", [("PCMU", "PCMU"), ("PCMA", "PCMU")])
def test_a_secure_leg_and_a_plain_one_hear_each_other(studio: Studio, codecs: tuple[str, str]) -> None:
    secure, plain = SecureTalker(studio, "a", codec=codecs[0]), studio.open("b", codecs[1])
    for name in "ab":
        studio.engine.join(name, "r")
    tones = sine(440, 20), sine(1000, 20)
    for frame in range(20):
        secure.say(tones[0][frame * FRAME : (frame + 1) * FRAME])
        plain.say(tones[1][frame * FRAME : (frame + 1) * FRAME])
        studio.tick()
    assert studio.engine.relay.count == 2
    assert abs(loudest_hz(plain.hears()) - 440) < 30
    assert abs(loudest_hz(secure.hears()) - 1000) < 30


def test_two_secure_legs_of_different_suites_are_relayed(studio: Studio) -> None:
    a, b = SecureTalker(studio, "a"), SecureTalker(studio, "b", SHORT_KEYS)
    for name in "ab":
        studio.engine.join(name, "r")
    for _ in range(10):
        a.say(level(500))
        b.say(level(-700))
        studio.tick()
    assert [packet.payload for packet in a.packets()] == [encode(level(-700))] * 10
    assert [packet.payload for packet in b.packets()] == [encode(level(500))] * 10


def test_secure_and_plain_legs_are_mixed_recorded_and_told_apart_in_one_send(studio: Studio) -> None:
    a, b, c = SecureTalker(studio, "a"), SecureTalker(studio, "b", SHORT_KEYS), studio.open("c")
    for name in "abc":
        studio.engine.join(name, "r")
    recorder = FakeRecorder()
    studio.engine.record("x", recorder.as_recorder(), ["a"], ["b", "c"])
    for _ in range(60):
        for phone, value in ((a, 1000), (b, 2000), (c, 4000)):
            phone.say(level(value))
        studio.tick()
    studio.engine.stop_record("x")
    for heard, expected in ((a.hears(), 6000), (b.hears(), 5000), (c.hears(), 3000)):
        assert abs(int(heard[-1]) - expected) < 200
    assert np.abs(recorder.sound[:, -FRAME:] - np.array([[1000], [6000]])).max() < 200


def test_packets_of_80_ms_have_room_for_their_tag(studio: Studio) -> None:
    a, b = SecureTalker(studio, "a"), SecureTalker(studio, "b")
    for name in "ab":
        studio.engine.join(name, "r")
    for _ in range(3):
        for phone in (a, b):
            phone.send(phone.outbound.protect(bytes(phone.talker.next_packet(bytes(range(160)) * 4))))
        studio.tick(4)
    assert [packet.payload for packet in b.packets()] == [bytes(range(160)) * 4] * 3
    assert [packet.payload for packet in a.packets()] == [bytes(range(160)) * 4] * 3


def test_the_sequence_number_wraps_in_both_directions_and_the_roll_over_counter_follows(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    row = phone.row
    studio.engine.legs.sequence[row] = 65500
    phone.talker.sequence = 65400
    for frame in range(400):
        phone.say(level(frame))
        studio.tick()
    sent = phone.packets()
    assert len(sent) == 400
    assert sent[-1].sequence == (65500 + 399) & 0xFFFF
    assert errors_of(studio, "a") == 0


def test_keys_pressed_on_a_secure_leg_are_told_and_pressed_towards_it_are_sealed(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    for index in range(8):
        phone.press(bytes(Event(5, index >= 5, min(index + 1, 6) * FRAME)))
        studio.tick()
    assert [digit.digit for digit in studio.told(Digit)] == ["5"]
    studio.engine.send_digits("a", "7")
    studio.tick(20)
    events = [packet for packet in phone.packets() if packet.payload_type == 101]
    assert events
    assert {packet.payload[0] for packet in events} == {7}


# --- RTCP


def test_reports_are_sealed_and_opened_on_their_port_and_on_the_one_of_the_sound(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    for _ in range(500):
        phone.say(level(1))
        studio.tick()
    ((_, datagram), *_) = studio.io.sent_reports
    with pytest.raises(Error):
        make_session(SUITES[0], bytes(30), inbound=True).unprotect_rtcp(datagram)
    report = rtcp.parse(phone.inbound.unprotect_rtcp(datagram))
    assert report.ntp is not None
    ours = int(studio.engine.legs.ssrc[phone.row])
    for muxed in (False, True):
        block = rtcp.ReportBlock(ours, 0, 3 + muxed, 9, 1, report.ntp, 6554)
        sealed = phone.outbound.protect_rtcp(rtcp.build(phone.talker.ssrc, None, [block], "phone"))
        if muxed:
            phone.send(sealed)
        else:
            studio.io.reports.append((phone.row, sealed, phone.talker.host))
        studio.tick()
        correspondence = studio.engine.reports._open[phone.row]
        assert correspondence.remote_lost == 3 + muxed
    studio.io.sent_reports.clear()
    assert hangs_up(studio, "a")["round_trip_ms"] is not None
    ((_, goodbye),) = studio.io.sent_reports
    assert rtcp.parse(phone.inbound.unprotect_rtcp(goodbye)).goodbye


def test_plain_forged_and_repeated_reports_are_not_read(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    phone.say(level(1))
    studio.tick()
    ours = int(studio.engine.legs.ssrc[phone.row])
    plain = rtcp.build(phone.talker.ssrc, None, [rtcp.ReportBlock(ours, 0, 77, 9, 1, 0, 0)], "x", goodbye=True)
    sealed = phone.outbound.protect_rtcp(plain)
    forged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for datagram in (plain, forged, b"", b"\x80\xc9", plain[:8]):
        studio.io.reports.append((phone.row, datagram, phone.talker.host))
    studio.io.reports.append((phone.row, forged, "203.0.113.9"))
    phone.send(plain)
    studio.tick()
    correspondence = studio.engine.reports._open[phone.row]
    assert (correspondence.remote_lost, correspondence.goodbye) == (0, False)
    studio.io.reports += [(phone.row, sealed, phone.talker.host)] * 2
    studio.tick()
    assert (correspondence.remote_lost, correspondence.goodbye) == (77, True)
    assert errors_of(studio, "a") == 7


# --- S9: garbage


def test_s9_100_000_bad_tags_and_repetitions_do_not_end_the_call_and_are_counted_only(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    heard, bad = 0, 0
    for frame in range(1000):
        phone.say(level(300))
        good = phone.sent[-1]
        for index in range(15):
            phone.talker.send(good if index % 2 else good[:-1] + bytes([good[-1] ^ (1 + index)]))
        for _ in range(85):
            phone.talker.send(good[:40])
        bad += 100
        studio.tick()
        heard += len(phone.packets())
        assert heard == frame + 1
    assert not studio.told(MediaSilent)
    report = hangs_up(studio, "a")
    assert bad == 100_000
    assert report["srtp_errors"] == bad
    assert (report["packets_received"], report["lost"], report["duplicates"], report["strangers"]) == (1000, 0, 0, 0)


@pytest.mark.parametrize("keys", [KEYS, SHORT_KEYS], ids=SUITES)
def test_any_flipped_bit_is_noticed(studio: Studio, keys: SrtpKeys) -> None:
    phone = SecureTalker(studio, "a", keys)
    datagram = phone.seal(level(9))
    for bit in range(0, len(datagram) * 8, 7):
        flipped = bytearray(datagram)
        flipped[bit // 8] ^= 1 << bit % 8
        phone.send(bytes(flipped))
        studio.tick()
    row = phone.row
    assert not studio.engine.latch.latched[row]
    assert studio.engine.legs.last_heard[row] == 0
    phone.send(datagram)
    studio.tick()
    assert studio.engine.latch.latched[row]
    assert hangs_up(studio, "a")["packets_received"] == 1


def test_s9_what_came_before_is_not_heard_again(studio: Studio) -> None:
    phone, other = SecureTalker(studio, "a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    for value in range(1, 200):
        phone.say(level(value * 100))
        studio.tick()
    assert len(other.hears()) == 199 * FRAME
    for datagram in list(phone.sent):
        phone.talker.send(datagram)
        studio.tick()
    assert len(other.hears()) == 0
    assert hangs_up(studio, "a")["srtp_errors"] == 199


def test_plain_packets_are_not_heard_on_a_secure_leg(studio: Studio) -> None:
    phone, other = SecureTalker(studio, "a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    for _ in range(20):
        phone.talker.say(level(8000))
        other.say(level(5))
        studio.tick()
    assert len(other.hears()) == 0
    assert len(phone.packets()) == 20, "and what is sent to it is sealed nevertheless"
    assert hangs_up(studio, "a")["srtp_errors"] == 20


@pytest.mark.parametrize("size", [0, 1, 2, 11, 12, 13, 21, 22, 300, 700, 724])
@pytest.mark.parametrize("octet", [0x00, 0x80, 0x90, 0xBF, 0xFF])
def test_hostile_datagrams_of_any_size_are_counted_and_dropped(studio: Studio, size: int, octet: int) -> None:
    phone = SecureTalker(studio, "a")
    for second in (0, 0x80, 200, 201, 0xFF):
        phone.send(bytes([octet, second, *([octet] * size)])[:size])
    studio.tick()
    report = hangs_up(studio, "a")
    assert report == {**UNHEARD, "srtp_errors": 5}


def test_a_flood_on_one_leg_leaves_the_others_their_share(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srtp, "MOST_OPENED", 64)
    phones = [SecureTalker(studio, f"leg{index}") for index in range(40)]
    for _ in range(5):
        for _ in range(500):
            phones[0].talker.send(bytes(182))
        for phone in phones:
            phone.say(level(1))
        studio.tick()
    reports = [hangs_up(studio, phone.name) for phone in phones]
    assert [report["packets_received"] for report in reports[1:]] == [5] * 39
    assert reports[0]["srtp_errors"] == 5 * 501


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 6), st.integers(1, 40), st.data())
def test_the_packets_to_be_opened_are_those_that_a_naive_count_finds(
    rows: list[int], limit: int, most: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    which = [index for index, flag in enumerate(wanted) if flag]
    turns: list[tuple[int, int]] = []
    seen = dict.fromkeys(range(6), 0)
    for index in which:
        if seen[rows[index]] < limit:
            turns.append((seen[rows[index]], index))
        seen[rows[index]] += 1
    expected = which if len(which) <= limit else sorted(index for _, index in sorted(turns)[:most])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(srtp, "MOST_OPENED", most)
        assert srtp._first(np.array(rows, np.intp), np.array(which, np.intp), limit).tolist() == expected


def test_a_peer_that_changes_its_ssrc_in_every_packet_takes_no_memory(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    for ssrc in range(1, 200):
        packet = RtpPacket(0, False, ssrc, ssrc * FRAME, ssrc, encode(level(1)))
        phone.send(phone.outbound.protect(bytes(packet)))
        studio.tick()
    sessions = studio.engine._io._sessions[phone.row]
    assert len(sessions._sources) == srtp.MOST_SOURCES
    for datagram in (phone.sent[0], phone.sent[198]):
        phone.send(datagram)
        studio.tick()
    assert errors_of(studio, "a") == 1, "the library has forgotten the first stream, and it knows the last one"


# --- S8: strangers


def test_s8_with_srtp_strangers_never_latch_before_or_after_the_phone_and_are_never_heard(studio: Studio) -> None:
    phone, other = SecureTalker(studio, "a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    attacker = make_session(SUITES[0], bytes(30), inbound=False)
    sequence = itertools.count(1)
    sprayed = 0

    def spray(count: int) -> None:
        nonlocal sprayed
        for index in range(count):
            packet = bytes(RtpPacket(0, False, next(sequence) & 0xFFFF, 0, 0x1001, encode(level(20000))))
            host = "192.0.2.1" if index % 2 else "203.0.113.66"  # beside the phone's port, and from elsewhere
            datagram = (attacker.protect(packet), packet, bytes(4))[index % 3]
            studio.io.arrive(phone.row, datagram, host, 6666)
            sprayed += 1

    for _ in range(20):
        spray(100)
        studio.tick()
    assert not studio.engine.latch.latched[phone.row], "before the phone spoke"
    for _ in range(20):
        spray(50)
        phone.say(level(1000))
        other.say(level(7))
        spray(50)
        studio.tick()
        assert studio.engine.latch.latched[phone.row]
        assert studio.engine.latch.host(phone.row) == phone.talker.host
    assert int(studio.io.peers[phone.row, 0] >> 16 & 0xFFFF) == int.from_bytes(
        phone.talker.port.to_bytes(2, "big"), "little"
    )
    studio.tick(int(MOVE_AFTER / 0.02) + 10)
    spray(100)
    studio.tick()
    assert studio.engine.latch.host(phone.row) == phone.talker.host, "nor in a pause of the phone"
    assert np.abs(other.hears() - 1000).max() < 40, "and not one of their packets is heard"
    report = hangs_up(studio, "a")
    assert report["packets_received"] == 20
    assert report["srtp_errors"] + report["strangers"] == sprayed


def test_s8_a_stream_that_authenticates_may_go_on_from_another_port_after_a_pause(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    for _ in range(10):
        phone.say(level(1))
        studio.tick()
    phone.talker.port, phone.talker.host = 9999, "203.0.113.5"
    phone.say(level(1))
    studio.tick()
    assert studio.engine.latch.host(phone.row) == "192.0.2.1"
    studio.tick(int(MOVE_AFTER / 0.02) + 10)
    phone.say(level(1))
    studio.tick()
    assert studio.engine.latch.host(phone.row) == "203.0.113.5"
    assert hangs_up(studio, "a")["srtp_errors"] == 0


# --- keys that change


def test_configured_again_with_the_same_keys_the_streams_go_on(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    studio.engine.legs.sequence[phone.row] = 65530
    for turn in range(40):
        phone.say(level(turn))
        studio.tick()
        studio.configure("a", phone.talker, srtp=KEYS)
    assert len(phone.packets()) == 40, "the roll-over counter is kept"
    for datagram in list(phone.sent):
        phone.talker.send(datagram)
    studio.tick()
    report = hangs_up(studio, "a")
    assert (report["packets_received"], report["srtp_errors"]) == (40, 40), "and so is what was seen"


def test_with_other_keys_both_directions_begin_anew(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    for keys in (KEYS, SHORT_KEYS, SrtpKeys(SUITES[0], bytes(30), bytes(range(30)))):
        studio.configure("a", phone.talker, srtp=keys)
        stale = phone.seal(level(1))
        phone.rekey(keys)
        for value in range(5):
            phone.say(level(value))
            studio.tick()
        assert len(phone.packets()) == 5
        if keys is not KEYS:
            phone.talker.send(stale)
            studio.tick()
    assert hangs_up(studio, "a")["srtp_errors"] == 2


def test_one_direction_may_change_its_key_alone_and_the_other_goes_on_as_it_stood(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    studio.engine.echo("a", on=True)
    studio.engine.legs.sequence[phone.row] = phone.talker.sequence = 65534

    def say_four() -> None:
        for value in range(4):
            phone.say(level(value))
            studio.tick()
        assert len(phone.packets()) == 4

    say_four()
    new = SrtpKeys(KEYS.suite, KEYS.send, bytes(range(200, 230)))
    studio.configure("a", phone.talker, srtp=new)
    phone.outbound = make_session(new.suite, new.receive, inbound=False)
    say_four()
    newer = SrtpKeys(KEYS.suite, bytes(range(2, 32)), new.receive)
    studio.configure("a", phone.talker, srtp=newer)
    phone.inbound = make_session(newer.suite, newer.send, inbound=True)
    say_four()
    for datagram in phone.sent[-8:]:
        phone.talker.send(datagram)
    studio.tick()
    assert errors_of(studio, "a") == 8, "what came before the change is known"


def test_the_next_leg_of_a_row_has_neither_keys_nor_errors(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    phone.send(bytes(100))
    studio.tick()
    assert errors_of(studio, "a") == 1
    assert not studio.engine._io._sessions
    plain = studio.open("b")
    assert plain.row == phone.row
    studio.engine.echo("b", on=True)
    studio.talk(3, (plain, level(5)))
    assert len(plain.hears()) == 3 * FRAME
    assert hangs_up(studio, "b")["srtp_errors"] == 0


def test_what_cannot_be_sealed_is_not_sent(studio: Studio) -> None:
    phone = SecureTalker(studio, "a")
    packet = bytes(RtpPacket(0, False, 5, 5, 5, bytes(160)))
    io = studio.engine._io
    io.send_one(phone.row, packet)
    io.send_one(phone.row, packet)
    assert len(phone.raw()) == 1, "the same number twice would give the sound away"
    assert errors_of(studio, "a") == 1


# --- keys on the wire to the worker


def test_keys_survive_the_way_to_the_worker_and_stay_out_of_every_text() -> None:
    assert SrtpKeys.read(KEYS.to_fields()) == KEYS
    negotiated = Negotiated("192.0.2.1", 4000, "PCMU", 0, 0, None, None, True, True, srtp=KEYS)
    for secret in (KEYS.send, KEYS.receive):
        assert repr(secret)[2:-1] not in repr(KEYS) + str(negotiated)


@pytest.mark.parametrize(
    "changes",
    [
        {"suite": "AES_CM_256"},
        {"suite": None},
        {"send": "QUJD"},
        {"receive": "A" * 400},
        {"send": None},
        {"receive": "ключ"},
        {"send": 17},
        {"suite": []},
    ],
)
def test_wrong_keys_are_refused_without_being_repeated(changes: dict[str, Any]) -> None:
    fields = {**KEYS.to_fields(), **changes}
    with pytest.raises(BadCommand) as caught:
        SrtpKeys.read(fields)
    for value in (fields["send"], fields["receive"]):
        assert str(value) not in str(caught.value)


@pytest.mark.parametrize("fields", [None, [], "x", 5, {}])
def test_what_are_no_keys_at_all_is_refused(fields: Any) -> None:
    with pytest.raises(BadCommand):
        SrtpKeys.read(fields)


# --- what it costs where there is none


def test_without_keys_the_backend_is_handed_through_and_the_library_is_not_loaded() -> None:
    io = FakeIo()
    secure = srtp.SrtpIo(io, Latch(io.peers, io.peer_sizes))
    assert secure.packets is io.packets
    io.arrive(3, bytes(172))
    arrivals = secure.receive()
    assert arrivals is not None
    assert arrivals.rows.tolist() == [3]
    code = "import sys, media.worker; sys.exit('pylibsrtp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert KEY_SIZE == 30
