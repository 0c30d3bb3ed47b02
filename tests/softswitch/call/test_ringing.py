"""Several telephones for one number: the first that answers has the call, and the best refusal is handed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.call.ring import best_response
from softswitch.records import events as fact
from softswitch.sip.peer import Peer
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import sdp

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


async def test_the_first_answer_wins_and_the_others_are_cancelled_with_the_reason(office: Office) -> None:
    caller = office.phone("101")
    phones = [office.phone("102") for _ in range(3)]
    mine = await caller.call("102")
    lines = [await phone.rings() for phone in phones]
    for line in lines:
        line.reply(180)
    await caller.response(180)
    await lines[1].answer()
    mine.acknowledge(await caller.answer())
    for line in (lines[0], lines[2]):
        cancel = await line.is_cancelled()
        assert cancel.headers.get("Reason") == ELSEWHERE
    await mine.hang_up()
    await lines[1].is_hung_up()
    await office.record()
    causes = {one.leg: one.cause for one in office.facts["n-1"] if isinstance(one, fact.LegEnded)}
    assert causes == {"n-1-1": "bye", "n-1-2": "answered_elsewhere", "n-1-3": "bye", "n-1-4": "answered_elsewhere"}


async def test_two_answer_in_the_same_moment_and_one_is_hung_up(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("102")
    mine = await caller.call("102")
    one, other = await first.rings(), await second.rings()
    one.reply(200, sdp(4002))
    other.reply(200, sdp(4004))
    await first.request("ACK")
    await second.request("ACK")
    bye = await other.is_hung_up()
    assert bye.headers.get("Reason") == ELSEWHERE
    mine.acknowledge(await caller.response(200))
    await first.hears_nothing(1.0)
    assert len(office.media.in_room("n-1")) == 2
    await mine.hang_up()
    await one.is_hung_up()


async def test_a_phone_that_answers_in_spite_of_the_cancel_is_hung_up(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("102")
    mine = await caller.call("102")
    one, other = await first.rings(), await second.rings()
    other.reply(180)
    await caller.response(180)
    await one.answer()
    mine.acknowledge(await caller.response(200))
    cancel = await second.request("CANCEL")
    other.reply(200, sdp(4004))
    other.reply(200, to=cancel)
    await second.request("ACK")
    assert (await other.is_hung_up()).headers.get("Reason") == ELSEWHERE
    await mine.hang_up()
    await one.is_hung_up()


async def test_one_phone_is_busy_and_the_other_answers(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("102")
    mine = await caller.call("102")
    one, other = await first.rings(), await second.rings()
    await one.refuse(486)
    await caller.hears_nothing(2.0)
    await other.answer()
    mine.acknowledge(await caller.response(200))
    await other.hang_up()
    await mine.is_hung_up()


async def test_all_refuse_and_the_best_refusal_is_handed_on(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("102")
    mine = await caller.call("102")
    one, other = await first.rings(), await second.rings()
    await one.refuse(500)
    await other.refuse(486)
    mine.acknowledge_refusal(await caller.response(486))


async def test_a_603_stops_the_search_everywhere(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("102")
    mine = await caller.call("102")
    one, other = await first.rings(), await second.rings()
    other.reply(180)
    await caller.response(180)
    await one.refuse(603)
    await other.is_cancelled()
    mine.acknowledge_refusal(await caller.response(603))


async def test_a_group_rings_all_its_phones(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("104"), office.phone("105")
    mine = await caller.call("610")
    one, other = await first.rings(), await second.rings()
    other.reply(180)
    await caller.response(180)
    await one.answer()
    mine.acknowledge(await caller.response(200))
    await other.is_cancelled()
    await mine.hang_up()
    await one.is_hung_up()


async def test_a_line_of_phones_is_tried_one_after_the_other_and_then_takes_a_message(office: Office) -> None:
    caller, first, second = office.phone("101"), office.phone("104"), office.phone("105")
    mine = await caller.call("611")
    one = await first.rings()
    one.reply(180)
    await caller.response(180)
    await second.hears_nothing(5.0)
    await one.is_cancelled(within=10.0)
    other = await second.rings()
    await other.refuse(486)
    mine.acknowledge(await caller.response(200))
    assert office.calls[0].state == "voicemail:104"
    await mine.hang_up()


@pytest.mark.parametrize(
    ("field", "status"), [("on_busy", 486), ("on_busy", 600), ("on_no_answer", 480), ("on_no_answer", 603)]
)
async def test_a_call_that_was_not_taken_goes_where_its_phone_says(office: Office, field: str, status: int) -> None:
    office.change_phone("102", **{field: "phone:103"})
    caller, callee, other = office.phone("101"), office.phone("102"), office.phone("103")
    mine = await caller.call("102")
    await (await callee.rings()).refuse(status)
    theirs = await other.rings()
    await theirs.refuse(404)
    mine.acknowledge_refusal(await caller.response(404))


async def test_a_phone_that_is_not_registered_sends_its_calls_elsewhere(office: Office) -> None:
    office.change_phone("102", on_unreachable="voicemail:102")
    caller = office.phone("101")
    mine = await caller.call("102")
    mine.acknowledge(await caller.response(200))
    assert office.calls[0].state == "voicemail:102"
    await mine.hang_up()


async def test_two_phones_that_forward_to_each_other_end_in_482(office: Office) -> None:
    office.change_phone("102", on_busy="phone:103")
    office.change_phone("103", on_busy="phone:102")
    caller, first, second = office.phone("101"), office.phone("102"), office.phone("103")
    mine = await caller.call("102")
    for turn in range(20):
        phone = (first, second)[turn % 2]
        await (await phone.rings()).refuse(486)
    mine.acknowledge_refusal(await caller.response(482))


async def test_a_contact_that_cannot_be_reached_at_all_fails_at_once_and_leaves_the_phone_free(office: Office) -> None:
    caller = office.phone("101")
    office.bind("102", "sip:102@127.0.0.1:6999;transport=tcp", Peer("tcp", "127.0.0.1", 6999))
    mine = await caller.call("102")
    mine.acknowledge_refusal(await caller.response(503))
    assert not office.exchange.is_busy("102")


async def test_a_contact_that_cannot_be_reached_does_not_keep_the_other_from_ringing(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    office.bind("102", "sip:102@127.0.0.1:6999;transport=tcp", Peer("tcp", "127.0.0.1", 6999))
    mine = await caller.call("102")
    theirs = await callee.rings()
    await theirs.answer()
    mine.acknowledge(await caller.response(200))
    await mine.hang_up()
    await theirs.is_hung_up()


async def test_no_ports_for_the_caller_is_503(office: Office) -> None:
    office.media.out_of_ports = True
    caller = office.phone("101")
    mine = await caller.call("900")
    refused = await caller.response(503)
    assert refused.headers.get("Retry-After")
    mine.acknowledge_refusal(refused)


async def test_no_ports_for_the_callee_is_503(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    mine = await caller.call("500")
    mine.acknowledge(await caller.response(200))
    office.media.out_of_ports = True
    office.media.press("n-1-1", "102")
    await callee.hears_nothing(2.0)
    await mine.is_hung_up()


async def test_the_caller_hangs_up_while_the_ports_of_several_phones_are_being_taken(office: Office) -> None:
    office.media.latency = 0.5
    caller = office.phone("101")
    phones = [office.phone("102") for _ in range(3)]
    mine = await caller.call("102")
    await caller.hears_nothing(0.8)
    mine.cancel()
    await caller.response(200, "CANCEL")
    mine.acknowledge_refusal(await caller.response(487))
    for phone in phones:
        await phone.hears_nothing(2.0)


async def test_a_phone_is_busy_for_queues_while_it_rings_or_talks(office: Office) -> None:
    caller, callee = office.phone("106"), office.phone("107")
    mine = await caller.call("107")
    theirs = await callee.rings()
    assert office.exchange.is_busy("106")
    assert office.exchange.is_busy("107")
    await theirs.refuse(486)
    mine.acknowledge_refusal(await caller.response(486))
    assert not office.exchange.is_busy("107")


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        ([], 480),
        ([486], 486),
        ([500, 486, 404], 486),
        ([404, 401], 401),
        ([503, 503], 503),
        ([404, 603], 603),
        ([603, 604], 603),
        ([302, 404], 302),
        ([480, 404], 480),
    ],
)
def test_the_best_response(statuses: list[int], best: int) -> None:
    assert best_response(statuses) == best


@given(st.lists(st.integers(300, 699), min_size=1))
def test_the_best_response_is_one_that_came(statuses: list[int]) -> None:
    best = best_response(statuses)
    assert best in statuses
    assert best >= 600 or best // 100 == min(status // 100 for status in statuses)
