"""WAV headers and the repair of files that a crash cut off."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.errors import RecordingError
from media.wav import HEADER_BYTES, build_header, repair

WHOLE = build_header(640 * 3) + np.repeat(np.arange(3, dtype="<i2") + 1, 320).tobytes()


@pytest.mark.parametrize("length", [*range(48), 100, 101, 102, 103, 683, 684, 685, len(WHOLE)])
def test_a_file_cut_at_any_byte_is_repaired_once(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(WHOLE[:length])
    found = repair(str(path))
    whole_samples = max(0, length - HEADER_BYTES) // 4
    assert found.seconds == whole_samples / 8000
    assert found.changed == (length != len(WHOLE))
    repaired = path.read_bytes()
    assert repaired == build_header(whole_samples * 4) + WHOLE[HEADER_BYTES : HEADER_BYTES + whole_samples * 4]
    assert len(soundfile.read(path)[0]) == whole_samples
    assert repair(str(path)) == (found.seconds, False)
    assert path.read_bytes() == repaired


@given(cut=st.integers(0, 5000), claimed=st.integers(0, 2**32 - 1), mono=st.booleans())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_repair_takes_in_all_the_sound_whatever_the_header_claims(
    tmp_path: Path, cut: int, claimed: int, mono: bool
) -> None:
    path = tmp_path / "cut.wav"
    channels = 1 if mono else 2
    header = bytearray(build_header(0, channels))
    header[4:8] = header[40:44] = claimed.to_bytes(4, "little")
    sound = bytes(range(256)) * 20
    path.write_bytes((bytes(header) + sound)[:cut])
    repair(str(path))
    kept = max(0, cut - HEADER_BYTES)
    # a file that ends before its channel count is taken for one of two channels
    frame = 2 * channels if cut >= 24 else 4
    assert path.read_bytes()[HEADER_BYTES:] == sound[: kept // frame * frame]
    assert not repair(str(path)).changed


@pytest.mark.parametrize(
    "content", [b"R1FF", b"hello", b"RIFF0000AVI ", bytes(100), b"\xff" * 44, WHOLE[:20] + bytes(40)]
)
def test_a_file_that_is_no_recording_of_ours_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="not a recording"):
        repair(str(path))
    assert path.read_bytes() == content


def test_what_cannot_be_opened_cannot_be_repaired(tmp_path: Path) -> None:
    for path in (str(tmp_path / "gone.wav"), str(tmp_path), "nul\0byte", "/dev/full"):
        with pytest.raises(RecordingError):
            repair(path)


def test_a_recording_longer_than_a_wav_file_can_be_has_a_header_that_can_be_read() -> None:
    for data_bytes in (2**32 - 45, 2**32, 2**40):
        header = build_header(data_bytes)
        assert len(header) == HEADER_BYTES
        assert int.from_bytes(header[4:8], "little") == int.from_bytes(header[40:44], "little") + 36
