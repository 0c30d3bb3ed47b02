"""What is played to a caller: a text to be spoken or a sound file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """One piece of speech. Exactly one of `text` and `file` is set."""

    text: str | None = None
    """What a speech program is to say."""
    file: str | None = None
    """The path of a sound file that is played as it is."""
    language: str = "en"
    """Two letters: the language of the text (en, ru, el, ro, zh)."""

    def __post_init__(self) -> None:
        if (self.text is None) == (self.file is None):
            raise ValueError("a prompt is either a text or a file")
