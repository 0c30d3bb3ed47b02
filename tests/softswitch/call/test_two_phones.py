"""From phone to phone: ring, answer, talk, hang up."""

from media.protocol import MediaSilent
from softswitch.records import events as fact
from softswitch.sip.fields import Via
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import sdp, talk
from tests.softswitch.wire import lose


async def test_a_phone_rings_another_they_talk_and_the_caller_hangs_up(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    await theirs.answer()
    mine.acknowledge(await caller.response(200))
    await caller.hears_nothing(10.0)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()
    record = await office.record()
    assert office.story() == [
        "CallStarted", "LegStarted", "LegStarted", "LegRinging", "LegAnswered", "LegAnswered", "Bridged",
        "LegEnded", "LegEnded", "CallEnded",
    ]  # fmt: skip
    assert record.disposition == "answered"
    assert record.cause == "bye"
    assert round(record.talk) == 10


async def test_the_callee_hangs_up(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine, theirs = await talk(caller, callee)
    await theirs.hang_up()
    await mine.is_hung_up()
    await office.record()
    ended = [one for one in office.facts["n-1"] if isinstance(one, fact.LegEnded)]
    assert {(one.leg, one.by) for one in ended} == {("n-1-2", "remote"), ("n-1-1", "local")}


async def test_the_first_leg_tells_who_calls_and_whom(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    assert theirs.incoming is not None
    assert theirs.incoming.from_.display == "Phone 101"
    assert theirs.incoming.from_.uri.user == "101"
    assert theirs.incoming.to.uri.user == "102"
    assert theirs.incoming.max_forwards == 69
    assert theirs.incoming.call_id != mine.call_id
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    await theirs.is_cancelled()


async def test_a_caller_who_cancels_hears_487_and_the_phone_stops_ringing(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    mine.cancel()
    cancelled = await caller.response(200, "CANCEL")
    refused = await caller.response(487, "INVITE")
    mine.acknowledge_refusal(refused)
    assert cancelled.to.tag == refused.to.tag
    await theirs.is_cancelled()
    assert (await office.record()).disposition == "cancelled"
    assert (await office.record()).cause == "cancel"


async def test_a_cancel_before_the_phone_says_anything_waits_for_it(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    await callee.hears_nothing(3.0)
    theirs.reply(180)
    await theirs.is_cancelled()


async def test_a_cancel_right_behind_its_invite_rings_nobody(office: Office) -> None:
    office.media.latency = 0.5
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    await callee.hears_nothing(5.0)
    assert (await office.record()).cause == "cancel"


async def test_a_cancel_that_crosses_the_answer_ends_in_ack_and_bye_and_one_record(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    cancel = await callee.request("CANCEL")
    theirs.reply(200, sdp(4002))  # it was picked up in the same moment
    theirs.reply(481, to=cancel)
    await callee.request("ACK")
    await theirs.is_hung_up()
    await office.record()
    assert office.story().count("CallEnded") == 1


async def test_a_cancel_after_the_answer_changes_nothing(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.answer()
    answer = await caller.response(200)
    mine.cancel()
    late = await caller.response(200, "CANCEL")
    assert late.to.tag == answer.to.tag
    mine.acknowledge(answer)
    await callee.hears_nothing(5.0)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_busy_is_handed_on(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    await (await callee.rings()).refuse(486)
    mine.acknowledge_refusal(await caller.response(486))
    assert (await office.record()).disposition == "busy"


async def test_nobody_answers_within_the_ring_time(office: Office) -> None:
    office.change_phone("102", ring_timeout=20.0)
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    began = office.loop.time()
    cancel = await theirs.is_cancelled(within=30.0)
    assert round(office.loop.time() - began) == 20
    assert "cause=480" in (cancel.headers.get("Reason") or "")
    mine.acknowledge_refusal(await caller.response(480))
    assert (await office.record()).disposition == "no_answer"


async def test_a_phone_that_says_nothing_at_all_is_given_up(office: Office) -> None:
    office.change_phone("102", ring_timeout=60.0)
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    await callee.rings()
    mine.acknowledge_refusal(await caller.response(408, within=40.0))
    assert len(callee.repeats) == 6


async def test_a_phone_that_is_not_registered_cannot_be_reached(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("102")
    mine.acknowledge_refusal(await caller.response(480))


async def test_an_extension_that_does_not_exist_is_404(office: Office) -> None:
    caller = office.phone("101")
    for number in ("905", "12345"):
        mine = await caller.call(number)
        mine.acknowledge_refusal(await caller.response(404))


async def test_the_callee_hangs_up_in_the_moment_it_answers(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(200, sdp(4002))
    theirs.send("BYE")
    await callee.request("ACK")
    await callee.response(200, "BYE")
    mine.acknowledge_refusal(await caller.response(480, within=10.0))


async def test_an_answer_that_nobody_acknowledges_ends_after_32_seconds(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.answer()
    mine.remote = (await caller.response(200)).headers.get("To") or ""
    await mine.is_hung_up(within=40.0)
    await theirs.is_hung_up()
    assert len(caller.repeats) == 10
    assert (await office.record()).cause == "no_ack"


async def test_a_lost_answer_is_repeated_and_a_repeated_invite_is_no_second_call(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    office.wire.lose = lose("200 INVITE", 2)
    mine = await caller.call("102")
    mine.repeat_invite()
    theirs = await callee.rings()
    mine.repeat_invite()
    await theirs.answer()
    mine.repeat_invite()
    mine.acknowledge(await caller.response(200))
    await callee.hears_nothing(5.0)
    assert len(office.facts) == 1
    await theirs.hang_up()
    await mine.is_hung_up()


async def test_the_ack_with_an_invented_tag_is_taken(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.answer()
    answer = await caller.response(200)
    real = answer.headers.get("To") or ""
    mine.remote = "<sip:102@localhost>;tag=invented"
    mine.target = str(answer.contacts[0].uri)
    mine.send("ACK", number=answer.cseq.number)
    await caller.hears_nothing(40.0)
    mine.remote = real
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_caller_who_falls_silent_ends_the_call(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    office.exchange.hear_media(MediaSilent("n-1-1", 20.0))
    await mine.is_hung_up()
    await theirs.is_hung_up()
    assert (await office.record()).cause == "media_silent"


async def test_a_callee_who_falls_silent_ends_the_call(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    office.media.fall_silent("n-1-2")
    await theirs.is_hung_up()
    await mine.is_hung_up()
    assert (await office.record()).cause == "media_silent"


async def test_a_key_told_by_info_reaches_the_other_side(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    mine.info("5")
    await mine.phone.response(200, "INFO")
    theirs.info("#")
    await theirs.phone.response(200, "INFO")
    assert office.leg(1, 2).digits == "5"
    assert office.leg(1, 1).digits == "#"
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_ten_calls_at_once_keep_apart(office: Office) -> None:
    lines = []
    for port in range(10):
        caller = office.phone("101", registered=False, port=7000 + port)
        lines.append((caller, await caller.call("900")))
    for caller, mine in lines:
        mine.acknowledge(await caller.response(200))
    assert len(office.calls) == 10
    for _, mine in lines:
        await mine.hang_up()


async def test_a_call_that_has_passed_too_many_switches_is_483(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102", None, "Max-Forwards: 0")
    mine.acknowledge_refusal(await caller.response(483))
    mine = await caller.call("102", None, "Max-Forwards: 1")
    theirs = await callee.rings()
    assert theirs.incoming is not None
    assert theirs.incoming.max_forwards == 0
    await theirs.refuse(486)
    mine.acknowledge_refusal(await caller.response(486))


async def test_the_answer_goes_to_the_port_that_the_invite_came_from(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900")
    answer = await caller.response(200)
    via = Via.parse(answer.headers.get("Via") or "")
    assert via.params["rport"] == str(caller.peer.port)
    assert via.params["received"] == "127.0.0.1"
    mine.acknowledge(answer)
    await mine.hang_up()


async def test_a_number_with_odd_characters_stays_inside_of_its_header(office: Office) -> None:
    caller = office.phone("101")
    mine = caller.line("%0d%0aEvil:%20yes%3e")
    mine.invite(sdp())
    mine.acknowledge_refusal(challenge := await caller.response(401))
    caller.keep(challenge)
    mine.invite(sdp())
    refused = await caller.response(404)
    mine.acknowledge_refusal(refused)
    assert all("Evil" not in name for packet in office.wire.log for name in packet.data.decode().split("\r\n")[1:]
               if name.startswith("Evil"))  # fmt: skip
    assert not any(b"\nEvil" in packet.data for packet in office.wire.log)


async def test_closing_the_switch_hangs_up_every_call(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await office.exchange.close()
    await mine.is_hung_up()
    await theirs.is_hung_up()
    assert (await office.record()).cause == "shutdown"
    late = await mine.phone.call("900")
    late.acknowledge_refusal(await mine.phone.response(503))
