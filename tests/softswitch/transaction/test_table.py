"""Finding transactions: keys, CANCEL, merged requests, bounds."""

import pytest

from softswitch.sip.message import Request
from softswitch.transaction.client_invite import ClientInvite
from softswitch.transaction.client_request import ClientRequest
from softswitch.transaction.errors import TooManyTransactionsError, TransactionError
from softswitch.transaction.server_invite import ServerInvite
from softswitch.transaction.server_request import ServerRequest
from softswitch.transaction.table import TransactionTable
from softswitch.transaction.timers import Timers
from tests.softswitch.transaction.messages import UDP, ack, request, response

TIMERS = Timers()


def serve(table: TransactionTable, message: Request) -> ServerInvite | ServerRequest:
    invited = message.method == "INVITE"
    transaction = ServerInvite(message, UDP, TIMERS) if invited else ServerRequest(message, UDP, TIMERS)
    table.add(transaction)
    return transaction


def ask(table: TransactionTable, message: Request) -> ClientInvite | ClientRequest:
    invited = message.method == "INVITE"
    transaction = ClientInvite(message, UDP, TIMERS) if invited else ClientRequest(message, UDP, TIMERS)
    table.add(transaction)
    return transaction


def test_a_repeated_request_finds_its_transaction() -> None:
    table = TransactionTable()
    transaction = serve(table, request("REGISTER"))
    assert table.find_server(request("REGISTER")) is transaction
    assert table.find_server(request("REGISTER", branch="z9hG4bK-other")) is None


def test_the_ack_of_a_refusal_finds_the_invite() -> None:
    table = TransactionTable()
    invite = request("INVITE")
    transaction = serve(table, invite)
    assert table.find_server(ack(invite)) is transaction
    assert table.find_server(ack(invite, branch="z9hG4bK-ack")) is None


def test_an_authenticated_invite_under_the_old_branch_is_a_transaction_of_its_own() -> None:
    table = TransactionTable()
    serve(table, request("INVITE", number=1))
    assert table.find_server(request("INVITE", number=2)) is None


def test_two_senders_may_choose_the_same_branch() -> None:
    table = TransactionTable()
    serve(table, request("OPTIONS", sent_by="192.0.2.101:5060"))
    assert table.find_server(request("OPTIONS", sent_by="192.0.2.102:5060")) is None


def test_requests_of_one_branch_and_two_methods_do_not_meet() -> None:
    table = TransactionTable()
    invite = serve(table, request("INVITE"))
    cancel = request("CANCEL")
    assert table.find_server(cancel) is None
    assert table.find_cancelled(cancel) is invite


def test_a_cancel_for_an_unknown_invite_finds_nothing() -> None:
    table = TransactionTable()
    serve(table, request("INVITE"))
    assert table.find_cancelled(request("CANCEL", branch="z9hG4bK-other")) is None
    assert table.find_cancelled(request("CANCEL", sent_by="198.51.100.9:5060")) is None
    assert table.find_cancelled(request("CANCEL", number=2)) is None


@pytest.mark.parametrize("branch", ["1", "old-fashioned"])
def test_without_magic_cookie_the_rest_of_the_message_decides(branch: str) -> None:
    table = TransactionTable()
    invite = request("INVITE", branch=branch)
    transaction = serve(table, invite)
    assert table.find_server(request("INVITE", branch=branch)) is transaction
    assert table.find_server(ack(invite)) is transaction
    assert table.find_cancelled(request("CANCEL", branch=branch)) is transaction
    assert table.find_server(request("INVITE", branch=branch, call_id="another")) is None
    assert table.find_server(request("INVITE", branch=branch, from_tag="another")) is None
    assert table.find_server(request("INVITE", branch=branch, uri="sip:501@localhost")) is None


def test_a_via_without_branch_is_no_obstacle() -> None:
    table = TransactionTable()
    first = request("OPTIONS")
    first.headers.set("Via", "SIP/2.0/UDP 192.0.2.101:5060")
    transaction = serve(table, first)
    first.headers.set("Via", "SIP/2.0/UDP 192.0.2.101:5060;received=198.51.100.1")
    assert table.find_server(first) is transaction


def test_a_response_finds_its_request_by_branch_and_method() -> None:
    table = TransactionTable()
    invite, cancel = request("INVITE"), request("CANCEL")
    calling, cancelling = ask(table, invite), ask(table, cancel)
    assert table.find_client(response(invite, 180)) is calling
    assert table.find_client(response(cancel, 200)) is cancelling
    assert table.find_client(response(request("INVITE", branch="z9hG4bK-other"), 180)) is None


def test_the_same_request_over_two_paths_is_merged() -> None:
    table = TransactionTable()
    serve(table, request("INVITE"))
    assert table.is_merged(request("INVITE", branch="z9hG4bK-other-path"))


def test_a_repetition_is_not_merged_and_neither_is_a_request_in_a_dialog() -> None:
    table = TransactionTable()
    serve(table, request("INVITE"))
    serve(table, request("BYE", to_tag="switch", number=2))
    assert not table.is_merged(request("INVITE"))
    assert not table.is_merged(request("INVITE", branch="z9hG4bK-second", number=2))
    assert not table.is_merged(request("INVITE", branch="z9hG4bK-second", call_id="another"))
    assert not table.is_merged(request("INVITE", branch="z9hG4bK-second", from_tag="another"))
    assert not table.is_merged(request("BYE", branch="z9hG4bK-second", to_tag="switch", number=2))


def test_a_merged_request_that_is_being_refused_does_not_hide_the_first_one() -> None:
    table = TransactionTable()
    first = serve(table, request("INVITE"))
    second = serve(table, request("INVITE", branch="z9hG4bK-second"))
    table.remove(second)
    assert table.is_merged(request("INVITE", branch="z9hG4bK-third"))
    table.remove(first)
    assert not table.is_merged(request("INVITE", branch="z9hG4bK-third"))


def test_what_is_removed_leaves_nothing_behind() -> None:
    table = TransactionTable()
    invite = request("INVITE")
    all_of_them = [serve(table, invite), serve(table, request("OPTIONS")), ask(table, request("BYE"))]
    assert (len(table), table.server_count, table.client_count) == (3, 2, 1)
    for transaction in all_of_them * 2:
        table.remove(transaction)
    assert len(table) == 0
    assert table.find_server(invite) is None
    assert not table.is_merged(request("INVITE", branch="z9hG4bK-second"))


def test_an_older_transaction_of_the_same_key_does_not_take_the_newer_one_with_it() -> None:
    table = TransactionTable()
    old, new = serve(table, request("OPTIONS")), serve(table, request("OPTIONS"))
    table.remove(old)
    assert table.find_server(request("OPTIONS")) is new


def test_a_full_table_says_so_and_takes_no_more() -> None:
    table = TransactionTable(limit=2)
    serve(table, request("OPTIONS", branch="z9hG4bK-1"))
    seen = [table.full]
    serve(table, request("OPTIONS", branch="z9hG4bK-2", number=2))
    assert [*seen, table.full] == [False, True]
    with pytest.raises(TooManyTransactionsError) as refused:
        serve(table, request("OPTIONS", branch="z9hG4bK-3", number=3))
    assert refused.value.status == 503
    assert isinstance(refused.value, TransactionError)
    ask(table, request("OPTIONS", branch="z9hG4bK-1"))
    ask(table, request("OPTIONS", branch="z9hG4bK-2"))
    with pytest.raises(TooManyTransactionsError):
        ask(table, request("OPTIONS", branch="z9hG4bK-3"))
