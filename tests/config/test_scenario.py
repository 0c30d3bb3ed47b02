"""Scenarios of simulations: the one that is handed out, shifts and curves by the time of day, and mistakes."""

from pathlib import Path

import pytest

from config.errors import ConfigErrors
from config.scenario import Scenario, load_scenario

HANDED_OUT = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"

QUEUE = """
[queues.support]
agents = []
"""


def load(folder: Path, text: str) -> Scenario:
    file = folder / "scenario.toml"
    file.write_text(text, "utf-8")
    return load_scenario(file)


def test_the_scenario_that_is_handed_out() -> None:
    play = load_scenario(HANDED_OUT)
    assert [member.agent for member in play.queues[0].members] == [f"support-{number}" for number in range(1, 6)]
    assert play.seconds == 12 * 3600
    assert play.streams[0].rate(2.5 * 3600) == 51
    assert play.streams[0].rate(11.5 * 3600) == 0
    assert {(shift.begins, shift.ends) for shift in play.shifts} == {(0, 9 * 3600), (2 * 3600, 12 * 3600)}


def test_shifts_over_midnight_and_over_days(tmp_path: Path) -> None:
    play = load(
        tmp_path,
        QUEUE
        + """
        [scenario]
        begins = "01:00"
        hours = 48
        [callers.all]
        queue = "support"
        curve = { "22:00" = 7, "06:00" = 3 }
        [[shifts]]
        queue = "support"
        agents = 1
        from = "22:00"
        to = "02:00"
        [[shifts]]
        queue = "support"
        agents = 1
        """,
    )
    night = [(shift.begins / 3600, shift.ends / 3600) for shift in play.shifts if shift.agent == "support-1"]
    assert night == [(0, 1), (21, 25), (45, 49)]
    assert [shift.begins for shift in play.shifts if shift.agent == "support-2"] == [0]
    assert [play.streams[0].rate(hour * 3600) for hour in (0, 4.9, 5, 20.9, 21, 29)] == [7, 7, 3, 3, 7, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[callers.a]\nqueue = "suport"\nper_hour = 3\n', ":5:9: callers.a.queue: expected a queue that there is"),
        ('[callers.a]\nqueue = "support"\n', ":4:10: callers.a: expected exactly one of per_hour and curve"),
        ('[callers.a]\nqueue = "support"\ncurve = {"9" = 1}\n', 'expected a time of day like "09:00"'),
        ('[callers.a]\nqueue = "support"\nper_hour = -1\n', "expected 0 or more, got -1"),
        ('[callers.a]\nqueue = "support"\nper_hours = 1\n', "did you mean 'per_hour'?"),
        ('[callers.a]\nqueue = "support"\nper_hour = 1\n[[shifts]]\nagents = 3\n', "shifts.0: expected queue"),
        ('[callers.a]\nqueue = "support"\nper_hour = 1\n[[shifts]]\nagents = ["7"]\n', "expected an agent of a queue"),
        ('[callers.a]\nqueue = "support"\nper_hour = 1\n', "expected [[shifts]], or queues that have agents"),
        ("[callers.a\n", "expected"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigErrors, match="scenario") as caught:
        load(tmp_path, QUEUE + text)
    assert said in str(caught.value)


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="expected a file that can be read"):
        load_scenario(tmp_path / "nowhere.toml")
