"""Turns prompts into sound files: texts are spoken once by a speech program and kept as 8 kHz mono 16-bit WAV.

The speech program is espeak-ng, which is under the GPL and therefore always a process of its own: the program when it
is installed, else `ivr.espeak` with the library from the Python package espeakng-loader.
"""

import asyncio
import hashlib
import importlib.util
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ivr.errors import SpeechError
from ivr.prompts import Prompt

VOICES = {"en": "en-us", "ru": "ru", "el": "el", "ro": "ro", "zh": "cmn"}
RATE = 8000
"""Hertz."""
PEAK = 0.6
"""Of full scale: loud enough for a telephone, far from clipping."""
MAX_TEXT = 4000
MAX_FILES = 20_000
EMPTY_WAV = 44
"""Octets of a WAV file without a sample."""

NO_PROGRAM = (
    "no speech program is installed: install espeak-ng (Debian and Ubuntu: apt install espeak-ng) "
    "or the Python package espeakng-loader (pip install 'softswitch[tts]')"
)


def find_program() -> tuple[str, ...]:
    """Give the beginning of the command that speaks; it takes -v, -s, -b, -w, --stdin like espeak-ng does."""
    program = shutil.which("espeak-ng")
    if program is not None:
        return (program,)
    if importlib.util.find_spec("espeakng_loader") is not None:
        return (sys.executable, "-m", "ivr.espeak")
    raise SpeechError(NO_PROGRAM)


class Speaker:
    """Knows the sound file of every prompt, and has it made when there is none yet."""

    def __init__(
        self,
        cache: Path,
        *,
        speed: int = 150,
        at_once: int = 2,
        timeout: float = 30.0,
        program: Sequence[str] | None = None,
    ) -> None:
        """
        Parameters
        ----------
        cache : folder of the spoken prompts; made when the first one is spoken
        speed : words per minute
        at_once : speech programs that may run at the same time
        timeout : seconds a speech program may take
        program : the command, found by itself when None
        """
        self.cache = cache
        self.speed = speed
        self._program = tuple(program) if program is not None else None
        self._timeout = timeout
        self._places = asyncio.Semaphore(at_once)
        self._running: dict[Path, asyncio.Task[Path]] = {}

    def path_of(self, prompt: Prompt) -> Path:
        """Say where the sound of a prompt is, or will be."""
        if prompt.file is not None:
            return Path(prompt.file)
        voice = VOICES.get(prompt.language, prompt.language)
        what = "\0".join((voice, prompt.text or "", str(self.speed)))
        return self.cache / f"{prompt.language}-{hashlib.sha256(what.encode('utf-8', 'replace')).hexdigest()[:32]}.wav"

    async def ensure(self, prompt: Prompt) -> Path:
        """Give a sound file that exists; raise `SpeechError` with one sentence when there can be none."""
        path = self.path_of(prompt)
        if prompt.file is not None:
            return _checked(path)
        if _is_there(path):
            return path
        task = self._running.get(path)
        if task is None:
            task = asyncio.create_task(self._speak(prompt, path), name=f"speak {path.name}")
            self._running[path] = task
            task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def ensure_all(self, prompts: Iterable[Prompt]) -> list[Path]:
        """Give the sound files of several prompts, in their order."""
        return list(await asyncio.gather(*(self.ensure(prompt) for prompt in prompts)))

    def _done(self, task: asyncio.Task[Path]) -> None:
        """Forget a finished task; its error, if any, was for those who still wait."""
        self._running = {path: other for path, other in self._running.items() if other is not task}
        if not task.cancelled():
            task.exception()

    async def close(self) -> None:
        """Stop the speech programs that are still running."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak(self, prompt: Prompt, path: Path) -> Path:
        """Have a text spoken and put the sound where it belongs, whole or not at all."""
        text = (prompt.text or "").strip()
        voice = VOICES.get(prompt.language)
        if voice is None:
            raise SpeechError(f"there is no voice for the language {prompt.language!r}, only for {', '.join(VOICES)}")
        if not text or len(text) > MAX_TEXT:
            raise SpeechError(f"a prompt has 1 to {MAX_TEXT} characters, this one has {len(text)}")
        async with self._places:
            try:
                folder = await asyncio.to_thread(_scratch_folder, self.cache)
                try:
                    await self._run(text, voice, folder / "spoken.wav")
                    await asyncio.to_thread(_to_telephone_sound, folder / "spoken.wav", path)
                finally:
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            except OSError as error:
                raise SpeechError(f"the prompt cannot be written to {self.cache}: {error.strerror or error}") from error
        return path

    async def _run(self, text: str, voice: str, spoken: Path) -> None:
        """Run the speech program once. The text goes in by standard input, so it can never be an option."""
        program = self._program or find_program()
        command = (*program, "-v", voice, "-s", str(self.speed), "-b", "1", "-w", str(spoken), "--stdin")
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SpeechError(f"the speech program {program[0]} does not start: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._timeout):
                _, said = await process.communicate(text.encode("utf-8", "replace"))
        except TimeoutError:
            raise SpeechError(f"the speech program {program[0]} took more than {self._timeout:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not _is_there(spoken):
            reason = said.decode("utf-8", "replace").strip().partition("\n")[0][:200] or f"code {process.returncode}"
            raise SpeechError(f"the speech program {program[0]} failed: {reason}")


def _is_there(path: Path) -> bool:
    """Whether a sound file exists and holds at least one sample."""
    try:
        return path.stat().st_size > EMPTY_WAV
    except OSError:
        return False


def _checked(path: Path) -> Path:
    """Refuse a sound file that is missing, empty or no file."""
    try:
        if not path.is_file():
            raise SpeechError(f"the sound file {path} does not exist")
        with path.open("rb") as sound:
            if not sound.read(1):
                raise SpeechError(f"the sound file {path} is empty")
    except (OSError, ValueError) as error:
        raise SpeechError(f"the sound file {path} cannot be read: {error}") from error
    return path


def _scratch_folder(cache: Path) -> Path:
    """Make a folder on the same disk as the cache, and room in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    files = list(cache.glob("*.wav"))
    if len(files) >= MAX_FILES:
        for file in sorted(files, key=_age)[: MAX_FILES // 10]:
            file.unlink(missing_ok=True)
    return Path(tempfile.mkdtemp(prefix=".speaking-", dir=cache))


def _age(file: Path) -> float:
    """Sort the oldest files to the front, and before them those that another thread has just deleted."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _to_telephone_sound(spoken: Path, path: Path) -> None:
    """Write what was spoken as 8 kHz mono 16-bit WAV, complete before it is seen under its name."""
    try:
        samples, rate = soundfile.read(spoken, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SpeechError(f"the speech program wrote no sound: {error}") from error
    mono = soxr.resample(samples.mean(axis=1), rate, RATE) if rate != RATE else samples.mean(axis=1)
    loudest = float(np.abs(mono).max(initial=0.0))
    if loudest == 0.0:
        raise SpeechError("the speech program wrote silence")
    wav = io.BytesIO()  # libsndfile has no error of its own for a full disk; the file's own write has
    soundfile.write(wav, (mono * (PEAK / loudest)).astype(np.float32), RATE, subtype="PCM_16", format="WAV")
    whole = spoken.with_name("whole.wav")
    with whole.open("wb") as file:
        file.write(wav.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    whole.replace(path)
