"""REGISTER, one rule of RFC 3261 section 10.3 after the other."""

import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.core.authenticator import Authenticator
from softswitch.core.location import MAX_CONTACTS, Binding, Location
from softswitch.core.registrar import Registrar
from softswitch.sip.address import Address
from softswitch.sip.digest import Nonces
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from tests.softswitch.core.phone import NOW, PEER, Phone, request

AOR = "101@localhost"
UUID = "<urn:uuid:00000000-0000-1000-8000-00000000000{}>"


class Desk:
    """A registrar with its location, and a clock."""

    def __init__(self, rng: random.Random | None = None, service_route: str | None = None) -> None:
        self.location = Location()
        self.now = NOW
        users = {"101": "demo-101", "102": "demo-102"}
        door = Authenticator(users, "localhost", Nonces(b"secret"), random.Random(1))
        domains = ["localhost", "pbx.example.com"]
        self.registrar = Registrar(self.location, door, domains, rng=rng, service_route=service_route)

    def send(self, message: Request, peer: Peer = PEER) -> Response:
        return self.registrar.handle(message, peer, self.now)

    def bindings(self, aor: str = AOR) -> list[Binding]:
        return self.location.bindings(aor, self.now)

    def contacts(self) -> list[str]:
        return [binding.contact for binding in self.bindings()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def phone(desk: Desk) -> Phone:
    """A phone that has been challenged."""
    phone = Phone()
    phone.keep(desk.send(phone.register()))
    return phone


def another(desk: Desk, **fields: str) -> Phone:
    phone = Phone(**fields)  # type: ignore[arg-type]
    phone.keep(desk.send(phone.register()))
    return phone


def contacts_of(response: Response) -> dict[str, dict[str, str | None]]:
    return {str(one.uri): one.params for one in Address.parse_list(response.headers.get_all("Contact"))}


# ---- the usual -----------------------------------------------------------------------------------------------------


def test_a_phone_is_challenged_then_registered(desk: Desk) -> None:
    phone = Phone()
    refused = desk.send(phone.register())
    assert refused.status == 401
    assert len(refused.headers.get_all("WWW-Authenticate")) == 2
    assert desk.bindings() == []
    phone.keep(refused)
    accepted = desk.send(phone.register("User-Agent: phone/1.0"))
    assert accepted.status == 200
    assert contacts_of(accepted) == {"sip:101@127.0.0.1:5070": {"expires": "3600"}}
    assert desk.bindings() == [
        Binding(
            aor=AOR,
            contact="sip:101@127.0.0.1:5070",
            received=PEER,
            expires_at=NOW + 3600,
            call_id="register-1",
            cseq=2,
            user_agent="phone/1.0",
        )
    ]


def test_an_answer_has_a_tag_and_the_date_and_goes_back_the_way_it_came(desk: Desk, phone: Phone) -> None:
    message = phone.register()
    response = desk.send(message)
    assert response.to.tag
    assert response.headers.get("Date") == "Mon, 21 Sep 2026 14:13:20 GMT"
    assert response.headers.get_all("Via") == message.headers.get_all("Via")


def test_md5_and_the_old_form_register_too(desk: Desk) -> None:
    phone = another(desk, algorithm="MD5")
    assert phone.challenge is not None
    del phone.challenge.params["qop"]
    assert desk.send(phone.register()).status == 200


def test_a_phone_behind_a_translator_is_bound_to_where_it_came_from(desk: Desk, phone: Phone) -> None:
    public = Peer("udp", "203.0.113.9", 61000)
    assert desk.send(phone.register(contact="<sip:101@192.168.1.5:5060>"), public).status == 200
    assert [(one.contact, one.received) for one in desk.bindings()] == [("sip:101@192.168.1.5:5060", public)]


def test_a_phone_that_asks_without_contact_is_told_its_contacts(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register())
    desk.now += 600.4
    phone.keep(desk.send(phone.register(contact="", authorize=False)))
    response = desk.send(phone.register(contact=""))
    assert contacts_of(response) == {"sip:101@127.0.0.1:5070": {"expires": "3000"}}


def test_a_contact_that_is_not_renewed_is_gone_after_its_time(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register("Expires: 120"))
    desk.now += 119
    assert desk.contacts() == ["sip:101@127.0.0.1:5070"]
    desk.now += 1
    assert desk.contacts() == []


# ---- how long ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "parameter", "granted"),
    [
        ("", "", 3600),
        ("Expires: 600", "", 600),
        ("Expires: 600", ";expires=700", 700),
        ("", ";expires=60", 60),
        ("Expires: 7201", "", 7200),
        ("", ";expires=4294967295", 7200),
        ("", ";expires=99999999999999", 3600),
        ("", ";expires=soon", 3600),
        ("", ";expires", 3600),
        ("Expires: soon", "", 3600),
        ("Expires: 99999999999999999999", "", 3600),
        ("Expires: -1", "", 3600),
    ],
)
def test_the_contact_says_how_long_then_the_header_then_we(
    desk: Desk, phone: Phone, header: str, parameter: str, granted: int
) -> None:
    response = desk.send(phone.register(*filter(None, [header]), contact=f"<sip:101@127.0.0.1>{parameter}"))
    assert response.status == 200
    assert contacts_of(response)["sip:101@127.0.0.1"]["expires"] == str(granted)


@pytest.mark.parametrize("seconds", [1, 59])
def test_too_short_a_time_is_refused_with_the_shortest(desk: Desk, phone: Phone, seconds: int) -> None:
    response = desk.send(phone.register(f"Expires: {seconds}"))
    assert (response.status, response.headers.get("Min-Expires")) == (423, "60")
    assert desk.bindings() == []


def test_zero_removes_one_contact(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register(contact="<sip:a@127.0.0.1>, <sip:b@127.0.0.1>"))
    response = desk.send(phone.register(contact="<sip:a@127.0.0.1>;expires=0"))
    assert list(contacts_of(response)) == ["sip:b@127.0.0.1"]


def test_removing_what_is_not_there_is_no_mistake(desk: Desk, phone: Phone) -> None:
    assert desk.send(phone.register("Expires: 0")).status == 200


def test_granted_times_are_shortened_at_random_when_wanted() -> None:
    desk = Desk(rng=random.Random(1))
    phone = another(desk)
    granted = []
    for number in range(50):
        response = desk.send(phone.register(contact=f"<sip:101@127.0.0.1:{6000 + number % 5}>"))
        granted.append(int(contacts_of(response)[f"sip:101@127.0.0.1:{6000 + number % 5}"]["expires"] or 0))
    assert min(granted) >= 3240
    assert max(granted) <= 3600
    assert len(set(granted)) > 30
    assert "expires=60" in str(desk.send(phone.register("Expires: 60")).headers.get_all("Contact"))


# ---- several contacts ----------------------------------------------------------------------------------------------


def test_preferred_contacts_come_first(desk: Desk, phone: Phone) -> None:
    contacts = "<sip:a@127.0.0.1>;q=0.2, <sip:b@127.0.0.1>;q=0.75, <sip:c@127.0.0.1>;q=0.5;expires=90"
    response = desk.send(phone.register(contact=contacts))
    assert desk.contacts() == ["sip:b@127.0.0.1", "sip:c@127.0.0.1", "sip:a@127.0.0.1"]
    assert contacts_of(response)["sip:c@127.0.0.1"] == {"q": "0.5", "expires": "90"}


@pytest.mark.parametrize("q", ["2", "1.1", "-1", "0.1234", "0.x", "nan", "1e0", ".5"])
def test_a_preference_that_is_none_is_refused(desk: Desk, phone: Phone, q: str) -> None:
    assert desk.send(phone.register(contact=f"<sip:a@127.0.0.1>;q={q}")).status == 400


@pytest.mark.parametrize(("q", "kept"), [("0", 0.0), ("0.", 0.0), ("1", 1.0), ("1.000", 1.0), ("0.123", 0.123)])
def test_a_preference_is_kept(desk: Desk, phone: Phone, q: str, kept: float) -> None:
    desk.send(phone.register(contact=f"<sip:a@127.0.0.1>;q={q}"))
    assert desk.bindings()[0].q == kept


def test_the_same_contact_in_other_words_is_renewed(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register(contact="<sip:101@Phone.Example.com;transport=UDP>"))
    desk.send(phone.register(contact="<sip:101@phone.example.COM;transport=udp>"))
    assert desk.contacts() == ["sip:101@phone.example.COM;transport=udp"]


def test_contacts_that_differ_in_their_port_are_two(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register(contact="<sip:101@127.0.0.1>"))
    desk.send(phone.register(contact="<sip:101@127.0.0.1:5060>"))
    assert len(desk.contacts()) == 2


def test_a_device_that_comes_back_with_another_port_replaces_itself(desk: Desk, phone: Phone) -> None:
    instance = f';+sip.instance="{UUID.format(1)}"'
    desk.send(phone.register(contact=f"<sip:101@127.0.0.1:5070>{instance}"))
    rebooted = another(desk, call_id="after-the-power-cut")
    response = desk.send(rebooted.register(contact=f"<sip:101@127.0.0.1:6070>{instance}"))
    assert contacts_of(response) == {"sip:101@127.0.0.1:6070": {"expires": "3600", "+sip.instance": UUID.format(1)}}


def test_two_devices_with_the_same_contact_are_told_apart_by_their_instances(desk: Desk, phone: Phone) -> None:
    contact = '<sip:101@192.168.1.5:5060>;+sip.instance="{}"'
    desk.send(phone.register(contact=contact.format(UUID.format(1))), Peer("udp", "203.0.113.1", 4000))
    other = another(desk, call_id="other")
    desk.send(other.register(contact=contact.format(UUID.format(2))), Peer("udp", "203.0.113.2", 4000))
    assert {one.received.host for one in desk.bindings()} == {"203.0.113.1", "203.0.113.2"}


def test_two_flows_of_one_device_are_two_contacts(desk: Desk, phone: Phone) -> None:
    for number in (1, 2):
        contact = f'<sip:101@127.0.0.1>;+sip.instance="{UUID.format(1)}";reg-id={number}'
        response = desk.send(phone.register(contact=contact))
    assert {one.reg_id for one in desk.bindings()} == {1, 2}
    assert "reg-id=2" in str(response.headers.get_all("Contact"))


FLOW = f'<sip:101@127.0.0.1;ob>;+sip.instance="{UUID.format(1)}";reg-id=1'


def test_a_flow_over_a_connection_is_granted_with_a_flow_timer(desk: Desk, phone: Phone) -> None:
    peer = Peer("tcp", "127.0.0.1", 40000, 7)
    response = desk.send(phone.register("Supported: path, outbound", contact=FLOW), peer)
    assert response.headers.get("Require") == "outbound"
    assert response.headers.get("Flow-Timer") == "120"
    assert desk.bindings()[0].received == peer


@pytest.mark.parametrize(
    ("transport", "supported", "contact"),
    [("udp", "outbound", FLOW), ("tcp", "path", FLOW), ("tcp", "outbound", "<sip:101@127.0.0.1>")],
)
def test_what_is_no_flow_is_a_plain_contact(
    desk: Desk, phone: Phone, transport: str, supported: str, contact: str
) -> None:
    response = desk.send(
        phone.register(f"Supported: {supported}", contact=contact), Peer(transport, "127.0.0.1", 40000, 7)
    )
    assert response.status == 200
    assert "Require" not in response.headers
    assert len(desk.bindings()) == 1


def test_a_flow_that_ends_at_a_proxy_that_knows_none_is_refused(desk: Desk, phone: Phone) -> None:
    peer = Peer("tcp", "127.0.0.1", 40000, 7)
    via = "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKx"
    desk.send(phone.register("Supported: outbound", via, contact=FLOW), peer)
    response = desk.send(phone.register("Supported: outbound", via, contact=FLOW), peer)
    assert response.status == 439
    assert desk.bindings() == []
    path = "Path: <sip:192.0.2.1;lr;ob>"
    assert desk.send(phone.register("Supported: outbound", via, path, contact=FLOW), peer).status == 200
    crowd = f"{FLOW}, <sip:101@127.0.0.2>"
    assert desk.send(phone.register("Supported: outbound", contact=crowd), peer).status == 400


def test_an_eleventh_contact_is_refused_and_the_ten_stay(desk: Desk, phone: Phone) -> None:
    for number in range(MAX_CONTACTS):
        assert desk.send(phone.register(contact=f"<sip:{number}@127.0.0.1>")).status == 200
    before = desk.bindings()
    assert desk.send(phone.register(contact="<sip:one-more@127.0.0.1>")).status == 403
    assert desk.bindings() == before
    assert desk.send(phone.register(contact="<sip:3@127.0.0.1>")).status == 200
    swap = "<sip:4@127.0.0.1>;expires=0, <sip:one-more@127.0.0.1>"
    assert desk.send(phone.register(contact=swap)).status == 200


def test_a_crowd_of_contacts_in_one_request_is_refused(desk: Desk, phone: Phone) -> None:
    crowd = ", ".join(f"<sip:{number}@127.0.0.1>" for number in range(MAX_CONTACTS + 1))
    assert desk.send(phone.register(contact=crowd)).status == 403
    assert desk.bindings() == []


@pytest.mark.parametrize(
    "bad",
    [
        "<sip:b@127.0.0.1>;expires=5",
        "<sip:b@127.0.0.1>;q=7",
        "<tel:+74950000100>",
        "<mailto:b@example.com>",
        "<sip:b@127.0.0.1?Replaces=x>",
        f"<sip:b@127.0.0.1;x={'y' * 2000}>",
    ],
)
def test_a_request_is_done_whole_or_not_at_all(desk: Desk, phone: Phone, bad: str) -> None:
    desk.send(phone.register(contact="<sip:old@127.0.0.1>"))
    before, _ = desk.bindings(), desk.location.take_changes()
    response = desk.send(phone.register(contact=f"<sip:a@127.0.0.1>, {bad}, <sip:old@127.0.0.1>;expires=0"))
    assert response.status in (400, 423)
    assert desk.bindings() == before
    assert desk.location.take_changes() == []


# ---- the star ------------------------------------------------------------------------------------------------------


def test_a_star_with_zero_removes_everything(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register(contact="<sip:a@127.0.0.1>, <sip:b@127.0.0.1>"))
    response = desk.send(phone.register("Expires: 0", contact="*"))
    assert (response.status, response.headers.get_all("Contact")) == (200, [])
    assert desk.bindings() == []


@pytest.mark.parametrize("headers", [[], ["Expires: 60"], ["Expires: none"]])
def test_a_star_without_zero_is_refused(desk: Desk, phone: Phone, headers: list[str]) -> None:
    desk.send(phone.register())
    assert desk.send(phone.register(*headers, contact="*")).status == 400
    assert len(desk.bindings()) == 1


def test_a_star_among_others_is_refused(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register())
    message = phone.register("Expires: 0")
    message.headers.add("Contact", "*")
    assert desk.send(message).status == 400
    assert len(desk.bindings()) == 1


# ---- the order of requests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("contact", ["<sip:101@127.0.0.1:5070>;expires=0", "<sip:101@127.0.0.1:5070>"])
def test_a_request_that_was_overtaken_is_refused(desk: Desk, phone: Phone, contact: str) -> None:
    desk.send(phone.register(cseq=20))
    for cseq in (20, 19, 1):
        assert desk.send(phone.register(contact=contact, cseq=cseq)).status == 500
    assert desk.bindings()[0].cseq == 20
    assert desk.send(phone.register(contact=contact, cseq=21)).status == 200


def test_a_star_that_was_overtaken_is_refused(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register(cseq=20))
    assert desk.send(phone.register("Expires: 0", contact="*", cseq=19)).status == 500
    assert len(desk.bindings()) == 1


def test_another_call_id_counts_anew(desk: Desk, phone: Phone) -> None:
    desk.send(phone.register(cseq=2000))
    rebooted = another(desk, call_id="after-the-power-cut")
    assert desk.send(rebooted.register()).status == 200
    assert desk.bindings()[0].call_id == "after-the-power-cut"


# ---- who may -------------------------------------------------------------------------------------------------------


def test_a_phone_cannot_register_somebody_else(desk: Desk, phone: Phone) -> None:
    assert desk.send(phone.register(to="<sip:102@localhost>")).status == 403
    assert desk.send(phone.register(to="<sip:102@localhost>", from_="<sip:102@localhost>")).status == 403
    assert desk.send(phone.register(from_="<sip:102@localhost>")).status == 403
    assert len(desk.location) == 0


def test_unknown_user_wrong_password_and_known_user_look_alike_to_strangers(desk: Desk) -> None:
    def ask(user: str) -> list[tuple[int, str, set[str]]]:
        phone = Phone(user=user, password="guess")
        first = desk.send(phone.register())
        phone.keep(first)
        second = desk.send(phone.register())
        return [(one.status, one.reason, {name for name, _ in one.headers}) for one in (first, second)]

    assert ask("101") == ask("999")
    assert [status for status, *_ in ask("101")] == [401, 403]


def test_a_foreign_domain_is_not_found_and_only_users_are_told(desk: Desk) -> None:
    stray = Phone(domain="elsewhere.example.org")
    refused = desk.send(stray.register())
    assert refused.status == 401
    stray.keep(refused)
    assert desk.send(stray.register()).status == 404
    assert len(desk.location) == 0


@pytest.mark.parametrize("domain", ["PBX.example.com", "127.0.0.1", "[::1]", "192.0.2.44:5060"])
def test_other_names_and_addresses_of_ours_mean_the_same_user(desk: Desk, domain: str) -> None:
    phone = another(desk, domain=domain)
    assert desk.send(phone.register()).status == 200
    assert len(desk.bindings(AOR)) == 1


@pytest.mark.parametrize("to", ["<sip:localhost>", "<tel:101>"])
def test_an_address_of_record_without_a_user_is_nobodys(desk: Desk, phone: Phone, to: str) -> None:
    message = phone.register()
    message.headers.set("To", to)
    assert desk.send(message).status == 403


def test_a_nonce_that_is_too_old_is_renewed_without_asking(desk: Desk, phone: Phone) -> None:
    desk.now += 301
    refused = desk.send(phone.register())
    assert refused.status == 401
    assert "stale=true" in str(refused.headers.get("WWW-Authenticate")).lower()
    phone.keep(refused)
    assert desk.send(phone.register()).status == 200


def test_a_replayed_registration_is_challenged(desk: Desk, phone: Phone) -> None:
    message = phone.register()
    assert desk.send(message).status == 200
    assert desk.send(message, Peer("udp", "198.51.100.66", 5060)).status == 401


# ---- extensions ----------------------------------------------------------------------------------------------------


def test_an_extension_that_is_unknown_is_refused_by_name(desk: Desk, phone: Phone) -> None:
    response = desk.send(phone.register("Require: path, nothing-that-makes-sense, gruu"))
    assert (response.status, response.headers.get("Unsupported")) == (420, "nothing-that-makes-sense, gruu")


def test_a_path_is_kept_and_repeated(desk: Desk, phone: Phone) -> None:
    paths = ["<sip:edge1.example.com;lr>", "<sip:edge2.example.com;lr>"]
    response = desk.send(phone.register("Supported: path", *[f"Path: {path}" for path in paths]))
    assert response.headers.get_all("Path") == paths
    assert desk.bindings()[0].path == tuple(paths)


def test_a_service_route_is_given_when_there_is_one() -> None:
    desk = Desk(service_route="<sip:edge.example.com;lr>")
    phone = another(desk)
    assert desk.send(phone.register()).headers.get("Service-Route") == "<sip:edge.example.com;lr>"


# ---- whatever comes ------------------------------------------------------------------------------------------------

branches = count(1)
HEADER = st.sampled_from(["Contact", "Expires", "Authorization", "Require", "Path", "User-Agent", "To", "From", "CSeq"])
VALUE = st.one_of(
    st.sampled_from(
        [
            "*",
            "",
            "0",
            "60",
            "<sip:101@localhost>",
            "<sip:101@127.0.0.1>;expires=0;q=1",
            "<sip:[::1]>;+sip.instance=x;reg-id=99999999999999",
            "sip:\udce9@x",
            "1 REGISTER",
            "4294967296 REGISTER",
            '"\udce9" <sip:101@localhost;\udce9=1>',
        ]
    ),
    st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=60),
)


@given(st.lists(st.tuples(HEADER, VALUE), max_size=6), st.booleans())
def test_no_request_breaks_the_registrar(changes: list[tuple[str, str]], known: bool) -> None:
    desk = Desk()
    phone = another(desk)
    message = phone.register(authorize=known)
    for name, value in changes:
        if name in ("To", "From", "CSeq"):
            message.headers.set(name, value)
        else:
            message.headers.add(name, value)
    response = desk.send(message)
    assert 200 <= response.status < 600
    assert response.to_bytes().startswith(b"SIP/2.0 ")
    assert len(desk.bindings()) <= MAX_CONTACTS
    assert known or desk.bindings() == []


def test_the_registrar_answers_what_a_parser_lets_pass() -> None:
    message = request(
        "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:101@localhost>;tag=1\r\n"
        "To: <sip:101@localhost>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n\r\n"
    )
    assert Desk().send(message).status == 401
