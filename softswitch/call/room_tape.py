"""The recording of a conference room: one file in one channel, from the first member to the last.

The records of all members' calls name this file, each with the share of time in which that member was there.
"""

from typing import TYPE_CHECKING

import structlog

from media.client import MediaClient
from media.errors import MediaError
from softswitch.call.policy import Recorded
from softswitch.call.recordings import Recordings, stem
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Exchange
    from softswitch.call.plan import Member

log = structlog.get_logger("call.room_tape")


class RoomTape:
    """What is written of one room. `join` and `leave` follow its members, `hear` what each of them may say."""

    def __init__(self, exchange: "Exchange", room: str, recorded: Recorded, first: "Call") -> None:
        self._exchange = exchange
        self._media: MediaClient = first.caller.media
        self._recorded = recorded
        self._members: dict[Call, Member] = {}
        self._runs = False
        recordings: Recordings = exchange.recordings
        self._name = f"{stem(room)}-{stem(first.id)}"
        self._folder = f"{recorded.folder}/{recordings.day(exchange)}"
        self._path = recordings.folder / self._folder / recorded.wish.written(self._name)

    def join(self, call: "Call", member: "Member") -> None:
        """A member has come in; the first one begins the file."""
        is_first = not self._members
        self._members[call] = member
        if is_first:
            self._exchange.spawn(self._begin(call))
        elif self._runs:
            self._note_start(call)
        self.hear()

    def leave(self, call: "Call") -> bool:
        """A member has gone; whether he was the last, with whom the file ends."""
        if self._members.pop(call, None) is not None and self._runs:
            call.journal.note(fact.RecordingStopped, recording=self._name, reason="ended")
        if self._members:
            self.hear()
        elif self._runs:
            self._exchange.spawn(self._end())
        return not self._members

    def hear(self) -> None:
        """Record those who may be heard just now: not who is muted or holds."""
        if self._runs:
            self._media.record_change(self._name, self._audible(), [])

    def _audible(self) -> list[str]:
        legs = [call.caller for call, member in self._members.items() if not member.muted]
        return [leg.name for leg in legs if not (leg.ended or leg.held)]

    async def _begin(self, first: "Call") -> None:
        recordings = self._exchange.recordings
        recordings.running.add(self._name)
        try:
            trouble = await recordings.trouble(self._path.parent, self._recorded)
            if trouble is None:
                await self._media.record(self._name, str(self._path), self._audible(), [])
        except MediaError as error:
            trouble = str(error)
        if trouble is not None:
            recordings.running.discard(self._name)
            log.warning("this room is not recorded", room=self._name, error=trouble)
            first.journal.note(fact.RecordingRefused, reason=trouble)
            return
        self._runs = True
        for call in self._members:
            self._note_start(call)
        if self._members:
            self.hear()
        else:  # all have gone while the file was being opened
            await self._end()

    async def _end(self) -> None:
        self._runs = False
        try:
            await self._media.stop_record(self._name)
        except MediaError as error:
            log.error("recording not finished", room=self._name, error=str(error))
        self._exchange.recordings.finished(self._name, self._path)

    def _note_start(self, call: "Call") -> None:
        path = f"{self._folder}/{self._recorded.wish.kept(self._name)}"
        call.journal.note(fact.RecordingStarted, recording=self._name, path=path)
