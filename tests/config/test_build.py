"""From the configuration to the plain nouns of menus and queues."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from config import build
from ivr.prompts import Prompt
from ivr.schedule import Hours, PartOfDay

from .write import BASE, config

TEXT = """
[switch]
timezone = "Asia/Tokyo"
language = "ru"

[recordings]
announcement = "Разговор записывается."

[prompts.welcome]
text = "Bun venit."
language = "ro"
[prompts.plain]
text = "Привет."

[queues.support]
agents = ["102", { phone = "101", tier = 2, weight = 3 }]
strategy = "priority"
within = "least_busy"
measure = "calls"
record = true
retry = 3
max_wait = 60
on_timeout = "phone:101"
join_empty = false
leave_empty = true
greeting = "prompt:welcome"
periodic = ["Ждите.", { text = "Wait.", language = "en" }]

[queues.sales]
agents = ["102"]
language = "el"

[menus.main]
schedule = "office"
greeting = "prompt:plain"
greeting_morning = { text = "Καλημέρα.", language = "el" }
options = { 1 = "queue:support" }
dial_extensions = true
fallback = "phone:101"

[menus.plain]
language = "zh"

[schedules.office]
hours = { mon-fri = "09:00-18:00", sat = ["09:00-12:00", "22:00-02:00"] }
holidays = ["12-24", 2026-12-31]
special = { 2026-12-23 = "closed" }
force = "closed"
night = "22:30"

[schedules.lobby]
hours = { mon-sun = "00:00-24:00" }
timezone = "Europe/Vienna"
"""


def test_queues_become_the_settings_of_the_engine(tmp_path: Path) -> None:
    support, sales = build.queues(config(tmp_path, BASE + TEXT))
    assert [(member.agent, member.tier, member.weight) for member in support.members] == [("102", 1, 1), ("101", 2, 3)]
    assert (support.strategy, support.within, support.measure) == ("priority", "least_busy", "calls")
    assert (support.retry_delay, support.max_wait, support.on_timeout) == (3.0, 60.0, "phone:101")
    assert support.join_empty == support.leave_empty == ("logged_out", "paused", "unreachable")
    assert sales.join_empty == sales.leave_empty == ()
    assert len(support.periodic) == 2
    assert (sales.ring_timeout, sales.wrap_up, sales.service_level, sales.short_abandon) == (15.0, 10.0, 20.0, 5.0)


def test_every_agent_is_there_once(tmp_path: Path) -> None:
    assert [agent.id for agent in build.agents(config(tmp_path, BASE + TEXT))] == ["102", "101"]


def test_a_queue_speaks_its_language_unless_a_prompt_has_its_own(tmp_path: Path) -> None:
    voices = build.queue_voices(config(tmp_path, BASE + TEXT))
    support, sales = voices["support"], voices["sales"]
    assert support.greeting == Prompt(text="Bun venit.", language="ro")
    assert support.recorded == Prompt(text="Разговор записывается.", language="ru")
    assert support.periodic == (Prompt(text="Ждите.", language="ru"), Prompt(text="Wait.", language="en"))
    assert support.position(3).language == "ru"
    assert sales.position(3).language == "el"
    assert sales.recorded is None
    assert sales.greeting is None


def test_menus_become_the_menus_of_the_machine(tmp_path: Path) -> None:
    menus = build.menus(config(tmp_path, BASE + TEXT))
    main, plain = menus["main"], menus["plain"]
    assert main.greeting == (Prompt(text="Привет.", language="ru"),)
    assert main.salutations == {PartOfDay.MORNING: (Prompt(text="Καλημέρα.", language="el"),)}
    assert main.options == {"1": "queue:support"}
    assert main.extensions.find("102").destination == "phone:102"
    assert main.schedule is not None
    assert main.schedule.zone == ZoneInfo("Asia/Tokyo")
    assert not plain.extensions
    assert plain.fallback == "hangup"
    assert plain.greeting[0].language == plain.on_invalid[0].language == "zh"


def test_opening_hours_become_a_schedule(tmp_path: Path) -> None:
    schedules = build.schedules(config(tmp_path, BASE + TEXT))
    office = schedules["office"]
    assert office.week == ((Hours(540, 1080),),) * 5 + ((Hours(540, 720), Hours(1320, 1560)), ())
    assert office.yearly == {(12, 24)}
    assert office.holidays == {date(2026, 12, 31)}
    assert office.special == {date(2026, 12, 23): ()}
    assert office.force is False
    assert office.night == 22 * 60 + 30
    assert schedules["lobby"].zone == ZoneInfo("Europe/Vienna")
    assert schedules["lobby"].force is None


def test_every_sentence_known_beforehand_is_there_once(tmp_path: Path) -> None:
    prompts = build.all_prompts(config(tmp_path, BASE + TEXT))
    assert len(prompts) == len(set(prompts))
    texts = {prompt.text for prompt in prompts}
    assert {"Bun venit.", "Привет.", "Καλημέρα.", "Ждите.", "Wait.", "Разговор записывается."} <= texts
