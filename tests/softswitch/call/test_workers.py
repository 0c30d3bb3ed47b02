"""Several media workers: the legs of a call and the members of a room are together, and a dead worker is alone."""

from functools import partial
from typing import cast

import pytest

from media.client import MediaClient
from softswitch.call.pool import combine
from softswitch.records import events as fact
from softswitch.sip.message import Request
from softswitch.sip.sdp import Sdp
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone, sdp, talk
from tests.softswitch.fake_media import FakeMedia

FIRST_PORT = 30000
"""Of the second worker."""


@pytest.fixture
async def second(office: Office) -> FakeMedia:
    """Another worker beside that of the office."""
    worker = FakeMedia(lambda event: office.exchange.hear_media(event, 2))
    worker._next_port = FIRST_PORT
    office.exchange.media.put(2, cast(MediaClient, worker))
    return worker


def check(office: Office, second: FakeMedia) -> None:
    assert second.complaints == office.media.complaints == []


async def dial(phone: Phone, called: str) -> Line:
    line = await phone.call(called)
    line.acknowledge(await phone.answer())
    return line


def port_of(body: bytes) -> int:
    return Sdp.parse(body).media[0].port


async def test_calls_go_to_the_worker_with_the_fewest_legs_and_each_has_both_legs_there(
    office: Office, second: FakeMedia
) -> None:
    one, other = await talk(office.phone("101"), office.phone("102"))
    third, fourth = await talk(office.phone("103"), office.phone("104"))
    echo = await dial(office.phone("105"), "900")
    assert set(office.media.legs) == {"n-1-1", "n-1-2", "n-3-1"}
    assert set(second.legs) == {"n-2-1", "n-2-2"}
    assert second.in_room("n-2") == {"n-2-1", "n-2-2"}
    again = await dial(office.phone("106"), "900")
    assert set(second.legs) == {"n-2-1", "n-2-2", "n-4-1"}
    for line, partner in ((one, other), (third, fourth)):
        await line.hang_up()
        await partner.is_hung_up()
    await echo.hang_up()
    await again.hang_up()
    check(office, second)


async def test_a_worker_that_dies_takes_its_own_calls_and_no_others(office: Office, second: FakeMedia) -> None:
    one, other = await talk(office.phone("101"), office.phone("102"))
    third, fourth = await talk(office.phone("103"), office.phone("104"))
    second.die()
    await third.is_hung_up()
    await fourth.is_hung_up()
    assert (await office.record(2)).cause == "media_lost"
    assert set(office.media.legs) == {"n-1-1", "n-1-2"}
    echo = await dial(third.phone, "900")
    assert set(office.media.legs) == {"n-1-1", "n-1-2", "n-3-1"}, "new calls go where there is somebody"
    fresh = FakeMedia(partial(office.exchange.hear_media, worker=2))
    office.exchange.media.put(2, cast(MediaClient, fresh))
    more = await dial(office.phone("106"), "900")
    assert set(fresh.legs) == {"n-4-1"}
    for line in (echo, more, one):
        await line.hang_up()
    await other.is_hung_up()
    assert (await office.record(1)).cause == "bye"


async def test_a_room_is_on_one_worker_and_who_was_not_answered_yet_notices_nothing(
    office: Office, second: FakeMedia
) -> None:
    first = await dial(office.phone("101"), "700")
    caller = office.phone("102")
    other = await caller.call("700")
    answer = await caller.answer()
    other.acknowledge(answer)
    await caller.hears_nothing(0.5)
    assert office.media.in_room("conference:lobby") == {"n-1-1", "n-2-1"}
    assert not second.legs
    assert port_of(answer.body) == office.leg(2, 1).port
    await other.hang_up()
    await first.hang_up()
    check(office, second)


async def enter_secret(office: Office, worker: FakeMedia, call: int) -> None:
    worker.press(f"n-{call}-1", "42")
    await office.phone("110", registered=False).hears_nothing(0.1)


async def with_pin(office: Office, second: FakeMedia) -> tuple[Line, Line]:
    """Two who are answered on different workers, and are asked for the number of the room; the first is in."""
    first, other = await dial(office.phone("101"), "701"), await dial(office.phone("102"), "701")
    await enter_secret(office, office.media, 1)
    assert set(second.legs) == {"n-2-1"}
    await enter_secret(office, second, 2)
    return first, other


async def test_who_was_answered_is_told_of_his_new_ports_by_a_reinvite(office: Office, second: FakeMedia) -> None:
    first, other = await with_pin(office, second)
    offered = await other.phone.request("INVITE")
    assert port_of(offered.body) == office.leg(2, 1).port
    assert office.media.in_room("conference:secret") == {"n-1-1"}
    other.reply(200, sdp(4010), to=offered)
    await other.phone.request("ACK")
    await other.phone.hears_nothing(0.1)
    assert office.media.in_room("conference:secret") == {"n-1-1", "n-2-1"}
    assert office.leg(2, 1).remote == ("127.0.0.1", 4010)
    assert not second.legs
    assert office.last(fact.LegMoved, 2).quality["packets_received"] == 1
    await other.hang_up()
    await first.hang_up()
    check(office, second)


async def test_who_refuses_the_new_ports_is_not_in_the_room(office: Office, second: FakeMedia) -> None:
    first, other = await with_pin(office, second)
    offered = await other.phone.request("INVITE")
    other.reply(488, to=offered)
    await other.phone.request("ACK")
    await other.phone.hears_nothing(0.1)
    assert office.media.in_room("conference:secret") == {"n-1-1"}
    assert set(second.legs) == {"n-2-1"}, "where he hears that he is not welcome"
    await other.is_hung_up(within=10.0)
    await first.hang_up()
    check(office, second)


async def test_who_hangs_up_while_he_is_moved_leaves_nothing_behind(office: Office, second: FakeMedia) -> None:
    first, other = await with_pin(office, second)
    offered = await other.phone.request("INVITE")
    other.send("BYE")
    replies = {(await other.phone.next()).start_line.split()[1] for _ in range(1)}
    assert replies == {"200"}
    other.reply(487, to=offered)
    await other.phone.request("ACK")
    await other.phone.hears_nothing(0.5)
    assert set(office.media.legs) == {"n-1-1"}
    assert not second.legs
    await first.hang_up()
    check(office, second)


async def test_a_worker_that_dies_while_a_leg_goes_there_ends_the_call(office: Office, second: FakeMedia) -> None:
    _, other = await with_pin(office, second)
    offered = await other.phone.request("INVITE")
    office.media.die()
    other.reply(200, sdp(4010), to=offered)
    messages = [await other.phone.next() for _ in range(2)]
    assert [one.method for one in messages if isinstance(one, Request)] == ["ACK", "BYE"]
    assert isinstance(messages[1], Request)
    other.reply(200, to=messages[1])
    assert (await office.record(2)).cause == "media_lost"
    assert not second.legs


async def test_a_supervisor_goes_where_the_call_is(office: Office, second: FakeMedia) -> None:
    mine, theirs = await talk(office.phone("102"), office.phone("101"))
    boss = office.phone("107")
    line = await boss.call("*21101")
    answer = await boss.answer()
    line.acknowledge(answer)
    await boss.hears_nothing(0.1)
    assert office.media.in_room("n-1") == {"n-1-1", "n-1-2", "n-2-1"}
    assert port_of(answer.body) == office.leg(2, 1).port
    assert not second.legs
    await line.hang_up()
    await mine.hang_up()
    await theirs.is_hung_up()
    check(office, second)


def report(**fields: object) -> dict[str, object]:
    quality = {"receiving": 1, "decoded": 1, "not_received": 0, "only_silence": 0, "loss_percent": 0.0,
               "jitter_p95_ms": 1.0, "mos_mean": 4.4, "mos_p5": 4.3}  # fmt: skip
    usual: dict[str, object] = {
        "backend": "uring", "reason": "", "pid": 7, "legs": 2, "rooms": 1, "recordings": 0, "relays": 2,
        "malformed": 0, "send_errors": 0, "cpu_seconds": 1.5, "ticks": 10, "late_ticks": 0, "skipped_ticks": 0,
        "tick_p99_ms": 1.0, "start_error_p99_ms": 0.5, "quality": quality,
    }  # fmt: skip
    return {**usual, **fields}


def test_the_figures_of_two_workers_are_sums_and_the_worst_of_both() -> None:
    worse = {"receiving": 3, "decoded": 0, "not_received": 1, "only_silence": 0, "loss_percent": 4.0,
             "jitter_p95_ms": 9.0, "mos_mean": 4.0, "mos_p5": 2.0}  # fmt: skip
    both = combine([report(), report(legs=5, tick_p99_ms=9.0, quality=worse)])
    assert (both["legs"], both["tick_p99_ms"], both["cpu_seconds"]) == (7, 9.0, 3.0)
    assert both["quality"] == {
        "receiving": 4, "decoded": 1, "not_received": 1, "only_silence": 0, "loss_percent": 3.0,
        "jitter_p95_ms": 9.0, "mos_mean": 4.1, "mos_p5": 2.0,
    }  # fmt: skip
    assert "error" not in both


def test_a_worker_that_does_not_answer_is_an_error_beside_the_figures_of_the_others() -> None:
    both = combine([report(), {"worker": 2, "error": "gone"}])
    assert (both["legs"], both["error"]) == (2, "gone")
    assert combine([]) == {"error": "there is no media worker"}
    nobody = dict.fromkeys(("loss_percent", "jitter_p95_ms", "mos_mean", "mos_p5"))
    quiet = {"receiving": 0, "decoded": 0, "not_received": 0, "only_silence": 0, **nobody}
    assert combine([report(quality=quiet), report(quality=quiet)])["quality"] == quiet
