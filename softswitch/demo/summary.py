"""What came of a demonstration: the books of the queues and the records of the calls, in one small table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from softswitch.records.record import CallRecord


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures; times are seconds."""

    seconds: float
    calls: int
    """Records of calls, also of those that reached no queue."""
    offered: int
    """Callers who entered a queue."""
    answered: int
    abandoned: int
    short_abandoned: int
    """Of the abandoned, those who left within `short_abandon`."""
    flowed_out: int
    waiting: int
    """Still waiting when time was up."""
    in_time: int
    """Of the answered, those who waited for at most `service_threshold`."""
    service_threshold: float
    short_abandon: float
    average_wait: float | None
    """Of the answered."""
    longest_wait: float | None
    """Of all whose call had a queue in it."""
    average_talk: float | None
    recordings: int
    recorded_seconds: float
    average_mos: float | None
    """Of every leg that was measured, 1 to 5."""

    @property
    def service_level(self) -> float | None:
        """Answered in time / (offered - abandoned within a moment), 0 to 1; None without any offer."""
        counted = self.offered - self.short_abandoned
        return self.in_time / counted if counted else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        formula = f"answered within {self.service_threshold:g} s / (offered - gone within {self.short_abandon:g} s)"
        return {**asdict(self), "service_level": self.service_level, "service_level_formula": formula}


def summarise(
    status: Mapping[str, Any],
    records: Sequence[CallRecord],
    recordings: Sequence[Path],
    *,
    seconds: float,
    service_threshold: float,
    short_abandon: float,
) -> Summary:
    """From the last status while calls were up, and the records of all calls."""
    queues = list(status["queues"].values())

    def total(key: str) -> int:
        return int(sum(queue[key] for queue in queues))

    talks = [record.talk for record in records if record.agent and record.talk]
    waits = [record.wait for record in records if record.queue]
    answered = total("answered")
    return Summary(
        seconds=round(seconds, 1),
        calls=len(records),
        offered=total("offered"),
        answered=answered,
        abandoned=total("abandoned"),
        short_abandoned=total("short_abandoned"),
        flowed_out=total("flowed_out"),
        waiting=total("waiting"),
        in_time=total("in_time"),
        service_threshold=service_threshold,
        short_abandon=short_abandon,
        average_wait=sum(queue["answered_wait"] for queue in queues) / answered if answered else None,
        longest_wait=max(waits, default=None),
        average_talk=_average(talks),
        recordings=len(recordings),
        recorded_seconds=sum(one.seconds for record in records for one in record.recordings),
        average_mos=_average([score for record in records for score in _scores(record)]),
    )


def _scores(record: CallRecord) -> list[float]:
    return [float(leg.quality["mos"]) for leg in record.legs if leg.quality and leg.quality.get("mos")]


def _average(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def as_table(summary: Summary) -> Table:
    """For a person."""
    table = Table(title=f"What happened in {summary.seconds:.0f} seconds", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    still = f", {summary.waiting} still waiting" if summary.waiting else ""
    flowed = f", {summary.flowed_out} led elsewhere" if summary.flowed_out else ""
    table.add_row("calls", str(summary.calls), "with a record each")
    table.add_row("offered", str(summary.offered), f"entered a queue{flowed}{still}")
    table.add_row(
        "answered", str(summary.answered), f"{summary.in_time} of them within {summary.service_threshold:g} s"
    )
    table.add_row(
        "abandoned",
        str(summary.abandoned),
        f"gave up while waiting, {summary.short_abandoned} of them within {summary.short_abandon:g} s",
    )
    level = "" if summary.service_level is None else f"{summary.service_level:.0%}"
    table.add_row("service level", level, summary.to_dict()["service_level_formula"])
    table.add_row(
        "average wait",
        _seconds(summary.average_wait),
        f"of the answered; the longest of all {_seconds(summary.longest_wait)}",
    )
    table.add_row("average talk", _seconds(summary.average_talk), "caller and agent together")
    table.add_row(
        "recordings", str(summary.recordings), f"{summary.recorded_seconds:.0f} s, each voice on its own channel"
    )
    if summary.average_mos is not None:
        table.add_row("sound (MOS)", f"{summary.average_mos:.2f}", "average of all legs, 4.4 is the best of G.711")
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
