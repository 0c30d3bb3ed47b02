"""Calls from and to other telephone systems."""

from dataclasses import replace

import pytest

from ivr.digits import DialPlan, Pattern
from softswitch.call.plan import Trunk
from softswitch.call.router import Route, Router
from softswitch.records import events as fact
from softswitch.sip.peer import Peer
from tests.softswitch.call.office import TRUNK, Office
from tests.softswitch.call.phone import Phone, sdp


async def test_a_call_from_the_trunk_needs_no_password_and_reaches_its_number(office: Office) -> None:
    trunk, callee = office.trunk(), office.phone("101")
    mine = await trunk.call("+74950000101", caller="+74951234567")
    theirs = await callee.rings()
    assert theirs.incoming is not None
    assert theirs.incoming.from_.uri.user == "+74951234567"
    await theirs.answer()
    mine.acknowledge(await trunk.answer())
    await theirs.hang_up()
    await mine.is_hung_up()
    record = await office.record()
    assert record.origin == "trunk:provider"
    assert record.caller_number == "+74951234567"


async def test_the_number_of_the_trunk_leads_to_the_menu(office: Office) -> None:
    trunk = office.trunk()
    mine = await trunk.call("+74950000100")
    mine.acknowledge(await trunk.answer())
    assert office.calls[0].state == "menu:main"
    await mine.hang_up()


async def test_a_trunk_reaches_no_number_inside_and_no_other_trunk(office: Office) -> None:
    trunk = office.trunk()
    office.phone("101")
    for number in ("101", "900", "0123", "8101"):
        mine = await trunk.call(number)
        mine.acknowledge_refusal(await trunk.response(404))


async def test_another_port_of_the_same_address_is_not_the_trunk(office: Office) -> None:
    stranger = office.phone("102", registered=False)
    mine = stranger.line("+74950000101", caller="+74951234567")
    mine.invite(sdp())
    mine.acknowledge_refusal(await stranger.response(401))


async def test_a_leading_zero_goes_out_through_the_trunk(office: Office) -> None:
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("084951234567")
    theirs = await trunk.rings()
    assert theirs.incoming is not None
    assert theirs.incoming.uri.user == "84951234567"
    assert theirs.incoming.uri.port == TRUNK.port
    theirs.reply(183, sdp(5004))
    await caller.response(183)
    await theirs.answer(sdp(5004))
    mine.acknowledge(await caller.answer())
    await mine.hang_up()
    await theirs.is_hung_up()
    started = [one.target for one in office.facts["n-1"] if isinstance(one, fact.LegStarted)]
    assert started == ["phone:101", "trunk:provider"]


async def test_the_trunk_sees_a_number_that_it_knows(office: Office) -> None:
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("084951234567")
    theirs = await trunk.rings()
    assert theirs.incoming is not None
    assert theirs.incoming.from_.uri.user == "+74950000100"
    await theirs.refuse(486)
    mine.acknowledge_refusal(await caller.response(486))


async def test_the_callers_own_number_goes_before_that_of_the_trunk(office: Office) -> None:
    office.change_phone("101", caller_number="+74950000177")
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("084951234567")
    theirs = await trunk.rings()
    assert theirs.incoming is not None
    assert theirs.incoming.from_.uri.user == "+74950000177"
    await theirs.refuse(486)
    mine.acknowledge_refusal(await caller.response(486))


async def test_in_dialog_requests_follow_the_route_of_the_trunk(office: Office) -> None:
    """The proxy in front of it recorded itself; the trunk's Contact lies behind."""
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("0123")
    theirs = await trunk.rings()
    theirs.reply(200, sdp(5004), f"Record-Route: <sip:127.0.0.1:{TRUNK.port};lr>", "Contact: <sip:x@192.0.2.9>")
    ack = await trunk.request("ACK")
    assert [str(route.uri) for route in ack.routes] == [f"sip:127.0.0.1:{TRUNK.port};lr"]
    mine.acknowledge(await caller.answer())
    await mine.hang_up()
    bye = await theirs.is_hung_up()
    assert bye.headers.get("Route") == ack.headers.get("Route")


async def test_a_trunk_that_answers_with_a_broken_route_does_not_hang_the_switch(office: Office) -> None:
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("0123")
    theirs = await trunk.rings()
    theirs.reply(200, sdp(5004), "Record-Route: <<<")
    mine.acknowledge_refusal(await caller.response(408, within=90.0))
    assert office.stack.counters.malformed == 1


@pytest.mark.parametrize("status", [403, 404, 486, 503, 603])
async def test_a_refusal_of_the_trunk_is_handed_on(office: Office, status: int) -> None:
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("0123")
    await (await trunk.rings()).refuse(status)
    mine.acknowledge_refusal(await caller.response(status))


async def test_a_trunk_that_says_nothing_is_given_up_after_32_seconds(office: Office) -> None:
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("0123")
    await trunk.rings()
    mine.acknowledge_refusal(await caller.response(408, within=40.0))


async def test_a_trunk_takes_no_more_calls_than_it_has_lines(office: Office) -> None:
    only: Trunk = office.exchange.plan.trunks["provider"]
    office.change(trunks={"provider": replace(only, max_calls=1)})
    trunk, caller, other = office.trunk(), office.phone("101"), office.phone("102")
    mine = await caller.call("0123")
    theirs = await trunk.rings()
    await theirs.answer()
    mine.acknowledge(await caller.answer())
    second = await other.call("0124")
    second.acknowledge_refusal(await other.response(503))
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_call_that_comes_back_through_the_trunk_ends_at_its_last_hop(office: Office) -> None:
    """Each of the two systems sends the call to the other: the hop count makes an end of it."""
    routes = (Route(Pattern("0x."), "trunk:provider", "any", strip=0),)
    office.exchange.router = Router(DialPlan.build({}), routes, lambda name, wall: True)
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("0123", None, "Max-Forwards: 6")
    lines = []
    for hops in (5, 4, 3, 2, 1, 0):
        theirs = await trunk.rings()
        assert theirs.incoming is not None
        assert theirs.incoming.max_forwards == hops
        back = trunk.line("0123", caller="loop")
        back.invite(theirs.offer, f"Max-Forwards: {hops}")
        lines.append((theirs, back))
    refused = await trunk.response(483)
    for theirs, back in reversed(lines):
        back.acknowledge_refusal(refused)
        await theirs.refuse(483)
        if theirs is not lines[0][0]:
            refused = await trunk.response(483)
    mine.acknowledge_refusal(await caller.response(483))


async def test_a_trunk_with_two_addresses_is_asked_at_the_second_when_the_first_gives_no_service(
    office: Office,
) -> None:
    first, caller = office.trunk(), office.phone("101")
    second = Phone(office.wire, "provider", TRUNK._replace(host="127.0.0.2"), "none")
    avoided: list[Peer] = []
    office.exchange.avoid = avoided.append
    plan = office.exchange.plan
    twins = replace(plan.trunks["provider"], peer=TRUNK._replace(host="twins"))
    office.exchange.plan = replace(plan, trunks={"provider": twins})
    mine = await caller.call("084951234567")
    await (await first.rings()).refuse(503)
    theirs = await second.rings()
    await theirs.answer()
    mine.acknowledge(await caller.answer())
    await mine.hang_up()
    await theirs.is_hung_up()
    assert avoided == [TRUNK]


@pytest.mark.parametrize("status", [486, 404, 603])
async def test_what_a_trunk_refuses_for_a_reason_is_not_asked_at_its_other_address(office: Office, status: int) -> None:
    first, caller = office.trunk(), office.phone("101")
    second = Phone(office.wire, "provider", TRUNK._replace(host="127.0.0.2"), "none")
    plan = office.exchange.plan
    twins = replace(plan.trunks["provider"], peer=TRUNK._replace(host="twins"))
    office.exchange.plan = replace(plan, trunks={"provider": twins})
    mine = await caller.call("084951234567")
    await (await first.rings()).refuse(status)
    mine.acknowledge_refusal(await caller.response(status))
    assert not second.has_news
