"""Every input in every state of the four machines, and long walks over them."""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.transaction import client_invite, client_request, server_invite, server_request
from softswitch.transaction.client_invite import ClientInvite
from softswitch.transaction.client_request import ClientRequest
from softswitch.transaction.effects import Deliver, Fail, Finished, Send
from softswitch.transaction.server_invite import ServerInvite
from softswitch.transaction.server_request import ServerRequest
from softswitch.transaction.timers import Timers
from softswitch.transaction.transaction import Transaction
from tests.softswitch.transaction.driver import AnyTransaction, Driver
from tests.softswitch.transaction.messages import TCP, UDP, ack, request, response

TIMERS = Timers()
INVITE = request("INVITE")
OPTIONS = request("OPTIONS")
STATUSES = (100, 180, 183, 199, 200, 202, 299, 302, 401, 408, 481, 486, 500, 603, 699)
MODULES = (client_invite, client_request, server_invite, server_request)

Step = Callable[[Driver], None]


def responses(to: Request) -> list[Step]:
    return [partial(Driver.receive, message=response(to, status)) for status in STATUSES]


def answers(to: Request) -> list[Step]:
    return [partial(Driver.respond, message=response(to, status)) for status in STATUSES]


def machine(module: ModuleType) -> Any:
    """The one machine of a module."""
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Transaction)]
    return found[-1]


def turn(seconds: float) -> Step:
    return lambda driver: driver.advance(seconds)


TURNS: list[Step] = [turn(0.1), turn(0.5), turn(5), turn(33), lambda driver: driver.stall(33), Driver.break_wire]
MACHINES: dict[str, tuple[Callable[..., AnyTransaction], Request, list[Step]]] = {
    "client INVITE": (
        ClientInvite,
        INVITE,
        [*responses(INVITE), *TURNS, Driver.cancelled],
    ),
    "client request": (ClientRequest, OPTIONS, [*responses(OPTIONS), *TURNS]),
    "server INVITE": (
        ServerInvite,
        INVITE,
        [
            *answers(INVITE),
            *TURNS,
            lambda driver: driver.receive(INVITE),
            lambda driver: driver.receive(ack(INVITE)),
        ],
    ),
    "server request": (
        ServerRequest,
        OPTIONS,
        [*answers(OPTIONS), *TURNS, lambda driver: driver.receive(OPTIONS)],
    ),
}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
@pytest.mark.parametrize("peer", [UDP, TCP], ids=["udp", "tcp"])
def test_each_state_takes_each_input(module: Any, peer: Peer) -> None:
    kind = machine(module)
    message = INVITE if "invite" in module.__name__ else OPTIONS
    for state in module.State:
        for happened in module.Input:
            for answer in (response(message, 180), response(message, 200), response(message, 486)):
                transaction = kind(message, peer, TIMERS)
                transaction.start(0.0)
                transaction.state = state
                effects = transaction._step(happened, answer, 1.0)
                assert all(isinstance(effect, Send | Deliver | Fail | Finished) for effect in effects)
                known = (state, happened) in kind.table
                assert known or effects == []
                assert known or transaction.state is state


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_state_can_be_left_and_termination_cannot(module: Any) -> None:
    kind = machine(module)
    left = {state for (state, _), (target, _) in kind.table.items() if target is not state}
    assert left == set(module.State) - {module.State.TERMINATED}
    used = {happened for _, happened in kind.table}
    assert used == set(module.Input)


@given(
    name=st.sampled_from(sorted(MACHINES)),
    peer=st.sampled_from([UDP, TCP]),
    choices=st.lists(st.integers(0, 1000), max_size=40),
)
def test_a_walk_of_any_inputs_stays_in_order_and_ends(name: str, peer: Peer, choices: list[int]) -> None:
    kind, message, steps = MACHINES[name]
    driver = Driver(kind(message, peer, TIMERS)).begin()
    for choice in choices:
        steps[choice % len(steps)](driver)
        check(driver)
    driver.run_out()
    check(driver)
    assert driver.transaction.next_deadline is None


def check(driver: Driver) -> None:
    transaction = driver.transaction
    assert len(driver.finished) == (1 if transaction.terminated else 0)
    deadline = transaction.next_deadline
    assert deadline is None or deadline > driver.now
    if transaction.terminated:
        assert deadline is None
    for _, message in (*driver.sent, *driver.delivered):
        assert isinstance(message, Request | Response)
    if isinstance(transaction, ClientInvite):
        refusals = [one for _, one in driver.delivered if isinstance(one, Response) and one.status >= 300]
        assert len(refusals) <= 1
    if isinstance(transaction, ClientRequest):
        finals = [one for _, one in driver.delivered if isinstance(one, Response) and one.status >= 200]
        assert len(finals) + len(driver.failed) <= 1


def test_the_timers_are_those_of_the_table() -> None:
    assert (TIMERS.t1, TIMERS.t2, TIMERS.t4) == (0.5, 4.0, 5.0)
    assert (TIMERS.a, TIMERS.b, TIMERS.d, TIMERS.e, TIMERS.f) == (0.5, 32, 32, 0.5, 32)
    assert (TIMERS.g, TIMERS.h, TIMERS.i, TIMERS.j, TIMERS.k, TIMERS.l, TIMERS.m) == (0.5, 32, 5, 32, 5, 32, 32)
    assert TIMERS.c > 180
    assert Timers(t1=0.1).b == pytest.approx(6.4)
