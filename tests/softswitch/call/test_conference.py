"""Members of a conference room: tones at entry and exit, mute by keys and from outside, the roster, kick."""

import asyncio
import math
from typing import Any

import pytest

from ivr.prompts import Prompt
from media.protocol import ActiveTalker
from media.wish import Wish
from softswitch.api import rooms
from softswitch.api.control import ControlError
from softswitch.call import conference
from softswitch.call.conference import ENTRY, EXIT, MOST_TOLD
from softswitch.call.errors import NoSuchMember
from softswitch.call.plan import Room
from softswitch.call.policy import Recorded
from softswitch.records import events as fact
from tests.softswitch.call.office import EPOCH, Office
from tests.softswitch.call.phone import Line, Phone, sdp


async def enter(office: Office, number: str, phone: Phone | None = None) -> Line:
    phone = phone or office.phone(number)
    mine = await phone.call("700")
    mine.acknowledge(await phone.answer())
    await phone.hears_nothing(2.0)
    return mine


async def order(office: Office, do: str, **fields: Any) -> dict[str, Any]:
    """What the control socket does."""
    return await rooms.handlers(office.exchange)[do]({"do": do, **fields})


def heard(office: Office, call: int) -> list[object]:
    """The sound that was played last to a member."""
    return list(office.leg(call, 1).sounds)


async def test_everybody_in_the_room_hears_who_comes_and_who_goes(office: Office) -> None:
    first = await enter(office, "101")
    assert heard(office, 1) == [ENTRY]
    assert office.leg(1, 1).heard == ["room"]
    second = await enter(office, "102")
    assert heard(office, 1) == heard(office, 2) == [ENTRY]
    assert office.leg(1, 1).heard == ["room", "room"]
    await second.hang_up()
    await first.phone.hears_nothing(0.1)
    assert heard(office, 1) == [EXIT]
    await first.hang_up()


async def test_in_a_very_large_room_nobody_is_told_of_each_other(office: Office) -> None:
    lines = [await enter(office, "101")]
    others = office.exchange.plan.rooms["lobby"].members
    others += [conference.Member(f"x-{number}", "", "", 0.0) for number in range(MOST_TOLD - 1)]
    lines.append(await enter(office, "102"))
    assert office.leg(1, 1).heard == ["room"]
    del others[1:MOST_TOLD]
    for line in lines:
        await line.hang_up()


async def test_star_six_mutes_and_unmutes_oneself(office: Office) -> None:
    line, other = await enter(office, "101"), await enter(office, "102")
    states = []
    for keys in ("*6", "6", "*", "6", "**6", "*5", "6*", "6"):
        office.media.press("n-1-1", keys)
        await line.phone.hears_nothing(0.1)
        states.append(office.leg(1, 1).muted)
    assert states == [True, True, True, False, True, True, True, False]
    assert heard(office, 1) == [ENTRY]
    assert not office.leg(2, 1).muted
    assert office.media.in_room("conference:lobby") == {"n-1-1", "n-2-1"}
    await line.hang_up()
    await other.hang_up()
    await office.record(1)
    story = [one for one in office.facts["n-1"] if isinstance(one, fact.MemberChanged)]
    assert [(one.muted, one.by) for one in story] == [
        (True, "member"), (False, "member"), (True, "member"), (False, "member"),
    ]  # fmt: skip


async def test_a_muted_member_who_holds_is_muted_when_he_resumes(office: Office) -> None:
    line = await enter(office, "101")
    office.media.press("n-1-1", "*6")
    await line.reinvite(sdp(direction="sendonly", version=2))
    await line.phone.hears_nothing(0.1)
    await order(office, "room_change", room="lobby", member="101", deaf=True)
    assert office.leg(1, 1).room is None, "who holds is not brought back by a change"
    await line.reinvite(sdp(version=3))
    await line.phone.hears_nothing(0.1)
    assert (office.leg(1, 1).room, office.leg(1, 1).muted) == ("conference:lobby", True)
    await line.hang_up()


async def test_the_roster_tells_who_is_there_since_when_and_how(office: Office) -> None:
    before = EPOCH + office.loop.time()
    line = await enter(office, "101")
    await order(office, "room_change", room="lobby", member="101", muted=True, gain=-6)
    found = (await order(office, "rooms"))["rooms"]
    assert set(found) == {"lobby", "secret"}
    [member] = found["lobby"]["members"]
    assert before <= member.pop("since") <= before + 2
    assert member == {
        "member": "n-1-1", "number": "101", "name": "Phone 101",
        "muted": True, "deaf": False, "gain": -6, "talking": False,
    }  # fmt: skip
    await line.hang_up()
    await office.record(1)
    assert (await order(office, "rooms"))["rooms"]["lobby"]["members"] == []
    assert office.story(1).index("RoomJoined") < office.story(1).index("RoomLeft") < office.story(1).index("CallEnded")


async def test_who_talks_is_in_the_roster(office: Office) -> None:
    lines = [await enter(office, number) for number in ("101", "102")]
    assert office.media.watched == {"conference:lobby": True}
    members = office.exchange.plan.rooms["lobby"].members
    for leg, talking in (("n-2-1", [False, True]), ("n-1-1", [True, False]), ("", [False, False])):
        office.exchange.hear_media(ActiveTalker(leg, "conference:lobby"))
        assert [member.talking for member in members] == talking
    office.exchange.hear_media(ActiveTalker("n-1-1", "conference:gone"))
    office.exchange.hear_media(ActiveTalker("n-1-1", "n-1"))
    for line in lines:
        await line.hang_up()


async def test_a_member_is_muted_and_unmuted_from_outside_by_number_or_leg(office: Office) -> None:
    line = await enter(office, "101")
    assert (await order(office, "room_change", room="lobby", member="101", muted=True))["member"]["muted"]
    assert office.leg(1, 1).muted
    assert not (await order(office, "room_change", room="lobby", member="n-1-1", muted=False))["member"]["muted"]
    assert not office.leg(1, 1).muted
    await order(office, "room_change", room="lobby", member="101", muted=False)
    changes = [one for one in office.facts["n-1"] if isinstance(one, fact.MemberChanged)]
    assert [one.by for one in changes] == ["operator", "operator"], "no change is no fact"
    await line.hang_up()


async def test_a_member_who_is_kicked_is_hung_up_and_the_others_hear_it(office: Office) -> None:
    line, other = await enter(office, "101"), await enter(office, "102")
    await order(office, "room_kick", room="lobby", member="101")
    await line.is_hung_up()
    await other.phone.hears_nothing(0.5)
    assert heard(office, 2) == [EXIT]
    assert office.media.in_room("conference:lobby") == {"n-2-1"}
    assert (await office.record(1)).cause == "kicked"
    assert office.last(fact.RoomLeft).cause == "kicked"
    await other.hang_up()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"room": "attic", "member": "101", "muted": True}, "no room 'attic'; known are: lobby, secret"),
        ({"room": "lobby", "member": "999", "muted": True}, "Nobody in the room 'lobby' is '999'"),
        ({"room": "lobby", "member": "101", "muted": True}, "say which of n-1-1, n-2-1"),
        ({"room": "lobby", "member": 101, "muted": True}, "which room and which member"),
        ({"member": "101", "muted": True}, "which room and which member"),
        ({"room": "lobby", "member": "n-1-1"}, "A change is"),
        ({"room": "lobby", "member": "n-1-1", "muted": "yes"}, "A change is"),
        ({"room": "lobby", "member": "n-1-1", "gain": 21}, "from -20 to 20"),
        ({"room": "lobby", "member": "n-1-1", "gain": True}, "from -20 to 20"),
        ({"room": "lobby", "member": "n-1-1", "gain": math.nan}, "from -20 to 20"),
    ],
)
async def test_a_wrong_order_is_refused_with_a_sentence(office: Office, fields: dict[str, Any], words: str) -> None:
    phone = office.phone("101")
    lines = [await enter(office, "101", phone), await enter(office, "101", phone)]
    with pytest.raises(ControlError, match=words):
        await order(office, "room_change", **fields)
    for line in lines:
        await line.hang_up()


async def test_nobody_can_be_kicked_who_is_not_there(office: Office) -> None:
    with pytest.raises(ControlError, match="Nobody"):
        await order(office, "room_kick", room="lobby", member="101")
    with pytest.raises(NoSuchMember):
        conference.kick(office.exchange, "lobby", "101")


async def test_a_room_that_a_reload_takes_away_goes_on_until_its_members_have_left(office: Office) -> None:
    line = await enter(office, "101")
    office.change(rooms={"other": Room("other")})
    office.media.press("n-1-1", "*6")
    await asyncio.sleep(0.1)
    assert office.leg(1, 1).muted
    await line.hang_up()
    await office.record(1)


async def test_who_comes_in_is_greeted_before_he_is_with_the_others(office: Office) -> None:
    office.change(rooms={"lobby": Room("lobby", greeting=Prompt("Welcome."))})
    phone = office.phone("101")
    mine = await phone.call("700")
    mine.acknowledge(await phone.answer())
    await phone.hears_nothing(0.2)
    assert office.leg(1, 1).heard == ["greeting"]
    assert office.exchange.plan.rooms["lobby"].members == []
    await phone.hears_nothing(3.0)
    assert office.leg(1, 1).heard == ["greeting", "room"]
    assert office.media.in_room("conference:lobby") == {"n-1-1"}
    await mine.hang_up()


async def test_a_room_is_one_recording_that_the_records_of_all_members_name(office: Office) -> None:
    office.change(rooms={"lobby": Room("lobby", record=Recorded(Wish("wav", "mixed"), folder="conferences/lobby"))})
    first = await enter(office, "101")
    second = await enter(office, "102")
    running = office.media.recordings["lobby-n-1"]
    assert (set(running.left), running.right) == ({"n-1-1", "n-2-1"}, ())
    office.media.press("n-1-1", "*6")
    await second.reinvite(sdp(direction="sendonly", version=2))
    await second.phone.hears_nothing(0.1)
    assert running.left == (), "who is muted or holds is not heard in the room, and not in its recording"
    office.media.press("n-1-1", "*6")
    await first.phone.hears_nothing(0.1)
    assert running.left == ("n-1-1",)
    await first.hang_up()
    assert "lobby-n-1" in office.media.recordings, "it goes on without the first member"
    await second.reinvite(sdp(version=3))
    await second.phone.hears_nothing(3.0)
    assert running.left == ("n-2-1",)
    await second.hang_up()
    await second.phone.hears_nothing(0.5)
    assert office.media.recordings == {}
    assert office.exchange.room_tapes == {}
    path = "conferences/lobby/2026/11/18/lobby-n-1.wav"
    found = [(await office.record(call)).recordings for call in (1, 2)]
    assert [(one.recording, one.path, one.reason) for (one,) in found] == [("lobby-n-1", path, "ended")] * 2
    assert found[1][0].seconds > found[0][0].seconds


async def test_a_room_that_cannot_be_recorded_is_a_room_all_the_same(office: Office) -> None:
    office.change(rooms={"lobby": Room("lobby", record=Recorded())})
    office.media.cannot_record = True
    mine = await enter(office, "101")
    assert office.media.in_room("conference:lobby") == {"n-1-1"}
    await mine.hang_up()
    assert (await office.record(1)).recordings == ()
    assert office.last(fact.RecordingRefused).reason == "the disk is full"
    assert office.exchange.recordings.running == set()


async def test_who_is_gone_before_the_file_is_open_leaves_no_recording_running(office: Office) -> None:
    office.change(rooms={"lobby": Room("lobby", record=Recorded())})
    call = await enter(office, "101")
    tape = office.exchange.room_tapes["lobby"]
    assert tape.leave(office.exchange.calls["n-1"])
    await call.phone.hears_nothing(0.5)
    assert office.media.recordings == {}
    await call.hang_up()
