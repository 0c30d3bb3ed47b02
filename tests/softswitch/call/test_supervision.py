"""A supervisor beside a live call: who may, whom he finds, how he is heard, and what is written down."""

import pytest

from softswitch.call.policy import Recorded
from softswitch.records import events as fact
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone, sdp, talk

FORBIDDEN, UNAVAILABLE = 403, 480


async def supervise(office: Office, called: str, phone: Phone | None = None) -> Line:
    """The supervisor 107 dials a code and an extension."""
    phone = phone or office.phone("107")
    mine = await phone.call(called)
    mine.acknowledge(await phone.answer())
    await phone.hears_nothing(0.1)
    return mine


async def refused(office: Office, number: str, called: str, status: int) -> None:
    phone = office.phone(number)
    mine = await phone.call(called)
    mine.acknowledge_refusal(await phone.response(status))


def supervised(office: Office, call: int) -> list[str]:
    """What was written down about supervision in a call."""
    return [
        f"{type(one).__name__.removeprefix('Supervision')} {one.supervisor} {one.leg} {one.target} {one.mode}"
        for one in office.facts[f"n-{call}"]
        if isinstance(one, fact.SupervisionStarted | fact.SupervisionEnded)
    ]


@pytest.mark.parametrize(("code", "role"), [("*21", "listen"), ("*22", "whisper"), ("*23", "barge")])
@pytest.mark.parametrize(("number", "leg"), [("102", "n-1-1"), ("101", "n-1-2")])
async def test_a_supervisor_dials_a_code_and_is_beside_the_caller_or_the_called(
    office: Office, code: str, role: str, number: str, leg: str
) -> None:
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = await supervise(office, code + number)
    row = office.leg(2, 1)
    assert (row.room, row.role, row.ear) == ("n-1", role, leg if role == "whisper" else "")
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2", "n-2-1"}
    assert office.calls[1].state == f"supervising {number}"
    await boss.hang_up()
    await mine.phone.hears_nothing(0.1)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}, "the call is left as it was"
    await mine.phone.hears_nothing(5.0)
    await mine.hang_up()
    await theirs.is_hung_up()
    story = [f"Started 107 {leg} phone:{number} {role}", f"Ended 107 {leg} phone:{number} {role}"]
    for call in (1, 2):
        await office.record(call)
        assert supervised(office, call) == story


async def test_a_recording_has_the_supervisor_who_barges_in_but_none_who_whispers_or_listens(office: Office) -> None:
    office.change_phone("101", record=Recorded())
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = await supervise(office, "*22101")
    recording = office.media.recordings["n-1-2"]
    alone, together = ("n-1-2",), ("n-1-2", "n-2-1")
    heard = [recording.right]
    for key in "3213":
        office.media.press("n-2-1", key)
        await mine.phone.hears_nothing(0.1)
        heard.append(recording.right)
    assert heard == [alone, together, alone, alone, together]
    assert recording.left == ("n-1-1",)
    await boss.hang_up()
    await mine.phone.hears_nothing(0.1)
    assert recording.right == alone
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_recording_that_begins_or_goes_on_beside_a_supervisor_has_him(office: Office) -> None:
    office.change_phone("101", on_demand=Recorded())
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = await supervise(office, "*23101")
    for key in "*1":
        office.media.press("n-1-2", key)
    await mine.phone.hears_nothing(0.1)
    recording = office.media.recordings["n-1-2"]
    assert recording.right == ("n-1-2", "n-2-1")
    for key in "*2":
        office.media.press("n-1-2", key)
    await mine.phone.hears_nothing(0.1)
    office.media.press("n-2-1", "1")
    await mine.phone.hears_nothing(0.1)
    assert (recording.left, recording.right) == ((), ()), "a pause is a pause"
    office.media.press("n-2-1", "3")
    for key in "*2":
        office.media.press("n-1-2", key)
    await mine.phone.hears_nothing(0.1)
    assert (recording.left, recording.right) == (("n-1-1",), ("n-1-2", "n-2-1"))
    await mine.hang_up()
    await theirs.is_hung_up()
    await boss.hang_up()


async def test_keys_switch_between_listen_whisper_and_barge(office: Office) -> None:
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = await supervise(office, "*21101")
    seen = []
    for key in "2353139":
        office.media.press("n-2-1", key)
        await boss.phone.hears_nothing(0.1)
        seen.append((office.leg(2, 1).role, office.leg(2, 1).ear))
    assert seen == [
        ("whisper", "n-1-2"), ("barge", ""), ("barge", ""), ("barge", ""), ("listen", ""), ("barge", ""), ("barge", ""),
    ]  # fmt: skip
    office.media.press("n-1-1", "1")
    await boss.phone.hears_nothing(0.1)
    assert office.leg(2, 1).role == "barge", "keys of those who talk change nothing"
    await boss.hang_up()
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record(1)
    modes = [line.split()[0] + " " + line.split()[-1] for line in supervised(office, 1)]
    assert modes == [
        "Started listen", "Ended listen", "Started whisper", "Ended whisper", "Started barge", "Ended barge",
        "Started listen", "Ended listen", "Started barge", "Ended barge",
    ]  # fmt: skip


async def test_the_agent_of_a_queue_is_found_and_the_supervisor_hears_a_tone_when_the_call_ends(office: Office) -> None:
    agent, caller = office.phone("101"), office.phone("106")
    mine = await caller.call("600")
    mine.acknowledge(await caller.answer())
    theirs = await agent.rings()
    await theirs.answer()
    await agent.hears_nothing(0.1)
    boss = await supervise(office, "*22101")
    assert office.leg(2, 1).ear == "n-1-2"
    await mine.hang_up()
    await theirs.is_hung_up()
    await boss.phone.hears_nothing(1.0)
    assert office.leg(2, 1).room is None
    assert office.leg(2, 1).playing == "tone:busy"
    await boss.is_hung_up(within=5.0)
    assert office.story(1)[-1] == "CallEnded"
    assert office.story(1).index("SupervisionEnded") < office.story(1).index("CallEnded")


@pytest.mark.parametrize("asked", ["906", "4711"])
async def test_an_agent_behind_a_trunk_is_found_by_what_was_dialled_and_his_leg_hears_the_whisper(
    office: Office, asked: str
) -> None:
    trunk, caller = office.trunk(), office.phone("102")
    mine = await caller.call("906")
    theirs = await trunk.rings()
    await theirs.answer()
    mine.acknowledge(await caller.answer())
    boss = await supervise(office, f"*22{asked}")
    assert (office.leg(2, 1).role, office.leg(2, 1).ear) == ("whisper", "n-1-2")
    assert supervised(office, 1) == ["Started 107 n-1-2 trunk:provider whisper"]
    await boss.hang_up()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_an_extension_that_is_led_out_through_the_trunk_is_found_as_itself(office: Office) -> None:
    office.change_phone("101", on_unreachable="trunk:provider/4711")
    trunk, caller = office.trunk(), office.phone("102")
    mine = await caller.call("101")
    theirs = await trunk.rings()
    await theirs.answer()
    mine.acknowledge(await caller.answer())
    boss = await supervise(office, "*22101")
    assert office.leg(2, 1).ear == "n-1-2"
    await boss.hang_up()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_caller_from_the_trunk_is_found_by_his_number(office: Office) -> None:
    trunk, callee = office.trunk(), office.phone("101")
    mine = await trunk.call("+74950000101", caller="+74951234567")
    theirs = await callee.rings()
    await theirs.answer()
    mine.acknowledge(await trunk.answer())
    boss = await supervise(office, "*2274951234567")
    assert office.leg(2, 1).ear == "n-1-1"
    await boss.hang_up()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_who_is_no_supervisor_is_refused_and_nothing_shows_whether_there_is_a_call(office: Office) -> None:
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    for called in ("*21101", "*22105", "*23101"):
        await refused(office, "103", called, FORBIDDEN)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_the_trunk_does_not_know_the_codes(office: Office) -> None:
    trunk = office.trunk()
    mine = await trunk.call("*21101")
    mine.acknowledge_refusal(await trunk.response(404))


async def test_without_a_live_call_there_is_nothing_to_supervise(office: Office) -> None:
    await refused(office, "107", "*21101", UNAVAILABLE)
    await refused(office, "107", "*21999", UNAVAILABLE)
    caller, callee = office.phone("102"), office.phone("101")
    mine = await caller.call("101")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    await refused(office, "107", "*21101", UNAVAILABLE)  # it rings, nobody talks
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    await theirs.is_cancelled()


async def test_a_supervisor_does_not_supervise_his_own_calls(office: Office) -> None:
    boss = office.phone("107")
    mine, theirs = await talk(boss, office.phone("101"))
    second = await boss.call("*21101")
    second.acknowledge_refusal(await boss.response(UNAVAILABLE))
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_of_two_calls_of_an_extension_the_one_that_is_not_on_hold_is_joined(office: Office) -> None:
    agent = office.phone("101")
    first, on_first = await talk(agent, office.phone("102"))
    second, on_second = await talk(agent, office.phone("103"))
    await second.reinvite(sdp(direction="sendonly", version=2))
    boss = await supervise(office, "*21101")
    assert office.leg(3, 1).room == "n-1"
    await boss.hang_up()
    for mine, theirs in ((first, on_first), (second, on_second)):
        await mine.hang_up()
        await theirs.is_hung_up()


async def test_a_hold_of_the_call_or_of_the_supervisor_is_survived_in_the_same_role(office: Office) -> None:
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = await supervise(office, "*22101")
    await mine.reinvite(sdp(direction="sendonly", version=2))
    await mine.phone.hears_nothing(0.1)
    assert office.media.in_room("n-1") == {"n-2-1"}
    await mine.reinvite(sdp(version=3))
    await mine.phone.hears_nothing(0.1)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2", "n-2-1"}
    await boss.reinvite(sdp(direction="sendonly", version=2))
    await boss.phone.hears_nothing(0.1)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await boss.reinvite(sdp(version=3))
    await boss.phone.hears_nothing(0.1)
    assert (office.leg(2, 1).room, office.leg(2, 1).role, office.leg(2, 1).ear) == ("n-1", "whisper", "n-1-2")
    await boss.hang_up()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_two_supervisors_may_be_beside_one_call_and_both_are_told_of_its_end(office: Office) -> None:
    office.change(supervisors=frozenset({"106", "107"}))
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    one = await supervise(office, "*21101")
    other = await supervise(office, "*23102", office.phone("106"))
    assert {office.leg(2, 1).role, office.leg(3, 1).role} == {"listen", "barge"}
    await theirs.hang_up()
    await mine.is_hung_up()
    for line in (one, other):
        await line.is_hung_up(within=6.0)


async def test_a_member_of_a_conference_is_supervised_in_his_room(office: Office) -> None:
    member = office.phone("101")
    mine = await member.call("700")
    mine.acknowledge(await member.answer())
    await member.hears_nothing(1.5)
    boss = await supervise(office, "*22101")
    assert (office.leg(2, 1).room, office.leg(2, 1).ear) == ("conference:lobby", "n-1-1")
    await mine.hang_up()
    await boss.is_hung_up(within=6.0)


async def test_when_the_media_worker_dies_every_call_ends_the_supervisors_too(office: Office) -> None:
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = await supervise(office, "*21101")
    office.complaints_expected = True
    office.media.die()
    await boss.is_hung_up()
    await mine.is_hung_up()
    await theirs.is_hung_up()
