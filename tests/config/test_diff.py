"""What a reload changes."""

from pathlib import Path

import pytest

from config.diff import RESTART, SETTINGS, Change, compare
from config.model import Config

from .write import BASE, config

QUEUE = '[queues.support]\nagents = ["101"]\n'


def test_the_same_configuration_does_not_differ(tmp_path: Path) -> None:
    old = config(tmp_path, BASE + QUEUE)
    difference = compare(old, config(tmp_path, BASE + "# a comment\n" + QUEUE))
    assert not difference
    assert str(difference) == "nothing changed"


def test_entries_that_come_go_and_change_are_named(tmp_path: Path) -> None:
    old = config(tmp_path, BASE + QUEUE)
    new = config(tmp_path, '[phones.101]\npassword = "other"\n[phones.103]\npassword = "x"\n' + QUEUE)
    difference = compare(old, new)
    assert difference["phones"] == Change(added=("103",), removed=("102",), changed=("101",))
    assert not difference["queues"]
    assert difference
    assert str(difference) == "phones: added 103\nphones: removed 102\nphones: changed 101"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[sip]\nlisten = ["udp:127.0.0.1:5080"]\n', "sip.listen"),
        ('[media]\nports = "30000-30999"\n', "media.ports"),
        ('[switch]\ndata = "./other"\n', "switch.data"),
    ],
)
def test_what_sockets_and_files_were_opened_with_needs_a_restart(tmp_path: Path, text: str, key: str) -> None:
    difference = compare(config(tmp_path, BASE), config(tmp_path, BASE + text))
    assert difference.needs_restart == (key,)
    assert difference.settings == ()
    assert "restart" in str(difference)


def test_a_setting_that_can_be_taken_over_is_named_apart(tmp_path: Path) -> None:
    difference = compare(config(tmp_path, BASE), config(tmp_path, BASE + "[sip]\nring_timeout = 20\n"))
    assert difference.settings == ("sip.ring_timeout",)
    assert difference.needs_restart == ()


def test_a_change_of_routes_is_told(tmp_path: Path) -> None:
    difference = compare(
        config(tmp_path, BASE), config(tmp_path, BASE + '[[routes]]\ncalled = "1"\nto = "phone:101"\n')
    )
    assert difference.routes
    assert difference


def test_every_key_that_needs_a_restart_exists() -> None:
    known = {f"{section}.{key}" for section in SETTINGS for key in type(getattr(Config(), section)).model_fields}
    assert known >= RESTART
