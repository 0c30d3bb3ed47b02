"""The live picture on a terminal: calls, agents, queues, what has just happened, and the minute passing."""

from collections import deque
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from softswitch.demo.board import AgentRow, Board, CallRow, Doing

COLOUR = {
    Doing.ARRIVES: "white", Doing.LISTENS: "cyan", Doing.WAITS: "yellow", Doing.RINGS: "bright_yellow",
    Doing.TALKS: "green",
}  # fmt: skip
STATE = {
    "unreachable": ("no phone", "red"), "idle": ("free", "white"), "resting": ("did not answer", "red"),
    "offered": ("rings", "bright_yellow"), "on_call": ("talks", "green"), "busy": ("busy", "magenta"),
    "wrap_up": ("wraps up", "blue"),
}  # fmt: skip
KEPT = 6
"""Sentences of what has just happened."""


class Screen:
    """Draws a board."""

    def __init__(self, board: Board, console: Console, seconds: float, callers: int) -> None:
        self._board = board
        self._console = console
        self._seconds = seconds
        self._callers = callers
        self._said: deque[tuple[float, str]] = deque(maxlen=KEPT)

    def tell(self, at: float, sentences: Iterable[str]) -> None:
        """Things have happened. Where there is no terminal to draw on, each of them is a line."""
        for sentence in sentences:
            self._said.append((at, sentence))
            if not self._console.is_terminal:
                self._console.print(f"{at:5.1f}  {sentence}", highlight=False, markup=False, soft_wrap=True)

    def draw(self, elapsed: float, now: float) -> RenderableType:
        """The picture of this moment; 80 columns and 24 lines are enough for it."""
        columns = Table.grid(expand=True, padding=(0, 1))
        columns.add_column(ratio=5)
        columns.add_column(ratio=4)
        columns.add_row(self._calls(now), self._agents(now))
        return Group(self._head(elapsed), columns, self._news())

    def _head(self, elapsed: float) -> Panel:
        board = self._board
        talking = sum(row.doing is Doing.TALKS for row in board.calls.values())
        up = Text.assemble(
            f"{len(board.calls)} calls, ", (f"{talking} talking", "green"), f", {board.legs} RTP streams"
        )
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(ratio=1)
        line.add_column(justify="right", width=11)
        bar = ProgressBar(total=self._seconds, completed=min(elapsed, self._seconds))
        line.add_row(bar, f"{max(0.0, self._seconds - elapsed):.0f} s left")
        return Panel(Group(line, self._queues(), up), title="softswitch demo", title_align="left", border_style="dim")

    def _queues(self) -> Table:
        table = Table.grid(expand=True, padding=(0, 1))
        table.add_column(style="bold")
        for _ in range(4):
            table.add_column(ratio=1, justify="right", no_wrap=True)
        for row in self._board.queues.values():
            waiting = Text(f"{row.waiting} waiting", "bold yellow" if row.waiting else "")
            gave_up = Text(f"{row.abandoned} gave up", "red" if row.abandoned else "")
            table.add_row(
                row.name, waiting, f"{row.offered} offered", Text(f"{row.answered} answered", "green"), gave_up
            )
        return table

    def _calls(self, now: float) -> Panel:
        table = Table.grid(expand=True, padding=(0, 1))
        table.add_column(ratio=4, no_wrap=True)
        table.add_column(width=3)
        table.add_column(ratio=5, no_wrap=True)
        table.add_column(justify="right", width=4)
        for row in self._board.calls.values():
            table.add_row(*self._call(row, now))
        for _ in range(self._callers - len(self._board.calls)):
            table.add_row()
        return Panel(table, title="Calls", title_align="left", border_style="dim")

    def _call(self, row: CallRow, now: float) -> tuple[RenderableType, ...]:
        match row.doing:
            case Doing.TALKS:
                doing = f"talks to {row.where}"
            case Doing.RINGS:
                doing = f"waits, {row.where} rings"
            case Doing.WAITS:
                doing = f"waits, {row.where}"
            case Doing.LISTENS:
                doing = "in the menu"
            case _:
                doing = "calls"
        colour = COLOUR[row.doing]
        return self._board.who(row.caller), Text(row.called, "dim"), Text(doing, colour), _clock(now - row.since)

    def _agents(self, now: float) -> Panel:
        table = Table.grid(expand=True, padding=(0, 1))
        table.add_column(ratio=1, no_wrap=True)
        table.add_column(ratio=1, no_wrap=True)
        table.add_column(justify="right", width=4)
        for row in self._board.agents.values():
            table.add_row(*self._agent(row, now))
        return Panel(table, title="Agents", title_align="left", border_style="dim")

    def _agent(self, row: AgentRow, now: float) -> tuple[RenderableType, ...]:
        words, colour = STATE.get(row.state, (row.state, "white"))
        whom = {"offered": " for ", "on_call": " to "}.get(row.state)
        doing = f"{words}{whom}{row.caller}" if whom and row.caller else words
        return self._board.who(row.number), Text(doing, colour), _clock(now - row.since)

    def _news(self) -> Panel:
        lines = [Text.assemble((f"{at:5.1f}  ", "dim"), sentence) for at, sentence in self._said]
        lines += [Text("")] * (KEPT - len(lines))
        return Panel(Group(*lines), title="Just now", title_align="left", border_style="dim")


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
