"""What holds for every codec."""

import time
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codec.catalogue import FORMATS, open_codec
from media.codec.codec import Codec, Format
from media.errors import BadPayload
from tests.media.codec.sound import decoded, encoded, frames, signal_to_noise, sine, speech

BOUNDS = {"G722": (40, 38), "GSM": (30, 12), "L16": (120, 120), "opus": (18, 13)}
"""Decibels of a 1 kHz sine and of speech-like noise."""

every_format = pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: f"{form.name}/{form.clock}")


def opened(form: Format) -> Codec:
    return open_codec(form.name, form.clock)


@every_format
def test_a_sine_and_speech_come_through(form: Format) -> None:
    for sound, bound in zip((sine(1000, form.rate), speech(form)), BOUNDS[form.name], strict=True):
        codec = opened(form)
        heard = decoded(codec, encoded(codec, sound))
        assert heard.dtype == np.int16
        assert len(heard) == len(sound) // form.samples * form.samples
        assert signal_to_noise(sound, heard, form.rate) > bound


@every_format
def test_the_delay_of_a_codec_is_below_ten_milliseconds(form: Format) -> None:
    codec = opened(form)
    sound = np.zeros(form.rate // 2, np.int16)
    sound[form.rate // 4 :] = sine(700, form.rate, 0.25)
    heard = decoded(codec, encoded(codec, sound))
    onset = np.flatnonzero(np.abs(heard.astype(int)) > 2500)[0] - form.rate // 4
    assert -form.rate // 500 < onset < form.rate // 100


@every_format
def test_every_frame_gives_one_payload_of_the_size_that_the_format_says(form: Format) -> None:
    sizes = {len(payload) for payload in encoded(opened(form), speech(form))}
    if form.frame_bytes is None:
        assert 0 < min(sizes) <= max(sizes) < 400
        return
    assert sizes == {form.frame_bytes}


@every_format
def test_two_codecs_know_nothing_of_each_other(form: Format) -> None:
    sounds = speech(form, 1, seed=1), speech(form, 1, seed=2)
    alone = [opened(form), opened(form)]
    payloads = [encoded(codec, sound) for codec, sound in zip(alone, sounds, strict=True)]
    heard = [decoded(codec, sent) for codec, sent in zip(alone, payloads, strict=True)]
    left, right = opened(form), opened(form)
    turns = list(zip(frames(sounds[0], form), frames(sounds[1], form), strict=True))
    assert [left_sent for a, b in turns for left_sent in (left.encode(a), right.encode(b))] == list(
        chain.from_iterable(zip(*payloads, strict=True))
    )
    both = [(left.decode(a), right.decode(b)) for a, b in zip(*payloads, strict=True)]
    assert np.array_equal(np.concatenate([a for a, _ in both]), heard[0])
    assert np.array_equal(np.concatenate([b for _, b in both]), heard[1])


@every_format
def test_two_directions_of_one_codec_know_nothing_of_each_other(form: Format) -> None:
    codec, other = opened(form), opened(form)
    payloads = encoded(codec, speech(form, 1))
    heard = decoded(codec, payloads)
    turns = zip(frames(speech(form, 1), form), payloads, strict=True)
    both = [(other.encode(frame), other.decode(sent)) for frame, sent in turns]
    assert [sent for sent, _ in both] == payloads
    assert np.array_equal(np.concatenate([sound for _, sound in both]), heard)


@every_format
@pytest.mark.parametrize("extreme", [0, 32767, -32768])
def test_extreme_sound_is_encoded_and_decoded(form: Format, extreme: int) -> None:
    codec = opened(form)
    sound = np.full(form.samples * 5, extreme, np.int16)
    assert len(decoded(codec, encoded(codec, sound))) == len(sound)
    square = np.tile(np.array([32767, -32768], np.int16).repeat(8), form.samples // 16 * 5)
    assert len(decoded(codec, encoded(codec, square))) == len(square)


@every_format
def test_a_frame_of_another_length_or_kind_is_refused(form: Format) -> None:
    codec = opened(form)
    for wrong in (np.zeros(form.samples - 1, np.int16), np.zeros(0, np.int16), np.zeros(form.samples, np.int32)):
        with pytest.raises(ValueError, match=f"encodes int16\\[{form.samples}\\]"):
            codec.encode(wrong)


@every_format
def test_an_empty_payload_is_refused(form: Format) -> None:
    with pytest.raises(BadPayload):
        opened(form).decode(b"")


any_octets = st.binary(max_size=1500)
long_runs = st.builds(
    lambda first, octet, size: bytes((first,)) + bytes((octet,)) * size,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 1499),
)
signed_as_gsm = st.binary(min_size=33, max_size=33).map(lambda frame: (bytes((0xD0 | frame[0] & 15,)) + frame[1:]) * 3)
hostile = st.lists(any_octets | long_runs | signed_as_gsm, max_size=6)


@every_format
@given(payloads=hostile)
@settings(max_examples=300, deadline=None)
def test_any_octets_are_refused_or_give_at_most_sixty_milliseconds(form: Format, payloads: list[bytes]) -> None:
    codec = opened(form)
    for payload in payloads:
        try:
            sound = codec.decode(payload)
        except BadPayload:
            continue
        assert sound.dtype == np.int16
        assert sound.ndim == 1
        assert 0 < len(sound) <= form.rate * 60 // 1000
    concealed = codec.conceal()
    assert concealed is None or concealed.shape == (form.samples,)
    assert len(codec.decode(opened(form).encode(np.zeros(form.samples, np.int16)))) == form.samples


@every_format
def test_a_flipped_bit_does_no_lasting_harm(form: Format) -> None:
    codec = opened(form)
    sound = sine(1000, form.rate)
    payloads = encoded(codec, sound)
    broken = bytearray(payloads[10])
    broken[-1] ^= 0x40
    payloads[10] = bytes(broken)
    heard = decoded(codec, payloads)
    half = len(heard) // 2 // form.samples * form.samples
    assert signal_to_noise(sound[half:], heard[half:], form.rate) > BOUNDS[form.name][0] - 3


@every_format
def test_what_a_frame_costs(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    codec = opened(form)
    sound = frames(speech(form, 4), form)
    payloads = [codec.encode(frame) for frame in sound]
    encoding = min(_cost(codec.encode, sound) for _ in range(3))
    decoding = min(_cost(codec.decode, payloads) for _ in range(3))
    with capsys.disabled():
        print(f"\n{form.name}/{form.clock}: {encoding:.1f} us to encode, {decoding:.1f} us to decode a frame")
    assert max(encoding, decoding) < 2000


def _cost(work, items) -> float:
    started = time.process_time()
    for item in items:
        work(item)
    return (time.process_time() - started) / len(items) * 1e6
