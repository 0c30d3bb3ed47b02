"""Signals in the sound of a trunk: what SIP did not say, busy tone does."""

from dataclasses import replace

import pytest

from media.protocol import CallProgress
from softswitch.call.leg import BUSY_AFTER_ANSWER
from softswitch.call.plan import ANSWERERS, LINE_SIGNALS
from softswitch.records import events as fact
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, sdp, talk


@pytest.fixture
def listening(office: Office) -> Office:
    """A trunk whose sound is listened to."""
    trunks = office.exchange.plan.trunks
    office.change(trunks={"provider": replace(trunks["provider"], signals=frozenset(LINE_SIGNALS))})
    return office


def hear(office: Office, leg: str, kind: str, seconds: float) -> None:
    """The media engine hears a signal."""
    office.exchange.hear_media(CallProgress(leg, kind, seconds))


async def call_out(office: Office) -> tuple[Line, Line]:
    """Phone 101 calls out; the trunk sends early media."""
    trunk, caller = office.trunk(), office.phone("101")
    mine = await caller.call("0123")
    theirs = await trunk.rings()
    theirs.reply(183, sdp(5004))
    await caller.response(183)
    return mine, theirs


async def answer(mine: Line, theirs: Line) -> None:
    await theirs.answer(sdp(5004))
    mine.acknowledge(await mine.phone.answer())


async def test_busy_in_early_media_refuses_the_caller_with_486_and_cancels_the_trunk(listening: Office) -> None:
    mine, theirs = await call_out(listening)
    assert listening.leg(1, 2).progress
    assert not listening.leg(1, 1).progress
    hear(listening, "n-1-2", "busy", 2.0)
    cancel = await theirs.is_cancelled()
    assert cancel.headers.get("Reason") == 'Q.850;cause=17;text="User busy"'
    mine.acknowledge_refusal(await mine.phone.response(486))
    record = await listening.record()
    assert (record.disposition, record.status) == ("busy", 486)
    assert (record.legs[1].cause, record.legs[1].status) == ("busy", 486)
    heard = listening.last(fact.SignalHeard)
    assert (heard.leg, heard.signal, heard.seconds) == ("n-1-2", "busy", 2.0)


async def test_busy_after_the_answer_hangs_up_both_after_ten_seconds_of_it(listening: Office) -> None:
    mine, theirs = await call_out(listening)
    await answer(mine, theirs)
    for seconds in (4.0, 5.0, BUSY_AFTER_ANSWER - 0.1):
        hear(listening, "n-1-2", "busy", seconds)
    await mine.phone.hears_nothing(1.0)
    hear(listening, "n-1-2", "busy", BUSY_AFTER_ANSWER)
    await theirs.is_hung_up()
    await mine.is_hung_up()
    record = await listening.record()
    assert (record.cause, record.disposition) == ("busy_tone", "answered")
    assert listening.story().count("SignalHeard") == 1


async def test_a_caller_from_the_trunk_who_is_gone_but_for_his_busy_tone_is_hung_up(listening: Office) -> None:
    trunk = listening.trunk()
    mine = await trunk.call("+74950000100")
    mine.acknowledge(await trunk.answer())
    hear(listening, "n-1-1", "busy", BUSY_AFTER_ANSWER)
    await mine.is_hung_up()
    assert (await listening.record()).cause == "busy_tone"


async def test_a_fax_and_an_information_tone_are_written_down_once_and_change_nothing(listening: Office) -> None:
    mine, theirs = await call_out(listening)
    for kind in ("sit", "cng", "cng", "ced", "voice", "human"):
        hear(listening, "n-1-2", kind, 1.0)
    await answer(mine, theirs)
    signals = [one.signal for one in listening.facts["n-1"] if isinstance(one, fact.SignalHeard)]
    assert signals == ["sit", "cng", "ced"]
    await mine.hang_up()
    await theirs.is_hung_up()


@pytest.mark.parametrize("kind", ANSWERERS)
async def test_who_answered_a_trunk_is_written_down_once_he_has_answered(listening: Office, kind: str) -> None:
    trunks = listening.exchange.plan.trunks
    listening.change(trunks={"provider": replace(trunks["provider"], signals=frozenset(ANSWERERS))})
    mine, theirs = await call_out(listening)
    hear(listening, "n-1-2", "machine", 1.0)  # an announcement before the answer is nobody's greeting
    assert "SignalHeard" not in listening.story()
    began = listening.leg(1, 2).progress_began
    await answer(mine, theirs)
    assert listening.leg(1, 2).progress_began == began + 1
    for _ in range(2):
        hear(listening, "n-1-2", kind, 2.5)
    hear(listening, "n-1-2", "busy", BUSY_AFTER_ANSWER)
    signals = [one.signal for one in listening.facts["n-1"] if isinstance(one, fact.SignalHeard)]
    assert signals == [kind]
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_caller_from_a_trunk_is_not_asked_whether_he_is_a_machine(listening: Office) -> None:
    trunks = listening.exchange.plan.trunks
    listening.change(trunks={"provider": replace(trunks["provider"], signals=frozenset(ANSWERERS))})
    mine = await listening.trunk().call("+74950000100")
    mine.acknowledge(await mine.phone.answer())
    hear(listening, "n-1-1", "human", 2.5)
    assert "SignalHeard" not in listening.story()
    await mine.hang_up()


async def test_nobody_listens_to_phones_and_to_trunks_that_did_not_ask_for_it(office: Office) -> None:
    mine, theirs = await call_out(office)
    assert not office.leg(1, 2).progress
    await answer(mine, theirs)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_phone_behind_a_listening_office_is_not_listened_to(listening: Office) -> None:
    mine, theirs = await talk(listening.phone("101"), listening.phone("102"))
    assert not listening.leg(1, 1).progress
    assert not listening.leg(1, 2).progress
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_signal_of_a_leg_that_has_just_ended_does_nothing(listening: Office) -> None:
    mine, theirs = await call_out(listening)
    leg = listening.exchange.legs["n-1-2"]
    mine.cancel()
    await mine.phone.response(200, "CANCEL")
    mine.acknowledge_refusal(await mine.phone.response(487))
    await theirs.is_cancelled()
    leg.hear_media(CallProgress("n-1-2", "busy", 20.0))
    assert "SignalHeard" not in listening.story()
