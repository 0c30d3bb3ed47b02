"""Which number leads where, and how destinations are written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.digits import DialPlan, Pattern
from softswitch.call import destination as to
from softswitch.call.destination import Destination, Refuse, read
from softswitch.call.errors import NoSuchDestination
from softswitch.call.info import digits_of
from softswitch.call.router import MAX_NUMBER, Origin, Route, Router

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PHONE = Origin("phone", "101", "101", "Phone 101")
TRUNK = Origin("trunk", "provider", "+74951234567")


def router(*routes: Route, open_: bool = True, **inside: str) -> Router:
    plan = DialPlan.build({number.removeprefix("n"): destination for number, destination in inside.items()})
    return Router(plan, routes, lambda name, wall: open_)


def test_a_phone_reaches_the_numbers_inside_first() -> None:
    found = router(Route(Pattern("500"), "refuse:403"), n500="menu:main").route(PHONE, "500", NOW)
    assert found == to.ToMenu("main")


def test_a_trunk_reaches_nothing_inside_without_a_route() -> None:
    assert router(n500="menu:main").route(TRUNK, "500", NOW) == Refuse(404)


def test_the_first_route_that_fits_is_taken() -> None:
    routes = (Route(Pattern("0x."), "trunk:one"), Route(Pattern("00x."), "trunk:two"))
    assert router(*routes).route(PHONE, "0012", NOW) == to.ToTrunk("one", "0012")


@pytest.mark.parametrize(
    ("origin", "caller", "fits"),
    [
        ("any", PHONE, True), ("phones", PHONE, True), ("trunks", PHONE, False), ("phone:101", PHONE, True),
        ("phone:102", PHONE, False), ("trunks", TRUNK, True), ("trunk:provider", TRUNK, True),
        ("trunk:other", TRUNK, False), ("phones", TRUNK, False),
    ],
)  # fmt: skip
def test_a_route_is_for_those_it_names(origin: str, caller: Origin, fits: bool) -> None:
    found = router(Route(Pattern("500"), "menu:main", origin)).route(caller, "500", NOW)
    assert found == (to.ToMenu("main") if fits else Refuse(404))


@pytest.mark.parametrize(
    ("caller", "fits"), [("+74951234567", True), ("+7495*", True), ("*", True), ("+7495", False), ("+7812*", False)]
)
def test_a_route_may_look_at_the_callers_number(caller: str, fits: bool) -> None:
    found = router(Route(Pattern("500"), "menu:main", caller=caller)).route(TRUNK, "500", NOW)
    assert (found == to.ToMenu("main")) is fits


def test_a_route_strips_and_prepends() -> None:
    found = router(Route(Pattern("0x."), "trunk:provider", strip=1, prepend="+7")).route(PHONE, "0123", NOW)
    assert found == to.ToTrunk("provider", "+7123")


def test_a_closed_office_leads_elsewhere_or_is_480() -> None:
    with_else = Route(Pattern("500"), "menu:main", schedule="office", otherwise="voicemail:101")
    without = Route(Pattern("501"), "menu:main", schedule="office")
    closed = router(with_else, without, open_=False)
    assert closed.route(TRUNK, "500", NOW) == to.ToVoicemail("101")
    assert closed.route(TRUNK, "501", NOW) == Refuse(480)
    assert router(with_else).route(TRUNK, "500", NOW) == to.ToMenu("main")


def test_ones_own_mailbox_is_that_of_the_caller() -> None:
    assert router(n800="voicemail:own").route(PHONE, "800", NOW) == to.ToVoicemail("101", own=True)


@pytest.mark.parametrize("called", ["", "9" * (MAX_NUMBER + 1), "abc", "101@x", "\x00", "%s"])
def test_numbers_that_make_no_sense_are_404(called: str) -> None:
    assert router(Route(Pattern("0x."), "trunk:provider"), n101="phone:101").route(PHONE, called, NOW) == Refuse(404)


@given(st.text(max_size=80), st.sampled_from([PHONE, TRUNK]))
def test_any_number_leads_somewhere_or_nowhere(called: str, origin: Origin) -> None:
    routes = (Route(Pattern("0x."), "trunk:provider", strip=1), Route(Pattern("+7x."), "menu:main"))
    found = router(*routes, n101="phone:101", n8xxx="voicemail:*").route(origin, called, NOW)
    assert isinstance(found, Destination)


@pytest.mark.parametrize(
    ("text", "destination"),
    [
        ("phone:101", to.ToPhone("101")), ("group:sales", to.ToGroup("sales")), ("menu:main", to.ToMenu("main")),
        ("queue:support", to.ToQueue("support")), ("conference:lobby", to.ToConference("lobby")),
        ("tone:echo", to.ToTone("echo")), ("prompt:hours", to.ToPrompt("hours")),
        ("trunk:provider", to.ToTrunk("provider", "123")), ("trunk:provider/112", to.ToTrunk("provider", "112")),
        ("voicemail:own", to.ToVoicemail("101", own=True)), ("voicemail:102", to.ToVoicemail("102")),
        ("refuse:486", Refuse(486)), ("hangup", to.Hangup()),
    ],
)  # fmt: skip
def test_every_destination_has_its_text(text: str, destination: Destination) -> None:
    assert read(text, "123", "101") == destination


@pytest.mark.parametrize(
    "text",
    ["", "phone", "phone:", "refuse:200", "refuse:abc", "refuse:700", "hangup:now", "trunk:", "voicemail:", "x:y"],
)
def test_what_is_no_destination_is_said_so(text: str) -> None:
    with pytest.raises(NoSuchDestination, match="there is no destination"):
        read(text)


# keys in the body of an INFO


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 160", "*"),
        ("application/dtmf-relay", b"Duration=160\r\nSignal=#\r\n", "#"),
        ("application/dtmf-relay", b"Signal=10\r\n", "*"),
        ("application/dtmf-relay", b"Signal=11\r\n", "#"),
        ("application/dtmf-relay", b"Signal=a\r\n", "A"),
        ("Application/DTMF-Relay; charset=utf-8", b"Signal=7", "7"),
        ("application/dtmf", b"9", "9"),
        ("application/dtmf", b" 0\r\n", "0"),
        ("application/dtmf-relay", b"Signal=12\r\n", ""),
        ("application/dtmf-relay", b"Signal=\r\n", ""),
        ("application/dtmf-relay", b"", ""),
        ("application/dtmf", b"hello", ""),
        ("application/dtmf", b"\xff", ""),
        ("text/plain", b"5", ""),
        ("", b"5", ""),
    ],
)
def test_the_key_of_an_info(kind: str, body: bytes, key: str) -> None:
    assert digits_of(kind, body) == key


@given(st.text(max_size=40), st.binary(max_size=400))
def test_any_body_gives_one_key_or_none(kind: str, body: bytes) -> None:
    for content_type in (kind, "application/dtmf", "application/dtmf-relay"):
        assert digits_of(content_type, body) in {"", *"0123456789*#ABCD"}
