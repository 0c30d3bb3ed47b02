"""What survives a restart: save, a new engine of the same settings, restore."""

import json
import random
from dataclasses import replace

import pytest

from acd import events
from acd.agent import PauseReason
from acd.commands import PauseOverdue
from acd.engine import Engine
from acd.queue import QueueSettings

from .office import Office, offered
from .test_random_offices import live, random_settings

AGENTS = ("101", "102", "103")
SUPPORT = QueueSettings("support", AGENTS, wrap_up=60)


def restarted(office: Office, away: float = 0.0) -> Office:
    """The same office after a restart that took so long; its clock begins at 0."""
    saved = json.loads(json.dumps(office.engine.save(office.now)))
    other = Office(*office.queues, agents=[replace(agent, reachable=True) for agent in office.agents])
    other.engine.restore(saved, away)
    other.engine.check_invariants()
    return other


def contact(office: Office, agent: str, caller: str, talk: float) -> None:
    office.call(caller)
    office.answer(agent)
    office.wait(talk)
    office.hang_up(agent)


def test_edge_60_status_break_and_its_reason_survive_a_restart() -> None:
    office = Office(SUPPORT)
    office.tell(events.AgentPaused("101", "lunch"))
    office.tell(events.AgentLoggedOut("102"))
    office.wait(100)
    after = restarted(office, away=20)
    assert (after.agent("101")["status"], after.agent("101")["pause_reason"]) == ("paused", "lunch")
    assert after.agent("101")["pause_seconds"] == {"lunch": 120.0}
    assert after.agent("102")["status"] == "logged_out"
    assert after.agent("103")["status"] == "available"


def test_edge_60_a_limit_of_a_break_counts_over_the_restart() -> None:
    office = Office(SUPPORT)
    office.tell(events.AgentPaused("101", "lunch"))
    office.wait(100)
    pauses = (PauseReason("lunch", 150),)
    engine = Engine([SUPPORT], office.agents, pauses=pauses)
    engine.restore(office.engine.save(office.now), 20.0)
    assert engine.next_deadline() == 30.0
    assert engine.handle_timer(30.0) == [PauseOverdue("101", "lunch", 150)]


def test_edge_60_a_wrap_up_goes_on_for_what_is_left_of_it() -> None:
    office = Office(SUPPORT)
    contact(office, "101", "c1", 5)
    office.wait(20)
    after = restarted(office, away=10)
    assert after.agent("101")["state"] == "wrap_up"
    assert offered(after.call("c2")) == ["102"]
    after.tell(events.CallerLeft("c2"))
    after.wait(30)
    assert after.agent("101")["state"] == "idle"
    assert restarted(office, away=50).agent("101")["state"] == "idle"


def test_edge_60_the_round_the_books_and_the_pace_go_on() -> None:
    office = Office(replace(SUPPORT, wrap_up=0))
    for number in range(4):
        contact(office, AGENTS[number % 3], f"c{number}", 5)
    after = restarted(office)
    assert offered(after.call("next")) == ["102"]
    queue = after.queue()
    assert (queue["offered"], queue["answered"], queue["offers"]) == (5, 4, {"answered": 4})
    assert after.agent("101")["answered_today"] == 2
    assert after.agent("101")["talk_today"] == 10.0


def test_edge_60_occupancy_and_idle_time_go_on() -> None:
    office = Office(QueueSettings("support", AGENTS, strategy="least_busy", wrap_up=0))
    for agent, talk in (("101", 400.0), ("102", 350.0), ("103", 300.0)):
        office.call(f"c{agent}")
        office.answer(agent)
        office.wait(talk)
        office.hang_up(agent)
    after = restarted(office, away=5)
    before = {agent: office.agent(agent)["occupancy"] for agent in AGENTS}
    assert {agent: after.agent(agent)["occupancy"] for agent in AGENTS} == pytest.approx(before)
    assert offered(after.call("next")) == offered(office.call("next"))


def test_edge_60_the_agent_whom_a_customer_talked_to_last_is_remembered() -> None:
    office = Office(replace(SUPPORT, last_agent=1000, wrap_up=0))
    office.call("c1", customer="+431", preferred=("103",))
    office.answer("103")
    office.hang_up("103")
    office.wait(100)
    assert offered(restarted(office, away=800).call("c2", customer="+431")) == ["103"]
    assert offered(restarted(office, away=901).call("c2", customer="+431")) == ["101"]


def test_edge_50_a_talk_ends_with_the_process_and_is_counted_until_then() -> None:
    office = Office(SUPPORT)
    office.call("c1")
    office.answer("101")
    office.wait(45)
    after = restarted(office, away=3)
    assert after.agent("101")["state"] == "idle"
    assert (after.agent("101")["answered_today"], after.agent("101")["talk_today"]) == (1, 45.0)
    assert after.queue()["answered"] == 1


def test_edge_50_who_waited_flows_out_with_the_reason_restart() -> None:
    office = Office(replace(SUPPORT, agents=["101"]))
    for number in range(3):
        office.call(f"c{number}")
    after = restarted(office)
    assert after.line() == []
    queue = after.queue()
    assert (queue["offered"], queue["flow_outs"], queue["waiting"]) == (3, {"restart": 3}, 0)


def test_what_is_no_more_is_left_out_and_what_is_new_begins_fresh() -> None:
    office = Office(SUPPORT, QueueSettings("sales", ["104"]))
    office.tell(events.AgentPaused("104"))
    contact(office, "101", "c1", 5)
    engine = Engine([replace(SUPPORT, agents=["101", "105"])], [])
    engine.restore(office.engine.save(office.now), 0.0)
    engine.check_invariants()
    snapshot = engine.snapshot()
    assert set(snapshot["agents"]) == {"101", "105"}
    assert snapshot["agents"]["101"]["answered_today"] == 1


@pytest.mark.parametrize("wrong", [{}, {"version": 99}, {"version": 1}, {"version": 1, "queues": {"support": {}}}])
def test_what_was_not_written_by_save_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Engine([SUPPORT]).restore(wrong, 0.0)


@pytest.mark.parametrize("seed", range(200, 220))
def test_any_office_can_be_saved_and_restored_at_any_moment(seed: int) -> None:
    office = live(seed, 100)
    saved = json.loads(json.dumps(office.engine.save(office.now)))
    assert json.loads(json.dumps(office.engine.save(office.now))) == saved
    last = next((e for e, _ in reversed(office.facts) if isinstance(e, events.SettingsChanged)), None)
    first = last or random_settings(random.Random(seed))
    engine = Engine(first.queues, first.agents, now=office.now, pauses=first.pauses)
    engine.restore(saved, 7.0)
    engine.check_invariants()
