"""A conference room with real phones and tones, and the commands that look into it and change it."""

import asyncio

import soundfile

from tests.live.conftest import SwitchStarter
from tests.live.control import eventually
from tests.live.phones import Phone, Phones
from tests.live.running_switch import RunningSwitch
from tests.live.sound import share_of
from tests.live.test_commands import GOOD, REFUSED, softswitch

TONES = {"101": 620.0, "102": 1000.0, "103": 1500.0}
HEARD = 0.1


async def gathered(phones: Phones) -> list[Phone]:
    """Three members of the lobby, each with his tone."""
    members = [await phones.add(number) for number in TONES]
    for member in members:
        await member.call("700")
        await member.answered()
        member.send_tone(TONES[member.number])
    return members


async def who_is_heard(members: list[Phone]) -> dict[str, str]:
    """For each member the numbers that he hears."""
    await asyncio.sleep(0.8)
    sounds = await asyncio.gather(*(member.hear(1.0) for member in members))
    return {
        member.number: " ".join(number for number, hz in TONES.items() if share_of(hz, sound) > HEARD)
        for member, sound in zip(members, sounds, strict=True)
    }


async def test_members_are_listed_muted_and_kicked_from_the_command_line(switch: RunningSwitch, phones: Phones) -> None:
    members = await gathered(phones)
    file = str(switch.file)
    everybody = {"101": "102 103", "102": "101 103", "103": "101 102"}
    assert await who_is_heard(members) == everybody
    code, out, _ = await softswitch("room", "mute", "lobby", "101", file)
    assert code == GOOD
    assert "muted" in out
    assert await who_is_heard(members) == {"101": "102 103", "102": "103", "103": "102"}
    status = await eventually(switch, lambda status: bool(status["rooms"]["lobby"]["members"]))
    listed = status["rooms"]["lobby"]["members"]
    assert [(member["number"], member["muted"]) for member in listed] == [
        ("101", True), ("102", False), ("103", False),
    ]  # fmt: skip
    assert "muted" in (await softswitch("room", "list", file))[1]
    assert (await softswitch("room", "unmute", "lobby", "101", file))[0] == GOOD
    assert await who_is_heard(members) == everybody
    await members[0].dtmf("*6")
    assert await who_is_heard(members) == {"101": "102 103", "102": "103", "103": "102"}
    assert (await softswitch("room", "deafen", "lobby", "103", file, "--json"))[0] == GOOD
    assert (await who_is_heard(members))["103"] == ""
    assert (await softswitch("room", "kick", "lobby", "101", file))[0] == GOOD
    await members[0].ended(3)
    assert await who_is_heard(members[1:]) == {"102": "103", "103": ""}
    code, _, error = await softswitch("room", "kick", "lobby", "101", file)
    assert code == REFUSED
    assert "Nobody in the room 'lobby' is '101'" in error
    for member in members[1:]:
        await member.hang_up()
        await member.ended()
    await switch.is_idle()


async def test_the_loudest_member_is_shown_as_talking(switch: RunningSwitch, phones: Phones) -> None:
    members = await gathered(phones)
    for loud in members[1:]:
        for member in members:
            if member is not loud:
                member.send_nothing()
        loud.send_tone(TONES[loud.number])
        await eventually(
            switch,
            lambda status, number=loud.number: (  # type: ignore[misc]
                [one["number"] for one in status["rooms"]["lobby"]["members"] if one["talking"]] == [number]
            ),
            8,
        )
    for member in members:
        await member.hang_up()
        await member.ended()


async def test_a_recorded_room_is_one_file_of_all_that_was_said_in_the_records_of_all(
    start_switch: SwitchStarter,
) -> None:
    switch = await start_switch({"conferences.lobby.record": True, "conferences.lobby.greeting": "Welcome."})
    async with Phones(switch.sip_port) as phones:
        members = [await phones.add(number) for number in ("101", "102")]
        for member in members:
            await member.call("700")
            await member.answered()
            member.send_tone(TONES[member.number])
        await eventually(switch, lambda status: len(status["rooms"]["lobby"]["members"]) == 2)
        await asyncio.sleep(2.0)
        for member in members:
            await member.hang_up()
            await member.ended()
        await eventually(switch, lambda status: status["recordings"]["kept"] == 1)
        records = await switch.calls(at_least=2)
    [path] = {one["path"] for record in records for one in record["recordings"]}
    assert [len(record["recordings"]) for record in records] == [1, 1]
    sound, _ = soundfile.read(switch.data / "recordings" / path, dtype="int16")
    assert sound.ndim == 1
    assert all(share_of(TONES[member.number], sound[-12000:-4000]) > HEARD for member in members)
