"""Dialogs: tags, sequence numbers, targets and routes."""

import pytest

from softswitch.dialog.dialog import Dialog
from softswitch.dialog.route_set import LONGEST
from softswitch.sip.errors import BadHeader
from tests.softswitch.dialog.messages import from_peer, reply, to_peer

LOOSE = "Record-Route: <sip:near.test;lr>\r\nRecord-Route: <sip:far.test;lr>\r\n"


def server(**fields: object) -> Dialog:
    return Dialog.from_server(from_peer("INVITE", 5, to_tag=None, **fields), "ours")  # type: ignore[arg-type]


def client(*routes: str, contact: str | None = "<sip:101@192.0.2.101:5060>") -> Dialog:
    invite = to_peer()
    response = reply(invite, 200, contact=contact, headers=tuple(("Record-Route", route) for route in routes))
    return Dialog.from_client(invite, response)


def test_the_called_side_takes_tags_target_and_sequence_from_the_invite() -> None:
    dialog = server()
    assert dialog.key == ("call-1", "ours", "theirs")
    assert (dialog.local_seq, dialog.remote_seq) == (0, 5)
    assert str(dialog.remote_target) == "sip:101@192.0.2.101:5060"
    assert str(dialog.next_hop()) == "sip:101@192.0.2.101:5060"
    assert not dialog.secure


def test_the_calling_side_takes_tags_target_and_sequence_from_both_messages() -> None:
    dialog = client()
    assert dialog.key == ("call-1", "ours", "theirs")
    assert (dialog.local_seq, dialog.remote_seq) == (20, None)
    assert str(dialog.remote_target) == "sip:101@192.0.2.101:5060"


def test_a_request_has_everything_but_via() -> None:
    bye = server().build("BYE", headers=[("Reason", "Q.850;cause=16")])
    assert bye.method == "BYE"
    assert "Via" not in bye.headers
    assert str(bye.uri) == "sip:101@192.0.2.101:5060"
    assert (bye.from_.tag, bye.to.tag) == ("ours", "theirs")
    assert bye.to.display == "Phone 101"
    assert (bye.cseq.number, bye.cseq.method) == (1, "BYE")
    assert bye.max_forwards == 70
    assert bye.headers.get("Reason") == "Q.850;cause=16"
    assert bye.headers.get("Content-Type") is None


def test_numbers_go_up_by_one_and_an_ack_keeps_that_of_its_invite() -> None:
    dialog = client()
    numbers = [dialog.build("INVITE").cseq.number, dialog.build("BYE").cseq.number]
    assert numbers == [21, 22]
    assert dialog.build("ACK", number=20).cseq.number == 20
    assert dialog.local_seq == 22


def test_a_body_comes_with_its_type() -> None:
    info = server().build("INFO", body=b"Signal=5\r\n", content_type="application/dtmf-relay")
    assert info.body == b"Signal=5\r\n"
    assert info.headers.get("Content-Type") == "application/dtmf-relay"


def test_the_called_side_keeps_record_routes_in_order() -> None:
    dialog = server(routes=LOOSE)
    bye = dialog.build("BYE")
    assert bye.headers.get_all("Route") == ["<sip:near.test;lr>", "<sip:far.test;lr>"]
    assert str(bye.uri) == "sip:101@192.0.2.101:5060"
    assert dialog.next_hop().host == "near.test"


def test_the_calling_side_reverses_record_routes() -> None:
    dialog = client("<sip:far.test;lr>", "<sip:near.test;lr>, <sip:nearest.test;lr>")
    routes = dialog.build("BYE").headers.get_all("Route")
    assert routes == ["<sip:nearest.test;lr>", "<sip:near.test;lr>", "<sip:far.test;lr>"]


def test_a_strict_router_gets_its_own_address_in_the_request_line_and_the_target_goes_last() -> None:
    dialog = server(
        routes="Record-Route: <sip:old.test;method=INVITE?Subject=x>\r\nRecord-Route: <sip:far.test;lr>\r\n"
    )
    bye = dialog.build("BYE")
    assert str(bye.uri) == "sip:old.test"
    assert bye.headers.get_all("Route") == ["<sip:far.test;lr>", "<sip:101@192.0.2.101:5060>"]
    assert dialog.next_hop().host == "old.test"


def test_a_lone_strict_router_leaves_only_the_target_in_route() -> None:
    bye = server(routes="Record-Route: <sip:old.test>\r\n").build("BYE")
    assert str(bye.uri) == "sip:old.test"
    assert bye.headers.get_all("Route") == ["<sip:101@192.0.2.101:5060>"]


@pytest.mark.parametrize("contact", [None, "*", "<tel:+7495>"])
def test_no_dialog_can_be_made_of_an_invite_without_an_address_to_answer_to(contact: str | None) -> None:
    with pytest.raises(BadHeader) as refused:
        server(contact=contact)
    assert refused.value.status == 400


@pytest.mark.parametrize("contact", [None, "*", "<tel:+7495>"])
def test_a_2xx_without_a_good_contact_is_still_acknowledged_where_the_invite_went(contact: str | None) -> None:
    dialog = client(contact=contact)
    assert str(dialog.build("ACK", number=20).uri) == "sip:101@192.0.2.101:5060"


def test_a_2xx_with_a_broken_contact_is_acknowledged_where_the_invite_went() -> None:
    answer = reply(to_peer(), 200)
    answer.headers.set("Contact", "<sip:broken")
    assert str(Dialog.from_client(to_peer(), answer).remote_target) == "sip:101@192.0.2.101:5060"


def test_what_may_not_stand_in_a_request_line_is_taken_off_the_contact() -> None:
    dialog = server(contact="<sip:101@192.0.2.101;method=BYE;transport=tcp?Subject=hello>")
    assert str(dialog.remote_target) == "sip:101@192.0.2.101;transport=tcp"


def test_an_endless_route_set_is_refused() -> None:
    with pytest.raises(BadHeader):
        server(routes="Record-Route: <sip:hop.test;lr>\r\n" * (LONGEST + 1))
    with pytest.raises(BadHeader):
        server(routes="Record-Route: <tel:123>\r\n")


def test_a_phone_that_knows_only_rfc_2543_has_no_tag() -> None:
    dialog = server(from_tag=None)
    assert dialog.key == ("call-1", "ours", None)
    assert "tag" not in (dialog.build("BYE").headers.get("To") or "")


def test_sequence_numbers_may_jump_but_not_go_back() -> None:
    dialog = server()
    assert dialog.check_sequence(from_peer("INFO", 6))
    assert dialog.check_sequence(from_peer("BYE", 900))
    assert not dialog.check_sequence(from_peer("BYE", 899))
    assert dialog.remote_seq == 900
    assert dialog.check_sequence(from_peer("INFO", 900))
    assert not dialog.check_sequence(from_peer("INVITE", 900))


def test_the_first_number_of_the_peer_may_be_any() -> None:
    dialog = client()
    assert dialog.check_sequence(from_peer("BYE", 0))
    assert dialog.remote_seq == 0


def test_a_new_contact_replaces_the_target_and_none_leaves_it() -> None:
    dialog = server()
    dialog.refresh_target(from_peer("INVITE", 6, contact="<sip:101@198.51.100.7>"))
    assert str(dialog.remote_target) == "sip:101@198.51.100.7"
    dialog.refresh_target(from_peer("INVITE", 7, contact=None))
    assert str(dialog.remote_target) == "sip:101@198.51.100.7"


def test_sips_makes_a_secure_dialog() -> None:
    invite = from_peer("INVITE", 1, to_tag=None)
    invite.uri = "sips:500@localhost"
    assert Dialog.from_server(invite, "ours").secure
