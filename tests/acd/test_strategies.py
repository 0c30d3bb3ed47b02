"""The seven strategies by their names."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd import events
from acd.agent import Agent
from acd.errors import SettingsError
from acd.queue import STRATEGIES, Member, QueueSettings
from acd.strategy import (
    LeastHandled,
    LeastOccupied,
    LongestIdle,
    Priority,
    Random,
    RingAll,
    RoundRobin,
    Sequential,
)
from tests.acd.office import Office, offered, withdrawn

FOUR = ["101", "102", "103", "104"]


def office_of(strategy: str, **chosen: object) -> Office:
    return Office(QueueSettings("support", agents=FOUR, strategy=strategy, wrap_up=0, **chosen))  # type: ignore[arg-type]


def test_there_are_seven_strategies() -> None:
    assert STRATEGIES == (
        "ring_all",
        "round_robin",
        "least_busy",
        "longest_idle",
        "random",
        "sequential",
        "priority",
    )


@pytest.mark.parametrize(
    "strategy", [RingAll, RoundRobin, LeastOccupied, LeastHandled, LongestIdle, Random, Sequential, Priority]
)
def test_every_strategy_publishes_its_key(strategy: type) -> None:
    assert (strategy.__doc__ or "").startswith("Key: ")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_brings_every_caller_to_an_agent(strategy: str) -> None:
    office = office_of(strategy)
    for number in range(12):
        office.serve(f"c{number}")
    assert office.queue()["answered"] == 12


def test_an_unknown_strategy_is_a_mistake_that_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="'rrmemory'; there are ring_all, round_robin"):
        QueueSettings("support", strategy="rrmemory")


def test_ring_all_rings_everybody_who_is_free_and_the_first_to_answer_wins() -> None:
    office = office_of("ring_all")
    office.tell(events.AgentBusy("102", True))
    assert offered(office.call("c1")) == ["101", "103", "104"]
    assert withdrawn(office.answer("104")) == [("101", "answered_elsewhere"), ("103", "answered_elsewhere")]


def test_ring_all_rings_who_becomes_free_as_well() -> None:
    office = office_of("ring_all")
    office.tell(events.AgentBusy("102", True))
    office.call("c1")
    assert offered(office.tell(events.AgentBusy("102", False))) == ["102"]


def test_ring_all_gives_the_losers_of_a_race_to_the_next_caller() -> None:
    office = office_of("ring_all")
    office.call("c1")
    assert offered(office.call("c2")) == []
    assert offered(office.answer("101")) == ["102", "103", "104"]


def test_ring_all_rings_everybody_again_after_the_rest() -> None:
    office = office_of("ring_all")
    office.call("c1")
    assert offered(office.wait(15)) == []
    assert offered(office.wait(5)) == FOUR


def test_ring_all_rings_only_the_lowest_tier_that_has_somebody() -> None:
    members = [Member("101", tier=1), Member("102", tier=1), Member("103", tier=2)]
    office = Office(QueueSettings("support", agents=members, strategy="ring_all", retry_delay=60))
    assert offered(office.call("c1")) == ["101", "102"]
    assert offered(office.wait(15)) == ["103"]


def test_round_robin_goes_round() -> None:
    office = office_of("round_robin")
    assert [office.serve(f"c{number}")[0] for number in range(6)] == [*FOUR, "101", "102"]


def test_round_robin_moves_on_by_an_offer_that_was_not_answered() -> None:
    office = office_of("round_robin", retry_delay=1)
    office.call("c1")
    office.tell(events.CallerLeft("c1"))
    assert offered(office.call("c2")) == ["102"]


@settings(max_examples=40, deadline=None)
@given(talks=st.lists(st.sampled_from([1.0, 3.0, 10.0, 31.0]), min_size=8, max_size=60))
def test_round_robin_is_fair_nobody_gets_two_more_calls_than_another(talks: list[float]) -> None:
    office = office_of("round_robin")
    shares = Counter(dict.fromkeys(FOUR, 0))
    for number, talk in enumerate(talks):
        shares[office.serve(f"c{number}", talk=talk)[0]] += 1
        assert max(shares.values()) - min(shares.values()) <= 1


@settings(max_examples=30, deadline=None)
@given(arrivals=st.lists(st.sampled_from([0.0, 1.0, 5.0, 20.0]), min_size=20, max_size=80))
def test_round_robin_offers_whoever_of_the_free_was_offered_least_recently(arrivals: list[float]) -> None:
    office = office_of("round_robin", ring_timeout=7, retry_delay=2)
    last = dict.fromkeys(FOUR, 0)
    for number, gap in enumerate(arrivals, 1):
        office.wait(gap)
        for caller in office.line():
            office.tell(events.CallerLeft(caller))
        free = [agent for agent in FOUR if office.agent(agent)["state"] == "idle"]
        before = {agent: office.engine._floor.seats[agent].posts["support"].offered for agent in FOUR}
        assert before.keys() == last.keys()
        rung = offered(office.call(f"c{number}"))
        assert rung == ([min(free, key=lambda agent: (before[agent], agent))] if free else [])


def test_longest_idle_takes_whose_last_call_ended_first() -> None:
    office = office_of("longest_idle")
    for number in range(4):
        office.call(f"c{number}")
    for agent in FOUR:
        office.answer(agent)
    for agent in ("103", "101", "104", "102"):
        office.wait(1)
        office.hang_up(agent)
    assert [office.serve(f"d{number}")[0] for number in range(4)] == ["103", "101", "104", "102"]


def test_longest_idle_counts_calls_of_every_queue() -> None:
    support = QueueSettings("support", agents=["101", "102"], strategy="longest_idle", wrap_up=0)
    sales = QueueSettings("sales", agents=["101"], wrap_up=0)
    office = Office(support, sales)
    office.wait(1)
    office.serve("c1", "sales")
    assert offered(office.call("c2")) == ["102"]


def test_least_busy_takes_the_lowest_occupancy_of_the_last_hour() -> None:
    office = Office(QueueSettings("support", agents=["101", "102"], strategy="least_busy", wrap_up=0))
    office.wait(400)
    assert office.serve("c1", talk=300) == ["101"]
    assert office.serve("c2", talk=100) == ["102"]
    assert office.serve("c3", talk=100) == ["102"]
    office.wait(3600)
    assert office.serve("c4", talk=10) == ["101"]


def test_least_busy_by_calls_takes_the_fewest_handled_today() -> None:
    office = office_of("least_busy", measure="calls")
    office.serve("c1", talk=1000)
    assert [office.serve(f"d{number}", talk=1)[0] for number in range(4)] == ["102", "103", "104", "101"]


def test_least_busy_by_talk_time_takes_the_least_talk_today() -> None:
    office = office_of("least_busy", measure="talk_time")
    for number, talk in enumerate([100, 50, 70, 60]):
        office.serve(f"c{number}", talk=talk)
    assert [office.serve(f"d{number}", talk=30)[0] for number in range(4)] == ["102", "104", "103", "102"]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [((1, 1, 1, 1), (0.25, 0.25, 0.25, 0.25)), ((1, 2, 3, 4), (0.1, 0.2, 0.3, 0.4))],
)
def test_random_shares_calls_out_by_weight(weights: tuple[int, ...], shares: tuple[float, ...]) -> None:
    members = [Member(agent, weight=weight) for agent, weight in zip(FOUR, weights, strict=True)]
    office = Office(QueueSettings("support", agents=members, strategy="random", wrap_up=0))
    rung = Counter(office.serve(f"c{number}")[0] for number in range(4000))
    for agent, share in zip(FOUR, shares, strict=True):
        assert abs(rung[agent] / 4000 - share) < 0.03


def test_random_choices_do_not_depend_on_the_choice_before() -> None:
    office = office_of("random")
    rung = [office.serve(f"c{number}")[0] for number in range(4000)]
    repeats = sum(one == next_one for one, next_one in pairwise(rung)) / len(rung)
    assert abs(repeats - 0.25) < 0.03


def test_random_stays_fair_when_some_callers_cannot_have_everybody() -> None:
    skilled = frozenset({"billing"})
    agents = [Agent("101"), Agent("102"), Agent("103", skilled), Agent("104", skilled)]
    office = Office(QueueSettings("support", agents=FOUR, strategy="random", wrap_up=0), agents=agents)
    shares: Counter[str] = Counter()
    for number in range(4000):
        if number % 2:
            rung = offered(office.call(f"c{number}", requires=("billing",)))
        else:
            rung = offered(office.call(f"c{number}"))
            shares[rung[0]] += 1
        office.answer(rung[0])
        office.hang_up(rung[0])
    for agent in FOUR:
        assert abs(shares[agent] / 2000 - 0.25) < 0.04


def test_sequential_always_starts_from_the_top() -> None:
    office = office_of("sequential")
    assert [office.serve(f"c{number}")[0] for number in range(3)] == ["101", "101", "101"]


def test_sequential_remembers_for_each_caller_who_was_tried() -> None:
    office = office_of("sequential", retry_delay=1)
    assert offered(office.call("c1")) == ["101"]
    assert offered(office.wait(15)) == ["102"]
    assert offered(office.wait(15)) == ["103"]
    assert offered(office.call("c2")) == ["101"]


def test_priority_takes_a_lower_tier_first() -> None:
    members = [Member("101", tier=2), Member("102", tier=1), Member("103", tier=2)]
    office = Office(QueueSettings("support", agents=members, strategy="priority", wrap_up=0))
    assert [office.serve(f"c{number}")[0] for number in range(2)] == ["102", "102"]
    office.tell(events.AgentPaused("102"))
    assert [office.serve(f"d{number}")[0] for number in range(3)] == ["101", "103", "101"]


def test_priority_uses_the_strategy_named_inside_a_tier() -> None:
    members = [Member("101", tier=1), Member("102", tier=1)]
    office = Office(QueueSettings("support", agents=members, strategy="priority", within="sequential", wrap_up=0))
    assert [office.serve(f"c{number}")[0] for number in range(2)] == ["101", "101"]


TIERS = QueueSettings(
    "support", agents=[Member("101", 1), Member("102", 2), Member("103", 3)], strategy="priority", tier_wait=20
)


def test_a_tier_opens_by_the_time_waited() -> None:
    office = Office(TIERS)
    office.tell(events.AgentBusy("101", True))
    assert offered(office.call("c1")) == []
    assert offered(office.wait(19)) == []
    assert offered(office.wait(1)) == ["102"]


def test_a_tier_opens_at_once_when_the_one_before_has_nobody_at_work() -> None:
    office = Office(TIERS)
    office.tell(events.AgentBusy("101", True))
    office.call("c1")
    assert offered(office.tell(events.AgentLoggedOut("101"))) == ["102"]


def test_a_third_tier_opens_after_twice_the_time() -> None:
    office = Office(TIERS)
    office.tell(events.AgentBusy("101", True))
    office.tell(events.AgentBusy("102", True))
    office.call("c1")
    assert offered(office.wait(39)) == []
    assert offered(office.wait(1)) == ["103"]


def test_an_agent_of_a_closed_tier_goes_to_a_later_caller_to_whom_it_is_open() -> None:
    office = Office(TIERS, reachable=False)
    office.tell(events.AgentReachable("101", True))
    office.tell(events.AgentBusy("101", True))
    office.call("c1")
    office.wait(20)
    office.call("c2", priority=5)
    assert office.line() == ["c2", "c1"]
    office.tell(events.AgentReachable("102", True))
    assert [offer.caller for offer in office.ringing.values()] == ["c1"]
