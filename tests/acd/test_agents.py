"""Status is what an agent chose, state is what is observed of him."""

from acd import events
from acd.agent import Agent
from acd.queue import QueueSettings
from tests.acd.office import Office, offered

SUPPORT = QueueSettings("support", agents=["101", "102"])


def seen(office: Office) -> tuple[object, object]:
    agent = office.agent("101")
    return agent["status"], agent["state"]


def test_an_agent_goes_through_all_states() -> None:
    office = Office(SUPPORT, reachable=False)
    assert seen(office) == ("available", "unreachable")
    office.tell(events.AgentReachable("101", True))
    assert seen(office) == ("available", "idle")
    office.tell(events.AgentBusy("101", True))
    assert seen(office) == ("available", "busy")
    office.tell(events.AgentBusy("101", False))
    office.call("c1")
    assert seen(office) == ("available", "offered")
    office.tell(events.OfferRinging(office.lease("101")))
    office.wait(15)
    assert seen(office) == ("available", "resting")
    office.wait(5)
    assert seen(office) == ("available", "offered")
    office.answer("101")
    assert seen(office) == ("available", "on_call")
    office.hang_up("101")
    assert seen(office) == ("available", "wrap_up")


def test_status_and_state_change_apart() -> None:
    office = Office(SUPPORT)
    office.call("c1")
    office.answer("101")
    office.tell(events.AgentPaused("101", "lunch"))
    assert seen(office) == ("paused", "on_call")
    office.hang_up("101")
    assert seen(office) == ("paused", "wrap_up")
    office.wait(10)
    assert seen(office) == ("paused", "idle")
    office.tell(events.AgentReachable("101", False))
    assert seen(office) == ("paused", "unreachable")


def test_since_when_the_state_is_what_it_is_is_known() -> None:
    office = Office(SUPPORT)
    office.wait(7)
    office.call("c1")
    office.wait(3)
    office.tell(events.OfferRinging(office.lease("101")))
    assert office.agent("101")["since"] == 7.0


def test_a_pause_carries_its_reason_and_can_change_it() -> None:
    office = Office(SUPPORT)
    office.tell(events.AgentPaused("101", "lunch"))
    office.tell(events.AgentPaused("101", "training"))
    assert office.agent("101")["pause_reason"] == "training"
    office.tell(events.AgentUnpaused("101"))
    assert office.agent("101")["pause_reason"] == ""


def test_a_logged_out_agent_can_neither_pause_nor_come_back_from_a_pause() -> None:
    office = Office(SUPPORT, agents=[Agent("101", logged_in=False)])
    office.tell(events.AgentPaused("101"))
    office.tell(events.AgentUnpaused("101"))
    assert seen(office) == ("logged_out", "idle")
    assert offered(office.call("c1")) == ["102"]
    office.tell(events.AgentLoggedIn("101"))
    assert offered(office.call("c2")) == ["101"]


def test_logging_in_twice_disturbs_nothing() -> None:
    office = Office(SUPPORT)
    office.call("c1")
    assert office.tell(events.AgentLoggedIn("101")) == []
    assert office.rung() == {"101"}


def test_an_agent_who_logs_out_while_talking_finishes_the_talk() -> None:
    office = Office(SUPPORT)
    office.call("c1")
    office.answer("101")
    assert office.tell(events.AgentLoggedOut("101")) == []
    assert seen(office) == ("logged_out", "on_call")
    office.hang_up("101")
    office.wait(10)
    assert offered(office.call("c2")) == ["102"]
    assert offered(office.call("c3")) == []


def test_members_not_named_among_the_agents_are_plain_agents() -> None:
    office = Office(QueueSettings("support", agents=["109"]))
    assert office.agent("109")["status"] == "available"


def test_an_agent_in_no_queue_is_known_and_never_offered_anything() -> None:
    office = Office(SUPPORT, agents=[Agent("110")])
    assert office.agent("110")["queues"] == []
    assert "110" not in offered(office.call("c1"))


def test_the_snapshot_shows_who_rings_for_whom() -> None:
    office = Office(SUPPORT)
    office.call("c1", priority=3)
    office.wait(4)
    callers = office.queue()["callers"]
    assert callers == [
        {
            "caller": "c1",
            "position": 1,
            "priority": 3,
            "need": "",
            "callback": None,
            "away": False,
            "wait": 4.0,
            "ringing": ["101"],
        }
    ]
    assert office.agent("101")["caller"] == "c1"
    assert office.queue()["free"] == 1
    assert office.queue()["at_work"] == 2
