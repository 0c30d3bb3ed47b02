"""From what is to be said to sounds that the media engine plays."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from acd import commands
from ivr.errors import SpeechError
from ivr.prompts import Prompt
from media.protocol import Sound
from softswitch.call.plan import Plan

log = structlog.get_logger("call.speech")

SENTENCES = {  # what a queue says: position, estimated wait in minutes, less than a minute
    "en": ("You are number {n} in the queue.", "The estimated wait is {n} minutes.", "The wait is less than a minute."),
    "ru": ("Вы номер {n} в очереди.", "Примерное время ожидания {n} минут.", "Ожидание меньше минуты."),
    "el": ("Είστε στη θέση {n} στην ουρά.", "Ο χρόνος αναμονής είναι περίπου {n} λεπτά.", "Η αναμονή είναι μικρότερη από ένα λεπτό."),
    "ro": ("Sunteți numărul {n} la rând.", "Timpul de așteptare este de aproximativ {n} minute.", "Așteptarea este sub un minut."),
    "zh": ("您是队列中的第{n}位。", "预计等待时间为{n}分钟。", "等待时间不到一分钟。"),
}  # fmt: skip
MAX_SAID = 99


class Speaks(Protocol):
    """Makes a sound file of a prompt."""

    async def ensure(self, prompt: Prompt) -> str: ...


class Speech:
    """Prompts to sounds. What cannot be spoken is left out, with one line in the log: silence loses no call."""

    def __init__(self, speaker: Speaks, plan: Callable[[], Plan]) -> None:
        self._speaker = speaker
        self._plan = plan

    async def sounds(self, prompts: Sequence[Prompt]) -> list[Sound]:
        """The files of these prompts, in order."""
        found: list[Sound] = []
        for prompt in prompts:
            try:
                found.append(str(await self._speaker.ensure(prompt)))
            except SpeechError as error:
                log.error("prompt left out", error=str(error))
        return found

    async def announcement(self, queue: str, order: commands.Announce) -> list[Sound]:
        """What a waiting caller is told."""
        settings = self._plan().queues.get(queue)
        if settings is None:
            return []
        if order.kind == "periodic":
            chosen = settings.periodic[(order.index or 0) % len(settings.periodic)] if settings.periodic else ()
            return await self.sounds(chosen)
        text = sentence(settings.language, order.position, order.wait_seconds if order.kind == "wait" else None)
        return await self.sounds([Prompt(text=text, language=settings.language)]) if text else []


def sentence(language: str, position: int | None, wait: float | None) -> str:
    """A position or a wait in words.

    >>> sentence("en", 3, None)
    'You are number 3 in the queue.'
    """
    place, minutes, soon = SENTENCES.get(language, SENTENCES["en"])
    if wait is not None:
        rounded = round(wait / 60)
        return minutes.format(n=min(rounded, MAX_SAID)) if rounded >= 1 else soon
    if position is None or not 1 <= position <= MAX_SAID:
        return ""
    return place.format(n=position)
