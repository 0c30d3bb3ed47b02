"""How a recording is to be kept, and the names of its two files: the one that is being written and the one that stays.

    2026/11/23/n-1-2.to-gsm-mixed.wav     while the call goes on, and until the other file is proved to be good
    2026/11/23/n-1-2.wav                  after that

The name of the first says everything that is needed to make the second, whatever happened to the database. A recording
that is kept as it is written has one name only.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

Form = Literal["wav", "ulaw", "gsm", "flac", "ogg"]
Channels = Literal["stereo", "mixed"]

_EXTENSIONS: Final[dict[Form, str]] = {"wav": ".wav", "ulaw": ".wav", "gsm": ".wav", "flac": ".flac", "ogg": ".ogg"}
KEPT: Final = frozenset(_EXTENSIONS.values())
"""What the names of kept files end with."""
_WRITTEN: Final = re.compile(r"(?P<stem>[^.]+)\.to-(?P<form>wav|ulaw|gsm|flac|ogg)-(?P<channels>stereo|mixed)\.wav")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a recording is to be kept."""

    form: Form = "wav"
    """`wav` (PCM16), `ulaw` and `gsm` in WAV files, `flac`, or `ogg` (Opus)."""
    channels: Channels = "stereo"
    """The caller on the left and the other party on the right, or both together."""

    @property
    def is_mixed(self) -> bool:
        """Whether there is one channel; GSM 06.10 knows no second one."""
        return self.channels == "mixed" or self.form == "gsm"

    def kept(self, stem: str) -> str:
        """The name of the file that stays."""
        return stem + _EXTENSIONS[self.form]

    def written(self, stem: str) -> str:
        """The name of the file while the call goes on.

        >>> Wish("gsm").written("n-1-2"), Wish().written("n-1-2")
        ('n-1-2.to-gsm-mixed.wav', 'n-1-2.wav')
        """
        if self.form == "wav" and not self.is_mixed:
            return self.kept(stem)
        return f"{stem}.to-{self.form}-{'mixed' if self.is_mixed else 'stereo'}.wav"


def read_name(name: str) -> tuple[str, Wish] | None:
    """Stem and wish of a file that waits to be turned into another; None for any other file.

    >>> read_name("n-1-2.to-gsm-mixed.wav")
    ('n-1-2', Wish(form='gsm', channels='mixed'))
    """
    found = _WRITTEN.fullmatch(name)
    if found is None:
        return None
    return found["stem"], Wish(cast(Form, found["form"]), cast(Channels, found["channels"]))


def locate(folder: Path, path: str) -> Path | None:
    """The file that holds a recording now, `path` being its name in the records; None when there is none.

    >>> locate(Path("/nowhere"), "2026/11/23/n-1-2.flac") is None
    True
    """
    kept = folder / path
    written = next(iter(sorted(kept.parent.glob(f"{kept.stem}.to-*.wav"))), None)
    return written or (kept if kept.is_file() else None)
