"""Writes configurations for tests and reads them back."""

from pathlib import Path

from config import Config, Mistake, read
from config.loader import Reading

BASE = """
[phones.101]
password = "demo-101"
[phones.102]
password = "demo-102"
"""


def reading(folder: Path, text: str) -> Reading:
    """Read a text as the only file."""
    file = folder / "office.toml"
    file.write_text(text, "utf-8")
    return read(file)


def mistakes(folder: Path, text: str) -> list[Mistake]:
    """Give the mistakes of a text."""
    return list(reading(folder, text).mistakes)


def keys(folder: Path, text: str) -> list[str]:
    """Give the keys of the mistakes of a text."""
    return [mistake.key for mistake in mistakes(folder, text)]


def config(folder: Path, text: str) -> Config:
    """Give the configuration of a text that is right."""
    found = reading(folder, text)
    assert found.config is not None, [str(mistake) for mistake in found.mistakes]
    return found.config
