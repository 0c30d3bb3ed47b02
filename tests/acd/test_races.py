"""Edge cases 1 to 9: two things at once."""

from acd import events
from acd.commands import Connect, Offer, Withdraw
from acd.queue import QueueSettings
from tests.acd.office import Office, connected, gone, offered, withdrawn

RING_ALL = QueueSettings("support", agents=["101", "102", "103"], strategy="ring_all")
ROUND = QueueSettings("support", agents=["101", "102", "103"], strategy="round_robin")


def test_edge_01_of_two_answers_in_one_tick_one_is_connected_and_the_other_is_hung_up_on() -> None:
    office = Office(RING_ALL)
    office.call("c1")
    second = office.lease("102")
    orders = office.answer("103")
    assert connected(orders) == [("c1", "103")]
    assert withdrawn(orders) == [("101", "answered_elsewhere"), ("102", "answered_elsewhere")]
    late = office.tell(events.OfferAnswered(second))
    assert late == [Withdraw(second, "answered_elsewhere", "102", "c1")]


def test_edge_01_a_lost_race_is_no_miss() -> None:
    office = Office(RING_ALL)
    office.call("c1")
    office.answer("103")
    assert office.agent("101")["outcomes"] == {"lost_race": 1}
    assert office.agent("101")["state"] == "idle"
    assert offered(office.call("c2")) == ["101", "102"]


def test_edge_02_an_answer_that_crosses_the_withdrawal_gets_the_withdrawal_again() -> None:
    office = Office(ROUND)
    office.call("c1")
    lease = office.lease("101")
    orders = office.wait(15)
    assert withdrawn(orders) == [("101", "timeout")]
    assert office.tell(events.OfferAnswered(lease)) == [Withdraw(lease, "timeout", "101", "c1")]
    assert office.rung() == {"102"}


def test_edge_03_a_caller_who_hangs_up_takes_all_his_offers_with_him() -> None:
    office = Office(RING_ALL)
    office.call("c1")
    orders = office.tell(events.CallerLeft("c1"))
    assert withdrawn(orders) == [(agent, "caller_gone") for agent in ("101", "102", "103")]
    assert office.queue()["waiting"] == 0
    assert all(office.agent(agent)["outcomes"] == {"caller_gone": 1} for agent in ("101", "102", "103"))
    assert offered(office.call("c2")) == ["101", "102", "103"]


def test_edge_04_an_agent_who_pauses_while_ringing_is_let_go_and_the_next_one_rings_at_once() -> None:
    office = Office(ROUND)
    office.call("c1")
    orders = office.tell(events.AgentPaused("101", "lunch"))
    assert withdrawn(orders) == [("101", "agent_gone")]
    assert offered(orders) == ["102"]
    assert office.agent("101")["outcomes"] == {"withdrawn": 1}


def test_edge_04_an_agent_who_logs_out_while_ringing_is_let_go() -> None:
    office = Office(ROUND)
    office.call("c1")
    assert offered(office.tell(events.AgentLoggedOut("101"))) == ["102"]


def test_edge_04_pausing_and_coming_back_again_and_again_makes_no_fast_loop() -> None:
    office = Office(QueueSettings("support", agents=["101"], retry_delay=5))
    office.call("c1")
    orders = []
    for _ in range(100):
        orders += office.tell(events.AgentPaused("101"))
        orders += office.tell(events.AgentUnpaused("101"))
    assert offered(orders) == []
    assert offered(office.wait(5)) == ["101"]


def test_edge_04_a_phone_that_refuses_at_once_is_not_rung_in_a_tight_circle() -> None:
    office = Office(QueueSettings("support", agents=["101"], retry_delay=0))
    office.call("c1")
    offers = 0
    for _ in range(50):
        if office.ringing:
            office.reject("101")
            offers += 1
        office.wait(0.1)
    assert offers <= 5


def test_edge_05_an_agent_of_two_queues_has_one_offer_at_most() -> None:
    office = Office(QueueSettings("support", agents=["101"]), QueueSettings("sales", agents=["101"]))
    assert offered(office.call("c1", "support")) == ["101"]
    assert offered(office.call("c2", "sales")) == []
    office.reject("101")
    assert len(office.ringing) == 0
    assert offered(office.wait(5)) == ["101"]


def test_edge_06_an_agent_who_is_gone_before_the_bridge_leaves_the_caller_in_his_place() -> None:
    office = Office(ROUND)
    office.tell(events.AgentPaused("102"))
    office.tell(events.AgentPaused("103"))
    office.call("c1")
    office.call("c2")
    lease = office.lease("101")
    office.answer("101")
    assert office.queue()["answered"] == 1
    office.tell(events.ConnectFailed(lease))
    assert office.line() == ["c1", "c2"]
    assert office.queue()["answered"] == 0
    assert office.queue()["offers"] == {"answered": 0, "rejected": 1}
    assert office.agent("101")["state"] == "resting"
    back = office.tell(events.AgentUnpaused("102"))
    assert [(order.caller, order.agent) for order in back if isinstance(order, Offer)] == [("c1", "102")]
    assert office.agent("102")["outcomes"] == {}


def test_edge_06_a_failed_connection_goes_to_another_agent_at_once() -> None:
    office = Office(ROUND)
    office.call("c1")
    lease = office.lease("101")
    office.answer("101")
    assert offered(office.tell(events.ConnectFailed(lease))) == ["102"]


def test_edge_06_a_maximum_wait_that_ended_during_a_failed_connection_still_counts() -> None:
    office = Office(QueueSettings("support", agents=["101"], max_wait=10, on_timeout="phone:110"))
    office.call("c1")
    lease = office.lease("101")
    office.wait(9)
    office.answer("101")
    office.wait(2)
    office.tell(events.ConnectFailed(lease))
    assert gone(office.wait(0)) == [("c1", "timeout", "phone:110")]


def test_edge_07_a_talk_whose_end_was_lost_is_ended_by_whoever_notices() -> None:
    office = Office(ROUND)
    office.call("c1")
    office.answer("101")
    office.tell(events.AgentReachable("101", False))
    assert office.agent("101")["state"] == "on_call"
    office.hang_up("101")
    assert office.agent("101")["state"] == "wrap_up"
    office.wait(10)
    assert office.agent("101")["state"] == "unreachable"


def test_edge_07_the_caller_hanging_up_also_ends_the_talk() -> None:
    office = Office(ROUND)
    office.call("c1")
    office.answer("101")
    office.tell(events.CallerLeft("c1"))
    assert office.agent("101")["state"] == "wrap_up"
    assert office.queue()["abandoned"] == 0
    assert office.queue()["answered"] == 1


def test_edge_08_an_agent_whose_registration_goes_while_ringing_is_let_go() -> None:
    office = Office(ROUND)
    office.call("c1")
    orders = office.tell(events.AgentReachable("101", False))
    assert withdrawn(orders) == [("101", "agent_gone")]
    assert offered(orders) == ["102"]
    assert office.agent("101")["outcomes"] == {"unreachable": 1}


def test_edge_08_an_agent_who_comes_within_reach_is_offered_the_waiting_caller() -> None:
    office = Office(ROUND, reachable=False)
    assert offered(office.call("c1")) == []
    assert offered(office.tell(events.AgentReachable("102", True))) == ["102"]


def test_edge_09_the_same_answer_twice_is_one_connection() -> None:
    office = Office(ROUND)
    office.call("c1")
    lease = office.lease("101")
    assert [type(order) for order in office.tell(events.OfferAnswered(lease))][:1] == [Connect]
    assert office.tell(events.OfferAnswered(lease)) == []
    assert office.queue()["answered"] == 1


def test_edge_09_the_same_caller_joining_twice_waits_once() -> None:
    office = Office(ROUND)
    office.call("c1")
    assert office.call("c1") == []
    assert office.queue()["offered"] == 1


def test_an_agent_on_another_call_is_not_offered_any() -> None:
    office = Office(ROUND)
    office.tell(events.AgentBusy("101", True))
    assert offered(office.call("c1")) == ["102"]


def test_an_agent_who_starts_another_call_while_ringing_is_let_go() -> None:
    office = Office(ROUND)
    office.call("c1")
    orders = office.tell(events.AgentBusy("101", True))
    assert withdrawn(orders) == [("101", "agent_gone")]
    assert offered(orders) == ["102"]
    assert office.agent("101")["outcomes"] == {"busy": 1}


def test_facts_about_strangers_are_ignored() -> None:
    office = Office(ROUND)
    strangers: list[events.Event] = [
        events.CallerLeft("nobody"),
        events.CallerMoved("nobody", "menu:main"),
        events.AgentPaused("999"),
        events.AgentUnpaused("999"),
        events.AgentLoggedIn("999"),
        events.AgentBusy("999", True),
        events.AgentReachable("999", True),
        events.OfferAnswered(77),
        events.OfferRejected(77),
        events.ConnectFailed(77),
        events.ContactEnded("101", "nobody"),
        events.WrapUpEnded("101"),
        events.WrapUpExtended("101", 5),
    ]
    assert [office.tell(fact) for fact in strangers] == [[]] * len(strangers)


def test_the_end_of_another_callers_talk_does_not_free_the_agent() -> None:
    office = Office(ROUND)
    office.call("c1")
    office.answer("101")
    office.tell(events.ContactEnded("101", "c0"))
    assert office.agent("101")["state"] == "on_call"


def test_two_hundred_callers_and_fifty_agents_in_the_same_millisecond() -> None:
    agents = [str(100 + number) for number in range(50)]
    office = Office(QueueSettings("support", agents=agents, wrap_up=0))
    for number in range(200):
        office.call(f"c{number}")
    served: list[str] = []
    while office.ringing or office.talks:
        for lease in list(office.ringing):
            served += [caller for caller, _ in connected(office.tell(events.OfferAnswered(lease)))]
        for agent in list(office.talks):
            office.hang_up(agent)
    assert served == [f"c{number}" for number in range(200)]
    assert office.queue()["answered"] == 200
