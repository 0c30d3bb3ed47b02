"""Offers and answers through the whole switch: early media, late offers, hold, glare, and what cannot be agreed on."""

from softswitch.records import events as fact
from softswitch.sip.sdp import Sdp
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import PCMA, PCMU, sdp, talk

NOISE = "13 CN/8000"


async def test_early_media_is_handed_on_as_183(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(183, sdp(4002, codecs=(PCMU,)))
    early = await caller.response(183)
    assert Sdp.parse(early.body).media[0].formats[0] == "0", "the codec of the other side, so that packets pass"
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await theirs.answer(sdp(4002, codecs=(PCMU,)))
    answer = await caller.response(200)
    assert answer.body == early.body, "an answer that was given stays as it was"
    mine.acknowledge(answer)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_an_answer_that_was_given_early_stays_when_another_codec_answers(office: Office) -> None:
    office.phone("102", port=6102)
    caller, first, second = office.phone("101"), office.phone("102", port=6103), office.phone("102", port=6104)
    mine = await caller.call("102")
    early_line, late_line = await first.rings(), await second.rings()
    early_line.reply(183, sdp(4002, codecs=(PCMU,)))
    early = await caller.response(183)
    await late_line.answer(sdp(4004, codecs=(PCMA,)))
    answer = await caller.response(200)
    assert answer.body == early.body
    mine.acknowledge(answer)
    await early_line.is_cancelled()
    await mine.hang_up()
    await late_line.is_hung_up()


async def test_early_media_are_heard_in_place_of_our_ringback(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("500")
    mine.acknowledge(await caller.response(200))
    office.media.press("n-1-1", "102")
    theirs = await callee.rings()
    assert office.leg(1, 1).playing == "ringback"
    theirs.reply(183, sdp(4002))
    await caller.hears_nothing(0.5)
    assert office.leg(1, 1).playing is None
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await theirs.answer()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_late_offer_is_answered_with_ours_and_the_ack_brings_the_answer(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102", b"")
    theirs = await callee.rings()
    theirs.reply(183, sdp(4002))
    await caller.response(180)
    await theirs.answer()
    offer = await caller.response(200)
    assert Sdp.parse(offer.body).media[0].port == office.leg(1, 1).port
    mine.acknowledge(offer, sdp(4444, codecs=(PCMU,)))
    await caller.hears_nothing(1.0)
    assert office.leg(1, 1).remote == ("127.0.0.1", 4444)
    assert office.leg(1, 1).codec == "PCMU"
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_late_offer_without_an_answer_in_its_ack_ends_the_call(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900", b"")
    mine.acknowledge(await caller.response(200))
    bye = await mine.is_hung_up()
    assert "488" in (bye.headers.get("Reason") or "")


async def test_an_unreadable_late_answer_ends_the_call(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900", b"")
    mine.acknowledge(await caller.response(200), b"v=nonsense")
    await mine.is_hung_up()


async def test_nothing_in_common_is_488_with_a_warning(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102", sdp(codecs=("18 G729/8000",)))
    refused = await caller.response(488)
    mine.acknowledge_refusal(refused)
    assert refused.headers.get("Warning") == '305 softswitch "No codec in common"'
    await callee.hears_nothing(1.0)
    assert (await office.record()).status == 488


async def test_a_body_that_is_no_description_is_refused(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900", b"hello")
    refused = await caller.next()
    assert refused.start_line.split()[1] in ("400", "488")
    mine.acknowledge_refusal(refused)  # type: ignore[arg-type]


async def test_an_answer_that_does_not_fit_ends_that_leg_with_ack_and_bye(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.answer(sdp(4002, codecs=("18 G729/8000",)))
    bye = await theirs.is_hung_up()
    assert "488" in (bye.headers.get("Reason") or "")
    mine.acknowledge_refusal(await caller.response(480))


async def test_hold_plays_music_and_resume_lets_both_talk_again(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    held = await mine.reinvite(sdp(direction="sendonly", version=2))
    assert b"a=recvonly" in held.body
    await mine.phone.hears_nothing(3.0)
    assert office.leg(1, 2).playing == "hold"
    assert office.media.in_room("n-1") == set()
    resumed = await mine.reinvite(sdp(version=3))
    assert b"a=sendrecv" in resumed.body
    await mine.phone.hears_nothing(1.0)
    assert office.leg(1, 2).playing is None
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    await mine.hang_up()
    await theirs.is_hung_up()
    record = await office.record()
    assert round(record.hold) == 3


async def test_the_callee_holds_as_well(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await theirs.reinvite(sdp(4002, direction="inactive", version=2))
    await mine.phone.hears_nothing(1.0)
    assert office.leg(1, 1).playing == "hold"
    await theirs.hang_up()
    await mine.is_hung_up()


async def test_both_hold_and_only_the_second_resume_joins_them(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.reinvite(sdp(direction="sendonly", version=2))
    await theirs.reinvite(sdp(4002, direction="sendonly", version=2))
    await mine.reinvite(sdp(version=3))
    await mine.phone.hears_nothing(1.0)
    assert office.media.in_room("n-1") == set()
    assert office.leg(1, 1).playing == "hold"
    await theirs.reinvite(sdp(4002, version=3))
    await mine.phone.hears_nothing(1.0)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2"}
    assert office.leg(1, 1).playing is None
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_the_old_way_to_hold_is_understood(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.reinvite(sdp(host="0.0.0.0", version=2))
    await mine.phone.hears_nothing(1.0)
    assert office.leg(1, 2).playing == "hold"
    assert "Held" in office.story()
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_silence_of_a_phone_that_holds_is_no_reason_to_hang_up(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    await mine.reinvite(sdp(direction="sendonly", version=2))
    office.media.fall_silent("n-1-1")
    await mine.phone.hears_nothing(5.0)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_reinvite_right_after_the_ack_is_served(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.answer()
    mine.acknowledge(await caller.response(200))
    answer = await mine.reinvite(sdp(4010, version=2))
    assert answer.to.tag
    assert office.leg(1, 1).remote == ("127.0.0.1", 4010)
    theirs.send("OPTIONS")
    await callee.response(200, "OPTIONS")
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_reinvite_that_overtakes_the_ack_is_served_too(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900")
    answer = await caller.response(200)
    mine.remote, mine.target = answer.headers.get("To") or "", str(answer.contacts[0].uri)
    mine.invite(sdp(4010, version=2))
    second = await caller.response(200)
    assert second.cseq.number == answer.cseq.number + 1
    mine.acknowledge(answer)
    mine.acknowledge(second)
    await mine.hang_up()


async def test_a_reinvite_with_the_same_offer_gets_the_same_answer(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900")
    first = await caller.response(200)
    mine.acknowledge(first)
    again = await mine.reinvite(sdp())
    assert again.body == first.body
    await mine.hang_up()


async def test_a_reinvite_that_cannot_be_agreed_on_leaves_the_call_as_it_was(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900")
    mine.acknowledge(await caller.response(200))
    mine.invite(sdp(codecs=("18 G729/8000",), version=2))
    refused = await caller.response(488)
    mine.acknowledge_refusal(refused)
    assert refused.headers.get("Warning")
    assert office.leg(1, 1).codec == "PCMA"
    await caller.hears_nothing(5.0)
    await mine.hang_up()


async def test_an_empty_reinvite_of_the_callee_is_answered_with_our_offer_and_its_answer_counts(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    theirs.invite(b"")
    offer = await theirs.phone.response(200, "INVITE")
    assert Sdp.parse(offer.body).media[0].port == office.leg(1, 2).port
    theirs.acknowledge(offer, sdp(4020, version=2))
    await theirs.phone.hears_nothing(1.0)
    assert office.leg(1, 2).remote == ("127.0.0.1", 4020)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_update_moves_the_media_without_an_ack(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    mine.send("UPDATE", f"Contact: {mine.phone.contact}", body=sdp(4030, version=2), content_type="application/sdp")
    answer = await mine.phone.response(200, "UPDATE")
    assert answer.body
    assert office.leg(1, 1).remote == ("127.0.0.1", 4030)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_a_second_offer_before_the_first_is_answered_is_500(office: Office) -> None:
    """No UPDATE with an offer while the INVITE waits: the first offer is still open (RFC 3311 section 5.2)."""
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    ringing = await caller.response(180)
    before = mine.remote
    mine.remote = ringing.headers.get("To") or ""
    mine.send("UPDATE", f"Contact: {caller.contact}", body=sdp(4040, version=2), content_type="application/sdp")
    refused = await caller.response(500, "UPDATE")
    assert 0 <= int(refused.headers.get("Retry-After") or "-1") <= 10
    mine.remote, mine.cseq = before, mine.cseq - 1
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    await theirs.is_cancelled()


async def test_a_lower_number_in_the_dialog_is_500(office: Office) -> None:
    caller = office.phone("101")
    mine = await caller.call("900")
    mine.acknowledge(await caller.response(200))
    mine.send("OPTIONS", number=mine.cseq - 1)
    await caller.response(500, "OPTIONS")
    await mine.hang_up()


async def test_a_cancel_of_a_reinvite_comes_too_late_and_is_200(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    theirs.invite(sdp(4002, version=2))
    answer = await theirs.phone.response(200, "INVITE")
    theirs.cancel()
    await theirs.phone.response(200, "CANCEL")
    theirs.acknowledge(answer)
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_the_call_goes_on_when_the_phone_moves_to_another_port(office: Office) -> None:
    """The ACK and all later requests come from elsewhere, as through a translator that forgot its table."""
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    moved = office.phone("101", registered=False)
    mine.phone = moved
    await mine.reinvite(sdp(version=1))
    await theirs.hang_up()
    await mine.is_hung_up()
    await office.record()
    assert office.last(fact.LegEnded).cause == "bye"


async def test_ringing_phones_see_the_codec_of_the_caller_first(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("102", sdp(codecs=(PCMU,)))
    theirs = await callee.rings()
    assert Sdp.parse(theirs.offer).media[0].formats[:2] == ["0", "8"]
    await theirs.refuse(486)
    mine.acknowledge_refusal(await caller.response(486))


async def test_who_is_called_is_offered_comfort_noise_when_the_caller_sends_it(office: Office) -> None:
    for number, codecs in enumerate(((PCMA, NOISE), (PCMA, PCMU)), 1):
        mine = await office.phone("101").call("102", sdp(codecs=codecs))
        theirs = await office.phone("102").rings()
        assert (b"a=rtpmap:13 CN/8000" in theirs.offer) == (NOISE in codecs)
        await theirs.answer(sdp(4002, codecs=codecs))
        answer = await mine.phone.answer()
        mine.acknowledge(answer)
        assert [office.leg(number, leg).comfort_noise for leg in (1, 2)] == [NOISE in codecs] * 2
        await mine.hang_up()
        await theirs.is_hung_up()
