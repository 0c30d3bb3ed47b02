"""Leaving a message and listening to one's own, by telephone."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ivr.prompts import Prompt
from media.errors import MediaError
from softswitch.call.destination import Destination, Hangup, Refuse, ToVoicemail
from softswitch.call.errors import CallerGone
from softswitch.call.events import DigitPressed, PlaybackEnded
from softswitch.call.services import say
from softswitch.voicemail.mailbox import Mailbox, Message

if TYPE_CHECKING:
    from softswitch.call.call import Call

log = structlog.get_logger("voicemail")

SENTENCES = {
    "en": ("Please leave a message after the tone.", "You have {n} messages.", "You have no messages."),
    "ru": ("Оставьте сообщение после сигнала.", "Количество сообщений: {n}.", "У вас нет сообщений."),
    "el": ("Αφήστε το μήνυμά σας μετά τον ήχο.", "Έχετε {n} μηνύματα.", "Δεν έχετε μηνύματα."),
    "ro": ("Lăsați un mesaj după semnal.", "Aveți {n} mesaje.", "Nu aveți mesaje."),
    "zh": ("请在提示音后留言。", "您有{n}条留言。", "您没有留言。"),
}
LONGEST = 180.0  # seconds of one message
SHORTEST = 1.0  # a shorter one is thrown away


@dataclass(frozen=True, slots=True)
class Voicemail:
    """All mailboxes under one folder."""

    root: Path

    async def run(self, call: "Call", destination: ToVoicemail) -> Destination:
        """Serve one caller."""
        if destination.number not in call.exchange.plan.phones:
            return Refuse(404)
        mailbox = Mailbox(self.root, destination.number)
        call.caller.answer()
        call.state = f"voicemail:{destination.number}"
        try:
            return await (self._listen(call, mailbox) if destination.own else self._leave(call, mailbox))
        except OSError as error:
            log.error("mailbox cannot be used", mailbox=destination.number, error=str(error))
            return Hangup("error")

    async def _leave(self, call: "Call", mailbox: Mailbox) -> Destination:
        """Greeting, beep, message; `#` or hanging up ends it."""
        await self._say(call, 0)
        await say(call, [call.exchange.tone("beep")], "beep")
        caller = call.caller
        path = await asyncio.to_thread(mailbox.begin, call.origin.number, call.exchange.wall_time())
        name = f"voicemail-{call.id}"
        try:
            await caller.media.record(name, str(path), [caller.name], [])
        except MediaError:
            return Hangup("no_media")
        try:
            await self._until_done(call)
        finally:
            await self._finish(call, mailbox, name, path)
        return Hangup()

    async def _until_done(self, call: "Call") -> None:
        deadline = call.exchange.clock() + LONGEST
        while True:
            match await call.next(deadline - call.exchange.clock()):
                case None:
                    return
                case DigitPressed(leg, "#", _) if leg is call.caller:
                    return

    async def _finish(self, call: "Call", mailbox: Mailbox, name: str, path: Path) -> None:
        """Deliver a message of some length; the caller may be gone already."""
        try:
            report = await call.caller.media.stop_record(name)
        except MediaError:
            return  # the worker died: the next start delivers what it wrote
        long_enough = float(report.get("seconds") or 0.0) >= SHORTEST
        await asyncio.to_thread(mailbox.deliver if long_enough else mailbox.discard, path)
        call.exchange.message_waiting.changed(mailbox.number)

    async def _listen(self, call: "Call", mailbox: Mailbox) -> Destination:
        """One message after the other: `7` deletes it, `#` goes on, anything else lets it play."""
        messages = await asyncio.to_thread(mailbox.messages)
        await self._say(call, 1 if messages else 2, len(messages))
        try:
            for message in messages:
                await say(call, [call.exchange.tone("beep")], "beep")
                await self._play(call, mailbox, message)
        finally:
            call.exchange.message_waiting.changed(mailbox.number)
        return Hangup()

    async def _play(self, call: "Call", mailbox: Mailbox, message: Message) -> None:
        token = message.path.name
        call.caller.play([str(message.path), {"silence": 2.0}], token)
        try:
            while True:
                match await call.next():
                    case PlaybackEnded(leg, ended, _) if leg is call.caller and ended == token:
                        break
                    case DigitPressed(leg, "#", _) if leg is call.caller:
                        break
                    case DigitPressed(leg, "7", _) if leg is call.caller:
                        await asyncio.to_thread(mailbox.delete, message)
                        return
        except CallerGone:
            await asyncio.to_thread(mailbox.keep, message)
            raise
        await asyncio.to_thread(mailbox.keep, message)

    async def _say(self, call: "Call", which: int, number: int = 0) -> None:
        language = call.exchange.plan.language
        text = SENTENCES.get(language, SENTENCES["en"])[which].format(n=number)
        sounds = await call.exchange.speech.sounds([Prompt(text=text, language=language)])
        await say(call, sounds, f"voicemail/{which}")
