"""Callers who are called back when it is their turn, who hear something else meanwhile, and who come from a talk."""

from acd import events
from acd.commands import Connect, LeaveQueue, Offer
from acd.queue import Member, QueueSettings

from .office import Office, connected, gone, offered

AGENTS = ("101", "102")


def support(**more: object) -> QueueSettings:
    more = {"agents": AGENTS, "strategy": "sequential", "ring_timeout": 900, "wrap_up": 0} | more
    return QueueSettings("support", **more)  # type: ignore[arg-type]


def full_house(callers: int = 4, **more: object) -> Office:
    """Both agents talk, and c1, c2 ... wait."""
    office = Office(support(**more))
    for agent in AGENTS:
        office.call(f"talks to {agent}")
        office.answer(agent)
    for number in range(1, callers + 1):
        office.wait(1)
        office.call(f"c{number}", customer=f"+43{number}")
    return office


def test_edge_41_who_hears_a_menu_keeps_his_place_and_is_not_rung_for() -> None:
    office = full_house(3)
    office.tell(events.CallerSteppedOut("c1"))
    office.hang_up("101")
    assert office.rung() == {"101"}
    assert [offer.caller for offer in office.ringing.values()] == ["c2"]
    assert office.line() == ["c1", "c2", "c3"]
    office.tell(events.CallerSteppedBack("c1"))
    assert office.line() == ["c1", "c2", "c3"]
    office.hang_up("102")
    assert {offer.caller for offer in office.ringing.values()} == {"c1", "c2"}


def test_edge_41_stepping_out_stops_what_rings_and_stepping_back_rings_again() -> None:
    office = Office(support())
    office.call("c1")
    office.tell(events.CallerSteppedOut("c1"))
    assert office.rung() == set()
    assert office.wait(60) == []
    assert offered(office.tell(events.CallerSteppedBack("c1"))) == ["101"]
    assert office.agent("101")["outcomes"] == {"caller_gone": 1}


def test_edge_41_a_maximum_wait_that_ended_meanwhile_counts_when_he_is_back() -> None:
    office = full_house(1, max_wait=30, on_timeout="phone:9")
    office.tell(events.CallerSteppedOut("c1"))
    assert gone(office.wait(60)) == []
    office.tell(events.CallerSteppedBack("c1"))
    assert gone(office.wait(0)) == [("c1", "timeout", "phone:9")]


def test_edge_41_who_hangs_up_in_the_menu_has_abandoned() -> None:
    office = full_house(1)
    office.tell(events.CallerSteppedOut("c1"))
    office.tell(events.CallerLeft("c1"))
    assert (office.line(), office.queue()["abandoned"]) == ([], 1)


def test_edge_46_a_caller_handed_on_to_a_queue_ends_the_talk_and_waits_there() -> None:
    other = QueueSettings("other", ["103"], wrap_up=0)
    office = Office(support(agents=["101"], wrap_up=10), other)
    office.call("c1")
    office.wait(3)
    office.answer("101")
    office.wait(50)
    assert offered(office.call("c1", "other")) == ["103"]
    assert office.agent("101")["state"] == "wrap_up"
    assert (office.agent("101")["talk_today"], office.agent("101")["answered_today"]) == (50.0, 1)
    office.wait(7)
    (connect,) = (order for order in office.answer("103") if isinstance(order, Connect))
    assert connect.wait == 7.0
    office.wait(20)
    office.hang_up("103")
    assert office.agent("103")["talk_today"] == 20.0
    assert [office.queue(name)["answered"] for name in ("support", "other")] == [1, 1]


def test_edge_45_a_transfer_ends_the_agents_talk_at_the_transfer() -> None:
    office = Office(support(agents=["101"]))
    office.call("c1")
    office.answer("101")
    office.wait(40)
    office.hang_up("101")  # the caller talks on with somebody else
    office.wait(500)
    assert office.agent("101")["talk_today"] == 40.0
    assert office.agent("101")["state"] == "idle"
    office.tell(events.CallerLeft("c1"))
    assert office.queue()["abandoned"] == 0


def test_edge_51_a_callback_keeps_its_place_and_overtakes_nobody() -> None:
    office = full_house(4)
    office.tell(events.CallbackAccepted("c2", "+432"))
    office.tell(events.CallerLeft("c2"))
    office.wait(100)
    office.call("c5")
    assert office.line() == ["c1", "c2", "c3", "c4", "c5"]
    served = []
    for _ in range(5):
        office.hang_up("101")
        served += [offer.caller for offer in office.ringing.values()]
        office.answer("101")
    assert served == ["c1", "c2", "c3", "c4", "c5"]
    assert (office.queue()["abandoned"], office.queue()["callbacks"], office.queue()["answered"]) == (0, 1, 7)


def test_edge_51_the_agent_is_rung_first_and_told_which_number_to_call() -> None:
    office = full_house(1)
    office.tell(events.CallbackAccepted("c1", "+43 1 2345"))
    (offer,) = (order for order in office.hang_up("101") if isinstance(order, Offer))
    assert (offer.caller, offer.callback) == ("c1", "+43 1 2345")
    (connect,) = (order for order in office.answer("101") if isinstance(order, Connect))
    assert connect.callback == "+43 1 2345"
    office.wait(60)
    office.hang_up("101")
    assert office.agent("101")["talk_today"] == 61.0


def test_edge_52_one_attempt_at_a_time_even_where_all_ring() -> None:
    office = full_house(1, strategy="ring_all")
    office.tell(events.CallbackAccepted("c1", "+431"))
    office.hang_up("101")
    office.hang_up("102")
    assert len(office.ringing) == 1
    office.answer("101")
    office.wait(600)
    assert not office.ringing


def test_edge_52_who_does_not_answer_is_tried_again_later_and_not_for_ever() -> None:
    office = full_house(2, callback_attempts=2, callback_delay=300)
    office.tell(events.CallbackAccepted("c1", "+431"))
    office.hang_up("101")
    office.answer("101")
    office.wait(20)
    office.tell(events.CallbackFailed("c1"))
    assert [offer.caller for offer in office.ringing.values()] == ["c2"]
    assert office.line() == ["c1", "c2"]
    office.answer("101")
    office.hang_up("101")
    assert offered(office.wait(299)) == []
    assert offered(office.wait(1)) == ["101"]
    office.answer("101")
    assert gone(office.tell(events.CallbackFailed("c1"))) == [("c1", "callback_failed", None)]
    queue = office.queue()
    assert (queue["offered"], queue["answered"], queue["flow_outs"]) == (4, 3, {"callback_failed": 1})
    assert office.agent("101")["state"] == "idle"


def test_edge_53_who_calls_himself_has_the_place_of_his_callback() -> None:
    office = full_house(3)
    office.tell(events.CallbackAccepted("c1", "+431"))
    office.wait(50)
    orders = office.call("again", customer="+431")
    assert LeaveQueue("c1", "support", "merged", None) in orders
    assert office.line() == ["again", "c2", "c3"]
    office.hang_up("101")
    assert connected(office.answer("101")) == [("again", "101")]
    assert "c1" not in office.engine._floor.callers


def test_edge_53_the_ringing_for_his_callback_goes_on_for_him() -> None:
    office = full_house(2)
    office.tell(events.CallbackAccepted("c1", "+431"))
    office.hang_up("101")
    office.call("again", customer="+431")
    assert [(offer.caller, offer.agent) for offer in office.ringing.values()] == [("again", "101")]


def test_edge_53_a_callback_can_be_cancelled() -> None:
    office = full_house(2)
    office.tell(events.CallbackAccepted("c1", "+431"))
    assert gone(office.tell(events.CallbackCancelled("c1"))) == [("c1", "callback_cancelled", None)]
    assert gone(office.tell(events.CallbackCancelled("c2"))) == []
    assert office.line() == ["c2"]


def test_edge_55_no_more_callbacks_are_made_than_agents_are_free() -> None:
    office = full_house(5)
    for number in range(1, 6):
        office.tell(events.CallbackAccepted(f"c{number}", f"+43{number}"))
    office.hang_up("101")
    office.hang_up("102")
    assert len(office.ringing) == 2
    office.answer("101")
    office.answer("102")
    assert not office.ringing


def test_a_callback_does_not_time_out_and_does_not_leave_an_empty_queue() -> None:
    nobody = ("logged_out", "paused", "unreachable")
    office = full_house(2, max_wait=60, leave_empty=nobody)
    office.tell(events.CallbackAccepted("c1", "+431"))
    for agent in AGENTS:
        office.hang_up(agent)
        office.tell(events.AgentLoggedOut(agent))
    office.wait(3600)
    assert office.line() == ["c1"]
    office.tell(events.AgentLoggedIn("102"))
    assert office.rung() == {"102"}


def test_a_callback_survives_a_reload() -> None:
    office = full_house(2)
    office.tell(events.CallbackAccepted("c1", "+431"))
    changed = support(agents=[Member("101"), Member("102")], strategy="ring_all")
    office.tell(events.SettingsChanged((changed,), tuple(office.agents)))
    office.hang_up("101")
    office.hang_up("102")
    assert sum(offer.caller == "c1" for offer in office.ringing.values()) == 1
