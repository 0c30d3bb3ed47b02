"""Messages are left and heard by telephone."""

from pathlib import Path

from softswitch.voicemail.mailbox import Mailbox
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line


async def dial(office: Office, number: str, called: str) -> Line:
    phone = office.phone(number)
    mine = await phone.call(called)
    mine.acknowledge(await phone.answer())
    return mine


def mailbox(office: Office, number: str) -> Mailbox:
    return Mailbox(office.folder / "voicemail", number)


async def leave(office: Office, seconds: float = 5.0) -> Line:
    """104 leaves a message for 101; greeting and tone take two seconds."""
    mine = await dial(office, "104", "8101")
    await mine.phone.hears_nothing(2.5 + seconds)
    return mine


async def test_a_message_ends_when_the_caller_hangs_up(office: Office) -> None:
    mine = await leave(office)
    assert office.calls[0].state == "voicemail:101"
    await mine.hang_up()
    await office.record()
    (message,) = mailbox(office, "101").messages()
    assert (message.caller, message.heard) == ("104", False)
    assert office.media.recorded[0].left == ("n-1-1",)


async def test_a_message_ends_with_the_hash_key(office: Office) -> None:
    mine = await leave(office)
    office.media.press("n-1-1", "5#")
    await mine.is_hung_up()
    await office.record()
    assert len(mailbox(office, "101").messages()) == 1


async def test_a_message_ends_after_its_longest_time(office: Office) -> None:
    mine = await leave(office)
    await mine.is_hung_up(within=200.0)
    assert len(mailbox(office, "101").messages()) == 1


async def test_a_message_of_less_than_a_second_is_thrown_away(office: Office) -> None:
    mine = await leave(office, seconds=-0.3)
    await mine.hang_up()
    await office.record()
    assert mailbox(office, "101").messages() == []
    assert list((office.folder / "voicemail").rglob("*.wav")) == []


async def test_a_caller_who_hangs_up_during_the_greeting_leaves_nothing(office: Office) -> None:
    mine = await dial(office, "104", "8101")
    await mine.hang_up()
    await office.record()
    assert not (office.folder / "voicemail").exists()


async def test_nobody_leaves_a_message_for_an_extension_that_does_not_exist(office: Office) -> None:
    phone = office.phone("104")
    mine = await phone.call("8999")
    mine.acknowledge_refusal(await phone.response(404))


async def test_ones_own_messages_are_counted_played_and_kept(office: Office) -> None:
    await (await leave(office)).hang_up()
    await office.record()
    mine = await dial(office, "101", "800")
    await mine.is_hung_up(within=10.0)
    await office.record(2)
    assert "voicemail/1" in office.media.closed["n-2-1"].heard
    (message,) = mailbox(office, "101").messages()
    assert message.heard


async def test_a_message_is_deleted_with_7(office: Office) -> None:
    await (await leave(office)).hang_up()
    await office.record()
    mine = await dial(office, "101", "800")
    await mine.phone.hears_nothing(2.5)
    office.media.press("n-2-1", "7")
    await mine.is_hung_up(within=10.0)
    await office.record(2)
    assert mailbox(office, "101").messages() == []


async def test_a_caller_who_hangs_up_while_a_message_plays_has_heard_it(office: Office) -> None:
    await (await leave(office)).hang_up()
    await office.record()
    mine = await dial(office, "101", "800")
    await mine.phone.hears_nothing(2.5)
    await mine.hang_up()
    await office.record(2)
    (message,) = mailbox(office, "101").messages()
    assert message.heard


async def test_an_empty_mailbox_says_so(office: Office) -> None:
    mine = await dial(office, "101", "800")
    await mine.phone.hears_nothing(0.1)
    assert office.leg(1, 1).sounds == ["/prompts/You have no messages."]
    await mine.is_hung_up(within=5.0)


async def test_a_caller_of_a_trunk_has_no_mailbox_of_his_own(office: Office) -> None:
    trunk = office.trunk()
    mine = await trunk.call("800")
    mine.acknowledge_refusal(await trunk.response(404))


async def test_a_recording_that_cannot_start_ends_the_call(office: Office) -> None:
    office.media.cannot_record = True
    mine = await dial(office, "104", "8101")
    await mine.is_hung_up(within=10.0)


async def test_a_folder_that_cannot_be_made_ends_the_call(office: Office) -> None:
    Path(office.folder / "voicemail").write_text("in the way")
    mine = await dial(office, "104", "8101")
    await mine.is_hung_up(within=10.0)
    own = await dial(office, "101", "800")
    await own.is_hung_up(within=10.0)


async def test_the_worker_dies_while_a_message_is_left_and_the_file_stays_for_the_next_start(office: Office) -> None:
    mine = await leave(office)
    office.media.die()
    await mine.is_hung_up()
    await office.record()
    assert len(list((office.folder / "voicemail" / "101" / "tmp").glob("*.wav"))) == 1
