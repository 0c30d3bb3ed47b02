"""Recordings begin with the talk and end with it; one that cannot be written ends no call."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.announcements import QueueVoice
from ivr.digits import DialPlan
from ivr.prompts import Prompt
from media.protocol import RecordingFailed, RecordingResumed
from media.wish import Wish, locate
from softswitch.call.plan import Queue
from softswitch.call.policy import Recorded, Unwritable
from softswitch.call.router import Router
from softswitch.records import events as fact
from tests.softswitch.call.office import EXTENSIONS, ROUTES, Office
from tests.softswitch.call.phone import Line, talk


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


# ---- who is recorded, and in which form ---------------------------------------------------------------------------


async def test_the_file_has_the_form_that_is_wished_and_is_written_as_wav_till_then(office: Office) -> None:
    office.change_phone("102", record=Recorded(Wish("gsm")))
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(1.0)
    assert office.media.recordings["n-1-2"].path.name == "n-1-2.to-gsm-mixed.wav"
    assert office.exchange.recordings.running == {"n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()
    (recording,) = (await office.record()).recordings
    assert recording.path == "2026/11/18/n-1-2.wav"
    assert office.exchange.recordings.archive.waiting == 1
    assert office.exchange.recordings.running == set()
    found = locate(office.folder / "recordings", recording.path)
    assert found is not None
    assert found.name == "n-1-2.to-gsm-mixed.wav"


async def test_only_a_share_of_the_calls_is_recorded(office: Office) -> None:
    office.change_phone("102", record=Recorded(share=0.5))
    recorded_calls = []
    for number in range(1, 9):
        mine, theirs = await talk(office.phone("101"), office.phone("102"))
        await asyncio.sleep(0.1)
        recorded_calls.append(f"n-{number}-2" in office.media.recordings)
        await mine.hang_up()
        await theirs.is_hung_up()
        await office.record(number)
        await mine.phone.hears_nothing(40.0)
    assert recorded_calls == [Recorded(share=0.5).takes(f"n-{number}") for number in range(1, 9)]
    assert 0 < sum(recorded_calls) < 8


async def test_a_route_can_have_its_calls_recorded(office: Office) -> None:
    flac = Recorded(Wish("flac"))
    routes = [replace(route, record=flac) if route.to == "phone:101" else route for route in ROUTES]
    office.exchange.router = Router(DialPlan.build(EXTENSIONS), routes, lambda name, wall: True)
    trunk, callee = office.trunk(), office.phone("101")
    mine = await trunk.call("+74950000101", caller="+74951234567")
    theirs = await callee.rings()
    await theirs.answer()
    mine.acknowledge(await trunk.answer())
    await trunk.hears_nothing(1.0)
    await mine.hang_up()
    await theirs.is_hung_up()
    assert [one.path for one in (await office.record()).recordings] == ["2026/11/18/n-1-2.flac"]


async def queued(office: Office, queue: Queue) -> tuple[Line, Line]:
    """A caller and the agent 101 talk."""
    office.change(queues={"support": queue})
    caller, agent = office.phone("106"), office.phone("101")
    mine = await caller.call("600")
    mine.acknowledge(await caller.answer())
    theirs = await agent.rings()
    await theirs.answer()
    await caller.hears_nothing(1.0)
    return mine, theirs


@pytest.mark.parametrize(
    ("queue", "agent"),
    [
        (Queue("support", record=Recorded(folder="queues/support")), None),
        (Queue("support", agents_record={"101": Recorded(folder="queues/support")}), None),
        (Queue("support"), Recorded(folder="queues/support")),
    ],
    ids=["by its queue", "by the agent in this queue", "by the agent's phone"],
)
async def test_a_talk_with_an_agent_is_recorded(office: Office, queue: Queue, agent: Recorded | None) -> None:
    office.change_phone("101", record=agent)
    mine, theirs = await queued(office, queue)
    await mine.hang_up()
    await theirs.is_hung_up()
    assert [one.path for one in (await office.record()).recordings] == ["queues/support/2026/11/18/n-1-2.wav"]


async def test_other_agents_of_the_queue_are_not_recorded(office: Office) -> None:
    mine, theirs = await queued(office, Queue("support", agents_record={"102": Recorded()}))
    await mine.hang_up()
    await theirs.is_hung_up()
    assert (await office.record()).recordings == ()


# ---- codes --------------------------------------------------------------------------------------------------------


async def press(office: Office, leg: str, keys: str) -> None:
    office.media.press(leg, keys)
    await asyncio.sleep(0.1)


async def test_a_phone_that_may_do_so_has_a_talk_recorded_from_now_on(office: Office) -> None:
    office.change_phone("102", on_demand=Recorded(Wish("flac")))
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.phone.hears_nothing(5.0)
    await press(office, "n-1-1", "*1")  # 101 may not
    assert not office.media.recordings
    await press(office, "n-1-2", "*1")
    assert office.media.recordings.keys() == {"n-1-2"}
    await press(office, "n-1-2", "*1")  # it is recorded already
    await mine.phone.hears_nothing(3.0)
    await mine.hang_up()
    await theirs.is_hung_up()
    (recording,) = (await office.record()).recordings
    assert recording.path == "2026/11/18/n-1-2.flac"
    assert round(recording.seconds) == 3


async def test_the_keys_of_an_info_are_a_code_too(office: Office) -> None:
    office.change_phone("101", on_demand=Recorded())
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    for key in "*1":
        mine.info(key)
        await mine.phone.response(200)
    await asyncio.sleep(0.1)
    assert office.media.recordings.keys() == {"n-1-2"}
    assert office.leg(1, 2).digits == "*1"
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_nothing_is_recorded_during_a_pause_and_the_record_says_when_that_was(office: Office) -> None:
    recorded(office)
    office.change_phone("101", on_demand=Recorded())
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await asyncio.sleep(4.0)
    running = office.media.recordings["n-1-2"]
    await press(office, "n-1-2", "*2")  # 102 may not
    assert (running.left, running.right) == (("n-1-1",), ("n-1-2",))
    await press(office, "n-1-1", "*2")
    assert (running.left, running.right) == ((), ())
    await press(office, "n-1-1", "4111*1")  # the number of a card, and a code that means nothing now
    await asyncio.sleep(10.0)
    assert (running.left, running.right) == ((), ())
    await press(office, "n-1-1", "*2")
    assert (running.left, running.right) == (("n-1-1",), ("n-1-2",))
    await asyncio.sleep(1.0)
    await press(office, "n-1-1", "*2")
    await asyncio.sleep(2.0)
    await mine.hang_up()
    await theirs.is_hung_up()
    (recording,) = (await office.record()).recordings
    assert [(round(first), round(last)) for first, last in recording.pauses] == [(4, 14), (15, 18)]
    assert round(recording.seconds) == 18
    assert office.last(fact.RecordingPaused).by == "n-1-1"


async def test_a_pause_without_a_recording_means_nothing(office: Office) -> None:
    office.change_phone("101", on_demand=Recorded())
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await press(office, "n-1-1", "*2")
    await mine.hang_up()
    await theirs.is_hung_up()
    assert "RecordingPaused" not in office.story()


async def test_the_codes_may_be_others(office: Office) -> None:
    office.change(codes={"##": "record", "#0": "pause"})
    office.change_phone("101", on_demand=Recorded())
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await press(office, "n-1-1", "*1")
    assert not office.media.recordings
    await press(office, "n-1-1", "##")
    await press(office, "n-1-1", "#0")
    assert office.media.recordings["n-1-2"].left == ()
    await mine.hang_up()
    await theirs.is_hung_up()


# ---- recordings that cannot be ------------------------------------------------------------------------------------

NOTICE = Prompt("This call is not recorded.")
VOICE = QueueVoice(recorded=Prompt("This call may be recorded."), not_recorded=NOTICE)


def must_record(unwritable: Unwritable) -> Queue:
    notice = NOTICE if unwritable == "announce" else None
    return Queue("support", Recorded(unwritable=unwritable, notice=notice), voice=VOICE)


async def spoil(office: Office) -> None:
    """No recording can be written from now on, and the switch knows it."""
    (office.folder / "recordings").write_text("in the way")
    assert await office.exchange.recordings.store.check()


async def test_a_caller_who_must_be_recorded_and_cannot_be_is_refused_before_he_is_answered(office: Office) -> None:
    office.change(queues={"support": must_record("refuse")})
    await spoil(office)
    caller = office.phone("106")
    mine = await caller.call("600")
    refusal = await caller.response(503)
    assert refusal.headers.get("Retry-After") == "60"
    mine.acknowledge_refusal(refusal)
    await office.record()
    assert "QueueJoined" not in office.story()
    assert "cannot be written" in office.last(fact.RecordingRefused).reason


async def test_a_caller_who_came_by_a_menu_hears_congestion_instead(office: Office) -> None:
    office.change(queues={"support": must_record("refuse")})
    await spoil(office)
    caller = office.phone("106")
    mine = await caller.call("500")
    mine.acknowledge(await caller.answer())
    await asyncio.sleep(0.5)
    office.media.press("n-1-1", "1")
    await mine.is_hung_up(within=10.0)
    assert (await office.record()).status == 503
    assert "tone:congestion" in office.media.closed["n-1-1"].heard


async def test_a_caller_is_told_that_he_is_not_recorded_and_waits_and_talks(office: Office) -> None:
    await spoil(office)
    mine, theirs = await queued(office, must_record("announce"))
    assert office.leg(1, 1).heard.count("queue") == 1
    assert "not recorded" not in office.leg(1, 1).heard  # once is enough
    await mine.hang_up()
    await theirs.is_hung_up()
    assert (await office.record()).recordings == ()


async def test_a_disk_that_fails_while_the_caller_waits_is_told_when_the_talk_begins(office: Office) -> None:
    office.media.cannot_record = True
    mine, theirs = await queued(office, must_record("announce"))
    assert office.leg(1, 1).heard[-1] == "not recorded"
    assert office.leg(1, 1).sounds == ["/prompts/This call is not recorded."]
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_disk_that_fails_while_the_caller_waits_ends_the_call_where_it_must_be_recorded(office: Office) -> None:
    office.media.cannot_record = True
    office.change(queues={"support": must_record("refuse")})
    caller, agent = office.phone("106"), office.phone("101")
    mine = await caller.call("600")
    mine.acknowledge(await caller.answer())
    theirs = await agent.rings()
    await theirs.answer()
    await theirs.is_hung_up()
    await mine.is_hung_up(within=10.0)
    assert (await office.record()).status == 503


async def test_a_queue_that_does_not_insist_goes_on(office: Office) -> None:
    await spoil(office)
    mine, theirs = await queued(office, must_record("go_on"))
    assert "not recorded" not in office.leg(1, 1).heard
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()
    assert office.last(fact.RecordingRefused).reason.startswith("The folder")


async def test_a_disk_with_little_room_takes_no_new_recording_and_says_so_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    recorded(office)
    store = office.exchange.recordings.store
    store.low_water = 1 << 60
    await store.check()
    for _ in range(3):
        mine, theirs = await talk(office.phone("101"), office.phone("102"))
        await asyncio.sleep(0.1)
        assert not office.media.recordings
        await mine.hang_up()
        await theirs.is_hung_up()
        await mine.phone.hears_nothing(40.0)
    assert "MB are free" in str(office.exchange.recordings.status()["trouble"])
    store.low_water = 0
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await asyncio.sleep(0.1)
    assert office.media.recordings
    await mine.hang_up()
    await theirs.is_hung_up()
    assert office.exchange.recordings.status()["trouble"] is None
    lines = [line.message for line in caplog.records if line.name == "call.recordings"]
    assert [("not recorded" in line, "again" in line) for line in lines] == [(True, False), (False, True)]


async def test_a_disk_that_does_not_answer_keeps_no_call_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.change_phone("102", record=Recorded(unwritable="announce"))
    answer = threading.Event()
    store = office.exchange.recordings.store
    monkeypatch.setattr(store, "_look", lambda folder: answer.wait(60.0) and None)
    monkeypatch.setattr(office.loop, "run_in_executor", office.loop.run_unwatched)  # so that the clock goes on
    try:
        began = office.loop.time()
        mine, theirs = await talk(office.phone("101"), office.phone("102"))
        await asyncio.sleep(2.0)
        assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
        assert not office.media.recordings
        assert office.loop.time() - began < 10.0
        await mine.hang_up()
        await theirs.is_hung_up()
        await office.record()
        assert "does not answer" in office.last(fact.RecordingRefused).reason
    finally:
        answer.set()


async def test_a_recording_begins_without_asking_a_disk_that_was_well(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(office)
    monkeypatch.setattr(office.exchange.recordings.store, "_look", lambda folder: pytest.fail("it was asked"))
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.hang_up()
    await theirs.is_hung_up()
    assert len((await office.record()).recordings) == 1


async def test_what_cannot_be_written_while_it_runs_is_shown_until_it_can_be_or_is_over(office: Office) -> None:
    recorded(office)
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await asyncio.sleep(0.1)
    office.exchange.hear_media(RecordingFailed("n-1-2", "the disk is full"))
    assert office.exchange.recordings.status()["trouble"] == "1 recordings cannot be written."
    office.exchange.hear_media(RecordingResumed("n-1-2"))
    assert office.exchange.recordings.status()["trouble"] is None
    office.exchange.hear_media(RecordingFailed("n-1-2", "the disk is full"))
    await mine.hang_up()
    await theirs.is_hung_up()
    await office.record()
    assert office.exchange.recordings.status()["trouble"] is None
