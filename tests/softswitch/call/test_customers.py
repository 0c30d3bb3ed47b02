"""Customers whom the queues know: their priority, their managers, the agent of last time, the place of a moment ago."""

import pytest

from softswitch.call.customer import NOBODY, Customer, find_customer, identity
from tests.softswitch.call.office import Office
from tests.softswitch.call.test_queues import enter, picked_up, set_queue


def test_the_very_number_counts_before_the_longest_beginning_of_it() -> None:
    exact, near, far, all_others = Customer(1), Customer(2), Customer(3), Customer(4)
    customers = {"+74951": exact, "+7495*": near, "+7*": far, "*": all_others}
    found = [find_customer(customers, number) for number in ("+74951", "+74952", "+7812", "+43", "")]
    assert found == [exact, near, far, all_others, all_others]
    assert find_customer({"+7*": far}, "+43") is NOBODY


@pytest.mark.parametrize(("number", "known"), [("+431", "+431"), ("", ""), ("anonymous", "")])
def test_who_shows_no_number_is_nobody_in_particular(number: str, known: str) -> None:
    assert identity(number) == known


async def test_a_customer_gets_his_manager_and_not_whose_turn_it_is(office: Office) -> None:
    office.change(customers={"106": Customer(managers=("103",))})
    await enter(office)
    await picked_up(office.phone("103"))
    assert "AgentConnected" in office.story()


async def test_a_customer_who_calls_again_gets_the_agent_of_last_time(office: Office) -> None:
    set_queue(office, last_agent=3600.0, wrap_up=0.0)
    office.change(customers={"106": Customer(managers=("102",))})
    mine = await enter(office)
    theirs = await picked_up(office.phone("102"))
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    office.change(customers={})
    await enter(office)
    await picked_up(office.phone("102"))


async def test_a_customer_of_priority_stands_before_those_who_came_earlier(office: Office) -> None:
    set_queue(office, agents=("103",))
    office.change(customers={"105": Customer(priority=5)})
    for number in ("106", "104", "105"):
        await enter(office, number)
    waiting = office.exchange.queues.engine.snapshot()["queues"]["support"]["callers"]
    assert [caller["priority"] for caller in waiting] == [5, 0, 0]


async def test_a_caller_who_was_cut_off_stands_where_he_stood(office: Office) -> None:
    set_queue(office, agents=(), keep_place=60.0)
    first = await enter(office, "104")
    await enter(office, "105")
    await first.hang_up()
    await office.record()
    await enter(office, "104")
    line = office.exchange.queues.engine.snapshot()["queues"]["support"]["callers"]
    assert line[0]["wait"] > line[1]["wait"]
