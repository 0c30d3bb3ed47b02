"""Finding the session of a request."""

from softswitch.dialog.table import SessionTable
from tests.softswitch.dialog.driver import Driver
from tests.softswitch.dialog.messages import from_peer, incoming, outgoing, reply


def test_a_request_finds_its_session_by_call_id_and_our_tag():
    table = SessionTable()
    session = incoming()
    table.add(session)
    assert table.find(from_peer("BYE", 2)) is session
    assert table.find(from_peer("BYE", 2, call_id="another")) is None
    assert table.find(from_peer("BYE", 2, to_tag="another")) is None
    assert table.find(from_peer("BYE", 2, to_tag=None)) is None
    assert len(table) == 1


def test_an_ack_with_a_made_up_to_tag_is_found_by_the_peers_tag():
    table = SessionTable()
    session = incoming()
    table.add(session)
    assert table.find(from_peer("ACK", 1, to_tag="made-up")) is session
    assert table.find(from_peer("ACK", 1, to_tag="made-up", from_tag="stranger")) is None


def test_a_call_of_ours_is_found_before_and_after_it_was_answered():
    table = SessionTable()
    session = outgoing()
    table.add(session)
    assert table.find(from_peer("OPTIONS", 1)) is session
    Driver(session).hear(reply(session.invite, 200))
    assert table.find(from_peer("BYE", 1)) is session
    table.remove(session)
    assert len(table) == 0


def test_what_is_removed_leaves_nothing_behind():
    table = SessionTable()
    old, new = incoming(), incoming()
    table.add(old)
    table.add(new)
    table.remove(old)
    assert table.find(from_peer("BYE", 2)) is new
    table.remove(new)
    table.remove(new)
    assert table.find(from_peer("BYE", 2)) is None
    assert table.find(from_peer("ACK", 1, to_tag="made-up")) is None
    assert len(table) == 0
