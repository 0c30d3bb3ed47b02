"""Mailboxes as folders of sound files: a message is whole or not there.

    var/voicemail/101/new/20261123-101500-104-1a2b3c.wav
    var/voicemail/101/old/...

A message is written under `tmp/` and moved to `new/` when it is complete; moving is the last step, and atomic.
"""

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

UNSAFE = re.compile(r"[^0-9A-Za-z+]")
NAME = re.compile(r"(\d{8}-\d{6})-([0-9A-Za-z+_]*)-[0-9a-f]{6}\.wav")
MAX_MESSAGES = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """One message in a mailbox."""

    path: Path
    left: str
    """When, as `20261123-101500`."""
    caller: str
    heard: bool


class Mailbox:
    """The messages of one extension. Every method touches the disk: call it in a thread."""

    def __init__(self, root: Path, number: str) -> None:
        self.number = number
        self.folder = root / UNSAFE.sub("_", number)

    def begin(self, caller: str, now: datetime) -> Path:
        """The path that a message is to be written to."""
        folder = self.folder / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{now:%Y%m%d-%H%M%S}-{UNSAFE.sub('_', caller)[:32]}-{secrets.token_hex(3)}.wav"

    def deliver(self, written: Path) -> Message | None:
        """Put a complete message among the new ones; None when the mailbox is full."""
        if len(self.messages()) >= MAX_MESSAGES:
            written.unlink(missing_ok=True)
            return None
        folder = self.folder / "new"
        folder.mkdir(parents=True, exist_ok=True)
        return _message(written.rename(folder / written.name), heard=False)

    def discard(self, written: Path) -> None:
        """Forget a message that was begun."""
        written.unlink(missing_ok=True)

    def messages(self) -> list[Message]:
        """New messages first, the latest first among each."""
        found = []
        for name, heard in (("new", False), ("old", True)):
            files = sorted((self.folder / name).glob("*.wav"), reverse=True)
            found += [message for message in (_message(path, heard) for path in files) if message is not None]
        return found

    def keep(self, message: Message) -> None:
        """A message was heard."""
        if message.heard:
            return
        folder = self.folder / "old"
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # deleted or kept by another phone of the same extension
            message.path.rename(folder / message.path.name)

    def delete(self, message: Message) -> None:
        """Throw a message away."""
        message.path.unlink(missing_ok=True)


def unfinished(root: Path) -> Iterable[Path]:
    """Messages that were being left when the switch died."""
    return root.glob("*/tmp/*.wav")


def _message(path: Path, heard: bool) -> Message | None:
    found = NAME.fullmatch(path.name)
    return None if found is None else Message(path, found.group(1), found.group(2), heard)
