"""A speech program of one file: `python -m ivr.espeak -v VOICE -s SPEED -w FILE.wav`, the text on standard input.

Stands in for the espeak-ng program where only the Python package espeakng-loader, which carries the espeak-ng
library, is installed. That library is under the GPL, so it is loaded here, in a process of its own, and nowhere else.
"""

import argparse
import ctypes
import importlib
import sys
import wave
from pathlib import Path

# From espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
ESPEAK_RATE = 1
POSITION_IN_CHARACTERS = 1
TEXT_IS_UTF8 = 1
DONT_EXIT = 0x8000

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> int:
    """Speak what stands on standard input into a WAV file."""
    parser = argparse.ArgumentParser(prog="python -m ivr.espeak")
    parser.add_argument("-v", dest="voice", default="en-us")
    parser.add_argument("-s", dest="speed", type=int, default=150)
    parser.add_argument("-w", dest="file", type=Path, required=True)
    arguments, _ = parser.parse_known_args()
    try:
        rate, samples = speak(sys.stdin.buffer.read(), arguments.voice, arguments.speed)
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    with wave.open(str(arguments.file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    return 0


def speak(text: bytes, voice: str, speed: int) -> tuple[int, bytes]:
    """Give the sample rate and the 16-bit samples of a UTF-8 text."""
    loader = importlib.import_module("espeakng_loader")
    library = ctypes.CDLL(loader.get_library_path())
    data = str(loader.get_data_path()).encode()
    rate = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, DONT_EXIT)
    if rate <= 0:
        raise OSError("the espeak-ng library does not start")
    samples = bytearray()

    def collect(wav: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if wav and count > 0:
            samples.extend(ctypes.string_at(wav, count * 2))
        return 0

    callback = Callback(collect)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise ValueError(f"the espeak-ng library has no voice {voice!r}")
    library.espeak_SetParameter(ESPEAK_RATE, speed, 0)
    buffer = ctypes.create_string_buffer(text)
    size = ctypes.c_size_t(len(buffer))
    library.espeak_Synth(buffer, size, 0, POSITION_IN_CHARACTERS, 0, TEXT_IS_UTF8, None, None)
    library.espeak_Synchronize()
    library.espeak_Terminate()
    return rate, bytes(samples)


if __name__ == "__main__":
    raise SystemExit(main())
