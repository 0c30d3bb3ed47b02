"""Calls to tell in tests, and a clock that is turned by hand."""

from dataclasses import dataclass
from typing import TypedDict

from softswitch.records.events import (
    AgentConnected,
    AgentOffered,
    Bridged,
    CallEnded,
    CallStarted,
    DigitsEntered,
    Event,
    Held,
    LegAnswered,
    LegEnded,
    LegRinging,
    LegStarted,
    MenuEntered,
    OfferEnded,
    QueueJoined,
    QueueLeft,
    RecordingStarted,
    RecordingStopped,
    Resumed,
)

WALL = 1_790_000_000.0


@dataclass
class HandClock:
    """Monotonic and wall seconds, turned by hand."""

    at: float = 1000.0
    wall: float = WALL

    def __call__(self) -> tuple[float, float]:
        return self.at, self.wall

    def turn(self, seconds: float) -> None:
        self.at += seconds
        self.wall += seconds


class Stamps(TypedDict):
    """Both clocks of an event."""

    at: float
    wall: float


def stamps(seconds: float) -> Stamps:
    """So many seconds after the start of the call."""
    return {"at": 1000.0 + seconds, "wall": WALL + seconds}


def started(call: str = "call-1", caller: str = "101", called: str = "102", at: float = 0.0) -> CallStarted:
    return CallStarted(call, caller, "Reception", called, f"phone:{caller}", "udp:127.0.0.1:5070", **stamps(at))


def plain_call(call: str = "call-1", caller: str = "101", called: str = "102") -> list[Event]:
    """101 calls 102, who answers after 5 s; they talk 60 s, of which 10 on hold; 102 hangs up."""
    return [
        started(call, caller, called),
        LegStarted("a", "caller", f"phone:{caller}", "in", **stamps(0)),
        LegStarted("b", "callee", f"phone:{called}", "out", **stamps(1)),
        LegRinging("b", **stamps(2)),
        LegAnswered("b", **stamps(5)),
        LegAnswered("a", **stamps(5)),
        Bridged("a", "b", **stamps(5)),
        Held("b", **stamps(20)),
        Resumed("b", **stamps(30)),
        LegEnded("b", "bye", "remote", None, {"mos": 4.3, "lost": 0}, **stamps(65)),
        LegEnded("a", "bye", "local", 200, None, **stamps(65)),
        CallEnded("bye", **stamps(65)),
    ]


def queue_call(call: str = "call-2") -> list[Event]:
    """101 keys 1 in the menu, waits 22 s for the second agent that is rung, and talks 100 s, recorded."""
    return [
        started(call, called="500"),
        LegStarted("a", "caller", "phone:101", "in", **stamps(0)),
        LegAnswered("a", **stamps(0)),
        MenuEntered("main", **stamps(0)),
        DigitsEntered("main", "1", **stamps(4)),
        QueueJoined("support", 1, **stamps(4)),
        AgentOffered("support", "102", **stamps(5)),
        LegStarted("b", "agent", "phone:102", "out", **stamps(5)),
        LegRinging("b", **stamps(5)),
        OfferEnded("support", "102", "timeout", **stamps(20)),
        LegEnded("b", "no_answer", "local", 487, **stamps(20)),
        AgentOffered("support", "103", **stamps(21)),
        LegStarted("c", "agent", "phone:103", "out", **stamps(21)),
        LegRinging("c", **stamps(22)),
        LegAnswered("c", **stamps(26)),
        OfferEnded("support", "103", "answered", **stamps(26)),
        AgentConnected("support", "103", 22.0, **stamps(26)),
        QueueLeft("support", "answered", **stamps(26)),
        Bridged("a", "c", **stamps(26)),
        RecordingStarted("rec-1", "2026/11/call-2.wav", **stamps(26)),
        LegEnded("c", "bye", "remote", **stamps(126)),
        RecordingStopped("rec-1", "ended", **stamps(126)),
        LegEnded("a", "bye", "local", **stamps(127)),
        CallEnded("bye", **stamps(127)),
    ]
