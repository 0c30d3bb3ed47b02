"""Sounds that are played to a leg: files, tones, silence and the built-in music on hold.

Files of any rate and number of channels become 8 kHz mono once, when they are loaded; after that a sound is an int16
array and playing it is copying a slice.  Loading touches the disk and may take a while: do it outside the tick.
"""

import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from media.errors import SoundError
from media.music import builtin_music
from media.resample import RATE, Resampler, to_int16
from media.tone import render

BUILTIN_MUSIC: Final = "builtin"
"""Instead of a path: the music on hold that needs no file."""

_MAX_SECONDS: Final = 3600.0
_MOST_ORDERED: Final = 600.0
"""Seconds that one tone or silence of an order may last; who wants it longer repeats it."""
_RATES: Final = (1000, 384_000)
_BLOCK_VALUES: Final = 1 << 18
"""Samples of all channels read at a time, so that a long file needs no memory for its original form."""

Samples = NDArray[np.int16]


class _Version(NamedTuple):
    """What tells that a file is still the one that was loaded."""

    modified: int
    size: int


def load_sound(path: str, max_seconds: float = _MAX_SECONDS) -> Samples:
    """Read a sound file as 8 kHz mono, int16[n]; SoundError says in one sentence why it cannot be played."""
    _check_file(path)
    try:
        with soundfile.SoundFile(path) as file:
            return _read(file, path, max_seconds)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as error:
        raise SoundError(f"the sound {path} cannot be read: {_reason(error)}") from error


def make_sound(sound: str | Mapping[str, Any], cache: "SoundCache") -> Samples:
    """Samples of what a `play` order names: a path, {"tone": name or Hz, "country", "seconds"} or {"silence":
    seconds}.
    """
    if isinstance(sound, str):
        return cache.get(sound)
    if "tone" in sound:
        return _make_tone(sound)
    if "silence" in sound:
        return np.zeros(round(_seconds(sound["silence"], _MOST_ORDERED) * RATE), np.int16)
    raise SoundError(f"a sound is a path, a tone or a silence, not {dict(sound)!r}")


class SoundCache:
    """Loaded sounds, the least recently played forgotten first, bounded in bytes.

    Safe to share between the thread that loads and the thread that plays.  A file that changed on disk is loaded anew.
    """

    def __init__(self, max_bytes: int = 64 << 20, max_seconds: float = _MAX_SECONDS) -> None:
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._sounds: OrderedDict[str, tuple[_Version, Samples]] = OrderedDict()
        self._lock = threading.Lock()
        self._music: Samples | None = None
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sounds)

    def get(self, path: str) -> Samples:
        """The sound of a file (read only), loaded when it is not known or no longer the same; SoundError when it
        cannot be.
        """
        known = self.peek(path)
        if known is not None:
            return known
        if path == BUILTIN_MUSIC:
            self._music = builtin_music()
            return self._music
        version = _version(path)
        samples = load_sound(path, self._max_seconds)
        samples.flags.writeable = False
        if version is not None:
            self._keep(path, version, samples)
        return samples

    def peek(self, path: str) -> Samples | None:
        """The sound when it is ready to be played at once, else None; never reads the file."""
        if path == BUILTIN_MUSIC:
            return self._music
        with self._lock:
            entry = self._sounds.get(path)
            if entry is None or entry[0] != _version(path):
                return None
            self._sounds.move_to_end(path)
            return entry[1]

    def _keep(self, path: str, version: _Version, samples: Samples) -> None:
        with self._lock:
            self._forget(path)
            if samples.nbytes > self._max_bytes:
                return
            self._sounds[path] = version, samples
            self.bytes += samples.nbytes
            while self.bytes > self._max_bytes:
                self._forget(next(iter(self._sounds)))

    def _forget(self, path: str) -> None:
        entry = self._sounds.pop(path, None)
        if entry is not None:
            self.bytes -= entry[1].nbytes


class Playback:
    """The place of one listener in a list of sounds."""

    def __init__(self, sounds: Sequence[Samples], *, repeat: bool = False, start: int = 0) -> None:
        """`start` is a sample of the first sound, so that music on hold need not begin anew for everybody."""
        self._sounds = [sound for sound in sounds if len(sound)]
        self._repeat = repeat
        self._sound = 0
        self._at = start % len(self._sounds[0]) if self._sounds else 0

    @property
    def finished(self) -> bool:
        """Whether everything was played; never for a repeated list that is not empty."""
        return self._sound >= len(self._sounds)

    def fill(self, out: Samples) -> bool:
        """Write the next samples into out int16[m], silence after the end; True while there is more to play."""
        filled = 0
        while filled < len(out) and not self.finished:
            piece = self._sounds[self._sound][self._at : self._at + len(out) - filled]
            out[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._advance(len(piece))
        out[filled:] = 0
        return not self.finished

    def _advance(self, count: int) -> None:
        self._at += count
        if self._at < len(self._sounds[self._sound]):
            return
        self._at = 0
        self._sound += 1
        if self.finished and self._repeat:
            self._sound = 0


def _check_file(path: str) -> None:
    """Say plainly what is wrong before the decoder says it in its own words; opening a pipe would wait for ever."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise SoundError(f"the sound {path} does not exist") from None
    except (OSError, ValueError) as error:
        raise SoundError(f"the sound {path} cannot be read: {_reason(error)}") from error
    if not stat.S_ISREG(mode):
        raise SoundError(f"the sound {path} is not a file")


def _version(path: str) -> _Version | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return _Version(status.st_mtime_ns, status.st_size)


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".") or type(error).__name__


def _read(file: soundfile.SoundFile, path: str, max_seconds: float) -> Samples:
    rate, frames = file.samplerate, file.frames
    if not _RATES[0] <= rate <= _RATES[1]:
        raise SoundError(f"the sound {path} has {rate} samples per second, which cannot be played")
    if frames > max_seconds * rate:
        raise SoundError(f"the sound {path} lasts {frames / rate:.0f} seconds, more than the {max_seconds:.0f} allowed")
    pieces = list(_pieces(file, int(max_seconds * rate)))
    samples = np.concatenate(pieces) if pieces else np.empty(0, np.int16)
    if not len(samples):
        raise SoundError(f"the sound {path} is empty")
    return samples


def _pieces(file: soundfile.SoundFile, most_frames: int) -> Iterator[Samples]:
    """The file block by block, mixed to mono and resampled; never more than `most_frames`, whatever its header says."""
    resampler = None if file.samplerate == RATE else Resampler(file.samplerate)
    block_frames = max(1, _BLOCK_VALUES // file.channels)
    while most_frames > 0:
        block = file.read(min(block_frames, most_frames), dtype="float32", always_2d=True)
        if not len(block):
            break
        most_frames -= len(block)
        mono = np.nan_to_num(block.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
        yield to_int16(mono if resampler is None else resampler.feed(mono), 32768)
    if resampler is not None:
        yield to_int16(resampler.flush(), 32768)


def _make_tone(sound: Mapping[str, Any]) -> Samples:
    name, country, seconds = sound["tone"], sound.get("country") or "eu", sound.get("seconds")
    if not isinstance(name, str | int | float) or not isinstance(country, str):
        raise SoundError(f"a tone is a name or a frequency and a country, not {dict(sound)!r}")
    return render(name, country, None if seconds is None else _seconds(seconds, _MOST_ORDERED))


def _seconds(value: object, most: float) -> float:
    if isinstance(value, int | float) and 0 < value <= most:
        return float(value)
    raise SoundError(f"a sound lasts more than 0 and at most {most:.0f} seconds, not {value!r}")
