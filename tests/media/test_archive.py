"""Recordings become what they were wished to be, and none is lost on the way."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from media import archive
from media.archive import SHORTEST, keep, mix, waiting
from media.errors import RecordingBusy, RecordingError
from media.recorder import RecordingThread
from media.wav import build_header
from media.wish import Channels, Form, Wish, locate, read_name

FORMS: tuple[Form, ...] = ("wav", "ulaw", "gsm", "flac", "ogg")
WISHES = [Wish(form, channels) for form in FORMS for channels in ("stereo", "mixed")]
TURNED = [wish for wish in WISHES if wish != Wish()]
MINUTES, ROOM = 500_000, 50e9
"""So many minutes must fit into so many octets as GSM."""


def conversation(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    """Two voices that take turns, int16[n, 2]: 440 Hz on the left, 700 Hz on the right, both with some noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * 8000)) / 8000
    turn = (time % 2 < 1).astype(float)
    left = 6000 * np.sin(2 * np.pi * 440 * time) * turn
    right = 6000 * np.sin(2 * np.pi * 700 * time) * (1 - turn)
    return (np.stack([left, right], axis=1) + rng.normal(0, 30, (len(time), 2))).astype(np.int16)


def written(folder: Path, wish: Wish, sound: NDArray[np.int16], stem: str = "n-1-2") -> Path:
    """A recording as its call leaves it."""
    path = folder / wish.written(stem)
    path.write_bytes(build_header(sound.nbytes) + sound.tobytes())
    return path


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: f"{wish.form}-{wish.channels}")
def test_a_name_says_what_is_to_become_of_a_file(wish: Wish) -> None:
    found = read_name(wish.written("n-1-2"))
    if wish == Wish():
        assert found is None
        return
    assert found is not None
    stem, read = found
    assert (stem, read.form, read.is_mixed) == ("n-1-2", wish.form, wish.is_mixed)
    assert read.kept(stem) == wish.kept("n-1-2")
    assert wish.written("n-1-2") != wish.kept("n-1-2")


@pytest.mark.parametrize("name", ["a.wav", "a.to-mp3-mixed.wav", "a.b.to-gsm-mixed.wav", ".a.wav.new", "a.flac", ""])
def test_other_names_wish_for_nothing(name: str) -> None:
    assert read_name(name) is None


@pytest.mark.parametrize("wish", TURNED, ids=lambda wish: f"{wish.form}-{wish.channels}")
def test_a_recording_is_turned_into_what_is_wished(tmp_path: Path, wish: Wish) -> None:
    sound = conversation(3.21)
    path = written(tmp_path, wish, sound)
    os.utime(path, (1e9, 1e9))
    kept = keep(str(path))
    assert [str(one) for one in tmp_path.iterdir()] == [kept.path] == [str(tmp_path / wish.kept("n-1-2"))]
    assert kept.seconds == pytest.approx(3.21)
    assert kept.size == Path(kept.path).stat().st_size < path_size(sound)
    assert Path(kept.path).stat().st_mtime == 1e9
    heard, rate = soundfile.read(kept.path, dtype="int16", always_2d=True)
    expected = mix(sound) if wish.is_mixed else sound
    assert (rate, heard.shape[1]) == (8000, expected.shape[1])
    assert len(expected) <= len(heard) <= len(expected) + (640 if wish.form == "gsm" else 0)
    if wish.form in ("wav", "flac"):
        np.testing.assert_array_equal(heard, expected)
    for channel in range(expected.shape[1]):
        likeness = np.corrcoef(heard[: len(expected), channel], expected[:, channel])[0, 1]
        assert likeness > (0.9 if wish.form in ("gsm", "ogg") else 0.999), likeness


def path_size(sound: NDArray[np.int16]) -> int:
    return 44 + sound.nbytes


def test_half_a_million_minutes_of_gsm_fit_into_fifty_gigabytes(tmp_path: Path) -> None:
    kept = keep(str(written(tmp_path, Wish("gsm"), conversation(60.0))))
    per_second = kept.size / kept.seconds
    assert per_second * 8 == pytest.approx(13_000, rel=0.005)
    print(f"{kept.size} octets a minute, {per_second * 8:.0f} bit/s: {MINUTES * kept.size / 1e9:.1f} GB")
    assert MINUTES * kept.size < ROOM


def test_both_channels_are_added_and_saturated_like_a_naive_twin() -> None:
    sound = np.random.default_rng(2).integers(-32768, 32768, (500, 2)).astype(np.int16)
    naive = [[max(-32768, min(32767, int(left) + int(right)))] for left, right in sound]
    np.testing.assert_array_equal(mix(sound), np.array(naive, np.int16))


@pytest.mark.parametrize("wish", TURNED, ids=lambda wish: f"{wish.form}-{wish.channels}")
def test_an_empty_recording_becomes_a_moment_of_silence(tmp_path: Path, wish: Wish) -> None:
    kept = keep(str(written(tmp_path, wish, np.zeros((0, 2), np.int16))))
    heard, _ = soundfile.read(kept.path, dtype="int16")
    assert SHORTEST <= len(heard) <= SHORTEST + 640
    assert kept.seconds == 0


@pytest.mark.parametrize("cut", [0, 10, 43, 44, 45, 5000, 5001])
def test_a_recording_that_a_crash_cut_off_is_mended_first(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, Wish("flac"), conversation(1.0))
    with path.open("rb+") as file:
        file.truncate(cut)
    kept = keep(str(path))
    assert kept.seconds == max(0, cut - 44) // 4 / 8000
    assert not path.exists()


def test_a_recording_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    thread = RecordingThread(period=0.01)
    path = tmp_path / Wish("gsm").written("n-1-2")
    recorder = thread.open(str(path))
    recorder.append(np.zeros((2, 1600), np.int16))
    while not path.exists() or path.stat().st_size < 6400:
        assert not recorder.closed.wait(0.005)
    with pytest.raises(RecordingBusy):
        keep(str(path))
    recorder.close()
    assert keep(str(path)).seconds == pytest.approx(0.2)
    assert thread.close()


def test_two_cannot_turn_the_same_recording(tmp_path: Path) -> None:
    path = written(tmp_path, Wish("ogg"), conversation(1.0))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RecordingBusy):
            keep(str(path))
    keep(str(path))


def test_a_result_that_is_too_short_costs_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, Wish("gsm"), conversation(2.0))
    before = path.read_bytes()
    turn = archive._turn

    def lose_the_end(source: Path, fresh: Path, wish: Wish) -> None:
        turn(source, fresh, wish)
        os.truncate(fresh, fresh.stat().st_size // 2)

    monkeypatch.setattr(archive, "_turn", lose_the_end)
    with pytest.raises(RecordingError):
        keep(str(path))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_result_with_another_sample_costs_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, Wish("flac"), conversation(2.0))
    turn = archive._turn

    def change_one(source: Path, fresh: Path, wish: Wish) -> None:
        turn(source, fresh, wish)
        sound, _ = soundfile.read(fresh, dtype="int16")
        sound[9000] += 1
        soundfile.write(fresh, sound, 8000, "PCM_16", format="FLAC")

    monkeypatch.setattr(archive, "_turn", change_one)
    with pytest.raises(RecordingError, match="differ"):
        keep(str(path))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


FULL = """
import resource, signal, sys
from media.archive import keep
from media.errors import RecordingError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
try:
    keep(sys.argv[1])
except RecordingError as error:
    print(error)
"""


@pytest.mark.parametrize("form", FORMS[1:])
def test_a_disk_without_room_costs_no_recording_and_it_is_turned_later(tmp_path: Path, form: Form) -> None:
    sound = np.random.default_rng(3).integers(-9000, 9000, (40000, 2)).astype(np.int16)
    path = written(tmp_path, Wish(form), sound)
    said = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert "cannot be turned" in said.stdout, said
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert keep(str(path)).seconds == 5.0


DOOMED = """
import os, signal, sys
from media import archive
name = sys.argv[2]
real = getattr(archive, name)
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
def after(*arguments):
    real(*arguments)
    die()
setattr(archive, name, die if sys.argv[3] == "before" else after)
archive.keep(sys.argv[1])
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["_turn", "_prove", "_settle"])
def test_kill_9_at_any_step_leaves_a_whole_recording_that_is_turned_later(tmp_path: Path, step: str, when: str) -> None:
    path = written(tmp_path, Wish("flac"), conversation(1.0))
    died = subprocess.run([sys.executable, "-c", DOOMED, str(path), step, when], check=False)
    assert died.returncode == -signal.SIGKILL
    found = locate(tmp_path, "n-1-2.flac")
    assert found is not None
    assert soundfile.info(found).frames == 8000
    for left in waiting(str(tmp_path), 10):
        keep(left)
    assert [one.name for one in tmp_path.iterdir()] == ["n-1-2.flac"]


def test_kill_9_between_the_new_name_and_the_removal_of_the_old_file_is_made_good(tmp_path: Path) -> None:
    sound = conversation(1.0)
    keep(str(written(tmp_path, Wish("gsm"), sound)))
    path = written(tmp_path, Wish("gsm"), sound)
    assert locate(tmp_path, "n-1-2.wav") == path
    keep(str(path))
    assert locate(tmp_path, "n-1-2.wav") == tmp_path / "n-1-2.wav"
    assert soundfile.info(tmp_path / "n-1-2.wav").subtype == "GSM610"


def test_what_waits_is_found_oldest_day_first_and_bounded(tmp_path: Path) -> None:
    for day in ("2026/11/23", "2026/11/22", "queues/support/2026/11/21"):
        (tmp_path / day).mkdir(parents=True)
        written(tmp_path / day, Wish("gsm"), conversation(0.1))
        written(tmp_path / day, Wish(), conversation(0.1), "n-9-9")
    found = waiting(str(tmp_path), 10)
    assert [str(Path(one).relative_to(tmp_path).parent) for one in found] == [
        "2026/11/22", "2026/11/23", "queues/support/2026/11/21",
    ]  # fmt: skip
    assert len(waiting(str(tmp_path), 2)) == 2
    assert waiting(str(tmp_path / "nowhere"), 10) == []


@pytest.mark.parametrize("name", ["n-1-2.wav", "n-1-2.to-mp3-mixed.wav"])
def test_a_file_that_wishes_for_nothing_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"RIFF")
    with pytest.raises(RecordingError):
        keep(str(tmp_path / name))
    assert (tmp_path / name).exists()


def test_a_file_that_is_no_recording_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "n-1-2.to-gsm-mixed.wav"
    path.write_bytes(b"not a recording at all, but long enough for a header of one" * 2)
    with pytest.raises(RecordingError):
        keep(str(path))
    assert path.exists()


def test_the_process_answers_line_by_line_at_the_lowest_priority_and_ends_with_its_input(tmp_path: Path) -> None:
    path = written(tmp_path, Wish("gsm"), conversation(1.0))
    orders = [
        {"id": 1, "do": "waiting", "folder": str(tmp_path), "most": 5},
        {"id": 2, "do": "keep", "path": str(path)},
        {"id": 3, "do": "keep", "path": str(path)},
    ]
    command = [sys.executable, "-m", "media.archivist"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = []
        for order in orders:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline()))
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
        process.stdin.close()
        assert process.wait(10) == 0
    assert answers[0]["ok"] == {"paths": [str(path)]}
    assert answers[1]["ok"]["path"] == str(tmp_path / "n-1-2.wav")
    assert answers[2]["error"]["code"] == "recording"


def test_an_hour_is_turned_in_bounded_memory(tmp_path: Path) -> None:
    sound = np.tile(conversation(60.0), (60, 1))
    path = written(tmp_path, Wish("flac", "mixed"), sound)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert keep(str(path)).seconds == 3600
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_channels_are_a_choice_of_two() -> None:
    both: tuple[Channels, ...] = ("stereo", "mixed")
    assert [Wish("wav", one).is_mixed for one in both] == [False, True]
    assert [Wish("gsm", one).is_mixed for one in both] == [True, True]
