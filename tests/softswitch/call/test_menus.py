"""Menus through the whole switch: the greeting, keys, an extension dialled into it, and what follows from silence."""

from dataclasses import replace

from ivr.prompts import Prompt
from softswitch.records import events as fact
from tests.softswitch.call.office import MENU, Office
from tests.softswitch.call.phone import Line, sdp


async def enter(office: Office, number: str = "106") -> Line:
    caller = office.phone(number)
    mine = await caller.call("500")
    mine.acknowledge(await caller.answer())
    return mine


async def test_the_greeting_is_played_and_a_key_leads_on(office: Office) -> None:
    mine = await enter(office)
    assert office.leg(1, 1).sounds == ["/prompts/Welcome."]
    await mine.phone.hears_nothing(2.0)
    office.media.press("n-1-1", "1")
    await mine.phone.hears_nothing(1.9)
    assert office.calls[0].state == "menu:main", "it might become an extension"
    await mine.phone.hears_nothing(0.2)
    assert office.calls[0].state == "queue:support"
    await mine.hang_up()
    assert (await office.record()).menu_path == "main:1"


async def test_a_key_during_the_greeting_cuts_it_short(office: Office) -> None:
    mine = await enter(office)
    office.media.press("n-1-1", "3")
    await mine.phone.hears_nothing(0.1)
    assert office.leg(1, 1).sounds == ["/prompts/We are open."]
    await mine.is_hung_up()
    assert (await office.record()).disposition == "self_service"


async def test_an_extension_dialled_during_the_greeting_is_reached_at_once(office: Office) -> None:
    callee = office.phone("102")
    mine = await enter(office)
    office.media.press("n-1-1", "102")
    theirs = await callee.rings(within=0.1)
    assert office.leg(1, 1).playing == "ringback"
    await theirs.answer()
    await mine.phone.hears_nothing(0.1)
    assert office.leg(1, 1).playing is None
    await theirs.hang_up()
    await mine.is_hung_up()
    assert (await office.record()).menu_path == "main:102"


async def test_keys_told_by_info_count_as_well(office: Office) -> None:
    callee = office.phone("102")
    mine = await enter(office)
    for digit in "102":
        mine.info(digit)
        await mine.phone.response(200, "INFO")
    await (await callee.rings()).refuse(486)
    await mine.is_hung_up(within=10.0)


async def test_silence_leads_to_the_operator_after_the_second_greeting(office: Office) -> None:
    operator = office.phone("101")
    mine = await enter(office)
    began = office.loop.time()
    theirs = await operator.rings(within=20.0)
    assert round(office.loop.time() - began) == 2 * (1 + 5)
    assert office.leg(1, 1).heard == ["main/1", "main/2", "ringback"]
    await theirs.answer()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_menu_whose_prompts_cannot_be_spoken_listens_all_the_same(office: Office) -> None:
    office.exchange.menus.menus["main"] = replace(MENU, greeting=())
    callee = office.phone("102")
    mine = await enter(office)
    office.media.press("n-1-1", "102")
    await (await callee.rings()).refuse(486)
    await mine.is_hung_up(within=10.0)


async def test_a_caller_who_hangs_up_during_the_greeting(office: Office) -> None:
    mine = await enter(office)
    await mine.hang_up()
    record = await office.record()
    assert record.menu_path.startswith("main")
    assert record.disposition == "self_service"


async def test_a_caller_who_hangs_up_while_the_prompt_is_still_being_spoken(office: Office) -> None:
    office.speaker.seconds = 3.0
    mine = await enter(office)
    await mine.hang_up()
    office.complaints_expected = True  # the prompt is ready after the caller has gone
    await office.record()


async def test_a_caller_who_goes_round_and_round_is_stopped(office: Office) -> None:
    mine = await enter(office)
    for _ in range(20):
        office.media.press("n-1-1", "9")
        await mine.phone.hears_nothing(0.1) if office.calls[0].state == "menu:main" else None
    await mine.is_hung_up(within=10.0)
    assert (await office.record()).status == 482


async def test_a_menu_that_leads_nowhere_ends_the_call(office: Office) -> None:
    office.exchange.menus.menus["main"] = replace(MENU, options={"1": "menu:gone", "2": "nonsense"})
    mine = await enter(office)
    office.media.press("n-1-1", "1")
    await mine.is_hung_up(within=10.0)
    other = await enter(office, "107")
    office.media.press("n-2-1", "2")
    await other.is_hung_up(within=10.0)


async def test_hold_in_a_menu_changes_nothing(office: Office) -> None:
    mine = await enter(office)
    await mine.reinvite(sdp(direction="sendonly", version=2))
    await mine.reinvite(sdp(version=3))
    office.media.press("n-1-1", "3")
    await mine.is_hung_up(within=5.0)
    assert {"Held", "Resumed"} <= set(office.story())


async def test_a_flood_of_keys_ends_in_a_hang_up_and_not_in_a_full_memory(office: Office) -> None:
    mine = await enter(office)
    office.media.press("n-1-1", "*" * 5000)
    await mine.is_hung_up()
    assert (await office.record()).cause == "error"


async def test_the_menu_of_a_trunk_is_answered_in_the_language_of_its_prompt(office: Office) -> None:
    office.change(prompts={"hours": Prompt(file="/sounds/hours.wav")})
    mine = await enter(office)
    office.media.press("n-1-1", "3")
    await mine.phone.hears_nothing(0.1)
    assert office.leg(1, 1).sounds == ["/sounds/hours.wav"]
    await mine.is_hung_up()
    assert office.last(fact.DigitsEntered).digits == "3"
