"""Reserve groups that open and close by themselves, and callers who go elsewhere before it is too late."""

from collections.abc import Iterable

import pytest

from acd import events
from acd.commands import Command, ReserveClosed, ReserveOpened
from acd.errors import SettingsError
from acd.queue import Member, Overflow, QueueSettings, Reserve

from .office import Office, gone, offered

MEMBERS = [Member("101"), Member("201", tier=2), Member("202", tier=2)]


def support(*reserves: Reserve, **more: object) -> QueueSettings:
    more = {"agents": MEMBERS, "strategy": "sequential", "ring_timeout": 900, "wrap_up": 0} | more
    return QueueSettings("support", reserves=reserves, **more)  # type: ignore[arg-type]


def told(orders: Iterable[Command]) -> list[tuple[str, int]]:
    kinds = (ReserveOpened, ReserveClosed)
    return [(type(order).__name__, order.tier) for order in orders if isinstance(order, kinds)]


def test_a_reserve_is_offered_nobody_until_too_many_wait() -> None:
    office = Office(support(Reserve(2, length=3)))
    assert offered(office.call("c1")) == ["101"]
    assert offered(office.call("c2")) == []
    orders = office.call("c3")
    assert told(orders) == [("ReserveOpened", 2)]
    assert offered(orders) == ["201", "202"]
    assert office.queue()["reserves"] == [2]


def test_a_reserve_opens_when_somebody_has_waited_too_long() -> None:
    office = Office(support(Reserve(2, wait=30)))
    office.call("c1")
    office.answer("101")
    office.call("c2")
    assert offered(office.wait(29.9)) == []
    orders = office.wait(0.1)
    assert told(orders) == [("ReserveOpened", 2)]
    assert offered(orders) == ["201"]
    (opened,) = (order for order in orders if isinstance(order, ReserveOpened))
    assert (opened.queue, opened.waiting, opened.longest_wait) == ("support", 1, 30.0)


def test_a_reserve_closes_below_a_second_threshold_and_not_before_it_was_open_for_a_while() -> None:
    office = Office(support(Reserve(2, length=4, close_length=1, least=60)))
    for number in range(4):
        office.call(f"c{number}")
    assert office.queue()["reserves"] == [2]
    for number in (3, 2, 1):
        assert told(office.tell(events.CallerLeft(f"c{number}"))) == []
    assert told(office.wait(59.9)) == []
    assert told(office.wait(0.1)) == [("ReserveClosed", 2)]
    for number in (4, 5):
        assert told(office.call(f"c{number}")) == []
    assert told(office.call("c6")) == [("ReserveOpened", 2)]
    office.wait(100)
    assert told(office.tell(events.CallerLeft("c6"))) == told(office.tell(events.CallerLeft("c5"))) == []
    assert told(office.tell(events.CallerLeft("c4"))) == [("ReserveClosed", 2)]


def test_a_reserve_that_opened_for_a_long_wait_closes_when_nobody_has_waited_long() -> None:
    office = Office(support(Reserve(2, wait=30, close_wait=10, least=0), agents=[Member("201", tier=2)]))
    office.tell(events.AgentBusy("201", True))
    office.call("c1")
    office.wait(15)
    office.call("c2")
    office.wait(20)
    assert office.queue()["reserves"] == [2]
    assert told(office.tell(events.CallerLeft("c1"))) == []
    assert told(office.tell(events.CallerLeft("c2"))) == [("ReserveClosed", 2)]


def test_a_closed_reserve_keeps_its_talks_and_offers_but_gets_no_more() -> None:
    office = Office(support(Reserve(2, length=2, close_length=1, least=0)))
    office.call("c1")
    office.call("c2")
    office.answer("201")
    assert office.queue()["reserves"] == []
    assert office.talks["201"].caller == "c2"
    office.answer("101")
    assert offered(office.call("c3")) == []


def test_a_reserve_helps_beside_tiers_that_open_by_time() -> None:
    members = [Member("101"), Member("102", tier=2), Member("201", tier=9)]
    office = Office(support(Reserve(9, length=2), agents=members, tier_wait=60))
    office.call("c1")
    assert offered(office.call("c2")) == ["201"]
    assert offered(office.call("c3")) == []
    assert offered(office.wait(60)) == ["102"]


def test_an_open_reserve_rings_along_when_all_ring() -> None:
    office = Office(support(Reserve(2, length=2), strategy="ring_all"))
    assert offered(office.call("c1")) == ["101"]
    assert sorted(offered(office.call("c2"))) == ["201", "202"]


def test_a_tier_that_is_no_reserve_any_more_is_a_tier_like_others() -> None:
    office = Office(support(Reserve(2, length=5)))
    office.call("c1")
    office.call("c2")
    assert offered(office.tell(events.SettingsChanged((support(),), tuple(office.agents)))) == ["201"]


def test_a_reserve_that_is_open_stays_open_over_a_reload() -> None:
    office = Office(support(Reserve(2, length=2, close_length=1)))
    for number in range(4):
        office.call(f"c{number}")
    office.tell(events.SettingsChanged((support(Reserve(2, length=5, close_length=1)),), tuple(office.agents)))
    assert office.queue()["reserves"] == [2]


@pytest.mark.parametrize(
    "reserve",
    [Reserve(2), Reserve(2, length=3, close_length=3), Reserve(2, wait=3, close_wait=4), Reserve(2, wait=1, least=-1)],
)
def test_a_reserve_that_would_never_open_or_flutter_is_refused(reserve: Reserve) -> None:
    with pytest.raises(SettingsError):
        support(reserve)


def test_callers_overflow_by_the_length_of_the_queue() -> None:
    office = Office(support(overflows=[Overflow("queue:other", length=2)], agents=["101"]))
    assert gone(office.call("c1")) == gone(office.call("c2")) == []
    assert gone(office.call("c3")) == [("c3", "overflow", "queue:other")]
    assert (office.queue()["offered"], office.queue()["flow_outs"]) == (3, {"overflow": 1})


def test_callers_overflow_by_the_ratio_of_callers_to_agents_at_work() -> None:
    office = Office(support(overflows=[Overflow("queue:other", ratio=1.5)], agents=["101", "102"]))
    for number in range(3):
        assert gone(office.call(f"c{number}")) == []
    assert gone(office.call("c3")) == [("c3", "overflow", "queue:other")]
    office.tell(events.AgentPaused("102"))
    office.tell(events.AgentPaused("101"))
    for number in range(3):
        office.tell(events.CallerLeft(f"c{number}"))
    assert gone(office.call("c4")) == [("c4", "overflow", "queue:other")]


def test_callers_overflow_by_their_estimated_wait_once_it_is_known() -> None:
    office = Office(support(overflows=[Overflow("queue:other", estimated_wait=24)], agents=["101"]))
    for number in range(4):
        assert gone(office.call(f"c{number}")) == []
    for _ in range(3):
        office.wait(5)
        office.answer("101")
        office.wait(5)
        office.hang_up("101")
    assert gone(office.call("c4")) == []
    assert gone(office.call("c5")) == [("c5", "overflow", "queue:other")]


def test_callers_overflow_by_their_wait_but_not_while_somebody_rings() -> None:
    office = Office(support(overflows=[Overflow("queue:other", wait=30)], agents=["101"], ring_timeout=20))
    office.tell(events.AgentBusy("101", True))
    office.call("c1")
    office.wait(10)
    office.call("c2")
    office.wait(15)
    office.tell(events.AgentBusy("101", False))
    assert office.rung() == {"101"}
    assert gone(office.wait(14)) == []
    assert gone(office.wait(6)) == [("c2", "overflow", "queue:other"), ("c1", "overflow", "queue:other")]
    assert office.queue()["flow_outs"] == {"overflow": 2}


def test_who_is_answered_at_the_last_moment_does_not_overflow() -> None:
    office = Office(support(overflows=[Overflow("queue:other", wait=30)], agents=["101"]))
    office.call("c1")
    office.wait(35)
    office.answer("101")
    office.wait(60)
    assert office.left == {}


def test_edge_27_a_caller_who_overflows_for_ever_takes_no_more_memory() -> None:
    first = QueueSettings("first", ["101"], overflows=[Overflow("queue:second", wait=1)], on_timeout="queue:second")
    second = QueueSettings("second", ["101"], overflows=[Overflow("queue:first", wait=1)])
    office = Office(first, second, careful=False)
    office.tell(events.AgentBusy("101", True))
    sizes = []
    for number in range(2000):
        office.call("c1", ("first", "second")[number % 2], customer="+431")
        office.wait(1)
        sizes.append(size_of(office))
    assert len(office.left) == 1
    assert max(sizes[1000:]) <= max(sizes[:1000])
    assert max(sizes) < 1000


def size_of(office: Office) -> int:
    """Everything that the engine keeps in lists and books."""
    floor = office.engine._floor
    kept = len(floor.callers) + len(floor.leases) + len(floor.ended) + len(floor.alarms._heap) + len(floor.alarms)
    kept += len(floor.memory.talks) + len(floor.memory.places) + len(floor.seeking) + len(floor.sayings)
    for line in floor.lines.values():
        kept += len(line.waiting) + len(line._oldest) + sum(map(len, line.wanting.values()))
    return kept


def test_edge_27_a_caller_remembers_each_agent_he_tried_once() -> None:
    office = Office(support(agents=["101", "102"], ring_timeout=1, retry_delay=0), careful=False)
    office.call("c1")
    office.wait(1000)
    caller = office.engine._floor.callers["c1"]
    assert set(caller.tried) == {"101", "102"}
    assert sum(caller.tried.values()) > 500
    assert len(office.engine._floor.leases) <= 2
