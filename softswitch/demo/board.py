"""What the status of the switch means to somebody who watches: calls, agents, queues, and what has just changed.

`Board.update` takes the answer of the control socket. Times are those at which the board saw a thing begin.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Doing(StrEnum):
    """What a caller does."""

    ARRIVES = "calls"
    LISTENS = "listens to the menu"
    WAITS = "waits"
    RINGS = "waits, an agent's phone rings"
    TALKS = "talks"


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call that is up."""

    call: str
    caller: str
    called: str
    doing: Doing
    where: str
    """The queue, the menu, the number that rings, or with whom he talks."""
    since: float
    """When he began to do this; ringing is a part of waiting."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent."""

    number: str
    state: str
    caller: str
    since: float


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue and its books."""

    name: str
    waiting: int
    offered: int
    answered: int
    abandoned: int


COUNTS = ("waiting", "offered", "answered", "abandoned")


@dataclass(slots=True)
class Board:
    """Everything that is shown."""

    names: Mapping[str, str]
    """Of the phones, by number."""
    queue_names: Mapping[str, str]
    calls: dict[str, CallRow] = field(default_factory=dict)
    agents: dict[str, AgentRow] = field(default_factory=dict)
    queues: dict[str, QueueRow] = field(default_factory=dict)
    legs: int = 0
    """Parties of calls that have sound."""

    def update(self, status: Mapping[str, Any], now: float) -> list[str]:
        """Take over a status; what has changed since the one before, one sentence each."""
        calls, agents = self._read_calls(status, now), {}
        for number, seat in status["agents"].items():
            caller = calls[seat["caller"]].caller if seat["caller"] in calls else ""
            before = self.agents.get(number)
            kept = before is not None and before.state == seat["state"]
            agents[number] = AgentRow(number, seat["state"], caller, before.since if before and kept else now)
        said = [*self._told_of_calls(calls, now), *self._told_of_agents(agents)]
        self.calls, self.agents = calls, agents
        self.queues = {
            name: QueueRow(self.queue_names.get(name, name), **{count: one[count] for count in COUNTS})
            for name, one in status["queues"].items()
        }
        self.legs = status["media"].get("legs", 0)
        return said

    # ---- reading ------------------------------------------------------------------------------------------------

    def _read_calls(self, status: Mapping[str, Any], now: float) -> dict[str, CallRow]:
        ringing = {
            one["caller"]: one["ringing"] for queue in status["queues"].values() for one in queue["callers"]
        }  # fmt: skip
        found = {}
        for one in status["calls"]:
            doing, where = self._meaning(one["state"], ringing.get(one["call"], []))
            before = self.calls.get(one["call"])
            kept = before is not None and _stage(before.doing) == _stage(doing)
            since = before.since if before and kept else now
            found[one["call"]] = CallRow(one["call"], one["caller"], one["called"], doing, where, since)
        return found

    def _meaning(self, state: str, ringing: list[str]) -> tuple[Doing, str]:
        """What a caller does and where, from the state of his call and the agents whose phones ring for him."""
        if ringing:
            return Doing.RINGS, " and ".join(ringing)
        for sign, doing in (("queue:", Doing.WAITS), ("menu:", Doing.LISTENS), ("talking to ", Doing.TALKS)):
            if state.startswith(sign):
                where = state.removeprefix(sign).rpartition(":")[2]
                return doing, self.queue_names.get(where, where) if doing is Doing.WAITS else where
        return Doing.ARRIVES, ""

    # ---- what has changed ---------------------------------------------------------------------------------------

    def who(self, number: str) -> str:
        """A phone's number and name."""
        return f"{number} {self.names.get(number, '')}".strip()

    def _told_of_calls(self, calls: Mapping[str, CallRow], now: float) -> Iterator[str]:
        for row in calls.values():
            before = self.calls.get(row.call)
            if before is None:
                yield f"{self.who(row.caller)} calls {row.called}"
            if before is None or (before.doing, before.where) != (row.doing, row.where):
                yield from self._told_of_stage(row, before, now)
        for row in self.calls.values():
            if row.call not in calls:
                yield self._told_of_end(row, now)

    def _told_of_stage(self, row: CallRow, before: CallRow | None, now: float) -> Iterator[str]:
        waited = before is not None and _stage(before.doing) is Doing.WAITS
        match row.doing:
            case Doing.LISTENS:
                yield f"{self.who(row.caller)} listens to the menu"
            case Doing.WAITS if not waited:
                yield f"{self.who(row.caller)} waits for {row.where}"
            case Doing.RINGS:
                yield f"{self.who(row.where)} rings for {self.who(row.caller)}"
            case Doing.TALKS:
                after = f" after {now - before.since:.0f} s" if before is not None and waited else ""
                yield f"{self.who(row.caller)} talks to {self.who(row.where)}{after}"

    def _told_of_end(self, row: CallRow, now: float) -> str:
        seconds = f"{now - row.since:.0f} s"
        if row.doing is Doing.TALKS:
            return f"{self.who(row.caller)} and {self.who(row.where)} talked for {seconds}"
        if _stage(row.doing) is Doing.WAITS:
            return f"{self.who(row.caller)} gave up after {seconds}"
        return f"{self.who(row.caller)} hung up"

    def _told_of_agents(self, agents: Mapping[str, AgentRow]) -> Iterator[str]:
        for number, row in agents.items():
            before = self.agents.get(number)
            if before is not None and before.state == "offered" and row.state == "resting":
                yield f"{self.who(number)} did not answer"


def _stage(doing: Doing) -> Doing:
    """Ringing is a part of waiting."""
    return Doing.WAITS if doing is Doing.RINGS else doing
