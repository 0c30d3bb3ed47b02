"""Edge cases 56 to 60: new settings under running calls."""

from dataclasses import replace

import pytest

from acd import events
from acd.agent import Agent
from acd.errors import AcdError, SettingsError
from acd.queue import Member, QueueSettings
from tests.acd.office import Office, connected, gone, offered, withdrawn

THREE = QueueSettings("support", agents=["101", "102", "103"], wrap_up=10)


def change(office: Office, *queues: QueueSettings, **renamed: str) -> list[object]:
    """Give the office new queues and the same agents."""
    return list(office.tell(events.SettingsChanged(queues, tuple(office.agents), renamed)))


def test_edge_56_the_strategy_changes_with_callers_waiting_who_keep_their_places() -> None:
    office = Office(THREE, reachable=False)
    for number in range(3):
        office.call(f"c{number}")
    change(office, replace(THREE, strategy="ring_all"))
    assert office.line() == ["c0", "c1", "c2"]
    office.tell(events.AgentReachable("101", True))
    office.tell(events.AgentReachable("102", True))
    assert {offer.caller for offer in office.ringing.values()} == {"c0"}


@pytest.mark.parametrize("strategy", ["ring_all", "least_busy", "longest_idle", "random", "sequential", "priority"])
def test_edge_56_every_strategy_can_follow_every_other(strategy: str) -> None:
    office = Office(THREE)
    office.serve("c1")
    change(office, replace(THREE, strategy=strategy))
    office.serve("c2")
    change(office, THREE)
    assert office.serve("c3") == ["103"] or strategy in {"ring_all", "random"}


def test_edge_57_an_agent_removed_while_talking_talks_on_and_is_gone_afterwards() -> None:
    office = Office(THREE)
    office.call("c1")
    office.answer("101")
    rest = replace(THREE, agents=["102", "103"])
    office.tell(events.SettingsChanged((rest,), tuple(office.agents[1:])))
    assert office.agent("101")["state"] == "on_call"
    office.hang_up("101")
    assert "101" not in office.engine.snapshot()["agents"]
    assert office.queue()["answered"] == 1
    assert office.engine.next_deadline() is None


def test_edge_57_an_agent_removed_while_ringing_is_let_go_and_the_next_one_rings() -> None:
    office = Office(THREE)
    office.call("c1")
    rest = replace(THREE, agents=["102", "103"])
    orders = office.tell(events.SettingsChanged((rest,), tuple(office.agents[1:])))
    assert withdrawn(orders) == [("101", "agent_gone")]
    assert offered(orders) == ["102"]


def test_edge_57_an_agent_removed_from_one_queue_goes_on_ringing_for_another() -> None:
    sales = QueueSettings("sales", agents=["101"])
    office = Office(THREE, sales)
    office.call("c1", "sales")
    orders = change(office, replace(THREE, agents=["102"]), sales)
    assert orders == []
    assert office.rung() == {"101"}


def test_edge_57_an_agent_who_comes_back_before_his_talk_is_over_stays() -> None:
    office = Office(THREE)
    office.call("c1")
    office.answer("101")
    office.tell(events.SettingsChanged((replace(THREE, agents=["102"]),), (Agent("102"),)))
    change(office, THREE)
    office.hang_up("101")
    assert office.agent("101")["state"] == "wrap_up"


def test_edge_58_a_renamed_queue_is_the_same_queue() -> None:
    office = Office(THREE)
    office.serve("c0")
    office.call("c1")
    orders = change(office, replace(THREE, name="help"), support="help")
    assert orders == []
    assert office.line("help") == ["c1"]
    assert office.queue("help")["answered"] == 1
    assert connected(office.answer("102")) == [("c1", "102")]
    assert "support" not in office.engine.snapshot()["queues"]


def test_edge_58_two_queues_can_exchange_their_names() -> None:
    office = Office(THREE, QueueSettings("sales"), reachable=False)
    office.call("c1", "support")
    office.call("c2", "sales")
    change(office, replace(THREE, name="sales"), QueueSettings("support"), support="sales", sales="support")
    assert (office.line("sales"), office.line("support")) == (["c1"], ["c2"])


@pytest.mark.parametrize(
    "wrong",
    [
        events.SettingsChanged((THREE, THREE)),
        events.SettingsChanged((THREE,), (Agent("101"), Agent("101"))),
        events.SettingsChanged((THREE,), (), {"support": "help"}),
        events.SettingsChanged((THREE,), (), {"sales": "support"}),
        events.SettingsChanged((THREE,), (), {"support": "support", "sales": "support"}),
    ],
)
def test_edge_59_settings_that_do_not_fit_together_change_nothing(wrong: events.SettingsChanged) -> None:
    office = Office(THREE, QueueSettings("sales"))
    office.call("c1")
    before = office.engine.snapshot()
    with pytest.raises(SettingsError):
        office.engine.handle(wrong, 0.0)
    assert office.engine.snapshot() == before
    office.engine.check_invariants()


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "rrmemory"},
        {"within": "priority"},
        {"measure": "luck"},
        {"agents": ["101", "101"]},
        {"agents": [Member("101", weight=-1)]},
        {"agents": [Member("101", weight=float("nan"))]},
        {"ring_timeout": 0},
        {"ring_timeout": float("nan")},
        {"retry_delay": -1},
        {"wrap_up": -1},
        {"max_wait": -1},
        {"max_length": -1},
        {"progressive": 0},
        {"tier_wait": 0},
        {"announce_every": 0},
        {"periodic_every": 0},
        {"auto_pause": 0},
        {"join_empty": ["asleep"]},
        {"leave_empty": ["asleep"]},
    ],
)
def test_edge_59_settings_that_cannot_be_worked_with_do_not_come_into_being(wrong: dict[str, object]) -> None:
    with pytest.raises(AcdError, match="queue 'support': "):
        QueueSettings("support", **wrong)  # type: ignore[arg-type]


def test_edge_60_the_round_goes_on_after_a_reload() -> None:
    office = Office(replace(THREE, wrap_up=0))
    office.serve("c1")
    change(office, replace(THREE, wrap_up=0, ring_timeout=20))
    assert office.serve("c2") == ["102"]


def test_edge_60_wrap_up_and_statistics_and_status_survive_a_reload() -> None:
    office = Office(THREE)
    office.serve("c1")
    office.tell(events.AgentPaused("102", "lunch"))
    before = office.engine.snapshot()
    change(office, replace(THREE, ring_timeout=20))
    assert office.engine.snapshot() == before
    office.wait(10)
    assert office.agent("101")["state"] == "idle"


def test_edge_60_positions_offers_and_waits_survive_a_reload() -> None:
    queue = replace(THREE, agents=["101"], max_wait=60, one_more_chance=False, on_timeout="phone:110")
    office = Office(queue)
    office.call("c1")
    office.wait(10)
    office.call("c2")
    orders = change(office, replace(queue, ring_timeout=30))
    assert orders == []
    assert office.line() == ["c1", "c2"]
    assert withdrawn(office.wait(5)) == [("101", "timeout")]
    assert gone(office.wait(45)) == [("c1", "timeout", "phone:110")]


def test_a_shorter_maximum_wait_applies_to_those_who_wait_already() -> None:
    queue = replace(THREE, agents=[], max_wait=600)
    office = Office(queue)
    office.call("c1")
    office.wait(100)
    change(office, replace(queue, max_wait=60))
    assert gone(office.wait(0)) == [("c1", "timeout", None)]


def test_a_removed_queue_sends_its_callers_on() -> None:
    office = Office(replace(THREE, on_closed="menu:main"), QueueSettings("sales"))
    office.call("c1")
    orders = office.tell(events.SettingsChanged((QueueSettings("sales"),)))
    assert withdrawn(orders) == [("101", "caller_gone")]
    assert gone(orders) == [("c1", "closed", "menu:main")]


def test_a_connection_that_fails_after_its_queue_was_removed_sends_the_caller_on() -> None:
    office = Office(replace(THREE, on_closed="menu:main"))
    office.call("c1")
    lease = office.lease("101")
    office.answer("101")
    office.tell(events.SettingsChanged((), tuple(office.agents)))
    assert gone(office.tell(events.ConnectFailed(lease))) == [("c1", "closed", "menu:main")]


def test_a_new_queue_and_a_new_agent_work_at_once() -> None:
    office = Office(THREE)
    sales = QueueSettings("sales", agents=["104"])
    office.tell(events.SettingsChanged((THREE, sales), (*office.agents, Agent("104", reachable=True))))
    assert offered(office.call("c1", "sales")) == ["104"]


def test_new_members_are_offered_to_those_who_wait() -> None:
    office = Office(replace(THREE, agents=[]), agents=[Agent("101")])
    office.call("c1")
    assert offered(change(office, replace(THREE, agents=["101"]))) == ["101"]  # type: ignore[arg-type]
