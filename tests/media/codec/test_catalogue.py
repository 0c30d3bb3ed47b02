"""Which codecs there are, and what loading them takes."""

import subprocess
import sys

import pytest

from media.codec.catalogue import FORMATS, find_format, open_codec
from media.codec.codec import Format
from media.errors import CodecMissing, MediaError, UnknownCodec


def test_the_table_says_what_the_rfcs_say() -> None:
    told = {
        ("G722", 8000): Format("G722", 8000, 16000, 1, 9, 160),
        ("GSM", 8000): Format("GSM", 8000, 8000, 1, 3, 33),
        ("L16", 8000): Format("L16", 8000, 8000, 1, None, 320),
        ("L16", 16000): Format("L16", 16000, 16000, 1, None, 640),
        ("opus", 48000): Format("opus", 48000, 16000, 2, None, None),
    }
    assert told == FORMATS
    assert [form.ticks for form in FORMATS.values()] == [160, 160, 160, 320, 960]
    assert [form.samples for form in FORMATS.values()] == [320, 160, 160, 320, 320]
    assert [form.longest for form in FORMATS.values()] == [960, 480, 480, 960, 960]
    assert [form.wideband for form in FORMATS.values()] == [True, False, False, True, True]


def test_names_have_no_case_but_clocks_must_match() -> None:
    assert find_format("OPUS", 48000) is FORMATS["opus", 48000]
    assert open_codec("g722", 8000).format is FORMATS["G722", 8000]
    assert find_format("G722", 16000) is None


@pytest.mark.parametrize(("name", "clock"), [("G729", 8000), ("G722", 16000), ("L16", 44100), ("", 0)])
def test_an_unknown_codec_is_named_in_the_error(name: str, clock: int) -> None:
    with pytest.raises(UnknownCodec, match=f"no codec {name}/{clock}"):
        open_codec(name, clock)


def test_every_codec_knows_its_format() -> None:
    assert all(open_codec(*key).format is form for key, form in FORMATS.items())


@pytest.mark.parametrize(
    ("name", "clock", "library", "package"),
    [("opus", 48000, "av", "av"), ("G722", 8000, "G722", "g722"), ("GSM", 8000, "soundfile", "soundfile")],
)
def test_a_missing_library_is_named_in_the_error(
    monkeypatch: pytest.MonkeyPatch, name: str, clock: int, library: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"media.codec.{name.lower()}", raising=False)
    with pytest.raises(CodecMissing, match=f"the codec {name} needs the Python package {package}") as caught:
        open_codec(name, clock)
    assert isinstance(caught.value, MediaError)


def test_no_codec_library_is_loaded_before_it_is_asked_for() -> None:
    program = (
        "import sys, media.codec.bands; from media.codec.catalogue import open_codec; open_codec('L16', 8000); "
        "assert not {'av', 'G722', 'soundfile'} & set(sys.modules), 'too early'; "
        "open_codec('G722', 8000); assert 'av' not in sys.modules; "
        "open_codec('opus', 48000); assert 'av' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
