"""Queues and agents in the file: skills, and what is said about mistakes in them."""

from pathlib import Path

import pytest

from acd.queue import Relaxed
from config import build

from .write import BASE, config, keys, mistakes

STAFF = """
[agents.101]
skills = { billing = 2, language.ro = 4 }
wrap_up = 20
[agents.102.skills]
vip = 1
"""


def queue(lines: str = "", staff: str = STAFF) -> str:
    return f'{BASE}{staff}[queues.support]\nagents = ["101", "102"]\n{lines}'


def test_agents_have_skills_with_levels_and_a_wrap_up_of_their_own(tmp_path: Path) -> None:
    first, second = build.agents(config(tmp_path, queue()))
    assert (first.levels, first.wrap_up) == ({"billing": 2, "language.ro": 4}, 20)
    assert (second.levels, second.wrap_up) == ({"vip": 1}, None)


def test_a_queue_asks_for_skills_and_for_less_as_time_goes_by(tmp_path: Path) -> None:
    text = queue(
        'requires = "language.ro >= 3 and (billing or vip)"\n'
        'relax = [{ after = 30, requires = "billing or vip" }, { after = 60 }]\n'
    )
    (support,) = build.queues(config(tmp_path, text))
    assert support.requires == "language.ro >= 3 and (billing or vip)"
    assert support.relax == (Relaxed(30, "billing or vip"), Relaxed(60, ""))


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("language.ro >= three", 28, 'expected a level from 0 to 100, got "three" (column 16 of the expression)'),
        ("(billing or vip", 28, 'expected ")", but it ends here (column 16 of the expression)'),
        ("billing and langage.ro", 25, 'expected skills that an agent has, nobody in [agents] has "langage.ro"'),
        ("vip and billing", 12, 'expected what at least one agent of the queue can do, nobody meets "vip and billing"'),
    ],
)
def test_a_mistake_in_an_expression_is_told_with_its_column(
    tmp_path: Path, text: str, column: int, message: str
) -> None:
    (mistake,) = mistakes(tmp_path, queue(f'requires = "{text}"\n'))
    assert (mistake.line, mistake.column, mistake.key) == (14, column, "queues.support.requires")
    assert mistake.message == message
    assert mistake.hint == ("language.ro" if "langage" in text else None)


def test_a_mistake_in_a_step_of_relaxing_is_told_with_its_column(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, queue('relax = [{ after = 30, requires = "billing &" }]\n'))
    assert (mistake.line, mistake.column, mistake.key) == (14, 44, "queues.support.relax.0.requires")


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("relax = [{ after = 30 }, { after = 30 }]\n", "queues.support.relax.1.after"),
        ('[agents.103]\nname = "Nobody"\n', "agents.103"),
        ("[agents.102]\nskills = { billing = 101 }\n", "agents.102.skills.billing"),
        ('[agents.102]\nskills = { "1st" = 1 }\n', "agents.102.skills.1st"),
        ("[agents.102]\nskills = { and = 1 }\n", "agents.102.skills.and"),
    ],
)
def test_what_cannot_be_is_a_mistake(tmp_path: Path, lines: str, key: str) -> None:
    assert keys(tmp_path, queue(lines, staff="")) == [key]
