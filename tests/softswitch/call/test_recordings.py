"""Recordings begin with the talk and end with it; one that cannot be written ends no call."""

from pathlib import Path

from softswitch.call.policy import Recorded
from softswitch.records import events as fact
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import talk


def recorded(office: Office, number: str = "102") -> None:
    office.change_phone(number, record=Recorded())


async def test_the_talk_with_a_recorded_phone_is_written_to_a_file_of_its_day(office: Office) -> None:
    recorded(office)
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(7.0)
    running = office.media.recordings["n-1-2"]
    assert (running.left, running.right) == (("n-1-1",), ("n-1-2",))
    await mine.hang_up()
    await theirs.is_hung_up()
    record = await office.record()
    (recording,) = record.recordings
    assert recording.path == "2026/11/18/n-1-2.wav"
    assert round(recording.seconds) == 7
    assert (office.folder / "recordings" / recording.path).exists()


async def test_a_recorded_caller_is_recorded_whomever_he_calls(office: Office) -> None:
    recorded(office, "101")
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(1.0)
    await theirs.hang_up()
    await mine.is_hung_up()
    assert office.last(fact.RecordingStopped).reason == "ended"


async def test_a_slow_disk_keeps_nobody_on_the_line(office: Office) -> None:
    recorded(office)
    office.media.slow_disk = 4.0
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(1.0)
    began = office.loop.time()
    await mine.hang_up()
    await theirs.is_hung_up()
    assert office.loop.time() - began < 1.0
    assert len((await office.record()).recordings) == 1


async def test_a_recording_that_cannot_be_started_ends_no_call(office: Office) -> None:
    recorded(office)
    office.media.cannot_record = True
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(5.0)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()
    assert (await office.record()).recordings == ()


async def test_a_folder_that_cannot_be_made_ends_no_call(office: Office) -> None:
    recorded(office)
    Path(office.folder / "recordings").write_text("in the way")
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(5.0)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_worker_that_dies_leaves_a_recording_that_says_so(office: Office) -> None:
    recorded(office)
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(1.0)
    office.media.die()
    await mine.is_hung_up()
    await theirs.is_hung_up()
    await office.record()
    assert office.last(fact.RecordingStopped).reason == "media_lost"
