"""Who may supervise, and with which codes: every mistake is found at its place."""

from pathlib import Path

import pytest

from config import build

from .write import BASE, config, keys, mistakes

SUPERVISED = f'{BASE}[supervision]\nsupervisors = ["101"]\n'


def test_the_codes_lead_to_the_extension_that_is_dialled_after_them(tmp_path: Path) -> None:
    found = config(tmp_path, f'{SUPERVISED}whisper = "#7"\n')
    plan = build.inside(found)
    assert plan.find("*21102").destination == "listen:102"
    assert plan.find("#7102").destination == "whisper:102"
    assert plan.find("*23102").destination == "barge:102"
    assert plan.find("*22102").destination is None
    assert plan.find("*21").destination is None
    assert plan.find("102").destination == "phone:102"


def test_a_caller_in_a_menu_does_not_dial_codes(tmp_path: Path) -> None:
    assert build.extensions(config(tmp_path, SUPERVISED)).find("*21102").destination is None


def test_without_supervisors_there_are_no_codes_and_their_keys_are_free(tmp_path: Path) -> None:
    found = config(tmp_path, f'{BASE}[extensions]\n"*2xxxx" = "tone:echo"\n')
    assert build.inside(found).find("*21102").destination == "tone:echo"


@pytest.mark.parametrize("code", ["21", "*", "*21x", "", "*123456789", "**.", "+21"])
def test_a_code_that_is_none_is_a_mistake(tmp_path: Path, code: str) -> None:
    assert keys(tmp_path, f'{SUPERVISED}listen = "{code}"\n') == ["supervision.listen"]


def test_an_unknown_or_repeated_supervisor_is_a_mistake(tmp_path: Path) -> None:
    text = f'{BASE}[supervision]\nsupervisors = ["101", "109", "101"]\n'
    assert keys(tmp_path, text) == ["supervision.supervisors.1", "supervision.supervisors.2"]


@pytest.mark.parametrize(
    ("lines", "mistaken"),
    [
        ('listen = "*22"\n', ["supervision.whisper"]),
        ('listen = "*2"\n', ["supervision.whisper", "supervision.barge"]),
        ('barge = "*213"\n', ["supervision.barge"]),
        ('listen = "*2*"\n', []),
        ('[extensions]\n"*21102" = "tone:echo"\n', ["supervision.listen"]),
        ('[extensions]\n"*2xxxx" = "tone:echo"\n', ["supervision.listen", "supervision.whisper", "supervision.barge"]),
        ('[extensions]\n"*21" = "tone:echo"\n', []),
    ],
)
def test_a_code_that_something_else_is_dialled_with_is_a_mistake(
    tmp_path: Path, lines: str, mistaken: list[str]
) -> None:
    assert sorted(keys(tmp_path, SUPERVISED + lines)) == sorted(mistaken)


def test_a_mistake_has_its_place(tmp_path: Path) -> None:
    text = f'{SUPERVISED}listen = "*2"\nwhisper = "*32"\nbarge = "*31"\n[extensions]\n"*2102" = "tone:echo"\n'
    [mistake] = mistakes(tmp_path, text)
    assert (mistake.line, mistake.column) == (8, 10)
    assert "extension *2102" in mistake.message
