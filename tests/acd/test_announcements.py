"""Edge cases 37 to 40: what callers hear while they wait never holds anybody up."""

from acd import events
from acd.commands import Announce, Connect, StartMusic
from acd.queue import QueueSettings
from tests.acd.office import Office, connected, gone, offered, said

TALKATIVE = QueueSettings(
    "support",
    agents=["101"],
    ring_timeout=600,
    wrap_up=0,
    announce_position=True,
    announce_first=10,
    announce_every=30,
    periodic=("thanks", "website"),
    periodic_every=45,
)


def positions(orders: list[object]) -> list[int | None]:
    return [order.position for order in orders if isinstance(order, Announce) and order.kind == "position"]


def test_a_caller_hears_the_music_of_his_queue_or_his_own() -> None:
    office = Office(QueueSettings("support", music="jazz"))
    assert office.call("c1") == [StartMusic("c1", "jazz")]
    assert office.call("c2", music="silence") == [StartMusic("c2", "silence")]


def test_the_position_is_said_after_the_first_delay_and_the_prompts_in_rotation() -> None:
    office = Office(TALKATIVE)
    office.call("c1")
    orders = said(office.wait(140))
    assert [(order.kind, order.position, order.index) for order in orders] == [
        ("position", 1, None),
        ("periodic", None, 0),
        ("periodic", None, 1),
        ("periodic", None, 0),
    ]


def test_edge_37_an_answer_during_a_prompt_connects_in_the_same_breath() -> None:
    office = Office(TALKATIVE)
    office.call("c1")
    assert said(office.wait(45))
    assert isinstance(office.answer("101")[0], Connect)
    assert said(office.wait(600)) == []


def test_edge_37_offers_and_connections_stand_before_announcements() -> None:
    office = Office(QueueSettings("support", agents=["101"], ring_timeout=10, retry_delay=1, periodic=("wait",)))
    office.call("c1")
    office.engine.handle_timer(12.0)
    orders = office.engine.handle_timer(400.0)
    kinds = [isinstance(order, Announce) for order in orders]
    assert True in kinds
    assert kinds == sorted(kinds)


def test_edge_37_an_announcement_that_was_due_before_a_late_answer_is_not_said_after_it() -> None:
    office = Office(TALKATIVE)
    office.call("c1")
    lease = office.lease("101")
    orders = office.engine.handle(events.OfferAnswered(lease), 100.0)
    assert connected(orders) == [("c1", "101")]
    assert said(orders) == []


def test_edge_38_an_exit_key_during_a_prompt_leaves_at_once() -> None:
    office = Office(TALKATIVE)
    office.call("c1")
    office.wait(45)
    orders = office.tell(events.CallerMoved("c1", "menu:main"))
    assert gone(orders) == [("c1", "exit", "menu:main")]
    assert office.rung() == set()
    assert said(office.wait(600)) == []


def test_edge_38_an_exit_key_after_the_answer_means_nothing() -> None:
    office = Office(TALKATIVE)
    office.call("c1")
    office.answer("101")
    assert office.tell(events.CallerMoved("c1", "menu:main")) == []


def test_edge_39_a_position_is_said_again_only_when_it_got_better() -> None:
    office = Office(TALKATIVE, reachable=False)
    office.call("c1")
    office.call("c2")
    assert positions(list(office.wait(10))) == [1, 2]
    office.call("vip", priority=9)
    assert positions(list(office.wait(31))) == [1]
    office.tell(events.CallerLeft("vip"))
    office.tell(events.CallerLeft("c1"))
    assert positions(list(office.wait(30))) == [1]


def test_edge_39_a_queue_may_say_every_position() -> None:
    queue = QueueSettings("support", announce_position=True, position_only_up=False, announce_every=30)
    office = Office(queue)
    office.call("c1")
    assert positions(list(office.wait(100))) == [1, 1, 1, 1]


WAITS = QueueSettings(
    "support", agents=["101"], ring_timeout=600, wrap_up=0, announce_wait=True, announce_first=1, announce_every=10
)


def busy_office(talk: float, **changes: object) -> Office:
    """An office where a call takes so long, known from five of them, with an endless talk going on."""
    office = Office(QueueSettings(**{**as_dict(WAITS), **changes}))  # type: ignore[arg-type]
    for number in range(7):
        office.call(f"old{number}")
    office.answer("101")
    for _ in range(6):
        office.wait(talk)
        office.hang_up("101")
        office.answer("101")
    return office


def as_dict(settings: QueueSettings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_edge_40_an_unknown_wait_is_not_said() -> None:
    office = Office(WAITS, reachable=False)
    office.call("c1")
    assert said(office.wait(100)) == []


def test_edge_40_the_wait_is_the_position_times_the_pace_of_the_line() -> None:
    office = busy_office(60)
    office.call("c1")
    office.call("c2")
    waits = [(order.caller, round(order.wait_seconds or 0)) for order in said(office.wait(1))]
    assert waits == [("c1", 51), ("c2", 103)]


def test_edge_40_the_wait_never_grows_and_is_capped() -> None:
    office = busy_office(60, longest_announced_wait=100)
    office.call("c1")
    office.call("c2")
    office.call("vip", priority=5)
    office.call("vip2", priority=5)
    heard: dict[str, list[float]] = {}
    for order in said(office.wait(100)):
        heard.setdefault(order.caller, []).append(order.wait_seconds or 0.0)
    assert all(waits == sorted(waits, reverse=True) for waits in heard.values())
    assert max(max(waits) for waits in heard.values()) == 100


def test_edge_40_a_caller_who_is_pushed_back_does_not_hear_of_a_longer_wait() -> None:
    office = busy_office(60)
    office.call("c1")
    first = [order.wait_seconds for order in said(office.wait(1))]
    office.call("vip", priority=5)
    again = [order.wait_seconds for order in said(office.wait(10)) if order.caller == "c1"]
    assert office.line() == ["vip", "c1"]
    assert again == first


def test_a_caller_hears_music_again_when_a_connection_failed() -> None:
    office = Office(TALKATIVE)
    office.call("c1")
    lease = office.lease("101")
    office.answer("101")
    assert StartMusic("c1", "default") in office.tell(events.ConnectFailed(lease))
    assert said(office.wait(60))


def test_announcements_do_not_keep_an_agent_who_gets_free_from_the_caller() -> None:
    office = Office(TALKATIVE, reachable=False)
    office.call("c1")
    office.wait(10)
    assert offered(office.tell(events.AgentReachable("101", True))) == ["101"]
