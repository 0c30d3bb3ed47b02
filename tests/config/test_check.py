"""What fits together and what does not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from config.scalars import KINDS, TONES, Destination, check_destination, closest, parse_host_port, show

from .write import BASE, config, keys, mistakes

TRUNK = '[trunks.provider]\npeer = "127.0.0.1:5070"\n'


def route(called: str, source: str = "any", **more: str) -> str:
    lines = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f'[[routes]]\nfrom = "{source}"\ncalled = "{called}"\nto = "phone:101"\n{lines}'


@pytest.mark.parametrize(
    "to",
    [
        "phone:101",
        "hangup",
        "tone:echo",
        "tone:1004",
        "refuse:486",
        "voicemail:101",
        "voicemail:own",
        "trunk:provider/+431",
    ],
)
def test_a_destination_of_every_kind_is_understood(tmp_path: Path, to: str) -> None:
    text = f'{BASE}{TRUNK}[extensions]\n900 = "{to}"\n'
    assert config(tmp_path, text).extensions == {"900": to}


@pytest.mark.parametrize(
    "to",
    ["", "phone", "phone:", "hangup:now", "tone:", "tone:loud", "tone:4", "refuse:200", "refuse:302", "refuse:x",
     "menu:none",
     "voicemail:*", "phone:*", "queue:*", "trunk:provider", "trunk:none/1", "fone:101", "PHONE:101"],
)  # fmt: skip
def test_a_destination_that_leads_nowhere_is_a_mistake(tmp_path: Path, to: str) -> None:
    assert keys(tmp_path, f'{BASE}{TRUNK}[extensions]\n900 = "{to}"\n') == ["extensions.900"]


@pytest.mark.parametrize("to", ["voicemail:*", "phone:*"])
def test_a_star_stands_for_what_a_pattern_leaves_open(tmp_path: Path, to: str) -> None:
    assert keys(tmp_path, f'{BASE}[extensions]\n8xxx = "{to}"\n') == []
    assert keys(tmp_path, f'{BASE}[extensions]\n8xxx = "menu:*"\n') == ["extensions.8xxx"]


@given(st.text(max_size=30) | st.tuples(st.sampled_from(KINDS), st.text(max_size=9)).map(":".join))
def test_any_text_is_a_destination_or_is_refused(text: str) -> None:
    try:
        assert check_destination(text) == text
    except PydanticCustomError as error:
        assert "expected" in str(error)
        return
    assert str(Destination.parse(text)) == text
    assert Destination.parse(text).kind in KINDS


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        place = parse_host_port(text, "an address")
    except PydanticCustomError:
        return
    assert 0 <= place.port <= 65535
    assert place.host


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:5070", "127.0.0.1", 5070),
        ("127.0.0.1", "127.0.0.1", 0),
        ("[::1]:5070", "::1", 5070),
        ("::1", "::1", 0),
        ("[::1]", "::1", 0),
        ("sip.example.org:5060", "sip.example.org", 5060),
    ],
)
def test_addresses_are_read_with_and_without_ports(text: str, host: str, port: int) -> None:
    place = parse_host_port(text, "an address")
    assert (place.host, place.port) == (host, port)


@pytest.mark.parametrize(
    "text", ["", ":5060", "1.2.3:5060", "127.0.0.1:", "127.0.0.1:70000", "a b", "http://x", "[::1", "a..b", "[x]:1"]
)
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        parse_host_port(text, "an address")


@pytest.mark.parametrize("ports", ["20000-29999", "1024-65535", "20001-20003", "20000 - 20001"])
def test_a_range_of_ports_is_cut_to_whole_pairs(tmp_path: Path, ports: str) -> None:
    text = f'[sip]\nlisten = ["udp:127.0.0.1:700"]\n[media]\nports = "{ports}"\n'
    found = config(tmp_path, text).media.ports
    assert found.first % 2 == 0
    assert found.last % 2 == 1
    assert found.first < found.last


@pytest.mark.parametrize(
    "ports",
    ['"20000"', '"0-100"', '"20000-70000"', '"30000-20000"', '"20001-20002"', '"a-b"', "20000", '"20000-20000"'],
)
def test_a_bad_range_of_ports_is_a_mistake(tmp_path: Path, ports: str) -> None:
    assert keys(tmp_path, f"[media]\nports = {ports}\n") == ["media.ports"]


def test_the_port_of_sip_must_not_be_among_those_for_sound(tmp_path: Path) -> None:
    assert keys(tmp_path, '[media]\nports = "5000-6000"\n') == ["media.ports", "media.ports"]


@pytest.mark.parametrize("listen", ["udp:127.0.0.1:0", "tcp:[::1]:5060", "udp:[fe80::1]:5060"])
def test_listening_addresses_of_both_families_are_understood(tmp_path: Path, listen: str) -> None:
    assert str(config(tmp_path, f'[sip]\nlisten = ["{listen}"]\n').sip.listen[0]) == listen


@pytest.mark.parametrize(
    "listen",
    ["", "127.0.0.1:5060", "udp:127.0.0.1", "udp:localhost:5060", "sctp:127.0.0.1:5061", "udp:::1:5060", "udp:"],
)
def test_listening_addresses_that_are_none_are_mistakes(tmp_path: Path, listen: str) -> None:
    assert keys(tmp_path, f'[sip]\nlisten = ["{listen}"]\n') == ["sip.listen.0"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[sip]\nlisten = ["tls:127.0.0.1:5061"]\n', ["sip.listen"]),
        ('[sip]\nlisten = ["tls:127.0.0.1:5061"]\ncertificate = "a.pem"\n', []),
        ('[sip]\nkey = "a.pem"\nclient_ca = "b.pem"\n', ["sip.key", "sip.client_ca"]),
        (f'{TRUNK}transport = "tls"\n', ["trunks.provider.transport"]),
        (f'[sip]\nlisten = ["tls:127.0.0.1:5061"]\ncertificate = "a.pem"\n{TRUNK}transport = "tls"\n', []),
    ],
)
def test_what_is_protected_needs_a_certificate_and_a_listener(tmp_path: Path, text: str, wrong: list[str]) -> None:
    assert keys(tmp_path, text) == wrong


def test_only_addresses_with_a_fixed_port_must_differ(tmp_path: Path) -> None:
    for port, wrong in ((0, []), (5060, ["sip.listen.1"])):
        assert keys(tmp_path, f'[sip]\nlisten = ["udp:127.0.0.1:{port}", "udp:127.0.0.1:{port}"]\n') == wrong


def test_a_switch_that_listens_nowhere_is_a_mistake(tmp_path: Path) -> None:
    assert keys(tmp_path, "[sip]\nlisten = []\n") == ["sip.listen"]


@pytest.mark.parametrize("listen", ["udp:0.0.0.0:5060", "tcp:[::]:5060", "udp:192.0.2.1:5060"])
def test_a_demo_password_is_for_loopback_only(tmp_path: Path, listen: str) -> None:
    text = f'[sip]\nlisten = ["udp:127.0.0.1:5060", "{listen}"]\n{BASE}'
    assert keys(tmp_path, text) == ["phones.101.password", "phones.102.password"]
    assert keys(tmp_path, text.replace("demo-", "Vqf2pyWSPWgUqPf")) == []
    assert keys(tmp_path, f'[sip]\nlisten = ["udp:127.0.0.9:5060", "tcp:[::1]:5060"]\n{BASE}') == []


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        (route("0x."), route("00x."), True),
        (route("00x."), route("0x."), False),
        (route("0x.", "phones"), route("0x.", "phone:101"), True),
        (route("0x.", "phone:101"), route("0x.", "phones"), False),
        (route("0x.", "phones"), route("0x.", "trunk:provider"), False),
        (route("0x.", "trunks"), route("0x.", "trunk:provider"), True),
        (route("0x.", "trunk:provider"), route("0x.", "trunks"), False),
        (route("0x.", caller="+7495*"), route("0x."), False),
        (route("0x."), route("0x.", caller="+7495*"), True),
        (route("0x.", caller="+7495*"), route("0x.", caller="+74951*"), True),
        (route("0x.", caller="+74951*"), route("0x.", caller="+7495*"), False),
        (route("0x.", caller="+74951"), route("0x.", caller="+74951"), True),
    ],
)
def test_a_route_behind_one_that_takes_all_its_calls_is_a_mistake(
    tmp_path: Path, first: str, second: str, hidden: bool
) -> None:
    assert keys(tmp_path, BASE + TRUNK + first + second) == (["routes.1.called"] if hidden else [])


def test_numbers_may_begin_other_numbers_where_nobody_dials_in_a_menu(tmp_path: Path) -> None:
    text = '[phones.10]\npassword = "x"\n[phones.100]\npassword = "x"\n[menus.m]\nfallback = "phone:10"\n'
    assert keys(tmp_path, text) == []
    assert keys(tmp_path, f"{text}dial_extensions = true\n") == ["phones.10"]


def test_a_number_beside_a_pattern_that_it_begins_is_no_mistake(tmp_path: Path) -> None:
    text = f'{BASE}[extensions]\n800 = "voicemail:own"\n8xxx = "voicemail:*"\n'
    text += '[menus.m]\ndial_extensions = true\nfallback = "phone:101"\n'
    assert keys(tmp_path, text) == []


@pytest.mark.parametrize(
    ("patterns", "clear"),
    [
        (("8xxx", "81xx"), True),
        (("8xxx", "8."), True),
        (("8xx1", "81xx"), False),
        (("8x.", "8xx"), True),
        (("[12]x", "[23]x"), False),
    ],
)
def test_patterns_may_lie_inside_each_other_but_not_cross(
    tmp_path: Path, patterns: tuple[str, str], clear: bool
) -> None:
    text = f'{BASE}[extensions]\n"{patterns[0]}" = "phone:101"\n"{patterns[1]}" = "phone:102"\n'
    assert (keys(tmp_path, text) == []) == clear


def test_a_trunk_must_not_share_its_trusted_address_with_another(tmp_path: Path) -> None:
    text = TRUNK + 'trusted = ["127.0.0.1", "192.0.2.1:5060"]\n[trunks.other]\npeer = "127.0.0.1:5080"\n'
    assert keys(tmp_path, text + 'trusted = ["192.0.2.1:5061", "127.0.0.1:5080"]\n') == ["trunks.other.trusted.1"]
    assert keys(tmp_path, text + 'trusted = ["192.0.2.1:5061", "::1"]\n') == []


def test_times_of_registration_must_fit_each_other(tmp_path: Path) -> None:
    assert keys(tmp_path, "[sip]\ndefault_registration = 30\n") == ["sip.default_registration"]
    assert keys(tmp_path, "[sip]\nmax_registration = 30\n") == ["sip.max_registration"]
    assert keys(tmp_path, "[sip]\nmax_registration = 600\ndefault_registration = 600\n") == []


def test_a_sound_file_must_be_there_and_hold_something(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "full.wav").write_bytes(b"RIFF")
    for name, wrong in (("empty.wav", True), ("full.wav", False), ("none.wav", True)):
        text = f'[prompts.a]\nfile = "{tmp_path / name}"\n'
        assert keys(tmp_path, text) == (["prompts.a.file"] if wrong else [])


def test_a_time_without_end_or_sense_is_a_mistake(tmp_path: Path) -> None:
    for value in ("inf", "-inf", "nan", "1e300", "true", '"5"'):
        assert keys(tmp_path, f"[sip]\nring_timeout = {value}\n") == ["sip.ring_timeout"]


def test_the_nearest_name_is_found_by_likeness_and_then_by_place() -> None:
    assert closest("1O1", ["110", "101", "011"]) == "101"
    assert closest("suport", ["sales", "support"]) == "support"
    assert closest("zzz", ["sales", "support"]) is None
    assert closest("x", []) is None


def test_values_are_shown_as_the_file_has_them() -> None:
    assert show("ö") == '"ö"'
    assert show(True) == "true"
    assert show(["a", 1]) == '["a", 1]'
    assert len(show("x" * 1000)) < 70


def test_every_tone_is_a_destination() -> None:
    for tone in TONES:
        assert check_destination(f"tone:{tone}") == f"tone:{tone}"


def test_a_message_has_no_line_break_whatever_the_value(tmp_path: Path) -> None:
    for text in (
        '[sip]\nlisten = ["a\\nb"]\n',
        '[extensions]\n9 = "phone:\\n"\n',
        '[phones."a\\nb"]\npassword = "x"\n',
    ):
        assert all("\n" not in str(mistake) for mistake in mistakes(tmp_path, text))
        assert mistakes(tmp_path, text)


def test_every_media_worker_needs_a_pair_of_ports(tmp_path: Path) -> None:
    assert keys(tmp_path, '[media]\nports = "20000-20003"\nworkers = 3\n') == ["media.workers"]
    assert keys(tmp_path, '[media]\nports = "20000-20003"\nworkers = 2\n') == []
