"""Queues through the whole switch: callers wait, agents ring, reject, answer, and either may hang up at any moment."""

from dataclasses import replace

import pytest

from acd import events
from acd.agent import Agent
from acd.queue import QueueSettings
from ivr.announcements import QueueVoice
from ivr.prompts import Prompt
from softswitch.call.plan import Queue
from softswitch.records import events as fact
from tests.softswitch.call.office import NUMBERS, QUEUE, Office
from tests.softswitch.call.phone import Line, Phone, sdp


async def enter(office: Office, number: str = "106") -> Line:
    """A caller comes into the queue and hears its music."""
    caller = office.phone(number)
    mine = await caller.call("600")
    mine.acknowledge(await caller.answer())
    return mine


async def picked_up(agent: Phone) -> Line:
    """The agent's phone rings, and he answers."""
    theirs = await agent.rings(within=40.0)
    theirs.reply(180)
    await theirs.answer()
    return theirs


def set_queue(office: Office, **fields: object) -> None:
    """Other settings of the queue; wrap-up stays ten seconds."""
    settings: QueueSettings = replace(QUEUE, **fields)  # type: ignore[arg-type]
    agents = [Agent(number, reachable=office.ingress.is_reachable(number)) for number in ("101", "102", "103")]
    office.exchange.queues.adopt([settings], agents)


def state_of(office: Office, agent: str) -> str:
    return str(office.exchange.queues.engine.snapshot()["agents"][agent]["state"])


async def test_a_caller_waits_with_music_until_an_agent_answers_and_they_talk(office: Office) -> None:
    mine = await enter(office)
    await mine.phone.hears_nothing(20.0)
    assert office.leg(1, 1).playing == "music"
    agent = office.phone("101")
    theirs = await picked_up(agent)
    await agent.hears_nothing(10.0)
    assert office.leg(1, 1).playing is None
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    assert state_of(office, "101") == "on_call"
    await mine.hang_up()
    await theirs.is_hung_up()
    record = await office.record()
    assert (record.queue, record.agent, record.disposition) == ("support", "101", "answered")
    assert round(record.wait) == 20
    assert round(record.talk) == 10
    assert state_of(office, "101") == "wrap_up"


async def test_a_caller_who_hangs_up_after_the_talk_was_not_lost(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await picked_up(agent)
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    outcomes = [one.outcome for one in office.facts["n-1"] if isinstance(one, fact.QueueLeft)]
    assert outcomes == ["answered"]
    assert office.exchange.queues.engine.snapshot()["queues"]["support"]["abandoned"] == 0


async def test_the_diary_is_in_order(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await picked_up(agent)
    await theirs.hang_up()
    await mine.is_hung_up()
    await office.record()
    in_order = ["QueueJoined", "AgentOffered", "OfferEnded", "AgentConnected", "QueueLeft"]
    assert [one for one in office.story() if one in in_order] == in_order


async def test_the_agent_hangs_up_and_wraps_up_before_the_next_caller(office: Office) -> None:
    agent = office.phone("101")
    first = await enter(office)
    theirs = await picked_up(agent)
    second = await enter(office, "107")
    await theirs.hang_up()
    await first.is_hung_up()
    await agent.hears_nothing(9.0)
    theirs = await picked_up(agent)
    await second.hang_up()
    await theirs.is_hung_up()


async def test_an_agent_who_rejects_is_left_alone_and_the_next_one_rings(office: Office) -> None:
    one, other = office.phone("101"), office.phone("102")
    mine = await enter(office)
    await mine.phone.hears_nothing(0.1)
    first, second = (one, other) if one.has_news else (other, one)
    await (await first.rings()).refuse(603)
    theirs = await picked_up(second)
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    outcomes = [one.outcome for one in office.facts["n-1"] if isinstance(one, fact.OfferEnded)]
    assert outcomes == ["rejected", "answered"]


@pytest.mark.parametrize(("status", "outcome"), [(486, "busy"), (480, "unreachable"), (603, "rejected")])
async def test_the_only_agent_refuses_and_is_asked_again_after_a_rest(
    office: Office, status: int, outcome: str
) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    await (await agent.rings()).refuse(status)
    await mine.phone.hears_nothing(1.0)
    assert office.last(fact.OfferEnded).outcome == outcome
    theirs = await picked_up(agent)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_an_agent_who_does_not_answer_is_cancelled_after_the_ring_time(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await agent.rings()
    theirs.reply(180)
    await theirs.is_cancelled(within=16.0)
    assert office.last(fact.OfferEnded).outcome == "no_answer"
    mine.send("BYE")
    await mine.phone.response(200)


async def test_a_caller_who_hangs_up_while_an_agent_rings_stops_the_ringing(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await agent.rings()
    theirs.reply(180)
    await mine.hang_up()
    await theirs.is_cancelled()
    assert (await office.record()).disposition == "abandoned"
    assert office.last(fact.OfferEnded).outcome == "caller_gone"
    assert state_of(office, "101") == "idle"


async def test_a_caller_who_hangs_up_while_he_waits_is_abandoned(office: Office) -> None:
    mine = await enter(office)
    await mine.phone.hears_nothing(30.0)
    await mine.hang_up()
    record = await office.record()
    assert record.disposition == "abandoned"
    assert round(record.wait) == 30


async def test_a_caller_who_hangs_up_in_the_moment_the_agent_answers(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await agent.rings()
    theirs.reply(200, sdp(4002))
    mine.send("BYE")
    await mine.phone.response(200, "BYE")
    await agent.request("ACK")
    await theirs.is_hung_up()
    await office.record()
    assert state_of(office, "101") in ("idle", "wrap_up", "resting")


async def test_a_caller_who_hangs_up_before_the_agent_has_ports_rings_nobody(office: Office) -> None:
    agents = [office.phone("101"), office.phone("101")]
    mine = await enter(office)
    office.media.latency = 1.0
    for agent in agents:
        await (await agent.rings()).refuse(486)
    await mine.phone.hears_nothing(6.5)  # he is asked again: the first port is taken, the second is not yet
    mine.send("BYE")
    await mine.phone.response(200, "BYE")
    for agent in agents:
        await agent.hears_nothing(5.0)
    await office.record()


async def test_an_agent_who_hangs_up_in_the_moment_he_answers_leaves_the_caller_in_the_queue(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await agent.rings()
    theirs.reply(200, sdp(4002))
    theirs.send("BYE")
    await agent.request("ACK")
    await agent.response(200, "BYE")
    theirs = await picked_up(agent)
    await mine.phone.hears_nothing(1.0)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-3"}
    await theirs.hang_up()
    await mine.is_hung_up()


async def test_an_agent_with_two_phones_answers_on_one_and_the_other_stops(office: Office) -> None:
    desk, mobile = office.phone("101"), office.phone("101")
    mine = await enter(office)
    one, other = await desk.rings(), await mobile.rings()
    other.reply(180)
    await mine.phone.hears_nothing(0.1)
    await one.answer()
    await other.is_cancelled()
    await mine.hang_up()
    await one.is_hung_up()


async def test_the_first_of_all_agents_has_the_call(office: Office) -> None:
    set_queue(office, strategy="ring_all")
    agents = [office.phone(number) for number in ("101", "102", "103")]
    mine = await enter(office)
    lines = [await agent.rings() for agent in agents]
    for line in lines[:2]:
        line.reply(180)
    await mine.phone.hears_nothing(0.1)
    await lines[2].answer()
    for line in lines[:2]:
        cancel = await line.is_cancelled()
        assert "cause=200" in (cancel.headers.get("Reason") or "")
    await mine.hang_up()
    await lines[2].is_hung_up()
    await office.record()
    outcomes = sorted(one.outcome for one in office.facts["n-1"] if isinstance(one, fact.OfferEnded))
    assert outcomes == ["answered", "lost_race", "lost_race"]


async def test_two_agents_pick_up_in_the_same_moment_and_one_is_hung_up(office: Office) -> None:
    set_queue(office, strategy="ring_all")
    agents = [office.phone(number) for number in ("101", "102")]
    mine = await enter(office)
    lines = [await agent.rings() for agent in agents]
    for line in lines:
        line.reply(200, sdp(4002))
    for agent in agents:
        await agent.request("ACK")
    bye = await lines[1].is_hung_up()
    assert "cause=200" in (bye.headers.get("Reason") or "")
    await mine.hang_up()
    await lines[0].is_hung_up()


async def test_a_phone_on_a_call_of_its_own_is_not_offered_one(office: Office) -> None:
    agent, friend = office.phone("101"), office.phone("105")
    own = await agent.call("105")
    theirs = await friend.rings()
    await theirs.answer()
    own.acknowledge(await agent.answer())
    mine = await enter(office)
    await agent.hears_nothing(10.0)
    assert state_of(office, "101") == "busy"
    await own.hang_up()
    await theirs.is_hung_up()
    line = await picked_up(agent)
    await mine.hang_up()
    await line.is_hung_up()


async def test_a_caller_who_has_waited_long_enough_goes_elsewhere(office: Office) -> None:
    set_queue(office, max_wait=30.0, on_timeout="phone:105")
    operator = office.phone("105")
    mine = await enter(office)
    theirs = await operator.rings(within=31.0)
    await theirs.answer()
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    assert office.last(fact.QueueLeft).outcome == "timeout"


async def test_a_caller_for_whom_there_is_no_elsewhere_hears_why_and_is_hung_up(office: Office) -> None:
    set_queue(office, max_wait=30.0)
    mine = await enter(office)
    await mine.is_hung_up(within=40.0)
    await office.record()
    assert "tone:congestion" in office.media.closed["n-1-1"].heard


async def test_a_full_queue_takes_nobody_more(office: Office) -> None:
    set_queue(office, max_length=1, on_full="refuse:486")
    first = await enter(office)
    second = await enter(office, "107")
    await second.is_hung_up(within=10.0)
    assert (await office.record(2)).call == "n-2"
    assert office.last(fact.QueueLeft, 2).outcome == "full"
    await first.hang_up()


async def test_a_key_leads_out_of_the_queue(office: Office) -> None:
    office.change(queues={"support": Queue("support", exits={"1": "voicemail:101"})})
    mine = await enter(office)
    office.media.press("n-1-1", "7")
    office.media.press("n-1-1", "1")
    await mine.phone.hears_nothing(1.0)
    assert office.calls[0].state == "voicemail:101"
    await mine.hang_up()
    await office.record()
    assert office.last(fact.QueueLeft).outcome == "exit"


async def test_the_queue_greets_plays_music_and_says_the_place(office: Office) -> None:
    voice = QueueVoice(greeting=Prompt("Please wait."))
    office.change(queues={"support": Queue("support", voice=voice, music="/music.wav")})
    set_queue(office, announce_position=True, announce_first=10.0)
    mine = await enter(office)
    leg = office.leg(1, 1)
    await mine.phone.hears_nothing(0.1)
    assert leg.sounds == ["/prompts/Please wait."]
    await mine.phone.hears_nothing(5.0)
    assert leg.sounds == ["/music.wav"]
    await mine.phone.hears_nothing(5.4)
    assert leg.sounds == ["/prompts/You are next in the queue."]
    await mine.phone.hears_nothing(2.0)
    assert leg.playing == "music"
    await mine.hang_up()


async def test_an_agent_whose_registration_ends_is_not_offered_a_call(office: Office) -> None:
    agent = office.phone("101", registered=False)
    await agent.register()
    await agent.register(expires=0)
    mine = await enter(office)
    await agent.hears_nothing(10.0)
    await agent.register()
    theirs = await picked_up(agent)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_an_agent_who_logs_out_stops_ringing_and_the_caller_waits_on(office: Office) -> None:
    agent = office.phone("101")
    mine = await enter(office)
    theirs = await agent.rings()
    theirs.reply(180)
    await mine.phone.hears_nothing(0.1)
    office.exchange.queues.handle(events.AgentLoggedOut("101"))
    await theirs.is_cancelled()
    await mine.phone.hears_nothing(5.0)
    assert office.calls[0].state == "queue:support"
    await mine.hang_up()


async def test_the_queue_is_taken_out_of_the_configuration_while_somebody_waits_and_somebody_talks(
    office: Office,
) -> None:
    agent = office.phone("101")
    talking = await enter(office)
    theirs = await picked_up(agent)
    waiting = await enter(office, "107")
    office.change(queues={})
    office.exchange.queues.adopt([], [])
    await waiting.is_hung_up(within=10.0)
    await talking.hang_up()
    await theirs.is_hung_up()


async def test_a_queue_leaves_nothing_of_twenty_callers_who_come_and_go(office: Office) -> None:
    agents = [office.phone(number) for number in ("101", "102", "103")]
    callers = [await enter(office, NUMBERS[4 + number % 3]) for number in range(20)]
    for agent in agents:
        theirs = await picked_up(agent)
        await theirs.hang_up()
    for line in callers:
        line.send("BYE")
    assert len(office.facts) == 20


async def test_an_agent_who_answers_need_not_wait_until_the_greeting_has_been_spoken(office: Office) -> None:
    office.change(queues={"support": Queue("support", voice=QueueVoice(greeting=Prompt("Please wait.")))})
    office.speaker.seconds = 3.0
    agents = [office.phone("101"), office.phone("102")]
    mine = await enter(office)
    await mine.phone.hears_nothing(0.1)
    agent = next(one for one in agents if one.has_news)
    theirs = await picked_up(agent)
    await mine.phone.hears_nothing(0.1)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.phone.hears_nothing(5.0)
    assert office.leg(1, 1).playing is None, "what is said too late is not said"
    await mine.hang_up()
    await theirs.is_hung_up()
    assert (await office.record()).disposition == "answered"
    assert office.story().count("AgentOffered") == 1
