"""Edge cases 10 to 27: who is offered to whom."""

from collections import Counter

import pytest

from acd import events
from acd.agent import Agent
from acd.queue import Member, QueueSettings
from tests.acd.office import Office, gone, offered

BILLING = ("billing",)


def order_of(office: Office, calls: int, queue: str = "support") -> list[str]:
    """Who gets so many calls, one after the other."""
    return [office.serve(f"{queue}-{office.now}-{number}", queue)[0] for number in range(calls)]


def test_edge_10_between_equals_the_configured_order_decides() -> None:
    for strategy in ("round_robin", "longest_idle", "sequential", "least_busy"):
        office = Office(QueueSettings("support", agents=["103", "101", "102"], strategy=strategy))
        assert offered(office.call("c1")) == ["103"]


def test_edge_11_a_removed_member_does_not_disturb_the_round() -> None:
    queue = QueueSettings("support", agents=["101", "102", "103", "104"], wrap_up=0)
    office = Office(queue)
    assert order_of(office, 2) == ["101", "102"]
    shorter = QueueSettings("support", agents=["101", "103", "104"], wrap_up=0)
    office.tell(events.SettingsChanged((shorter,), tuple(office.agents)))
    assert order_of(office, 4) == ["103", "104", "101", "103"]


def test_edge_11_an_added_member_is_next_once_and_then_one_of_all() -> None:
    office = Office(QueueSettings("support", agents=["101", "102"], wrap_up=0), agents=[Agent("103")])
    assert order_of(office, 3) == ["101", "102", "101"]
    longer = QueueSettings("support", agents=["101", "102", "103"], wrap_up=0)
    office.tell(events.SettingsChanged((longer,), tuple(office.agents)))
    assert order_of(office, 4) == ["103", "102", "101", "103"]


def test_edge_11_a_paused_member_is_skipped_and_keeps_his_turn() -> None:
    office = Office(QueueSettings("support", agents=["101", "102", "103"], wrap_up=0))
    office.tell(events.AgentPaused("102"))
    assert order_of(office, 3) == ["101", "103", "101"]
    office.tell(events.AgentUnpaused("102"))
    assert order_of(office, 3) == ["102", "103", "101"]


def test_edge_12_offers_of_another_queue_do_not_move_the_round() -> None:
    support = QueueSettings("support", agents=["101", "102", "103"], wrap_up=0)
    sales = QueueSettings("sales", agents=["101"], wrap_up=0)
    office = Office(support, sales)
    assert order_of(office, 1) == ["101"]
    assert order_of(office, 5, "sales") == ["101"] * 5
    assert order_of(office, 3) == ["102", "103", "101"]


def test_edge_13_a_miss_moves_the_longest_idle_behind_his_peers() -> None:
    office = Office(QueueSettings("support", agents=["101", "102", "103"], strategy="longest_idle", retry_delay=1))
    office.call("c1")
    assert offered(office.wait(15)) == ["102"]
    assert offered(office.wait(15)) == ["103"]
    assert offered(office.wait(15)) == ["101"]


def test_edge_14_a_newcomer_starts_at_the_fewest_calls_and_not_at_none() -> None:
    queue = QueueSettings("support", agents=["101", "102", "103"], strategy="least_busy", measure="calls", wrap_up=0)
    office = Office(queue, agents=[Agent("103", logged_in=False)])
    order_of(office, 10)
    office.tell(events.AgentLoggedIn("103"))
    assert Counter(order_of(office, 9)) == {"101": 3, "102": 3, "103": 3}


@pytest.mark.parametrize("measure", ["occupancy", "talk_time"])
def test_edge_14_a_newcomer_starts_at_the_median_of_the_others(measure: str) -> None:
    queue = QueueSettings("support", agents=["101", "102", "103"], strategy="least_busy", measure=measure, wrap_up=0)
    office = Office(queue, agents=[Agent("103", logged_in=False)])
    for number in range(20):
        office.serve(f"c{number}", talk=30.0)
    office.tell(events.AgentLoggedIn("103"))
    office.wait(60)
    shares = Counter(office.serve(f"d{number}", talk=30.0)[0] for number in range(12))
    assert shares["103"] <= 6


def test_edge_15_a_break_resets_nothing() -> None:
    queue = QueueSettings("support", agents=["101", "102"], strategy="least_busy", measure="calls", wrap_up=0)
    office = Office(queue)
    office.tell(events.AgentPaused("102"))
    assert order_of(office, 3) == ["101"] * 3
    office.tell(events.AgentLoggedOut("101"))
    office.tell(events.AgentLoggedIn("101"))
    office.tell(events.AgentUnpaused("102"))
    assert office.agent("101")["answered_today"] == 3
    assert order_of(office, 4) == ["102", "102", "102", "101"]


def test_edge_15_a_new_day_starts_from_nothing() -> None:
    queue = QueueSettings("support", agents=["101", "102"], strategy="least_busy", measure="calls", wrap_up=0)
    office = Office(queue)
    office.tell(events.AgentPaused("102"))
    order_of(office, 3)
    office.tell(events.AgentUnpaused("102"))
    office.tell(events.DayStarted())
    assert sorted(order_of(office, 2)) == ["101", "102"]


def test_edge_16_more_than_a_thousand_members() -> None:
    agents = [str(1000 + number) for number in range(1200)]
    office = Office(QueueSettings("support", agents=agents, wrap_up=0), careful=False)
    assert order_of(office, 3) == ["1000", "1001", "1002"]
    rung = [agent for number in range(1200) for agent in offered(office.call(f"d{number}"))]
    assert rung[:2] == ["1003", "1004"]
    assert len(set(rung)) == 1200
    office.engine.check_invariants()


def test_edge_17_weight_nothing_is_offered_only_when_nobody_with_a_weight_is_free() -> None:
    members = [Member("101", weight=0), Member("102", weight=1), Member("103", weight=3)]
    office = Office(QueueSettings("support", agents=members, strategy="random", wrap_up=0))
    assert "101" not in order_of(office, 50)
    office.tell(events.AgentPaused("102"))
    office.tell(events.AgentPaused("103"))
    assert order_of(office, 2) == ["101", "101"]


def test_edge_18_a_tier_of_agents_who_never_answer_does_not_hold_the_caller() -> None:
    members = [Member("101", tier=1), Member("102", tier=1), Member("103", tier=2)]
    for tier_wait in (None, 600.0):
        queue = QueueSettings("support", agents=members, strategy="priority", tier_wait=tier_wait, retry_delay=1)
        office = Office(queue)
        assert offered(office.call("c1")) == ["101"]
        assert offered(office.wait(15)) == ["102"]
        assert offered(office.wait(15)) == ["103"]


def test_edge_19_a_head_caller_without_an_able_agent_does_not_block_those_behind() -> None:
    office = Office(
        QueueSettings("support", agents=["101", "102"]),
        agents=[Agent("101"), Agent("102", frozenset({"romanian"}))],
    )
    assert offered(office.call("head", requires=BILLING)) == []
    assert offered(office.call("next")) == ["101"]
    assert offered(office.call("third", requires=("romanian",))) == ["102"]
    assert office.line() == ["head", "next", "third"]


def test_edge_19_a_freed_agent_goes_to_the_first_caller_he_can_serve() -> None:
    office = Office(QueueSettings("support", agents=["101"]), agents=[Agent("101", logged_in=False)])
    office.call("head", requires=BILLING)
    office.call("next")
    office.tell(events.AgentLoggedIn("101"))
    assert [offer.caller for offer in office.ringing.values()] == ["next"]


JOINS: list[tuple[int, int | None, int]] = [
    (0, None, 1),
    (0, None, 2),
    (1, None, 1),
    (1, None, 2),
    (2, None, 1),
    (0, 5, 5),
    (0, 200, 7),
    (0, 1, 4),
    (8, 3, 1),
    (1, 7, 5),
    (1, 4, 4),
]


@pytest.mark.parametrize("priority_age", [None, 60.0])
def test_edge_20_callers_are_inserted_as_the_table_says(priority_age: float | None) -> None:
    settings = QueueSettings("support", max_length=len(JOINS), on_full="phone:110", priority_age=priority_age)
    office = Office(settings)
    for number, (priority, position, expected) in enumerate(JOINS, 1):
        office.call(f"c{number}", priority=priority, position=position)
        assert office.line().index(f"c{number}") + 1 == expected
    assert office.line() == [f"c{number}" for number in (9, 5, 3, 11, 4, 10, 8, 1, 6, 2, 7)]
    assert gone(office.call("c12", priority=2, position=5)) == [("c12", "full", "phone:110")]


def test_edge_20_callers_are_served_in_the_order_they_stand() -> None:
    office = Office(QueueSettings("support", agents=["101"], wrap_up=0), reachable=False)
    for number, (priority, position, _) in enumerate(JOINS, 1):
        office.call(f"c{number}", priority=priority, position=position)
    stand = office.line()
    office.tell(events.AgentReachable("101", True))
    for caller in stand:
        assert [offer.caller for offer in office.ringing.values()] == [caller]
        office.answer("101")
        office.hang_up("101")


def test_edge_20_any_number_of_callers_may_ask_for_the_same_place() -> None:
    office = Office(QueueSettings("support"))
    for number in range(200):
        office.call(f"c{number}", position=2)
    assert office.line() == ["c0", *(f"c{number}" for number in range(199, 0, -1))]


def served_one_by_one(office: Office, agent: str = "101") -> list[str]:
    """Everybody in the line, in the order in which the agent gets them."""
    office.tell(events.AgentReachable(agent, True))
    served = []
    while office.ringing:
        served += [offer.caller for offer in office.ringing.values()]
        office.answer(agent)
        office.hang_up(agent)
    return served


def test_edge_21_a_point_of_priority_is_worth_a_minute_of_wait_and_no_more() -> None:
    office = Office(QueueSettings("support", ["101"], wrap_up=0, priority_age=60.0), reachable=False)
    office.call("old")
    office.wait(59)
    office.call("vip", priority=1)
    office.wait(2)
    office.call("late vip", priority=1)
    office.call("late", priority=0)
    assert office.line() == ["vip", "old", "late vip", "late"]
    assert served_one_by_one(office) == ["vip", "old", "late vip", "late"]


def test_edge_21_nobody_is_overtaken_for_longer_than_the_greatest_priority_is_worth() -> None:
    """Callers of priority 3 come all the time; who has none is served when they are 3 minutes younger than he."""
    office = Office(QueueSettings("support", ["101"], wrap_up=0, priority_age=60.0), reachable=False)
    office.call("patient")
    for number in range(100):
        office.wait(10)
        office.call(f"vip{number}", priority=3)
    assert office.line().index("patient") == 17


def test_edge_21_strict_priority_knows_no_bound() -> None:
    office = Office(QueueSettings("support"))
    office.call("patient")
    for number in range(100):
        office.wait(10)
        office.call(f"vip{number}", priority=1)
    assert office.line()[-1] == "patient"


def test_edge_21_an_asked_position_is_kept_where_priorities_age() -> None:
    office = Office(QueueSettings("support", priority_age=60.0))
    office.call("old")
    office.wait(300)
    office.call("vip", priority=2)
    office.call("asks", priority=1, position=1)
    office.call("asks too", priority=1, position=1)
    assert office.line() == ["old", "vip", "asks too", "asks"]


def test_edge_21_a_reload_orders_the_callers_by_the_new_rule() -> None:
    office = Office(QueueSettings("support"))
    for number in range(3):
        office.call(f"c{number}")
        office.wait(100)
    office.call("vip", priority=1)
    assert office.line() == ["vip", "c0", "c1", "c2"]
    office.tell(events.SettingsChanged((QueueSettings("support", priority_age=150.0),)))
    assert office.line() == ["c0", "c1", "vip", "c2"]
    office.tell(events.SettingsChanged((QueueSettings("support"),)))
    assert office.line() == ["vip", "c0", "c1", "c2"]


def test_edge_22_over_queues_of_equal_weight_the_longest_waiting_is_first_and_then_who_came_first() -> None:
    queues = [QueueSettings(name, agents=["101"], wrap_up=0) for name in ("support", "sales")]
    office = Office(*queues, reachable=False)
    office.call("c1", "sales")
    office.call("c2", "support")
    office.wait(1)
    office.call("c3", "sales")
    office.tell(events.AgentReachable("101", True))
    served = []
    while office.ringing:
        served += [offer.caller for offer in office.ringing.values()]
        office.answer("101")
        office.hang_up("101")
    assert served == ["c1", "c2", "c3"]


def test_edge_23_a_heavier_queue_comes_first_but_reserves_nobody_it_cannot_use() -> None:
    heavy = QueueSettings("vip", agents=["101"], weight=10, wrap_up=0)
    light = QueueSettings("support", agents=["101"], wrap_up=0)
    office = Office(heavy, light, reachable=False)
    office.call("c1", "support")
    office.call("unable", "vip", requires=BILLING)
    office.call("c2", "vip")
    office.tell(events.AgentReachable("101", True))
    assert [offer.caller for offer in office.ringing.values()] == ["c2"]
    office.answer("101")
    office.hang_up("101")
    assert [offer.caller for offer in office.ringing.values()] == ["c1"]


def test_edge_24_who_joins_at_the_head_is_served_next() -> None:
    office = Office(QueueSettings("support", agents=["101"]), reachable=False)
    office.call("c1")
    office.wait(100)
    office.call("c2", position=1)
    office.tell(events.AgentReachable("101", True))
    assert [offer.caller for offer in office.ringing.values()] == ["c2"]


@pytest.mark.parametrize("strategy", ["round_robin", "longest_idle", "sequential", "least_busy", "random", "priority"])
def test_edge_25_who_rejected_a_caller_is_not_offered_him_again_while_others_are_free(strategy: str) -> None:
    office = Office(QueueSettings("support", agents=["101", "102", "103"], strategy=strategy, retry_delay=1))
    rung = offered(office.call("c1"))
    for _ in range(2):
        orders = office.reject(rung[-1])
        rung += offered(orders)
        office.wait(2)
    assert sorted(rung) == ["101", "102", "103"]


def test_edge_25_who_rejected_a_caller_is_offered_him_again_when_nobody_else_is_free() -> None:
    office = Office(QueueSettings("support", agents=["101", "102"], retry_delay=5))
    office.tell(events.AgentBusy("102", True))
    office.call("c1")
    office.reject("101")
    assert offered(office.wait(4)) == []
    assert offered(office.wait(1)) == ["101"]


def test_edge_26_progressive_adds_one_agent_every_n_seconds_while_the_first_keeps_ringing() -> None:
    office = Office(QueueSettings("support", agents=["101", "102", "103"], progressive=4, ring_timeout=20))
    assert offered(office.call("c1")) == ["101"]
    assert offered(office.wait(4)) == ["102"]
    assert office.rung() == {"101", "102"}
    assert offered(office.wait(4)) == ["103"]
    office.answer("101")
    assert office.rung() == set()


def test_edge_26_a_progressive_ring_all_starts_with_one() -> None:
    queue = QueueSettings("support", agents=["101", "102", "103"], strategy="ring_all", progressive=4)
    office = Office(queue)
    assert offered(office.call("c1")) == ["101"]
    assert offered(office.wait(8)) == ["102", "103"]


def test_a_widened_caller_comes_before_those_who_joined_later() -> None:
    office = Office(QueueSettings("support", agents=["101", "102"], progressive=4), reachable=False)
    office.tell(events.AgentReachable("101", True))
    office.call("c1")
    office.call("c2")
    office.wait(4)
    office.tell(events.AgentReachable("102", True))
    assert [offer.caller for offer in office.ringing.values()] == ["c1", "c1"]


def test_a_returning_caller_takes_his_old_place() -> None:
    office = Office(QueueSettings("support", agents=["101"]), reachable=False)
    office.call("c1")
    office.wait(10)
    office.call("c2")
    office.tell(events.CallerMoved("c1", "menu:main"))
    office.wait(10)
    office.call("c1", since=0.0)
    assert office.line() == ["c1", "c2"]
    assert office.queue()["longest_wait"] == 20.0
