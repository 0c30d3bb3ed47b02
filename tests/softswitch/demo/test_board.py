"""What a watcher is told when the status of the switch changes."""

import io
from typing import Any

from rich.console import Console

from softswitch.demo.board import Board, Doing
from softswitch.demo.screen import Screen

COUNTS = {"waiting": 0, "offered": 0, "answered": 0, "abandoned": 0}


def board() -> Board:
    return Board({"101": "Reception", "106": "Workshop"}, {"support": "Support"})


def status(state: str | None = None, agent: str = "idle", ringing: tuple[str, ...] = ()) -> dict[str, Any]:
    """A status with one call of 106 in a state, and with agent 101 in another."""
    calls = [] if state is None else [{"call": "c1", "caller": "106", "called": "600", "state": state, "seconds": 9.9}]
    waiting = [{"caller": "c1", "ringing": list(ringing)}] if state == "queue:support" else []
    return {
        "calls": calls,
        "queues": {"support": {**COUNTS, "waiting": len(waiting), "callers": waiting}},
        "agents": {"101": {"state": agent, "caller": "c1" if agent in ("offered", "on_call") else None}},
        "media": {"legs": 2},
    }


def test_a_call_is_told_from_its_beginning_to_its_end() -> None:
    watched = board()
    assert watched.update(status(), 0.0) == []
    assert watched.update(status("queue:support"), 1.0) == [
        "106 Workshop calls 600",
        "106 Workshop waits for Support",
    ]
    assert watched.update(status("queue:support", "offered", ("101",)), 2.0) == [
        "101 Reception rings for 106 Workshop",
    ]
    assert watched.update(status("talking to phone:101", "on_call"), 4.0) == [
        "106 Workshop talks to 101 Reception after 3 s",
    ]
    assert watched.update(status(None, "wrap_up"), 9.0) == ["106 Workshop and 101 Reception talked for 5 s"]
    assert watched.update(status(), 10.0) == []


def test_a_caller_who_hangs_up_while_an_agent_rings_gave_up() -> None:
    watched = board()
    watched.update(status("queue:support"), 0.0)
    watched.update(status("queue:support", "offered", ("101",)), 1.0)
    assert watched.update(status(), 4.0) == ["106 Workshop gave up after 4 s"]


def test_a_caller_who_hangs_up_in_the_menu_is_said_to_have_hung_up() -> None:
    watched = board()
    assert watched.update(status("menu:main"), 0.0)[-1] == "106 Workshop listens to the menu"
    assert watched.update(status(), 4.0) == ["106 Workshop hung up"]


def test_an_agent_who_lets_it_ring_did_not_answer_and_the_caller_waits_on() -> None:
    watched = board()
    watched.update(status("queue:support", "offered", ("101",)), 0.0)
    assert watched.update(status("queue:support", "resting"), 4.0) == ["101 Reception did not answer"]
    assert watched.calls["c1"].doing is Doing.WAITS
    assert watched.calls["c1"].since == 0.0


def test_an_unchanged_status_says_nothing_and_keeps_the_times() -> None:
    watched = board()
    watched.update(status("talking to phone:101", "on_call"), 1.0)
    assert watched.update(status("talking to phone:101", "on_call"), 7.0) == []
    assert watched.calls["c1"].since == watched.agents["101"].since == 1.0
    assert watched.agents["101"].caller == "106"


def test_the_picture_fits_a_terminal_of_80_columns_and_24_lines() -> None:
    watched = board()
    console = Console(width=80, height=24, record=True, file=io.StringIO())
    screen = Screen(watched, console, 60.0, callers=7)
    for second in range(20):
        state = ("menu:main", "queue:support", "talking to phone:101")[second % 3]
        screen.tell(second, watched.update(status(state, "on_call"), float(second)))
    console.print(screen.draw(20.0, 20.0))
    shown = console.export_text()
    lines = shown.splitlines()[-22:]
    assert lines[0].startswith("╭─ softswitch demo")
    assert "40 s left" in lines[1]
    assert max(map(len, shown.splitlines())) <= 80


def test_without_a_terminal_every_change_is_a_line() -> None:
    console = Console(width=40, record=True, force_terminal=False, file=io.StringIO())
    Screen(board(), console, 60.0, callers=7).tell(1.25, ["106 Workshop talks to 101 Reception after 3 s"])
    assert console.export_text() == "  1.2  106 Workshop talks to 101 Reception after 3 s\n"
