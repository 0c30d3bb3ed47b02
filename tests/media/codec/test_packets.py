"""Packets of other lengths than 20 ms, and payloads that are none."""

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext

from media.codec.catalogue import FORMATS, open_codec
from media.codec.codec import Samples
from media.codec.formats import OPUS
from media.codec.opus import milliseconds
from media.errors import BadPayload
from tests.media.codec.sound import decoded, encoded, frames, level, signal_to_noise, sine, speech


def opus_packets(sound: Samples, rate: int, layout: str = "mono", **options: str) -> list[bytes]:
    """`sound`, int16[n] or interleaved stereo, as another Opus encoder would send it."""
    context = AudioCodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = rate, layout, "s16"
    context.bit_rate = 64000
    context.options = options
    context.open()
    step = round(rate * float(options["frame_duration"]) / 1000) * (2 if layout == "stereo" else 1)
    packets: list[bytes] = []
    for start in range(0, len(sound) - step + 1, step):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + step], format="s16", layout=layout)
        frame.sample_rate = rate
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


@pytest.mark.parametrize(("name", "clock"), [("G722", 8000), ("L16", 8000), ("L16", 16000)])
@pytest.mark.parametrize("ms", [10, 20, 30, 40, 60])
def test_codecs_of_constant_rate_take_packets_of_any_length(name: str, clock: int, ms: int) -> None:
    codec = open_codec(name, clock)
    stream = b"".join(encoded(codec, sine(1000, codec.format.rate, 1.2)))
    octets = codec.format.frame_bytes * ms // 20
    single, other = open_codec(name, clock), open_codec(name, clock)
    size = codec.format.frame_bytes
    heard = decoded(other, [stream[at : at + octets] for at in range(0, len(stream), octets)])
    assert np.array_equal(heard, decoded(single, [stream[at : at + size] for at in range(0, len(stream), size)]))
    assert signal_to_noise(sine(1000, codec.format.rate, 1.2), heard, codec.format.rate) > 40


@pytest.mark.parametrize("count", [1, 2, 3])
def test_gsm_takes_packets_of_one_to_three_frames(count: int) -> None:
    stream = b"".join(encoded(open_codec("GSM", 8000), speech(FORMATS["GSM", 8000], 1.2)))
    single, joined = open_codec("GSM", 8000), open_codec("GSM", 8000)
    octets = 33 * count
    assert np.array_equal(
        decoded(single, [stream[at : at + 33] for at in range(0, len(stream), 33)]),
        decoded(joined, [stream[at : at + octets] for at in range(0, len(stream), octets)]),
    )


@pytest.mark.parametrize("seed", range(6))
def test_gsm_decodes_speech_to_the_bit_as_another_decoder_does(seed: int) -> None:
    other = AudioCodecContext.create("gsm", "r")
    other.sample_rate, other.layout = 8000, "mono"
    codec = open_codec("GSM", 8000)
    for payload in encoded(open_codec("GSM", 8000), speech(FORMATS["GSM", 8000], 4, seed)):
        (frame,) = other.decode(av.Packet(payload))
        assert np.array_equal(frame.to_ndarray().ravel(), codec.decode(payload))


def test_gsm_refuses_frames_without_their_signature() -> None:
    codec = open_codec("GSM", 8000)
    good = codec.encode(np.zeros(160, np.int16))
    for bad in (bytes(33), good + bytes(33), good[:32], good * 4, good + b"\xd0"):
        with pytest.raises(BadPayload):
            codec.decode(bad)


def test_g722_of_more_than_sixty_milliseconds_is_refused() -> None:
    codec = open_codec("G722", 8000)
    assert len(codec.decode(bytes(480))) == 960
    with pytest.raises(BadPayload, match="481 octets"):
        codec.decode(bytes(481))


def test_g722_agrees_with_another_implementation() -> None:
    sound = speech(FORMATS["G722", 8000], 2)
    payloads = encoded(open_codec("G722", 8000), sound)
    other = AudioCodecContext.create("g722", "r")
    other.sample_rate, other.layout = 16000, "mono"
    heard = np.concatenate([other.decode(av.Packet(payload))[0].to_ndarray().ravel() for payload in payloads])
    assert signal_to_noise(sound, heard, 16000) > 38


def test_l16_is_in_network_byte_order_and_whole() -> None:
    codec = open_codec("L16", 8000)
    assert codec.encode(np.full(160, 0x1234, np.int16)) == b"\x12\x34" * 160
    assert codec.decode(b"\x12\x34\xff\xfe").tolist() == [0x1234, -2]
    for bad in (b"\x12\x34\xff", bytes(962)):
        with pytest.raises(BadPayload):
            codec.decode(bad)


@pytest.mark.parametrize("ms", ["2.5", "5", "10", "20", "40", "60"])
def test_opus_takes_packets_of_every_length(ms: str) -> None:
    packets = opus_packets(sine(1000, 48000), 48000, frame_duration=ms, application="audio")
    codec = open_codec("opus", 48000)
    assert {len(codec.decode(packet)) for packet in packets} == {round(16 * float(ms))}
    heard = decoded(open_codec("opus", 48000), packets)
    assert signal_to_noise(sine(1000, 16000), heard, 16000) > 18


def test_two_opus_frames_in_one_packet_are_decoded_as_two_packets() -> None:
    first, second = encoded(open_codec("opus", 48000), speech(OPUS))[40:42]
    single, joined = open_codec("opus", 48000), open_codec("opus", 48000)
    assert first[0] == second[0]
    both = bytes((first[0] | 2, len(first) - 1)) + first[1:] + second[1:]
    assert milliseconds(both) == 40
    assert np.array_equal(joined.decode(both), decoded(single, [first, second]))


@pytest.mark.parametrize(
    "bad", [b"\x03", b"\x03\x00", b"\x4b\x04" + bytes(80), b"\xff" * 1500, b"\x02\xff", b"\x49ab\x00", b"\x19\x00\x00"]
)
def test_opus_packets_that_are_damaged_or_too_long_are_refused(bad: bytes) -> None:
    with pytest.raises(BadPayload):
        open_codec("opus", 48000).decode(bad)


def test_opus_in_stereo_is_mixed_down() -> None:
    left = sine(1000, 48000)
    packets = opus_packets(np.stack([left, left], 1).ravel(), 48000, "stereo", frame_duration="20", application="audio")
    codec = open_codec("opus", 48000)
    heard = decoded(codec, packets)
    assert signal_to_noise(sine(1000, 16000), heard, 16000) > 18
    assert 0.8 < level(heard) / level(left) < 1.25
    assert level(codec.conceal()) > level(left) / 4


def test_what_16_khz_cannot_carry_is_removed_from_opus_and_not_folded_back() -> None:
    codec = open_codec("opus", 48000)
    packets = opus_packets(sine(10000, 48000), 48000, frame_duration="20", application="audio")
    heard = decoded(codec, packets)[1600:17600]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) * 4 / len(heard)
    assert spectrum[5900:6100].max() < 80


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_lost_opus_frame_is_concealed_and_a_long_loss_fades(seed: int) -> None:
    sound = frames(speech(OPUS, seed=seed), OPUS)
    loudest = max(range(20, len(sound)), key=lambda number: level(sound[number]))
    codec = open_codec("opus", 48000)
    for frame in sound[: loudest + 1]:
        codec.decode(codec.encode(frame))
    gaps = [codec.conceal() for _ in range(20)]
    assert {gap.shape for gap in gaps} == {(320,)}
    assert level(gaps[0]) > level(sound[loudest]) / 2
    assert level(gaps[-1]) < level(sound[loudest]) / 100


def test_after_a_concealed_frame_opus_finds_its_way_back() -> None:
    payloads = encoded(open_codec("opus", 48000), speech(OPUS))
    whole, gapped = open_codec("opus", 48000), open_codec("opus", 48000)
    wanted = [whole.decode(payload) for payload in payloads]
    heard = [gapped.conceal() if number == 50 else gapped.decode(payload) for number, payload in enumerate(payloads)]
    assert all(np.array_equal(a, b) for a, b in zip(wanted[:50], heard[:50], strict=True))
    assert signal_to_noise(np.concatenate(wanted[70:]), np.concatenate(heard[70:]), 16000) > 20


def test_nothing_lost_is_concealed_before_anything_was_heard() -> None:
    assert not open_codec("opus", 48000).conceal().any()
    assert all(open_codec(*key).conceal() is None for key in FORMATS if key[0] != "opus")


def test_opus_sends_redundancy_for_the_other_side() -> None:
    packets = encoded(open_codec("opus", 48000), speech(OPUS))
    speaking = [packet for packet in packets if packet[0] >> 3 == 9]
    assert sum(packet[1] >> 6 & 1 for packet in speaking) > len(packets) / 4
