"""Queues and agents in the file: skills, and what is said about mistakes in them."""

from pathlib import Path

import pytest

from acd.agent import PauseReason
from acd.queue import Overflow, Relaxed, Reserve
from config import build
from softswitch import settings
from softswitch.call.customer import Customer

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


TIERS = f'{BASE}[queues.support]\nagents = ["101", {{ phone = "102", tier = 2 }}]\n'


def test_a_queue_has_reserves_overflows_and_ageing_priorities(tmp_path: Path) -> None:
    text = TIERS + (
        "priority_age = 120\nlast_agent = 86400\npreferred_wait = 20\nkeep_place = 90\n"
        "reserve = [{ tier = 2, length = 5, close_length = 1, wait = 60, least = 300 }]\n"
        'overflow = [{ to = "phone:101", ratio = 3.0 }, { to = "hangup", wait = 120 }]\n'
    )
    (support,) = build.queues(config(tmp_path, text))
    assert (support.priority_age, support.last_agent) == (120, 86400)
    assert (support.preferred_wait, support.keep_place) == (20, 90)
    assert support.reserves == (Reserve(2, 5, 60, 1, None, 300),)
    assert support.overflows == (Overflow("phone:101", ratio=3.0), Overflow("hangup", wait=120))


def test_a_point_of_priority_is_a_minute_unless_priority_is_strict(tmp_path: Path) -> None:
    assert build.queues(config(tmp_path, TIERS))[0].priority_age == 60
    assert build.queues(config(tmp_path, TIERS + 'priority_age = "strict"\n'))[0].priority_age is None


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("agents = []\n", "agents"),
        ('agents = ["101"]\ntier_wait = 10\n', "tier_wait"),
        ('agents = ["101", { phone = "102", tier = 2 }]\ntier_wait = 30\nmax_wait = 30\n', "max_wait"),
        ('agents = ["101"]\noverflow = [{ to = "queue:support", length = 3 }]\n', "overflow.0.to"),
        ('agents = ["101"]\noverflow = [{ to = "queue:suport", length = 3 }]\n', "overflow.0.to"),
        ('agents = ["101"]\noverflow = [{ to = "phone:101" }]\n', "overflow.0"),
        ('agents = ["101"]\nmax_wait = 60\noverflow = [{ to = "phone:101", wait = 60 }]\n', "overflow.0.wait"),
        ('agents = ["101"]\nreserve = [{ tier = 2, length = 3 }]\n', "reserve.0.tier"),
        ('agents = ["101", { phone = "102", tier = 2 }]\nreserve = [{ tier = 2 }]\n', "reserve.0"),
        (
            'agents = ["101", { phone = "102", tier = 2 }]\nreserve = [{ tier = 2, length = 3, close_length = 3 }]\n',
            "reserve.0",
        ),
        ('agents = ["101"]\nreserve = [{ tier = 1, length = 3 }]\n', "reserve"),
    ],
)
def test_a_queue_that_cannot_work_is_a_mistake(tmp_path: Path, lines: str, key: str) -> None:
    assert keys(tmp_path, f"{BASE}[queues.support]\n{lines}") == [f"queues.support.{key}"]


CODES = f'{BASE}[agent_codes]\nlog_in = "*40"\n[pauses.lunch]\nkey = "1"\nlimit = 1800\nat_once = 2\n[pauses.other]\n'


def test_agents_have_codes_for_their_status_and_breaks_have_keys_and_limits(tmp_path: Path) -> None:
    found = config(tmp_path, CODES)
    plan = build.inside(found)
    codes = ("*40", "*31", "*32", "*321", "*33", "*34", "*352", "*322", "*35")
    assert [plan.find(code).destination for code in codes] == [
        "log_in:", "log_out:", "pause:", "pause:lunch", "unpause:", "done:", "result:2", None, None,
    ]  # fmt: skip
    assert build.pauses(found) == [PauseReason("lunch", 1800, 2), PauseReason("other")]
    assert build.extensions(found).find("*40").destination is None


def test_without_the_table_there_are_no_codes_of_agents(tmp_path: Path) -> None:
    assert build.inside(config(tmp_path, BASE)).find("*30").destination is None


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('[agent_codes]\ndone = "*30"\n', "agent_codes.done"),
        ('[agent_codes]\npause = "*3"\n', "agent_codes.pause"),
        ('[agent_codes]\n[extensions]\n"*35x" = "tone:echo"\n', "agent_codes.result"),
        ('[pauses.lunch]\nkey = "1"\n[pauses.other]\nkey = "1"\n', "pauses.other.key"),
        ('[pauses.lunch]\nkey = "12"\n', "pauses.lunch.key"),
        ('[queues.support]\nagents = ["101"]\ndisposition_required = true\n', "queues.support.disposition_required"),
        ('[queues.support]\nagents = ["101"]\nauto_pause_on = ["never"]\n', "queues.support.auto_pause_on.0"),
        ('[queues.support]\nagents = ["101"]\npromise = 61\n', "queues.support.promise"),
    ],
)
def test_mistakes_in_codes_breaks_and_results_are_named(tmp_path: Path, lines: str, key: str) -> None:
    assert key in keys(tmp_path, BASE + lines)


def test_customers_have_a_priority_managers_and_needs(tmp_path: Path) -> None:
    text = queue('[customers."+7495*"]\npriority = 5\nmanagers = ["102"]\nrequires = "billing or vip"\n')
    plan = settings.plan(config(tmp_path, text), {})
    assert plan.customers == {"+7495*": Customer(5, ("102",), "billing or vip")}


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('[customers."7x"]\npriority = 1\n', "customers.7x"),
        ('[customers."+7*"]\npriority = 101\n', "customers.+7*.priority"),
        ('[customers."+7*"]\nmanagers = ["109"]\n', "customers.+7*.managers.0"),
        ('[customers."+7*"]\nrequires = "billing and"\n', "customers.+7*.requires"),
    ],
)
def test_mistakes_about_customers_are_named(tmp_path: Path, lines: str, key: str) -> None:
    assert [found.replace('"', "") for found in keys(tmp_path, queue(lines))] == [key]


def test_an_agent_with_a_mobile_is_within_reach_without_his_desk_phone(tmp_path: Path) -> None:
    text = queue() + '[trunks.provider]\npeer = "127.0.0.1:5070"\n[agents.102]\nmobile = "trunk:provider/+431"\n'
    found = config(tmp_path, text.replace("[agents.102.skills]\nvip = 1\n", ""))
    assert settings.plan(found, {}).mobiles == {"102": "trunk:provider/+431"}
    assert [agent.reachable for agent in settings.agents(found, lambda _: False)] == [False, True]


@pytest.mark.parametrize("mobile", ["phone:101", "trunk:nowhere/1", "trunk:provider"])
def test_a_mobile_is_a_number_behind_a_trunk(tmp_path: Path, mobile: str) -> None:
    text = f'{BASE}[trunks.provider]\npeer = "127.0.0.1:5070"\n[agents.102]\nmobile = "{mobile}"\n'
    assert keys(tmp_path, text) == ["agents.102.mobile"]
