"""A client and a server machine on one wire that loses messages by pattern."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.message import Request
from softswitch.sip.peer import Peer
from softswitch.transaction.client_invite import ClientInvite
from softswitch.transaction.client_request import ClientRequest
from softswitch.transaction.server_invite import ServerInvite
from softswitch.transaction.server_request import ServerRequest
from softswitch.transaction.timers import Timers
from tests.softswitch.transaction.driver import Driver, advance_together, join
from tests.softswitch.transaction.messages import TCP, UDP, request, response

TIMERS = Timers()


def invite_pair(peer: Peer = UDP, lost: Collection[int] = ()) -> tuple[Driver, Driver, Request]:
    invite = request("INVITE")
    client = Driver(ClientInvite(invite, peer, TIMERS))
    server = Driver(ServerInvite(invite, peer, TIMERS))
    join(client, server, lost)
    return client, server, invite


def test_a_lost_refusal_is_repeated_and_acknowledged() -> None:
    client, server, invite = invite_pair(lost={1})
    client.begin()
    server.respond(response(invite, 486))
    advance_together(client, server, 40)
    assert client.heard == [486]
    assert server.failed == []
    assert server.finished
    assert client.finished


def test_a_lost_ack_is_sent_again_for_the_next_refusal() -> None:
    client, server, invite = invite_pair(lost={2})
    client.begin()
    server.respond(response(invite, 404))
    advance_together(client, server, 40)
    assert server.send_times == [0, 0.5]
    assert client.sent_kinds == ["INVITE", "ACK", "ACK"]
    assert not server.failed


def test_a_refusal_crossing_a_repeated_invite_is_told_once() -> None:
    client, server, invite = invite_pair(lost={0})
    client.begin()
    advance_together(client, server, 0.5)
    server.respond(response(invite, 480))
    server.receive(invite)
    advance_together(client, server, 40)
    assert len(client.delivered) == 1
    assert not client.failed


@pytest.mark.parametrize("peer", [UDP, TCP])
def test_without_loss_nothing_is_sent_twice(peer: Peer) -> None:
    client, server, invite = invite_pair(peer)
    client.begin()
    server.respond(response(invite, 486))
    advance_together(client, server, 100)
    assert client.sent_kinds == ["INVITE", "ACK"]
    assert len(server.sent) == 1
    assert client.transaction.terminated
    assert server.transaction.terminated


@given(lost=st.sets(st.integers(0, 60)), status=st.sampled_from([200, 301, 486, 603]))
def test_whatever_the_wire_loses_both_sides_of_an_invite_come_to_an_end(lost: set[int], status: int) -> None:
    client, server, invite = invite_pair(lost=lost)
    client.begin()
    advance_together(client, server, 0.75)
    server.respond(response(invite, status))
    advance_together(client, server, 200)
    assert client.finished
    assert server.finished
    assert len(client.heard) <= 1
    assert client.delivered or client.failed
    assert client.transaction.next_deadline is server.transaction.next_deadline is None


@given(lost=st.sets(st.integers(0, 40)))
def test_whatever_the_wire_loses_a_request_is_answered_at_most_once(lost: set[int]) -> None:
    options = request("OPTIONS")
    client = Driver(ClientRequest(options, UDP, TIMERS))
    server = Driver(ServerRequest(options, UDP, TIMERS))
    join(client, server, lost)
    client.begin()
    advance_together(client, server, 0.75)
    server.respond(response(options, 200))
    advance_together(client, server, 200)
    assert client.finished
    assert server.finished
    assert len(client.delivered) + len(client.failed) == 1
