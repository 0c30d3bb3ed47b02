"""What the configuration says about recordings."""

from pathlib import Path

import pytest

from config import build
from ivr.prompts import Prompt
from media.retention import Rule
from media.wish import Wish
from softswitch import settings
from softswitch.call.policy import Recorded

from .write import BASE, config, keys, mistakes

QUEUE = '[queues.support]\nagents = ["101", { phone = "102", record = true }]\n'
TRUNK = '[trunks.provider]\npeer = "127.0.0.1:5070"\n'
ROUTE = '[[routes]]\nfrom = "trunk:provider"\ncalled = "+7495"\nto = "phone:101"\n'


def test_the_form_of_recordings_is_that_of_all_or_ones_own(tmp_path: Path) -> None:
    text = f"""[recordings]\nformat = "gsm"\n[phones.103]\npassword = "demo-103"\nrecord = true
[phones.104]\npassword = "demo-104"\nrecord = true\nrecord_share = 0.1\nformat = "flac"\nchannels = "mixed"
{BASE}{QUEUE}record = true\nformat = "ogg"\n{TRUNK}record = true\n{ROUTE}record = true\nformat = "ulaw"\n"""
    plan = settings.plan(found := config(tmp_path, text), {})
    assert plan.phones["101"].record is None
    assert plan.phones["103"].record == Recorded(Wish("gsm"))
    assert plan.phones["104"].record == Recorded(Wish("flac", "mixed"), 0.1)
    assert plan.trunks["provider"].record == Recorded(Wish("gsm"))
    assert plan.queues["support"].record == Recorded(Wish("ogg"), folder="queues/support")
    assert plan.queues["support"].agents_record == {"102": Recorded(Wish("ogg"), folder="queues/support")}
    assert settings._recorded(found.routes[0], found) == Recorded(Wish("ulaw"))


def test_an_agent_may_be_recorded_in_a_queue_that_is_not(tmp_path: Path) -> None:
    plan = settings.plan(config(tmp_path, BASE + QUEUE), {})
    assert plan.queues["support"].record is None
    assert plan.queues["support"].agents_record.keys() == {"102"}


def test_codes_are_for_phones_that_may_use_them(tmp_path: Path) -> None:
    text = f'[recordings]\nstart_code = "##"\nformat = "flac"\n{BASE}record_on_demand = true\n'
    plan = settings.plan(config(tmp_path, text), {})
    assert plan.phones["101"].on_demand is None
    assert plan.phones["102"].on_demand == Recorded(Wish("flac"))
    assert plan.codes == {"##": "record", "*2": "pause"}


@pytest.mark.parametrize(
    ("said", "notice"),
    [("", "This call is not recorded."), ('[recordings]\nnot_recorded = "Off the record."\n', "Off the record.")],
)
def test_callers_of_a_queue_that_announces_hear_that_they_are_not_recorded(
    tmp_path: Path, said: str, notice: str
) -> None:
    text = f'{said}{BASE}{QUEUE}record = true\nunwritable = "announce"\n'
    found = config(tmp_path, text)
    record = settings.plan(found, {}).queues["support"].record
    assert record is not None
    assert (record.unwritable, record.notice) == ("announce", Prompt(notice, language="en"))
    assert record.notice in build.all_prompts(found)


def test_other_queues_say_nothing_of_it(tmp_path: Path) -> None:
    found = config(tmp_path, f'{BASE}{QUEUE}record = true\nunwritable = "refuse"\n')
    assert settings.plan(found, {}).queues["support"].record == Recorded(folder="queues/support", unwritable="refuse")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[recordings]\nformat = "mp3"\n', "recordings.format"),
        ('[recordings]\nchannels = "left"\n', "recordings.channels"),
        ('[recordings]\nstart_code = "*x"\n', "recordings.start_code"),
        ('[recordings]\nstart_code = "*2"\n', "recordings.pause_code"),
        ('[recordings]\npause_code = "1"\n', "recordings.pause_code"),
        ("[recordings]\nlow_water_mb = -1\n", "recordings.low_water_mb"),
        ('[phones.103]\npassword = "demo-103"\nrecord_share = 0.1\n', "phones.103.record_share"),
        ('[phones.103]\npassword = "demo-103"\nrecord = true\nrecord_share = 0\n', "phones.103.record_share"),
        ('[phones.103]\npassword = "demo-103"\nrecord = true\nrecord_share = 10\n', "phones.103.record_share"),
        (QUEUE + 'record = true\nunwritable = "ignore"\n', "queues.support.unwritable"),
        (QUEUE + 'record = true\nformat = "gsm"\nchannels = "stereo"\n', "queues.support.channels"),
        ('[recordings]\nnot_recorded = "prompt:none"\n', "recordings.not_recorded"),
        (TRUNK + ROUTE + "record_share = 0.5\n", "routes.0.record_share"),
    ],
)
def test_a_mistake_about_recordings_is_told_at_its_place(tmp_path: Path, text: str, key: str) -> None:
    assert keys(tmp_path, text + BASE) == [key]
    (mistake,) = mistakes(tmp_path, text + BASE)
    assert mistake.line > 0
    assert mistake.column > 0


def test_each_queue_may_keep_its_recordings_for_another_time(tmp_path: Path) -> None:
    text = f"""[recordings]\nkeep_days = 30\nkeep_gb = 50\n{BASE}{QUEUE}keep_days = 0\nkeep_gb = 0.5
[queues.sales]\nagents = ["101"]\n[queues.spare]\nagents = ["101"]\nkeep_gb = 1\n"""
    day = 86400.0
    assert settings.retention(config(tmp_path, text)) == [
        Rule("", 30 * day, 50_000_000_000),
        Rule("queues/support", None, 500_000_000),
        Rule("queues/spare", 30 * day, 1_000_000_000),
    ]
    assert settings.retention(config(tmp_path, BASE)) == [Rule("", 90 * day, None)]
    assert settings.retention(config(tmp_path, BASE + "[recordings]\nkeep_days = 0\n")) == [Rule("", None, None)]


def test_a_conference_room_is_recorded_in_one_channel_and_greets(tmp_path: Path) -> None:
    text = (
        BASE
        + '[conferences.lobby]\nrecord = true\nlanguage = "ru"\ngreeting = { text = "Welcome." }\n[conferences.other]\n'
    )
    rooms = settings.plan(config(tmp_path, text), {}).rooms
    assert rooms["lobby"].record == Recorded(Wish("wav", "mixed"), folder="conferences/lobby")
    assert rooms["lobby"].greeting == Prompt(text="Welcome.", language="ru")
    assert (rooms["other"].record, rooms["other"].greeting) == (None, None)
