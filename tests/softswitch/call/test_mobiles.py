"""The way of an important customer: his manager's desk phone, his mobile, and then the queue as if nothing had been."""

from acd.agent import Agent
from softswitch.call.customer import Customer
from softswitch.records import events as fact
from tests.softswitch.call.office import QUEUE, Office
from tests.softswitch.call.phone import Phone
from tests.softswitch.call.test_queues import enter, picked_up

MOBILE = "+436641234567"


def vip(office: Office) -> Phone:
    """Who calls from 106 has the manager 103, and 103 has a mobile behind the trunk."""
    office.change(customers={"106": Customer(managers=("103",))}, mobiles={"103": f"trunk:provider/{MOBILE}"})
    agents = [Agent(number, reachable=office.ingress.is_reachable(number)) for number in ("101", "102")]
    office.exchange.queues.adopt([QUEUE], [*agents, Agent("103", reachable=True)])
    return office.trunk()


async def test_the_desk_phone_is_rung_first(office: Office) -> None:
    vip(office)
    manager = office.phone("103")
    await enter(office)
    await picked_up(manager)
    assert office.last(fact.AgentConnected).agent == "103"


async def test_a_busy_desk_phone_leads_to_the_mobile_under_the_same_offer(office: Office) -> None:
    trunk = vip(office)
    manager = office.phone("103")
    mine = await enter(office)
    desk = await manager.rings()
    await desk.refuse(486)
    mobile = await trunk.rings()
    assert mobile.incoming is not None
    assert mobile.incoming.uri.user == MOBILE
    mobile.reply(180)
    await mobile.answer()
    await trunk.hears_nothing(5.0)
    assert office.last(fact.AgentConnected).agent == "103"
    assert office.story().count("AgentOffered") == 1
    await mine.hang_up()
    await mobile.is_hung_up()


async def test_an_unreachable_desk_phone_leads_to_the_mobile_at_once(office: Office) -> None:
    trunk = vip(office)
    await enter(office)
    mobile = await trunk.rings()
    assert mobile.incoming is not None
    assert mobile.incoming.uri.user == MOBILE


async def test_when_the_mobile_is_busy_too_the_caller_stands_in_the_queue_where_he_stood(office: Office) -> None:
    trunk = vip(office)
    agent = office.phone("101")
    await enter(office)
    mobile = await trunk.rings()
    await mobile.refuse(486)
    theirs = await agent.rings()
    theirs.reply(180)
    line = office.exchange.queues.engine.snapshot()["queues"]["support"]
    assert [caller["position"] for caller in line["callers"]] == [1]
    assert (line["offered"], line["flowed_out"]) == (1, 0)
    await theirs.answer()


async def test_a_caller_who_hangs_up_meanwhile_rings_no_mobile(office: Office) -> None:
    trunk = vip(office)
    manager = office.phone("103")
    mine = await enter(office)
    desk = await manager.rings()
    desk.reply(180)
    await mine.hang_up()
    await desk.is_cancelled()
    await trunk.hears_nothing(5.0)
