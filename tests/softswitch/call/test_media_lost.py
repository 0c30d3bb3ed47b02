"""The media worker dies: its calls end at once on both sides, and the next ones use the new worker."""

from typing import cast

import pytest

from media.client import MediaClient
from softswitch.records import events as fact
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import talk
from tests.softswitch.fake_media import FakeMedia


def replace_worker(office: Office) -> FakeMedia:
    """The supervisor has started another worker."""
    fresh = FakeMedia(office.exchange.hear_media)
    office.exchange.media.put(1, cast(MediaClient, fresh))
    return fresh


async def test_both_sides_of_a_talk_get_bye_and_the_next_call_works(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    office.media.die()
    fresh = replace_worker(office)
    await mine.is_hung_up()
    await theirs.is_hung_up()
    assert (await office.record()).cause == "media_lost"
    assert office.last(fact.LegEnded).quality is None
    again = await mine.phone.call("900")
    again.acknowledge(await mine.phone.answer())
    assert set(fresh.legs) == {"n-2-1"}
    await again.hang_up()
    assert fresh.complaints == []


async def test_a_ringing_phone_stops_and_its_caller_is_refused(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    office.media.die()
    await theirs.is_cancelled()
    refused = await caller.next()
    assert refused.start_line.split()[1] in ("480", "503")
    mine.acknowledge_refusal(refused)  # type: ignore[arg-type]
    assert (await office.record()).cause == "media_lost"


@pytest.mark.parametrize("called", ["500", "600", "700", "800", "900", "902", "903"])
async def test_a_caller_anywhere_is_hung_up(office: Office, called: str) -> None:
    caller = office.phone("106")
    mine = await caller.call(called)
    mine.acknowledge(await caller.answer())
    await caller.hears_nothing(0.5)
    office.media.die()
    await mine.is_hung_up()
    assert (await office.record()).cause == "media_lost"


async def test_a_call_while_there_is_no_worker_is_503(office: Office) -> None:
    office.media.die()
    caller = office.phone("101")
    mine = await caller.call("900")
    mine.acknowledge_refusal(await caller.response(503))


async def test_an_agent_who_rings_stops_ringing(office: Office) -> None:
    agent, caller = office.phone("101"), office.phone("106")
    mine = await caller.call("600")
    mine.acknowledge(await caller.answer())
    theirs = await agent.rings()
    theirs.reply(180)
    await caller.hears_nothing(0.1)
    office.media.die()
    await mine.is_hung_up()
    await theirs.is_cancelled()
