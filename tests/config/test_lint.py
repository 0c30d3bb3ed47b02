"""Advice: what is allowed but unwise is a warning and never a mistake."""

from pathlib import Path

import pytest

from config.lint import speaking_time

from .write import BASE, reading

LONG = "Welcome to the example company. " * 10


def warnings(folder: Path, text: str) -> list[str]:
    found = reading(folder, BASE + text)
    assert found.mistakes == ()
    assert found.config is not None
    return [warning.key for warning in found.warnings]


def menu(options: int = 1, to: str = "phone:101", more: str = "") -> str:
    lines = "".join(f'{number} = "{to}"\n' for number in range(options))
    return f"[menus.main]\n{more}[menus.main.options]\n{lines}"


def test_five_options_are_enough_for_anybody(tmp_path: Path) -> None:
    assert warnings(tmp_path, menu(5)) == []
    assert warnings(tmp_path, menu(6)) == ["menus.main.options"]


def test_a_menu_must_lead_to_a_person(tmp_path: Path) -> None:
    assert warnings(tmp_path, menu(2, "tone:music")) == ["menus.main"]
    assert warnings(tmp_path, menu(2, "tone:music", 'fallback = "phone:101"\n')) == []
    assert warnings(tmp_path, menu(2, "phone:101")) == []


@pytest.mark.parametrize("key", ["greeting", "closed_greeting", "holiday_greeting"])
def test_a_greeting_is_fifteen_seconds_long_at_most(tmp_path: Path, key: str) -> None:
    assert warnings(tmp_path, menu(more=f'{key} = "{LONG}"\n')) == [f"menus.main.{key}"]
    assert warnings(tmp_path, menu(more=f'{key} = "Welcome."\n')) == []


def test_a_named_greeting_is_measured_too(tmp_path: Path) -> None:
    text = f'[prompts.long]\ntext = "{LONG}"\n' + menu(more='greeting = "prompt:long"\n')
    assert warnings(tmp_path, text) == ["menus.main.greeting"]


def test_the_time_to_say_something_is_near_the_truth_in_every_script() -> None:
    assert 13 < speaking_time("one two three four five six seven " * 5) < 15
    assert 3 < speaking_time("预计等待时间大约五分钟请不要挂机") < 4
    assert speaking_time("") == 0


def test_callers_must_be_told_that_they_are_recorded(tmp_path: Path) -> None:
    queue = '[queues.support]\nagents = ["101"]\nrecord = true\n'
    assert warnings(tmp_path, queue) == ["queues.support.record"]
    assert warnings(tmp_path, queue + '[recordings]\nannouncement = "This call may be recorded."\n') == []


def test_callers_from_outside_must_not_dial_out(tmp_path: Path) -> None:
    trunk = '[trunks.provider]\npeer = "127.0.0.1:5070"\n[[routes]]\ncalled = "0x."\nto = "trunk:provider"\n'
    assert warnings(tmp_path, trunk) == ["routes.0.to"]
    assert warnings(tmp_path, trunk + 'from = "trunk:provider"\n') == ["routes.0.to"]
    assert warnings(tmp_path, trunk + 'from = "phones"\n') == []


def test_short_passwords_are_for_loopback(tmp_path: Path) -> None:
    phone = '[phones.103]\npassword = "short"\n'
    assert warnings(tmp_path, phone) == []
    text = f'[sip]\nlisten = ["udp:0.0.0.0:5060"]\n{phone}'
    assert [warning.key for warning in reading(tmp_path, text).warnings] == ["phones.103.password"]


def test_a_warning_has_its_place_in_the_file(tmp_path: Path) -> None:
    (warning,) = reading(tmp_path, BASE + menu(more=f'greeting = "{LONG}"\n')).warnings
    assert (warning.line, warning.column) == (7, 12)
    assert str(warning).startswith(f"{tmp_path}/office.toml:7:12: menus.main.greeting: expected")
