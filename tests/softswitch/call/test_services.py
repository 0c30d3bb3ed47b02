"""What the switch does by itself: echo, tones, music, prompts, refusals and conference rooms."""

import pytest

from softswitch.call.plan import Room
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, sdp


async def dial(office: Office, number: str, called: str) -> Line:
    phone = office.phone(number)
    mine = await phone.call(called)
    mine.acknowledge(await phone.answer())
    return mine


async def test_the_echo_test_sends_the_sound_back(office: Office) -> None:
    mine = await dial(office, "101", "900")
    assert office.leg(1, 1).echo
    await mine.hang_up()
    assert (await office.record()).disposition == "self_service"


@pytest.mark.parametrize(("called", "sounds"), [("901", [{"tone": 1004, "seconds": 1.0}]), ("902", ["builtin"])])
async def test_tones_and_music_play_until_the_caller_hangs_up(
    office: Office, called: str, sounds: list[object]
) -> None:
    mine = await dial(office, "101", called)
    assert office.leg(1, 1).sounds == sounds
    await mine.phone.hears_nothing(60.0)
    await mine.hang_up()


async def test_a_prompt_is_played_to_its_end_and_the_call_ends(office: Office) -> None:
    mine = await dial(office, "101", "903")
    assert office.leg(1, 1).sounds == ["/prompts/We are open."]
    await mine.is_hung_up(within=1.5)


async def test_a_refusing_number_refuses(office: Office) -> None:
    phone = office.phone("101")
    mine = await phone.call("904")
    mine.acknowledge_refusal(await phone.response(486))
    assert (await office.record()).disposition == "busy"


async def test_three_in_a_conference_hear_each_other(office: Office) -> None:
    lines = [await dial(office, number, "700") for number in ("101", "102", "103")]
    await lines[0].phone.hears_nothing(1.5)
    assert office.media.in_room("conference:lobby") == {"n-1-1", "n-2-1", "n-3-1"}
    await lines[1].hang_up()
    await lines[0].phone.hears_nothing(0.1)
    assert office.media.in_room("conference:lobby") == {"n-1-1", "n-3-1"}
    assert len(office.exchange.plan.rooms["lobby"].members) == 2
    await lines[0].hang_up()
    await lines[2].hang_up()


async def test_a_member_who_holds_is_out_of_the_room_until_he_resumes(office: Office) -> None:
    mine = await dial(office, "101", "700")
    await mine.phone.hears_nothing(1.5)
    await mine.reinvite(sdp(direction="sendonly", version=2))
    await mine.phone.hears_nothing(0.1)
    assert office.media.in_room("conference:lobby") == set()
    await mine.reinvite(sdp(version=3))
    await mine.phone.hears_nothing(0.1)
    assert office.media.in_room("conference:lobby") == {"n-1-1"}
    await mine.hang_up()


async def test_a_room_with_a_pin_opens_to_who_knows_it(office: Office) -> None:
    mine = await dial(office, "101", "701")
    assert office.leg(1, 1).playing == "pin"
    office.media.press("n-1-1", "42")
    await mine.phone.hears_nothing(1.5)
    assert office.media.in_room("conference:secret") == {"n-1-1"}
    await mine.hang_up()


async def test_a_wrong_pin_may_be_tried_three_times(office: Office) -> None:
    mine = await dial(office, "101", "701")
    office.media.press("n-1-1", "41#")
    office.media.press("n-1-1", "9")
    await mine.phone.hears_nothing(12.0)
    assert office.leg(1, 1).heard.count("pin") == 3
    office.media.press("n-1-1", "99")
    await mine.is_hung_up()
    assert (await office.record()).cause == "refused"
    assert office.exchange.plan.rooms["secret"].members == []


async def test_the_third_try_may_be_the_right_one(office: Office) -> None:
    mine = await dial(office, "101", "701")
    office.media.press("n-1-1", "411042")
    await mine.phone.hears_nothing(1.5)
    assert office.media.in_room("conference:secret") == {"n-1-1"}
    await mine.hang_up()


async def test_a_full_room_is_busy(office: Office) -> None:
    office.change(rooms={"lobby": Room("lobby", max_members=1)})
    first = await dial(office, "101", "700")
    await first.phone.hears_nothing(1.5)
    phone = office.phone("102")
    second = await phone.call("700")
    second.acknowledge_refusal(await phone.response(486))
    await first.hang_up()


async def test_a_room_does_not_fill_beyond_its_size_while_pins_are_entered(office: Office) -> None:
    lines = [await dial(office, number, "701") for number in ("101", "102", "103")]
    for number in (1, 2, 3):
        office.media.press(f"n-{number}-1", "42")
    await lines[2].is_hung_up(within=10.0)
    assert office.media.in_room("conference:secret") == {"n-1-1", "n-2-1"}
    for line in lines[:2]:
        await line.hang_up()
