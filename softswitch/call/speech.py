"""From what is to be said to sounds that the media engine plays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from acd import commands
from ivr.announcements import QueueVoice
from ivr.errors import SpeechError
from ivr.prompts import Prompt
from media.protocol import Sound
from softswitch.call.plan import Plan

log = structlog.get_logger("call.speech")


class Speaks(Protocol):
    """Makes a sound file of a prompt."""

    async def ensure(self, prompt: Prompt) -> Path: ...


class Speech:
    """Prompts to sounds. What cannot be spoken is left out: silence loses no call. The log has one line per trouble."""

    def __init__(self, speaker: Speaks, plan: Callable[[], Plan]) -> None:
        self._speaker = speaker
        self._plan = plan
        self._trouble = ""

    async def sounds(self, prompts: Sequence[Prompt]) -> list[Sound]:
        """The files of these prompts, in order."""
        found: list[Sound] = []
        for prompt in prompts:
            try:
                found.append(str(await self._speaker.ensure(prompt)))
            except SpeechError as error:
                self._tell(str(error))
            else:
                self._trouble = ""
        return found

    def _tell(self, trouble: str) -> None:
        """Say why a prompt is left out, once for all prompts that are left out for the same reason."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.error("prompt left out", error=trouble)

    async def announcement(self, queue: str, order: commands.Announce) -> list[Sound]:
        """What a waiting caller is told."""
        settings = self._plan().queues.get(queue)
        prompt = _announced(settings.voice, order) if settings is not None else None
        return await self.sounds([prompt]) if prompt is not None else []


def _announced(voice: QueueVoice, order: commands.Announce) -> Prompt | None:
    """The sentence for an announcement.

    >>> _announced(QueueVoice("en"), commands.Announce("c", "position", position=3)).text
    'You are number 3 in the queue.'
    """
    match order:
        case commands.Announce(kind="periodic", index=index) if voice.periodic:
            return voice.periodic[(index or 0) % len(voice.periodic)]
        case commands.Announce(kind="position", position=int(place)):
            return voice.position(place)
        case commands.Announce(kind="countdown", wait_seconds=seconds) if seconds is not None:
            return voice.count(round(seconds))
        case commands.Announce(kind="wait", wait_seconds=seconds) if seconds is not None:
            return voice.wait(seconds)
    return None
