"""Ten broken files: every mistake in each, with its line, column and key, and nothing else."""

from pathlib import Path

import pytest

from config import ConfigErrors, load, read

BROKEN = Path(__file__).parent / "broken"

Expected = list[tuple[int, int, str, str | None]]
"""Line, column, key, hint."""

SYNTAX: Expected = [
    (3, 8, "switch.name", None),
    (4, 12, "switch.timezone", None),
    (5, 10, "switch.language", None),
    (7, 4, "sip", None),
    (12, 1, "phones.101.nmae", "name"),
    (15, 10, "queues.support.agents", None),
    (20, 34, "menus.main.options", None),
]
UNKNOWN_KEYS: Expected = [
    (1, 2, "swich", "switch"),
    (5, 1, "sip.lisen", "listen"),
    (8, 1, "phones.101.pasword", "password"),
    (12, 1, "phones.102.colour", None),
    (15, 35, "queues.support.agents.1.teir", "tier"),
    (16, 1, "queues.support.wrapup", "wrap_up"),
    (20, 34, "menus.main.options.12", None),
]
DANGLING: Expected = [
    (3, 11, "phones.101.on_busy", "voicemail:101"),
    (9, 18, "groups.office.phones.1", "110"),
    (12, 18, "queues.support.agents.1", "101"),
    (13, 14, "queues.support.on_timeout", "phone:101"),
    (14, 15, "queues.support.exits.0", "queue:support"),
    (17, 12, "menus.main.schedule", "office"),
    (18, 12, "menus.main.greeting", "welcome"),
    (19, 38, "menus.main.options.2", "queue:support"),
    (19, 58, "menus.main.options.3", "group:office"),
    (20, 12, "menus.main.fallback", None),
    (32, 8, "routes.0.from", "trunk:provider"),
    (34, 6, "routes.0.to", None),
    (37, 7, "extensions.800", None),
    (38, 7, "extensions.900", "tone:echo"),
    (39, 7, "extensions.901", None),
]
WRONG_TYPES: Expected = [
    (2, 8, "switch.name", None),
    (3, 12, "switch.timezone", "Europe/Vienna"),
    (4, 12, "switch.language", None),
    (7, 10, "sip.listen", '["udp:127.0.0.1:5060"]'),
    (8, 16, "sip.ring_timeout", None),
    (9, 13, "sip.max_calls", None),
    (10, 20, "sip.min_registration", None),
    (13, 19, "media.codecs.1", None),
    (13, 27, "media.codecs.2", "G722"),
    (14, 11, "media.backend", "uring"),
    (17, 12, "phones.101.password", None),
    (18, 10, "phones.101.record", None),
    (20, 9, "phones.reception", None),
    (24, 10, "queues.support.agents", '["101"]'),
    (25, 12, "queues.support.strategy", "round_robin"),
    (26, 12, "queues.support.max_wait", None),
    (28, 9, "queues.sales.agents", None),
    (32, 12, "menus.main.greeting", None),
    (33, 11, "menus.main.options", None),
    (34, 11, "menus.main.timeout", None),
    (39, 8, "phones.105.srtp", "preferred"),
    (43, 8, "trunks.provider.srtp", None),
]
DUPLICATES: Expected = [
    (3, 1, "phones.101.password", None),
    (8, 9, "phones.101", None),
    (12, 25, "groups.office.phones.2", None),
    (15, 1, "extensions.102", None),
    (17, 1, "extensions.8XXX", None),
    (19, 1, "extensions.900", None),
]
SHADOWING: Expected = [
    (1, 9, "phones.10", None),
    (4, 9, "phones.100", None),
    (20, 1, "extensions.81xx", None),
    (29, 10, "routes.1.called", None),
    (39, 10, "routes.3.called", None),
]
ADDRESSES: Expected = [
    (2, 33, "sip.listen.1", "tcp:127.0.0.1:5060"),
    (2, 55, "sip.listen.2", None),
    (2, 69, "sip.listen.3", None),
    (2, 91, "sip.listen.4", None),
    (3, 20, "sip.external_address", None),
    (5, 20, "sip.max_registration", None),
    (8, 11, "media.address", None),
    (9, 9, "media.ports", "20000-29999"),
    (12, 8, "trunks.first.peer", None),
    (13, 25, "trunks.first.trusted.1", None),
    (17, 13, "trunks.second.transport", "udp"),
]
DEMO_PASSWORDS: Expected = [
    (2, 33, "sip.listen.1", None),
    (5, 12, "phones.101.password", None),
    (11, 36, "phones.103.password", None),
]
SCHEDULES: Expected = [
    (2, 36, "schedules.office.hours.frii", "fri"),
    (2, 43, "schedules.office.hours.frii", None),
    (2, 51, "schedules.office.hours.fri", None),
    (2, 78, "schedules.office.hours.sat", None),
    (3, 12, "schedules.office.timezone", "Europe/Vienna"),
    (5, 15, "schedules.office.subdivision", None),
    (6, 35, "schedules.office.holidays", None),
    (8, 12, "schedules.shop", None),
    (9, 17, "schedules.shop.hours.mon", None),
    (10, 13, "schedules.shop.holidays.0", None),
    (10, 22, "schedules.shop.holidays.1", None),
    (11, 11, "schedules.shop.country", "AT"),
    (12, 9, "schedules.shop.force", "closed"),
    (15, 9, "schedules.shop.night", None),
    (16, 36, "schedules.shop.special.christmas", None),
]
SOUNDS: Expected = [
    (2, 9, "media.music", None),
    (8, 8, "prompts.information.file", None),
    (10, 10, "prompts.other", None),
    (15, 12, "queues.support.greeting", None),
    (16, 29, "queues.support.periodic.1", "information"),
    (16, 59, "queues.support.periodic.2.file", None),
    (16, 94, "queues.support.periodic.2.language", None),
    (19, 12, "menus.main.greeting", None),
    (20, 19, "menus.main.closed_greeting", None),
    (21, 14, "menus.main.on_invalid", None),
]
EVERYTHING = {
    "syntax": SYNTAX, "unknown_keys": UNKNOWN_KEYS, "dangling": DANGLING, "wrong_types": WRONG_TYPES,
    "duplicates": DUPLICATES, "shadowing": SHADOWING, "addresses": ADDRESSES, "demo_passwords": DEMO_PASSWORDS,
    "schedules": SCHEDULES, "sounds": SOUNDS,
}  # fmt: skip


def test_every_broken_file_has_its_list() -> None:
    assert {file.stem for file in BROKEN.glob("*.toml")} == set(EVERYTHING)


@pytest.mark.parametrize("name", EVERYTHING)
def test_all_mistakes_are_reported_at_once_where_they_stand(name: str) -> None:
    reading = read(BROKEN / f"{name}.toml")
    found = [(mistake.line, mistake.column, mistake.key, mistake.hint) for mistake in reading.mistakes]
    assert found == EVERYTHING[name]
    assert reading.config is None


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_mistake_names_its_file_and_what_was_expected(name: str) -> None:
    file = BROKEN / f"{name}.toml"
    with pytest.raises(ConfigErrors) as caught:
        load(file)
    lines = str(caught.value).split("\n")
    assert len(lines) == len(EVERYTHING[name])
    for mistake, line in zip(caught.value.mistakes, lines, strict=True):
        assert mistake.message.startswith("expected ")
        assert line.startswith(f"{file}:{mistake.line}:{mistake.column}: {mistake.key}: expected ")
        assert line.endswith(f"(did you mean {mistake.hint!r}?)") == (mistake.hint is not None)


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_place_of_a_mistake_is_where_the_eye_must_look(name: str) -> None:
    lines = (BROKEN / f"{name}.toml").read_text("utf-8").split("\n")
    for mistake in read(BROKEN / f"{name}.toml").mistakes:
        rest = lines[mistake.line - 1][mistake.column - 1 :]
        assert rest
        assert not rest[0].isspace()


def said(name: str, key: str) -> str:
    return next(mistake.message for mistake in read(BROKEN / f"{name}.toml").mistakes if mistake.key == key)


def test_a_demo_password_in_the_open_is_refused_with_the_way_to_a_real_one() -> None:
    message = said("demo_passwords", "phones.101.password")
    assert "udp:0.0.0.0:20000" in message
    assert 'python -c "import secrets; print(secrets.token_urlsafe(16))"' in message


def test_numbers_that_begin_other_numbers_are_explained() -> None:
    message = said("shadowing", "phones.10")
    assert '"100" begins with "10"' in message
    assert 'menu "main"' in message


def test_an_unknown_key_without_a_near_one_lists_those_that_there_are() -> None:
    assert said("unknown_keys", "phones.102.colour").endswith("on_busy, on_no_answer, on_unreachable")


def test_what_is_there_twice_says_where_it_is_first() -> None:
    assert said("duplicates", "phones.101.password").endswith("already in line 2")
    assert said("duplicates", "phones.101") == "expected this table once, it is already in line 1"
    assert said("duplicates", "extensions.8XXX").endswith("already extension 8xxx")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("switch.name", "expected text in quotes, got 5"),
        ("sip.max_calls", "expected a whole number, got 1.5"),
        ("sip.ring_timeout", 'expected a number, got "30"'),
        ("phones.101.record", 'expected true or false, got "yes"'),
        ("queues.support.max_wait", "expected a number greater than 0, got -1"),
        ("queues.sales.agents", "expected this key, it is missing"),
        ("menus.main.options", 'expected a table, got ["queue:support"]'),
        ("switch.language", 'expected "en", "ru", "el", "ro" or "zh", got "de"'),
    ],
)
def test_a_wrong_type_says_what_it_got(key: str, message: str) -> None:
    assert said("wrong_types", key) == message
