"""The example configuration keeps its promises to newcomers and to scripts."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import config as package
from config import Config, build, load, read
from ivr.actions import Go, Play
from ivr.events import Digit, PromptFinished, Started
from ivr.session import MenuSession

EXAMPLE = Path(package.__file__).parent / "example.toml"


@pytest.fixture(scope="module")
def example() -> Config:
    return load(EXAMPLE)


def test_the_example_has_neither_mistakes_nor_warnings() -> None:
    reading = read(EXAMPLE)
    assert reading.mistakes == ()
    assert reading.warnings == ()


def test_sip_is_spoken_on_loopback_over_udp_and_tcp(example: Config) -> None:
    assert [str(listener) for listener in example.sip.listen] == ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
    assert all(listener.loopback for listener in example.sip.listen)
    assert str(example.media.ports) == "20000-29999"
    assert example.media.address == "127.0.0.1"
    assert (example.switch.realm, example.switch.domain, example.switch.data) == ("localhost", "localhost", "./var")


def test_there_are_ten_phones_with_demo_passwords(example: Config) -> None:
    assert build.passwords(example) == {str(number): f"demo-{number}" for number in range(101, 111)}


@pytest.mark.parametrize(
    ("number", "destination"),
    [
        ("101", "phone:101"),
        ("110", "phone:110"),
        ("500", "menu:main"),
        ("600", "queue:support"),
        ("601", "queue:sales"),
        ("700", "conference:lobby"),
        ("800", "voicemail:own"),
        ("8101", "voicemail:101"),
        ("900", "tone:echo"),
        ("901", "tone:milliwatt"),
        ("902", "tone:music"),
        ("111", None),
        ("04311234567", None),
    ],
)
def test_every_number_leads_where_it_always_did(example: Config, number: str, destination: str | None) -> None:
    assert build.extensions(example).find(number).destination == destination


def test_the_queues_have_their_agents_and_are_recorded(example: Config) -> None:
    queues = {queue.name: queue for queue in build.queues(example)}
    assert [member.agent for member in queues["support"].members] == ["101", "102", "103"]
    assert [member.agent for member in queues["sales"].members] == ["104", "105"]
    assert (queues["support"].strategy, queues["sales"].strategy) == ("round_robin", "longest_idle")
    assert all(queue.record for queue in example.queues.values())


def test_the_trunk_is_trusted_by_address_and_its_number_goes_to_the_menu(example: Config) -> None:
    trunk = example.trunks["provider"]
    assert str(trunk.peer) == "127.0.0.1:5070"
    assert [str(address) for address in trunk.trusted] == ["127.0.0.1:5070"]
    assert trunk.transport == "udp"
    inward, outward = example.routes
    assert (inward.from_, inward.called, inward.to) == ("trunk:provider", "+74950000100", "menu:main")
    assert (outward.from_, outward.called, outward.strip, outward.to) == ("phones", "0x.", 1, "trunk:provider")


@pytest.mark.parametrize("day", ["2026-11-23T10:00", "2026-11-22T03:00", "2026-12-25T12:00"])
@pytest.mark.parametrize(
    ("keys", "destination"),
    [("1", "queue:support"), ("2", "queue:sales"), ("3", "prompt:information"), ("0", "phone:101"), ("", "phone:101"),
     ("104", "phone:104"), ("600", "queue:support"), ("8103", "voicemail:103")],
)  # fmt: skip
def test_the_main_menu_leads_where_it_should_at_any_hour(
    example: Config, day: str, keys: str, destination: str
) -> None:
    session = MenuSession(build.menus(example)["main"])
    moment = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Vienna"))
    actions = session.handle(Started(moment), 0.0)
    for key in keys:
        actions = session.handle(Digit(key), 1.0)
    plays, now = 1, 1.0
    while not isinstance(actions[-1] if actions else None, Go):
        plays += sum(isinstance(action, Play) for action in actions) if now > 1.0 else 0
        token = f"main/{plays}"
        actions = [] if keys else session.handle(PromptFinished(token), now)
        assert session.next_deadline is not None
        now = session.next_deadline
        actions = actions or session.handle_timer(now)
    assert isinstance(actions[-1], Go)
    assert actions[-1].destination == destination


def test_the_greeting_differs_by_time_of_day_and_out_of_hours(example: Config) -> None:
    menu = build.menus(example)["main"]
    heard = []
    for day in ("2026-11-23T09:30", "2026-11-23T13:00", "2026-11-23T19:00", "2026-11-22T13:00", "2026-10-26T13:00"):
        moment = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Vienna"))
        (play,) = MenuSession(menu).handle(Started(moment), 0.0)
        assert isinstance(play, Play)
        heard.append(" ".join((prompt.text or "") for prompt in play.prompts))
    assert heard[0].startswith("Good morning. Welcome")
    assert heard[1].startswith("Good day. Welcome")
    assert heard[2].startswith("Good evening. Welcome")
    assert "closed" in heard[2]
    assert "closed" in heard[3]
    assert "closed" in heard[4]
    assert "closed" not in heard[0] + heard[1]


def test_every_prompt_is_one_line_without_stray_breaks(example: Config) -> None:
    for prompt in build.all_prompts(example):
        assert prompt.text is not None
        assert "\n" not in prompt.text.strip()
        assert "  " not in prompt.text


def test_every_key_of_the_example_is_explained_or_plain() -> None:
    text = EXAMPLE.read_text("utf-8")
    assert text.count("#") > 50
    assert max(len(line) for line in text.split("\n")) <= 120
    assert not re.search(r"\t| $", text, re.MULTILINE)
