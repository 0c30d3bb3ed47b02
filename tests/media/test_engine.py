from itertools import pairwise

import numpy as np
import pytest

from media import quality, rtcp
from media.errors import BadCommand, UnknownLeg
from media.leg_report import BUFFER_DELAY_MS
from media.protocol import UNHEARD, Digit, LegReport, MediaResumed, MediaSilent, PlaybackFinished
from media.rtp import FRAME, RtpPacket
from media.telephone_event import Event
from tests.media.studio import FakeRecorder, Studio, Talker, decode, encode, level, loudest_hz, sine


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_an_echo_sends_back_what_was_said_with_numbers_of_its_own(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(10, (talker, level(1000)))
    sent = studio.io.sent_to(talker.row)
    assert len(sent) == 10
    assert all(packet.payload == encode(level(1000)) for packet in sent)
    assert {packet.ssrc for packet in sent} == {int(studio.engine.legs.ssrc[talker.row])}
    assert np.diff([packet.sequence for packet in sent]).tolist() == [1] * 9
    assert np.diff([packet.timestamp for packet in sent]).tolist() == [FRAME] * 9


def test_two_legs_in_a_room_are_relayed_in_the_same_tick(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    assert studio.engine.relay.count == 2
    hurries = [studio.engine.relays]
    studio.talk(5, (a, level(500)), (b, level(-700)))
    hurries.append(studio.engine.relays)
    assert hurries == [False, True]
    assert np.abs(b.hears() - 500).max() < 30
    assert np.abs(a.hears() + 700).max() < 30
    assert len(studio.engine.rooms.plan().ears) == 0
    studio.tick(52)
    assert not studio.engine.relays, "nothing comes any more that could be handed on sooner"


def test_a_relay_changes_the_law_when_the_codecs_differ(studio: Studio) -> None:
    a, b = studio.open("a", "PCMU"), studio.open("b", "PCMA")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    studio.talk(20, (a, sine(440, 20)), (b, sine(1000, 20)))
    assert abs(loudest_hz(b.hears()) - 440) < 30
    assert abs(loudest_hz(a.hears()) - 1000) < 30


def test_a_relay_shows_gaps_and_order_of_the_source_to_the_receiver(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    studio.talk(1, (a, level(1)))
    packets = [a.next_packet(encode(level(value))) for value in (2, 3, 4, 5)]
    for index in (1, 0, 3):
        a.send(packets[index])
    studio.tick()
    sent = studio.io.sent_to(b.row)
    assert [(packet.sequence - sent[0].sequence) & 0xFFFF for packet in sent] == [0, 2, 1, 4]
    assert [(packet.timestamp - sent[0].timestamp) & 0xFFFFFFFF for packet in sent] == [0, 320, 160, 640]


def test_packets_of_40_ms_are_relayed_whole_and_of_10_ms_too(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    studio.engine.join("a", "r")
    studio.engine.join("b", "r")
    for size in (320, 80):
        a.send(a.next_packet(bytes(size)))
        studio.tick()
        assert [len(packet.payload) for packet in studio.io.sent_to(b.row)] == [size]


@pytest.mark.parametrize("size", [80, 160, 240, 320, 480])
def test_packets_of_any_length_are_mixed(studio: Studio, size: int) -> None:
    a, b, c = (studio.open(name) for name in "abc")
    for name in "abc":
        studio.engine.join(name, "r")
    sound = sine(500, 240)
    at = 0
    for tick in range(60):
        while at < (tick + 1) * FRAME:
            a.send(a.next_packet(encode(sound[at : at + size])))
            at += size
        studio.tick()
    heard = b.hears()[10 * FRAME :]
    assert abs(loudest_hz(heard) - 500) < 5
    assert np.abs(np.diff(heard.astype(int))).max() < 4500
    assert len(c.hears()) == 60 * FRAME


def test_three_in_a_room_hear_the_two_others(studio: Studio) -> None:
    talkers = [studio.open(name, codec) for name, codec in (("a", "PCMU"), ("b", "PCMA"), ("c", "PCMU"))]
    for name in "abc":
        studio.engine.join(name, "r")
    studio.talk(12, *((talker, level(value)) for talker, value in zip(talkers, (1000, 2000, 4000), strict=True)))
    for talker, expected in zip(talkers, (6000, 5000, 3000), strict=True):
        assert abs(int(talker.hears()[-1]) - expected) < 200


def test_streams_go_on_without_a_seam_from_relay_to_mix_and_back(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    studio.talk(5, (a, level(10)), (b, level(20)))
    c = studio.open("c")
    studio.engine.join("c", "r")
    studio.talk(5, (a, level(10)), (b, level(20)), (c, level(30)))
    studio.engine.leave("c")
    studio.talk(5, (a, level(10)), (b, level(20)))
    sent = studio.io.sent_to(a.row)
    assert len(sent) == 15
    assert {(after.sequence - before.sequence) & 0xFFFF for before, after in pairwise(sent)} == {1}
    assert {(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in pairwise(sent)} == {160}


def test_a_tone_is_heard_and_its_end_is_told_once(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.play("a", [sine(1004, 25)], "t", repeat=False)
    studio.tick(40)
    heard = talker.hears()
    assert len(heard) == 25 * FRAME
    assert abs(loudest_hz(heard) - 1004) < 3
    assert studio.told(PlaybackFinished) == [PlaybackFinished("a", "t")]


def test_a_loop_goes_on_and_a_stop_ends_it_without_an_event(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.play("a", [sine(400, 3)[:-37]], "t", repeat=True)
    studio.tick(30)
    assert len(talker.hears()) == 30 * FRAME
    studio.engine.stop("a")
    studio.tick(3)
    assert len(talker.hears()) == 0
    assert studio.told(PlaybackFinished) == []


def test_a_prompt_is_added_to_what_the_room_says(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    studio.engine.play("b", [level(3000).repeat(20)], "t", repeat=False)
    studio.talk(12, (a, level(1000)), (b, level(500)))
    assert abs(int(b.hears()[-1]) - 4000) < 150
    assert abs(int(a.hears()[-1]) - 500) < 30


def test_who_must_not_be_sent_to_is_not(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b", send=False)
    for name in "ab":
        studio.engine.join(name, "r")
    studio.engine.play("b", [level(3000)], "t", repeat=True)
    studio.talk(5, (a, level(1000)), (b, level(500)))
    assert studio.io.sent_to(b.row) == []
    assert len(a.hears()) == 5 * FRAME


def test_sound_of_a_held_leg_is_not_handed_on(studio: Studio) -> None:
    a, b = studio.open("a", receive=False), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    studio.talk(5, (a, level(1000)))
    assert len(b.hears()) == 0


# digits


def press(studio: Studio, talker: Talker, key: int, *, lost: set[int] = frozenset()) -> None:  # type: ignore[assignment]
    """One key for 100 ms, and three ends; `lost` packets do not arrive."""
    started = talker.timestamp
    for index in range(8):
        event = Event(key, index >= 5, min(index + 1, 6) * FRAME)
        packet = talker.next_packet(bytes(event), payload_type=101, advance=0)
        packet.timestamp = started & 0xFFFFFFFF
        packet.marker = index == 0
        if index not in lost:
            talker.send(packet)
        if index < 6:
            studio.tick()
    talker.timestamp += 6 * FRAME


@pytest.mark.parametrize("lost", [set(), {0}, {0, 1, 2}, {5}, {5, 6}, {5, 6, 7}, {0, 2, 4, 6}, {0, 1, 2, 3, 4, 6, 7}])
def test_a_digit_is_counted_once_whatever_is_lost_of_it(studio: Studio, lost: set[int]) -> None:
    talker = studio.open("a")
    press(studio, talker, 7, lost=lost)
    studio.tick(10)
    press(studio, talker, 7)
    studio.tick(10)
    assert [digit.digit for digit in studio.told(Digit)] == ["7", "7"]
    assert studio.told(Digit)[1].duration_ms == 120


def test_a_digit_is_relayed_with_the_payload_type_of_the_other_side(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b", dtmf_send=96)
    for name in "ab":
        studio.engine.join(name, "r")
    studio.talk(3, (a, level(5)))
    press(studio, a, 3)
    studio.talk(3, (a, level(5)))
    sent = studio.io.sent_to(b.row)
    events = [packet for packet in sent if packet.payload_type == 96]
    assert len(events) == 8
    assert len({packet.timestamp for packet in events}) == 1
    assert len({packet.sequence for packet in sent}) == len(sent)


def test_a_digit_is_handed_on_among_mixed_audio_which_pauses(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b", dtmf_send=96)
    for name in "ab":
        studio.engine.join(name, "r")
    studio.engine.play("b", [level(100)], "t", repeat=True)
    studio.talk(3, (a, level(5)))
    studio.io.sent.clear()
    press(studio, a, 3)
    types = [packet.payload_type for packet in studio.io.sent_to(b.row)]
    assert types.count(96) == 6
    assert types.count(0) == 0
    studio.tick(6)
    assert [packet.payload_type for packet in studio.io.sent_to(b.row)][-1] == 0


def test_a_digit_is_played_in_band_to_a_leg_without_events(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b", dtmf_send=None, dtmf_receive=None)
    for name in "ab":
        studio.engine.join(name, "r")
    studio.talk(3, (a, level(0)))
    press(studio, a, 5)
    b.hears()
    studio.tick(10)
    heard = b.hears()[: 4 * FRAME]
    assert min(abs(loudest_hz(heard) - 770), abs(loudest_hz(heard) - 1336)) < 20


def test_digits_are_sent_as_events_one_after_another(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.send_digits("a", "1#")
    studio.tick(40)
    events = [packet for packet in studio.io.sent_to(talker.row) if packet.payload_type == 101]
    assert [packet.payload[0] for packet in events] == [1] * 7 + [11] * 7
    assert [packet.marker for packet in events].count(True) == 2
    assert [packet.payload[1] & 0x80 for packet in events[:7]] == [0, 0, 0, 0, 0x80, 0x80, 0x80]
    assert np.diff([packet.sequence for packet in events[:7]]).tolist() == [1] * 6


def test_digits_are_sent_in_band_without_events_and_detected_so(studio: Studio) -> None:
    a, b = studio.open("a", dtmf_send=None), studio.open("b")
    studio.engine.detect_inband("b", on=True)
    studio.engine.send_digits("a", "159")
    for _ in range(45):
        studio.tick()
        for packet in studio.io.sent_to(a.row):
            b.say(decode(packet.payload))
    studio.tick(10)
    assert [(digit.leg, digit.digit, digit.method) for digit in studio.told(Digit)] == [
        ("b", key, "inband") for key in "159"
    ]


def test_what_is_no_key_is_refused(studio: Studio) -> None:
    studio.open("a")
    studio.open("b", dtmf_send=None)
    for name in "ab":
        with pytest.raises(BadCommand):
            studio.engine.send_digits(name, "12x")
        with pytest.raises(BadCommand):
            studio.engine.send_digits(name, "1" * 1000)


# recording


def test_a_recording_holds_each_party_on_its_own_channel(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b", "PCMA")
    for name in "ab":
        studio.engine.join(name, "r")
    tape = FakeRecorder()
    studio.engine.record("x", tape.as_recorder(), ["a"], ["b"])
    studio.talk(40, (a, sine(440, 40)), (b, sine(1000, 40)))
    studio.engine.stop_record("x")
    assert tape.sound.shape == (2, 40 * FRAME)
    assert abs(loudest_hz(tape.sound[0, 5 * FRAME :]) - 440) < 10
    assert abs(loudest_hz(tape.sound[1, 5 * FRAME :]) - 1000) < 10
    assert studio.engine.relays


def test_a_recording_mixes_several_legs_into_a_channel_and_follows_changes(studio: Studio) -> None:
    a, b, c = (studio.open(name) for name in "abc")
    tape = FakeRecorder()
    studio.engine.record("x", tape.as_recorder(), ["a", "b"], [])
    studio.talk(20, (a, level(1000)), (b, level(2000)), (c, level(4000)))
    studio.engine.record_change("x", ["c"], ["a"])
    studio.talk(20, (a, level(1000)), (b, level(2000)), (c, level(4000)))
    studio.engine.close("a", studio.now, studio.now)
    studio.talk(20, (c, level(4000)))
    studio.engine.stop_record("x")
    left, right = tape.sound[0].reshape(-1, FRAME)[:, 0], tape.sound[1].reshape(-1, FRAME)[:, 0]
    assert tape.sound.shape == (2, 60 * FRAME)
    assert np.abs(left[10:20] - 3000).max() < 100
    assert np.abs(left[30:60] - 4000).max() < 100
    assert not right[:20].any()
    assert np.abs(right[30:40] - 1000).max() < 50
    assert not right[41:].any()


def test_a_recording_lasts_as_long_as_the_time_that_passed(studio: Studio) -> None:
    studio.open("a")
    for ticks in (1, 24, 25, 26, 50, 77):
        tape = FakeRecorder()
        studio.tick(ticks % 7)
        studio.engine.record("x", tape.as_recorder(), ["a"], [])
        studio.tick(ticks)
        studio.engine.stop_record("x")
        assert tape.sound.shape == (2, ticks * FRAME)


def test_blocks_are_handed_over_every_half_second(studio: Studio) -> None:
    studio.open("a")
    tape = FakeRecorder()
    studio.tick(3)
    studio.engine.record("x", tape.as_recorder(), ["a"], [])
    studio.tick(76)
    assert [block.shape[1] for block in tape.blocks] == [25 * FRAME] * 3


# loss, strangers, silence


def test_loss_is_concealed_counted_and_lowers_the_score(studio: Studio) -> None:
    a, b, _ = (studio.open(name) for name in "abc")
    for name in "abc":
        studio.engine.join(name, "r")
    sound = sine(400, 200)
    for frame in range(200):
        packet = a.next_packet(encode(sound[frame * FRAME : (frame + 1) * FRAME]))
        if frame % 10 != 5:
            a.send(packet)
        studio.tick()
    heard = b.hears()[10 * FRAME :]
    assert np.abs(heard.reshape(-1, FRAME)).max(axis=1).min() > 5000
    report = studio.engine.close("a", studio.now, studio.now)
    assert (report["packets_received"], report["lost"]) == (180, 20)
    assert report["loss_percent"] == 10
    assert report["mos"] < studio.engine.close("b", studio.now, studio.now)["mos"]


def test_duplicates_are_heard_and_counted_once(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    for value in range(20):
        packet = a.next_packet(encode(level(value)))
        for _ in range(3 if value % 4 == 0 else 1):
            a.send(packet)
        studio.tick()
    assert len(studio.io.sent_to(b.row)) == 20
    report = studio.engine.close("a", studio.now, studio.now)
    assert (report["duplicates"], report["packets_received"], report["lost"]) == (10, 20, 0)


def test_s8_strangers_are_dropped_counted_and_never_answered(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(3, (talker, level(100)))
    studio.io.sent.clear()
    for port in range(5000, 5100):
        studio.io.arrive(talker.row, bytes(talker.next_packet(bytes(160))), "198.51.100.1", port)
        studio.io.arrive(talker.row, bytes(talker.next_packet(bytes(160))), talker.host, port)
    studio.tick()
    assert studio.io.sent == []
    assert studio.engine.close("a", studio.now, studio.now)["strangers"] == 200


def test_s8_only_the_negotiated_host_latches_and_the_first_port_of_it_stays(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.io.arrive(talker.row, bytes(talker.next_packet(bytes(160))), "198.51.100.1", talker.port)
    studio.tick()
    assert studio.io.sent == []
    talker.port = 4999
    studio.talk(2, (talker, level(1)))
    assert len(studio.io.sent_to(talker.row)) == 2
    assert studio.io.peers[talker.row, 0] >> np.uint64(16) & np.uint64(0xFFFF) == int.from_bytes(
        (4999).to_bytes(2), "little"
    )


def test_s8_who_was_quicker_at_another_port_of_the_host_loses_the_leg_to_the_negotiated_port(studio: Studio) -> None:
    phone = studio.open("a")
    tape = FakeRecorder()
    studio.engine.record("x", tape.as_recorder(), ["a"], [])
    studio.engine.echo("a", on=True)
    quicker = Talker(studio, phone.row, host=phone.host, port=6666, ssrc=99)
    studio.talk(3, (quicker, level(20000)))
    studio.talk(2, (quicker, level(20000)), (phone, level(1000)))
    studio.io.sent.clear()
    studio.talk(60, (quicker, level(20000)), (phone, level(1000)))
    assert studio.engine.latch.host(phone.row) == phone.host
    assert int(studio.io.peers[phone.row, 0] >> 16 & 0xFFFF) == int.from_bytes(phone.port.to_bytes(2, "big"), "little")
    studio.engine.stop_record("x")
    heard = np.abs(tape.sound[0].astype(np.int32)) > 10000
    assert heard.sum() <= 5 * FRAME, "at most five packets before the latch, and none after"
    assert studio.engine.close("a", studio.now, studio.now)["strangers"] >= 60


def test_s8_after_a_re_invite_to_another_port_the_stream_goes_on_from_there_at_once(studio: Studio) -> None:
    phone = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(3, (phone, level(1)))
    phone.port += 2
    studio.configure("a", phone)
    studio.io.sent.clear()
    studio.talk(3, (phone, level(1)))
    assert len(studio.io.sent_to(phone.row)) == 3


def test_s8_nothing_of_a_party_goes_to_who_sprays_rtp_and_four_octets_of_rtcp(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    aimed = {row: studio.io.peers[row].copy() for row in (a.row, b.row)}

    def spray() -> None:
        for port in range(6000, 6050):
            for row in (a.row, b.row):
                sound = bytes(RtpPacket(0, False, port & 0xFFFF, 0, 0x1001, encode(level(20000))))
                studio.io.arrive(row, sound, "203.0.113.66", port)
                studio.io.arrive(row, b"\x80\xc9\x00\x00", "203.0.113.66", port)

    for _ in range(5):
        spray()
        studio.tick()
    assert studio.io.sent == [], "before anybody spoke"
    for _ in range(20):
        spray()
        studio.talk(1, (a, level(1000)), (b, level(7)))
        for row, peer in aimed.items():
            assert (studio.io.peers[row] == peer).all()
    assert np.abs(b.hears() - 1000).max() < 40


def test_s8_a_stream_that_fell_silent_may_go_on_from_another_port_and_not_before(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(3, (talker, level(1)))
    talker.port = 4999
    studio.talk(3, (talker, level(1)))
    assert len(studio.io.sent_to(talker.row)) == 3
    studio.tick(110)
    studio.talk(3, (talker, level(1)))
    assert len(studio.io.sent_to(talker.row)) == 2


def test_s8_a_stranger_does_not_take_over_a_silent_leg(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(3, (talker, level(1)))
    studio.io.sent.clear()
    studio.tick(200)
    stranger = Talker(studio, talker.row, host="198.51.100.1", ssrc=99, sequence=talker.sequence)
    studio.talk(5, (stranger, level(1)))
    assert studio.io.sent == []


def test_silence_is_told_once_and_so_is_its_end(studio: Studio) -> None:
    talker = studio.open("a")
    studio.talk(5, (talker, level(1)))
    studio.tick(30 * 50)
    assert [event.leg for event in studio.told(MediaSilent)] == ["a"]
    assert 20 <= studio.told(MediaSilent)[0].seconds <= 21
    studio.talk(5, (talker, level(1)))
    assert studio.told(MediaResumed) == [MediaResumed("a")]


def test_a_leg_that_is_not_to_send_is_not_said_to_be_silent(studio: Studio) -> None:
    talker = studio.open("a", receive=False)
    studio.tick(30 * 50)
    assert studio.told(MediaSilent) == []
    studio.configure("a", talker)
    studio.tick(15 * 50)
    assert studio.told(MediaSilent) == []
    studio.tick(6 * 50)
    assert len(studio.told(MediaSilent)) == 1


# reports


def test_reports_are_sent_about_every_five_seconds_and_a_bye_at_the_end(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(50 * 30, (talker, level(1)))
    assert 4 <= len(studio.io.sent_reports) <= 13
    report = rtcp.parse(studio.io.sent_reports[-1][1])
    assert report.ssrc == int(studio.engine.legs.ssrc[talker.row])
    assert [block.ssrc for block in report.blocks] == [talker.ssrc]
    assert report.blocks[0].lost == 0
    studio.engine.close("a", studio.now, studio.now)
    assert rtcp.parse(studio.io.sent_reports[-1][1]).goodbye


def test_who_heard_nothing_of_us_is_not_told_goodbye(studio: Studio) -> None:
    talker = studio.open("a")
    studio.open("b")
    studio.talk(3, (talker, level(1)))
    studio.io.sent_reports.clear()
    studio.engine.reports.due(studio.now)
    for name in "ab":
        studio.engine.close(name, studio.now, studio.now)
    assert studio.io.sent_reports == []


def test_who_got_a_report_is_told_goodbye_though_no_sound_was_sent(studio: Studio) -> None:
    studio.open("a")
    studio.tick(6 * 50)
    assert studio.io.sent_reports
    studio.engine.close("a", studio.now, studio.now)
    assert rtcp.parse(studio.io.sent_reports[-1][1]).goodbye


def test_a_leg_that_carried_nothing_has_the_report_of_all_such_legs(studio: Studio) -> None:
    talker = studio.open("a")
    rating, score = quality.rate(0.0, BUFFER_DELAY_MS)
    assert studio.engine.close("a", studio.now, studio.now) is UNHEARD
    assert (UNHEARD["r_factor"], UNHEARD["mos"]) == (round(rating, 2), round(score, 3))
    assert set(UNHEARD) == set(LegReport.__annotations__)
    talker = studio.open("a")
    stranger = Talker(studio, talker.row, host="198.51.100.1", ssrc=99)
    studio.talk(2, (stranger, level(1)))
    studio.engine.play("a", [level(5)], "t", repeat=False)
    studio.tick()
    report = studio.engine.close("a", studio.now, studio.now)
    assert report == {**UNHEARD, "strangers": 2, "packets_sent": 1}


def test_who_is_left_alone_in_a_room_is_sent_silence_within_a_second(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
    studio.talk(5, (a, level(500)), (b, level(500)))
    studio.engine.close("b", studio.now, studio.now)
    a.hears()
    studio.tick()
    assert studio.io.sent_to(a.row) == [], "most who are left alone are gone in a moment"
    studio.tick(50)
    heard = a.hears()
    assert len(heard)
    assert np.abs(heard).max() <= 8


def test_the_round_trip_comes_from_the_peers_report(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(50 * 8, (talker, level(1)))
    ours = rtcp.parse(studio.io.sent_reports[-1][1])
    assert ours.ssrc is not None
    assert ours.ntp is not None
    wall = 1_700_000_000 + studio.now
    delay = (rtcp.middle(wall) - ours.ntp) - round(0.080 * 65536) + round(TICK_OF_READING * 65536)
    block = rtcp.ReportBlock(ours.ssrc, 0, 0, 0, 0, ours.ntp, delay)
    studio.io.reports.append((talker.row, rtcp.build(talker.ssrc, None, [block], "x"), talker.host))
    forged = rtcp.ReportBlock(ours.ssrc, 0, 0, 0, 0, ours.ntp, delay // 2)
    studio.io.reports.append((talker.row, rtcp.build(talker.ssrc, None, [forged], "x"), "198.51.100.1"))
    studio.tick()
    report = studio.engine.close("a", studio.now, studio.now)
    assert report["round_trip_ms"] == pytest.approx(80, abs=1)


TICK_OF_READING = 0.02


# order of life


def test_orders_for_unknown_legs_are_refused(studio: Studio) -> None:
    for order in (
        lambda: studio.engine.join("x", "r"),
        lambda: studio.engine.stop("x"),
        lambda: studio.engine.close("x", 0, 0),
        lambda: studio.engine.stop_record("x"),
        lambda: studio.engine.record_change("x", [], []),
    ):
        with pytest.raises(UnknownLeg):
            order()


def test_a_closed_leg_leaves_nothing_behind_and_its_row_serves_the_next(studio: Studio) -> None:
    a, b = studio.open("a"), studio.open("b")
    for name in "ab":
        studio.engine.join(name, "r")
        studio.engine.play(name, [level(5)], "t", repeat=True)
        studio.engine.detect_inband(name, on=True)
        studio.engine.send_digits(name, "123")
    studio.talk(30, (a, level(1)), (b, level(2)))
    for name in "ab":
        studio.engine.close(name, studio.now, studio.now)
    studio.tick(10)
    engine = studio.engine
    assert (len(engine.legs), len(engine.rooms), engine.relay.count, len(engine.players)) == (0, 0, 0, 0)
    assert len(engine.rooms.plan().ears) == 0
    assert studio.io.attached == set()
    again = studio.open("c")
    assert again.row == a.row
    studio.talk(5, (again, level(1)))
    report = engine.close("c", studio.now, studio.now)
    assert (report["packets_sent"], report["packets_received"], report["lost"]) == (0, 5, 0)


def test_skipped_ticks_show_as_a_gap_in_the_timestamps(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.play("a", [level(5)], "t", repeat=True)
    studio.tick(2)
    studio.engine.skip(7)
    studio.tick(2)
    sent = studio.io.sent_to(talker.row)
    assert np.diff([packet.timestamp for packet in sent]).tolist() == [160, 8 * 160, 160]
    assert np.diff([packet.sequence for packet in sent]).tolist() == [1, 1, 1]
    assert [packet.marker for packet in sent] == [False, False, True, False]


def test_recordings_keep_step_with_the_clock_through_a_stall(studio: Studio) -> None:
    a = studio.open("a")
    b = studio.open("b")
    for before, stall, after in (
        (0, 7, 10),
        (3, 6, 30),
        (10, 15, 5),
        (24, 1, 1),
        (13, 12, 26),
        (30, 61, 30),
        (7, 200, 3),
    ):
        tape = FakeRecorder()
        studio.engine.record("x", tape.as_recorder(), ["a"], ["b"])
        studio.talk(before, (a, level(1000)), (b, level(2000)))
        studio.now += stall * 0.02
        studio.engine.skip(stall)
        studio.talk(after, (a, level(1000)), (b, level(2000)))
        studio.engine.stop_record("x")
        missed = stall if before else 0
        assert tape.sound.shape == (2, (before + missed + after) * FRAME), (before, stall, after)
        stalled = tape.sound[:, before * FRAME : (before + missed) * FRAME]
        assert not stalled.any()
        heard = tape.sound[:, ::FRAME] > 500
        assert (heard[0] == heard[1]).all(), "both channels are silent at the same time"


def test_a_recording_hands_over_whole_blocks_after_a_stall_too(studio: Studio) -> None:
    studio.open("a")
    tape = FakeRecorder()
    studio.engine.record("x", tape.as_recorder(), ["a"], [])
    studio.tick(10)
    studio.engine.skip(8)
    studio.tick(80)
    assert [block.shape[1] for block in tape.blocks] == [25 * FRAME] * 3
    studio.engine.stop_record("x")
    assert tape.sound.shape == (2, 98 * FRAME)


def test_legs_that_come_and_go_between_two_ticks_leave_nothing_behind(studio: Studio) -> None:
    for number in range(100):
        studio.open(str(number))
        studio.engine.close(str(number), studio.now, studio.now)
    assert studio.engine.reports.pending == 0
    assert len(studio.engine.legs) == 0


@pytest.mark.parametrize(
    "datagram", [b"", b"\x80", b"\x80\x08", bytes(11), b"\x40\x00" + bytes(170), b"\x90" + bytes(12)]
)
def test_what_a_known_phone_sends_that_is_no_rtp_is_counted_and_changes_nothing(
    studio: Studio, datagram: bytes
) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(3, (talker, level(1000)))
    before = studio.engine.receiver.malformed
    talker.send(datagram)
    studio.talk(3, (talker, level(1000)))
    assert studio.engine.receiver.malformed == before + 1
    assert studio.engine.close("a", studio.now, 0.0)["packets_received"] == 6


def test_a_foreign_stream_of_a_payload_type_that_was_not_negotiated_does_not_end_the_known_one(studio: Studio) -> None:
    talker = studio.open("a")
    studio.engine.echo("a", on=True)
    studio.talk(3, (talker, level(1000)))
    for number in range(5):
        talker.send(RtpPacket(96, False, 7 * number, 9, 0xBAD, bytes(160)))
        talker.send(RtpPacket(0, False, 7 * number, 9, 0xBAD, bytes(700)))
        studio.talk(1, (talker, level(1000)))
    report = studio.engine.close("a", studio.now, 0.0)
    assert (report["packets_received"], report["lost"]) == (8, 0)
    assert studio.engine.receiver.malformed == 10
