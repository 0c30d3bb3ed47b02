"""Every choice says who was considered, by which key, and why the others were not chosen."""

from acd import events
from acd.agent import Agent
from acd.commands import Command, Explain
from acd.explain import Decision
from acd.queue import Member, QueueSettings
from tests.acd.office import Office, offered


def records(orders: list[Command]) -> list[Decision]:
    return [order.record for order in orders if isinstance(order, Explain)]


def verdicts(record: Decision) -> dict[str, str]:
    return {candidate.agent: candidate.verdict for candidate in record.candidates}


def test_a_choice_names_every_member_and_what_was_with_him() -> None:
    members = [f"10{number}" for number in range(1, 10)]
    agents = [Agent(name, frozenset({"billing"})) for name in members if name != "108"]
    queue = QueueSettings("support", agents=members, strategy="sequential")
    office = Office(queue, QueueSettings("sales", agents=["101", "103"]), agents=agents, explain=True)
    office.serve("c1", "sales")
    office.call("c2", "sales")
    office.tell(events.AgentPaused("102", "lunch"))
    office.tell(events.AgentLoggedOut("104"))
    office.tell(events.AgentReachable("105", False))
    office.tell(events.AgentBusy("106", True))
    record = records(office.call("c3", requires=("billing",)))[0]
    assert record.chosen == ("107",)
    assert record.strategy == "sequential"
    assert verdicts(record) == {
        "101": "wrap_up",
        "102": "paused: lunch",
        "103": "offered",
        "104": "logged_out",
        "105": "unreachable",
        "106": "busy",
        "107": "chosen",
        "108": "lacks billing",
        "109": "behind",
    }


def test_the_key_is_the_published_tuple() -> None:
    members = [Member("101", tier=2), Member("102", tier=1)]
    office = Office(QueueSettings("support", agents=members, strategy="round_robin", retry_delay=1), explain=True)
    first = records(office.call("c1"))[0]
    assert {candidate.agent: candidate.key for candidate in first.candidates} == {
        "101": (0, 2, 0, 0),
        "102": (0, 1, 0, 1),
    }
    office.reject("102")
    office.wait(1)
    second = records(office.reject("101"))[0]
    keys = {candidate.agent: candidate.key for candidate in second.candidates}
    assert keys == {"101": None, "102": (1, 1, 1, 1)}
    assert second.chosen == ("102",)


def test_a_caller_who_finds_nobody_is_explained_too() -> None:
    office = Office(QueueSettings("support", agents=["101"]), explain=True, reachable=False)
    record = records(office.call("c1"))[0]
    assert record.chosen == ()
    assert verdicts(record) == {"101": "unreachable"}


def test_a_tier_that_is_not_open_yet_is_said_so() -> None:
    members = [Member("101", tier=1), Member("102", tier=2)]
    office = Office(QueueSettings("support", agents=members, tier_wait=20), explain=True)
    office.tell(events.AgentBusy("101", True))
    assert verdicts(records(office.call("c1"))[0])["102"] == "tier not open"


def test_the_explanation_stands_before_the_offers_it_explains() -> None:
    office = Office(QueueSettings("support", agents=["101", "102"], strategy="ring_all"), explain=True)
    orders = office.call("c1")
    assert [type(order).__name__ for order in orders] == ["StartMusic", "Explain", "Offer", "Offer"]
    assert records(orders)[0].chosen == ("101", "102")
    assert offered(orders) == ["101", "102"]


def test_without_explain_nothing_is_explained_and_everything_else_is_the_same() -> None:
    queue = QueueSettings("support", agents=["101", "102"], strategy="random")
    loud, quiet = Office(queue, explain=True), Office(queue)
    for office in (loud, quiet):
        for number in range(10):
            office.serve(f"c{number}")
            office.wait(20)
    assert [order for order in loud.log if not isinstance(order, Explain)] == quiet.log
