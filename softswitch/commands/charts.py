"""Charts of text: a bar for each interval of a day."""

from collections.abc import Sequence

from rich.table import Table

from acd.figures import Tally

WIDTH = 20
EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(value: float, highest: float, width: int = WIDTH) -> str:
    """A bar in eighths of a character."""
    if highest <= 0:
        return ""
    eighths = round(max(0.0, min(value / highest, 1.0)) * width * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def clock(seconds: float) -> str:
    """The time of day of a second after midnight."""
    minutes = round(seconds / 60)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def percent(value: float | None) -> str:
    """A share, or nothing when it is unknown."""
    return "" if value is None else f"{100 * value:.1f} %"


def seconds(value: float | None) -> str:
    """Seconds, or nothing when they are unknown."""
    return "" if value is None else f"{value:.1f} s"


def intervals_table(title: str, begins: float, interval: float, tallies: Sequence[Tally]) -> Table:
    """Calls, service level and abandoned calls of each interval, with a bar for the calls."""
    table = Table("from", "calls", "service level", "ASA", "abandoned", "", title=title, title_justify="left")
    highest = max((tally.offered for tally in tallies), default=0)
    for index, tally in enumerate(tallies):
        table.add_row(
            clock(begins + index * interval), str(tally.offered), percent(tally.service_level), seconds(tally.asa),
            str(tally.abandoned), bar(tally.offered, highest),
        )  # fmt: skip
    return table
