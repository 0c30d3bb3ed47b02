"""What agents do: breaks with reasons and limits, misses by cause, and what became of a contact."""

from collections.abc import Iterable

import pytest

from acd import events
from acd.agent import PAUSE_REASONS, PauseReason
from acd.commands import Command, Disposed, PauseAgent, PauseOverdue, PauseRefused
from acd.errors import SettingsError
from acd.queue import QueueSettings

from .office import Office, offered

AGENTS = ("101", "102", "103")
PAUSES = (PauseReason("lunch", limit=1800, at_once=2), PauseReason("training"))


def office(*pauses: PauseReason, **more: object) -> Office:
    settings = QueueSettings("support", **({"agents": AGENTS, "wrap_up": 10} | more))  # type: ignore[arg-type]
    house = Office(settings)
    house.tell(events.SettingsChanged((settings,), tuple(house.agents), pauses=pauses))
    return house


def of_kind(orders: Iterable[Command], kind: type) -> list[Command]:
    return [order for order in orders if isinstance(order, kind)]


def test_a_break_of_which_enough_have_one_is_refused_and_nothing_changes() -> None:
    house = office(*PAUSES)
    house.tell(events.AgentPaused("101", "lunch"))
    house.tell(events.AgentPaused("102", "lunch"))
    assert house.tell(events.AgentPaused("103", "lunch")) == [PauseRefused("103", "lunch", ("101", "102"))]
    assert house.agent("103")["status"] == "available"
    assert house.tell(events.AgentPaused("101", "lunch")) == []
    house.tell(events.AgentUnpaused("101"))
    assert house.tell(events.AgentPaused("103", "lunch")) == []
    assert house.agent("103")["pause_reason"] == "lunch"


def test_an_agent_who_is_refused_another_break_keeps_the_one_he_has() -> None:
    house = office(*PAUSES)
    for agent, reason in (("101", "lunch"), ("102", "lunch"), ("103", "training")):
        house.tell(events.AgentPaused(agent, reason))
    house.tell(events.AgentPaused("103", "lunch"))
    assert house.agent("103")["pause_reason"] == "training"


def test_a_break_that_is_too_long_is_told_once() -> None:
    house = office(*PAUSES)
    house.tell(events.AgentPaused("101", "lunch"))
    house.tell(events.AgentPaused("102", "training"))
    assert house.wait(1799) == []
    assert house.wait(1) == [PauseOverdue("101", "lunch", 1800)]
    assert house.wait(7200) == []


@pytest.mark.parametrize("fact", [events.AgentUnpaused("101"), events.AgentPaused("101", "training")])
def test_a_break_that_ended_in_time_is_not_told(fact: events.Event) -> None:
    house = office(*PAUSES)
    house.tell(events.AgentPaused("101", "lunch"))
    house.wait(1000)
    house.tell(fact)
    assert house.wait(7200) == []


def test_a_limit_that_comes_by_a_reload_counts_from_the_beginning_of_the_break() -> None:
    house = office()
    house.tell(events.AgentPaused("101", "lunch"))
    house.wait(1000)
    house.tell(events.SettingsChanged(tuple(house.queues), tuple(house.agents), pauses=PAUSES))
    assert house.wait(799) == []
    assert house.wait(1) == [PauseOverdue("101", "lunch", 1800)]


def test_two_reasons_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="same name"):
        office(PauseReason("lunch"), PauseReason("lunch", 60))


def test_edge_49_another_reason_closes_the_interval_of_the_first() -> None:
    house = office()
    house.tell(events.AgentPaused("101", "lunch"))
    house.wait(100)
    house.tell(events.AgentPaused("101", "training"))
    house.wait(30)
    house.tell(events.AgentPaused("101", "training"))
    house.wait(30)
    assert house.agent("101")["pause_seconds"] == {"lunch": 100.0, "training": 60.0}


def test_edge_49_a_break_ended_by_somebody_else_is_over_and_counted_once() -> None:
    house = office()
    for _ in range(2):
        house.tell(events.AgentPaused("101", "lunch"))
        house.wait(50)
        house.tell(events.AgentUnpaused("101"))
        house.tell(events.AgentUnpaused("101"))
        house.wait(50)
    assert house.agent("101")["pause_seconds"] == {"lunch": 100.0}


def test_edge_49_logging_out_ends_the_break() -> None:
    house = office()
    house.tell(events.AgentPaused("101", "lunch"))
    house.wait(50)
    house.tell(events.AgentLoggedOut("101"))
    house.wait(50)
    assert house.agent("101")["pause_seconds"] == {"lunch": 50.0}


def test_edge_49_a_new_day_counts_only_the_rest_of_a_break() -> None:
    house = office()
    house.tell(events.AgentPaused("101", "lunch"))
    house.wait(50)
    house.tell(events.DayStarted())
    house.wait(20)
    assert house.agent("101")["pause_seconds"] == {"lunch": 20.0}


def test_an_agent_cannot_fill_the_books_with_reasons() -> None:
    house = office()
    for number in range(PAUSE_REASONS + 50):
        house.tell(events.AgentPaused("101", f"reason {number}"))
        house.wait(1)
    seconds = house.agent("101")["pause_seconds"]
    assert len(seconds) == PAUSE_REASONS + 1  # type: ignore[arg-type]
    assert seconds[""] == 50.0  # type: ignore[index]


def misses(house: Office, fact: type, times: int) -> list[Command]:
    orders: list[Command] = []
    for number in range(times):
        house.call(f"c{fact.__name__}{number}")
        orders += house.tell(fact(house.lease("101")))
        house.tell(events.CallerLeft(f"c{fact.__name__}{number}"))
        house.wait(5)
    return of_kind(orders, PauseAgent)


@pytest.mark.parametrize(
    ("cause", "fact"),
    [("rejected", events.OfferRejected), ("busy", events.OfferBusy), ("unreachable", events.OfferFailed)],
)
def test_edge_31_misses_pause_an_agent_by_the_causes_that_count(cause: str, fact: type) -> None:
    house = office(agents=["101"], auto_pause=3, auto_pause_on=[cause])
    assert misses(house, fact, 2) == []
    assert misses(house, fact, 1) == [PauseAgent("101", "missed")]
    house = office(agents=["101"], auto_pause=3)
    assert misses(house, fact, 4) == []


CODES = {"dispositions": ("sold", "lost"), "agents": ["101"]}


def contact(house: Office, caller: str = "c1") -> None:
    house.call(caller)
    house.answer("101")
    house.wait(5)
    house.hang_up("101")


def test_an_agent_says_what_became_of_his_contact() -> None:
    house = office(**CODES)
    contact(house)
    assert house.agent("101")["owes_disposition"] == ["sold", "lost"]
    assert house.tell(events.DispositionGiven("101", "nonsense")) == []
    assert house.tell(events.DispositionGiven("101", "sold")) == [Disposed("101", "c1", "support", "sold")]
    assert house.tell(events.DispositionGiven("101", "sold")) == []
    assert house.queue()["dispositions"] == {"sold": 1}
    assert house.agent("101")["owes_disposition"] == []


def test_a_code_that_is_not_required_holds_nobody_back() -> None:
    house = office(**CODES)
    contact(house)
    house.wait(10)
    assert house.agent("101")["state"] == "idle"
    assert of_kind(house.tell(events.DispositionGiven("101", "lost")), Disposed)


def test_a_required_code_makes_the_wrap_up_last_until_it_is_given() -> None:
    house = office(**CODES, disposition_required=True)
    contact(house)
    house.wait(3600)
    assert house.agent("101")["state"] == "wrap_up"
    assert offered(house.call("c2")) == []
    assert house.tell(events.WrapUpEnded("101")) == []
    assert house.tell(events.WrapUpExtended("101", 60)) == []
    assert offered(house.tell(events.DispositionGiven("101", "sold"))) == ["101"]


def test_a_code_given_early_leaves_the_wrap_up_its_time() -> None:
    house = office(**CODES, disposition_required=True)
    contact(house)
    house.tell(events.DispositionGiven("101", "sold"))
    house.wait(9)
    assert house.agent("101")["state"] == "wrap_up"
    house.wait(1)
    assert house.agent("101")["state"] == "idle"


def test_a_required_code_holds_even_without_a_wrap_up() -> None:
    house = office(**CODES, disposition_required=True, wrap_up=0)
    contact(house)
    house.wait(1)
    assert house.agent("101")["state"] == "wrap_up"
    house.tell(events.DispositionGiven("101", "lost"))
    assert house.agent("101")["state"] == "idle"


def test_a_code_that_a_reload_does_not_require_any_more_frees_the_agent() -> None:
    house = office(**CODES, disposition_required=True)
    contact(house)
    house.wait(60)
    relaxed = QueueSettings("support", ["101"], dispositions=("sold", "lost"))
    house.tell(events.SettingsChanged((relaxed,), tuple(house.agents)))
    assert house.agent("101")["state"] == "idle"


@pytest.mark.parametrize("wrong", [{"disposition_required": True}, {"auto_pause_on": ["answered"]}])
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        QueueSettings("support", **wrong)  # type: ignore[arg-type]
