"""What every table of the file has in common, and the values that several of them use."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from config.scalars import Key, Text, wrong

Language = Literal["en", "ru", "el", "ro", "zh"]
Form = Literal["wav", "ulaw", "gsm", "flac", "ogg"]
Channels = Literal["stereo", "mixed"]
Code = Annotated[str, Field(pattern=r"^[0-9*#]{1,8}$")]
Gigabytes = Annotated[float, Field(ge=0, le=1_000_000)]
Share = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A table of the file: nothing unknown in it, nothing converted behind the writer's back."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PromptSection(Section):
    """Something to be said: a plain text in quotes, or a table that says more about it."""

    text: Text | None = None
    """To be spoken."""
    file: Text | None = None
    """The path of a sound file to be played."""
    prompt: Key | None = None
    """The name of a table under [prompts]."""
    language: Language | None = None
    """Of the text; None: the language of the place where the prompt is used."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """Let a text alone stand for {text = ...}, "file:x.wav" and "prompt:name" for the other two."""
        if isinstance(value, str):
            kind, colon, rest = value.partition(":")
            return {kind: rest.strip()} if colon and kind in ("file", "prompt") else {"text": value}
        if not isinstance(value, dict | cls):
            raise wrong("a text to be spoken, or a table with text, file or prompt", value)
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "PromptSection":
        if sum(source is not None for source in (self.text, self.file, self.prompt)) != 1:
            raise PydanticCustomError("wrong", "expected exactly one of text, file and prompt")
        return self
