"""Prompts become sound files: with the real speech program where there is one, and with bad ones."""

import asyncio
import resource
import shutil
import stat
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ivr import speech
from ivr.errors import SpeechError
from ivr.prompts import Prompt
from ivr.speech import Speaker

SENTENCES = {
    "en": "You are number 3 in the queue.",
    "ru": "Ваш номер в очереди: 3.",
    "el": "Η θέση σας στην ουρά είναι 3.",
    "ro": "Sunteți pe locul 3 la rând.",
    "zh": "您排在第3位。",
}
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

WRITER = """#!{python}
import sys, wave, pathlib
arguments = sys.argv[1:]
target = arguments[arguments.index("-w") + 1]
text = sys.stdin.buffer.read()
folder = pathlib.Path(__file__).parent
with (folder / "runs").open("a") as runs:
    runs.write("x")
{act}
"""
A_SECOND = """
with wave.open(target, "wb") as sound:
    sound.setnchannels(1); sound.setsampwidth(2); sound.setframerate(22050)
    sound.writeframes(b"\\x00\\x10\\x00\\xf0" * 11025)
"""


def program(folder: Path, act: str) -> tuple[str]:
    """Write a speech program that behaves as told."""
    path = folder / "speaker"
    path.write_text(WRITER.format(python=sys.executable, act=act))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return (str(path),)


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text())


@needs_espeak
@pytest.mark.parametrize("language", SENTENCES)
async def test_every_language_is_spoken_as_telephone_sound(tmp_path: Path, language: str) -> None:
    path = await Speaker(tmp_path / "cache").ensure(Prompt(text=SENTENCES[language], language=language))
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype, info.format) == (8000, 1, "PCM_16", "WAV")
    assert 0.5 < info.duration < 6
    samples, _ = soundfile.read(path)
    assert 0.5 < abs(samples).max() < 0.7


@needs_espeak
async def test_a_text_that_looks_like_an_option_is_spoken_and_not_obeyed(tmp_path: Path) -> None:
    path = await Speaker(tmp_path / "cache").ensure(
        Prompt(text=f"--path={tmp_path} -w {tmp_path}/elsewhere.wav $(ls) `id`")
    )
    assert soundfile.info(path).duration > 1
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [path.name]


async def test_a_prompt_is_spoken_once_and_then_known(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND))
    first = await speaker.ensure(Prompt(text="Hello."))
    assert first == await speaker.ensure(Prompt(text="Hello."))
    assert runs(tmp_path) == 1
    assert soundfile.info(first).frames == 8000


async def test_many_who_ask_for_the_same_prompt_at_once_wait_for_one_program(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND))
    paths = await speaker.ensure_all([Prompt(text="Hello.")] * 20)
    assert len(set(paths)) == 1
    assert runs(tmp_path) == 1


async def test_one_who_leaves_does_not_take_the_prompt_from_the_others(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND))
    leaving = asyncio.create_task(speaker.ensure(Prompt(text="Hello.")))
    staying = asyncio.create_task(speaker.ensure(Prompt(text="Hello.")))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).is_file()
    assert leaving.cancelled()
    assert runs(tmp_path) == 1


def test_another_text_language_or_speed_is_another_file(tmp_path: Path) -> None:
    speaker, slow = Speaker(tmp_path), Speaker(tmp_path, speed=120)
    prompts = [Prompt(text="Hello."), Prompt(text="Hello!"), Prompt(text="Hello.", language="ro")]
    paths = {who.path_of(prompt) for who in (speaker, slow) for prompt in prompts}
    assert len(paths) == 6
    assert Speaker(tmp_path).path_of(prompts[0]) == speaker.path_of(prompts[0])


async def test_a_cut_file_of_an_earlier_crash_is_spoken_anew(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND))
    path = speaker.path_of(Prompt(text="Hello."))
    path.parent.mkdir()
    path.write_bytes(b"RIFF")
    await speaker.ensure(Prompt(text="Hello."))
    assert soundfile.info(path).frames == 8000


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("print('no such voice', file=sys.stderr); sys.exit(1)", "failed: no such voice"),
        ("sys.exit(3)", "failed: code 3"),
        ("pass", "failed: code 0"),
        ("open(target, 'wb').write(b'noise' * 100)", "wrote no sound"),
        (A_SECOND.replace("x10", "x00").replace("xf0", "x00"), "wrote silence"),
    ],
)
async def test_a_speech_program_that_fails_is_named_with_its_reason(tmp_path: Path, act: str, reason: str) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, act))
    with pytest.raises(SpeechError, match=reason) as caught:
        await speaker.ensure(Prompt(text="Hello."))
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_speech_program_that_hangs_is_ended(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "cache", timeout=0.3, program=program(tmp_path, "import time; time.sleep(60)"))
    with pytest.raises(SpeechError, match=r"took more than 0\.3 s"):
        await speaker.ensure(Prompt(text="Hello."))


async def test_closing_ends_the_programs_that_still_run(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, "import time; time.sleep(60)"))
    waiting = asyncio.create_task(speaker.ensure(Prompt(text="Hello.")))
    while not (tmp_path / "runs").exists():
        await asyncio.sleep(0.01)
    await speaker.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_program_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="does not start"):
        await Speaker(tmp_path / "cache", program=("/no/such/program",)).ensure(Prompt(text="Hello."))


async def test_without_any_speech_program_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.speech.shutil.which", lambda name: None)
    monkeypatch.setattr("ivr.speech.importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpeechError, match="install espeak-ng") as caught:
        await Speaker(tmp_path / "cache").ensure(Prompt(text="Hello."))
    assert "softswitch[tts]" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_program_the_library_speaks_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.speech.shutil.which", lambda name: None)
    monkeypatch.setattr("ivr.speech.importlib.util.find_spec", lambda name: object())
    assert speech.find_program() == (sys.executable, "-m", "ivr.espeak")


@pytest.mark.parametrize(
    ("text", "language"), [("", "en"), ("   ", "en"), ("x" * 4001, "en"), ("Hallo.", "de"), ("x", "../en")]
)
async def test_what_cannot_be_spoken_is_refused_before_a_program_starts(
    tmp_path: Path, text: str, language: str
) -> None:
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND))
    with pytest.raises(SpeechError):
        await speaker.ensure(Prompt(text=text, language=language))
    assert not (tmp_path / "runs").exists()


async def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(SpeechError, match="cannot be written"):
        await Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND)).ensure(Prompt(text="Hello."))


async def test_a_disk_that_fills_up_while_a_prompt_is_written_is_one_sentence(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    spoken = tmp_path / "spoken.wav"
    soundfile.write(spoken, np.sin(np.arange(20_000)), 22_050)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            speech._to_telephone_sound(spoken, tmp_path / "prompt.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_cache_loses_its_oldest_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "MAX_FILES", 10)
    speaker = Speaker(tmp_path / "cache", program=program(tmp_path, A_SECOND))
    await speaker.ensure_all([Prompt(text=f"Number {number}.") for number in range(15)])
    assert len(list((tmp_path / "cache").glob("*.wav"))) <= 12


async def test_a_file_prompt_is_played_as_it_is(tmp_path: Path) -> None:
    sound = tmp_path / "hello.wav"
    sound.write_bytes(b"RIFF")
    assert await Speaker(tmp_path / "cache").ensure(Prompt(file=str(sound))) == sound
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.wav", "does not exist"),
        ("", "does not exist"),
        ("empty.wav", "is empty"),
        ("a\0b", "does not exist|cannot be read"),
    ],
)
async def test_a_file_prompt_that_is_no_sound_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(SpeechError, match=reason):
        await Speaker(tmp_path / "cache").ensure(Prompt(file=str(tmp_path / name)))


STAND_IN = """
def get_library_path():
    return {library!r}
def get_data_path():
    return {data!r}
"""


@pytest.mark.skipif(find_library("espeak-ng") is None, reason="the espeak-ng library is not installed")
def test_the_library_speaks_when_the_program_is_missing(tmp_path: Path) -> None:
    data = next(iter(Path("/usr/lib").glob("*/espeak-ng-data")), Path("/usr/share/espeak-ng-data"))
    (tmp_path / "espeakng_loader.py").write_text(
        STAND_IN.format(library=find_library("espeak-ng"), data=str(data.parent))
    )
    target = tmp_path / "spoken.wav"
    source = Path(speech.__file__).parent.parent
    command = [sys.executable, "-m", "ivr.espeak", "-v", "el", "-s", "150", "-b", "1", "-w", str(target), "--stdin"]
    done = subprocess.run(
        command,
        input=SENTENCES["el"].encode(),
        env={"PYTHONPATH": f"{tmp_path}:{source}"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 0.5 < soundfile.info(target).duration < 6


def test_the_stand_in_without_a_library_says_so_and_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-m", "ivr.espeak", "-w", str(tmp_path / "spoken.wav")]
    source = Path(speech.__file__).parent.parent
    done = subprocess.run(command, input=b"Hello.", env={"PYTHONPATH": str(source)}, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"espeakng_loader" in done.stderr
    assert b"Traceback" not in done.stderr


def test_no_module_of_the_package_loads_the_speech_library() -> None:
    code = "import ivr.speech, ivr.session, sys; assert not any('espeak' in name for name in sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
