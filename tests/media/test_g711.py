"""G.711 against the Recommendation's tables, the reference software's arithmetic, and sample-by-sample twins."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from media.g711 import DECODE, ENCODE, PCMA, PCMU, RELAY, SILENCE, decode_rows, encode_rows, transcode
from tests.media.exact.twins import encode_a_law, encode_mu_law

LAWS = (PCMU, PCMA)
EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16)

# G.711 table 2a (mu-law, positive): code word as a number, value at the decoder output y on the 14-bit scale.
MU_LAW_TABLE = {
    0x80: 8031, 0x8F: 4191, 0x90: 3999, 0x9F: 2079, 0xA0: 1983, 0xAF: 1023, 0xB0: 975, 0xBF: 495, 0xC0: 471,
    0xCF: 231, 0xD0: 219, 0xDF: 99, 0xE0: 93, 0xEF: 33, 0xF0: 30, 0xFE: 2, 0xFF: 0,
}  # fmt: skip
# G.711 table 1a (A-law, positive): code word before the even bits are inverted, value at the decoder output in 1/4096.
A_LAW_TABLE = {
    0xFF: 4032, 0xF0: 2112, 0xEF: 2016, 0xE0: 1056, 0xDF: 1008, 0xD0: 528, 0xCF: 504, 0xC0: 264, 0xBF: 252,
    0xB0: 132, 0xAF: 126, 0xA0: 66, 0x9F: 63, 0x80: 1,
}  # fmt: skip


ENCODERS = {PCMU: encode_mu_law, PCMA: encode_a_law}


@st.composite
def frames(draw: st.DrawFn, dtype: type, limits: tuple[int, int]) -> tuple[NDArray[np.generic], NDArray[np.uint8]]:
    """Rows of 160 values and the law of each."""
    rows = draw(st.integers(1, 5))
    few = st.integers(*limits)
    values = draw(arrays.arrays(dtype, (rows, 160), elements=few, fill=few))
    return values, draw(arrays.arrays(np.uint8, rows, elements=st.integers(0, 1)))


def test_mu_law_decodes_to_the_values_of_table_2a() -> None:
    for code, value in MU_LAW_TABLE.items():
        assert DECODE[PCMU, code] == value * 4
        assert DECODE[PCMU, code & 0x7F] == -value * 4


def test_a_law_decodes_to_the_values_of_table_1a() -> None:
    for code, value in A_LAW_TABLE.items():
        assert DECODE[PCMA, code ^ 0x55] == value * 8
        assert DECODE[PCMA, (code ^ 0x55) & 0x7F] == -value * 8


@pytest.mark.parametrize("law", LAWS)
def test_every_sample_is_encoded_as_the_reference_software_does(law: int) -> None:
    wanted = [ENCODERS[law](int(sample)) for sample in EVERY_SAMPLE]
    np.testing.assert_array_equal(ENCODE[law], wanted)


@pytest.mark.parametrize("law", LAWS)
def test_every_code_survives_decoding_and_encoding(law: int) -> None:
    again = ENCODE[law][DECODE[law].view(np.uint16)]
    codes = np.arange(256)
    different = codes[again != codes]
    # mu-law has a positive and a negative zero; a switch that decodes cannot tell them apart
    assert list(different) == ([0x7F] if law == PCMU else [])


@pytest.mark.parametrize("law", LAWS)
def test_encoding_is_never_further_off_than_half_a_step(law: int) -> None:
    heard = DECODE[law][ENCODE[law]].astype(int)
    within = np.abs(EVERY_SAMPLE.astype(int)) <= (32256 if law == PCMA else 32124)
    step = 2 ** np.maximum(np.floor(np.log2(np.abs(EVERY_SAMPLE.astype(float)) + 132)) - 4, 0) + 8
    assert (np.abs(heard - EVERY_SAMPLE) <= step)[within].all()


@pytest.mark.parametrize("law", LAWS)
def test_encoding_is_monotonous(law: int) -> None:
    heard = DECODE[law][ENCODE[law]].astype(int)
    assert (np.diff(np.concatenate([heard[32768:], heard[:32768]])) >= 0).all()


@pytest.mark.parametrize(("law", "subtype"), [(PCMU, "ULAW"), (PCMA, "ALAW")])
def test_decoding_agrees_with_libsndfile(law: int, subtype: str, tmp_path: object) -> None:
    path = f"{tmp_path}/codes.raw"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(bytes(range(256)))
    known, _ = soundfile.read(path, dtype="int16", samplerate=8000, channels=1, subtype=subtype, format="RAW")
    np.testing.assert_array_equal(DECODE[law], known)


@pytest.mark.parametrize("law", LAWS)
def test_silence_is_the_code_of_zero(law: int) -> None:
    assert ENCODE[law, 0] == SILENCE[law]
    assert abs(int(DECODE[law, SILENCE[law]])) <= 8


@given(frames(np.uint8, (0, 255)))
@settings(max_examples=50, deadline=None)
def test_decoding_rows_equals_decoding_octet_by_octet(
    given_frames: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    codes, law = given_frames
    out = np.empty(codes.shape, np.int16)
    decode_rows(codes, law, out)
    wanted = [[int(DECODE[row_law, code]) for code in row] for row, row_law in zip(codes, law, strict=True)]
    np.testing.assert_array_equal(out, wanted)


@given(frames(np.int16, (-32768, 32767)))
@settings(max_examples=50, deadline=None)
def test_encoding_rows_equals_encoding_sample_by_sample(
    given_frames: tuple[NDArray[np.int16], NDArray[np.uint8]],
) -> None:
    pcm, law = given_frames
    out = np.empty(pcm.shape, np.uint8)
    encode_rows(pcm, law, out)
    wanted = [[ENCODERS[int(row_law)](int(x)) for x in row] for row, row_law in zip(pcm, law, strict=True)]
    np.testing.assert_array_equal(out, wanted)


@given(frames(np.uint8, (0, 255)), st.integers(0, 1))
@settings(max_examples=50, deadline=None)
def test_transcoding_rows_equals_the_relay_table(
    given_frames: tuple[NDArray[np.uint8], NDArray[np.uint8]], wanted: int
) -> None:
    codes, law = given_frames
    out = np.empty_like(codes)
    transcode(codes, law, np.full(len(law), wanted, np.uint8), out)
    assert out.tolist() == [
        [int(RELAY[row_law, wanted, c]) for c in row] for row, row_law in zip(codes, law, strict=True)
    ]


@pytest.mark.parametrize("rows", [1, 127, 128, 129, 300])
def test_blocks_of_rows_join_without_a_seam(rows: int) -> None:
    codes = np.arange(rows * 160, dtype=np.uint32).astype(np.uint8).reshape(rows, 160)
    law = (np.arange(rows) % 2).astype(np.uint8)
    pcm, back = np.empty(codes.shape, np.int16), np.empty_like(codes)
    decode_rows(codes, law, pcm)
    np.testing.assert_array_equal(pcm, DECODE[law[:, None], codes])
    encode_rows(pcm, law, back)
    np.testing.assert_array_equal(back, ENCODE[law[:, None], pcm.view(np.uint16)])


def test_no_rows_are_no_work() -> None:
    decode_rows(np.empty((0, 160), np.uint8), np.empty(0, np.uint8), np.empty((0, 160), np.int16))


def test_transcoding_to_the_same_law_changes_nothing_and_may_be_done_in_place() -> None:
    codes = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    kept = codes.copy()
    laws = np.array([PCMU, PCMA], np.uint8)
    transcode(codes, laws, laws, codes)
    np.testing.assert_array_equal(codes, kept)


@pytest.mark.parametrize(("source", "wanted"), [(PCMU, PCMA), (PCMA, PCMU)])
def test_transcoding_is_within_one_step_of_decoding_and_encoding(source: int, wanted: int) -> None:
    direct = RELAY[source, wanted].astype(int)
    decoded = ENCODE[wanted][DECODE[source].view(np.uint16)].astype(int)
    unmask = 0x55 if wanted == PCMA else 0x7F
    number, other = (direct ^ unmask) & 0x7F, (decoded ^ unmask) & 0x7F
    assert (np.abs(number - other) <= 1).all()
    loud = np.abs(DECODE[source].astype(int)) > 8
    assert ((direct ^ decoded) & 0x80 == 0)[loud].all()


def test_a_call_that_crosses_the_laws_and_back_is_nearly_transparent() -> None:
    """G.711 section 3.4: mu-A-mu keeps all characters but a few of the quietest, A-mu-A likewise."""
    codes = np.arange(256)
    back = RELAY[PCMA, PCMU][RELAY[PCMU, PCMA]]
    assert (np.abs(DECODE[PCMU][back].astype(int) - DECODE[PCMU]) <= 128).all()
    assert (back == codes).sum() >= 240
    back = RELAY[PCMU, PCMA][RELAY[PCMA, PCMU]]
    assert (back == codes).sum() >= 220
