"""Hypothesis walks callers through menus: whatever happens in whatever order, some things always hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ivr.actions import Action, Go, Play, StopPlaying
from ivr.digits import DialPlan
from ivr.events import Digit, Ended, Event, PromptFinished, Started
from ivr.menu import Menu
from ivr.prompts import Prompt
from ivr.schedule import UTC_CLOCK, parse_hours
from ivr.session import MAX_PLAYS, MenuSession, State

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
MORNINGS = replace(UTC_CLOCK, week=(parse_hours("08:00-12:00"),) * 7)
KEYS = "0123456789*#AD"
DESTINATIONS = st.sampled_from(["queue:support", "phone:101", "hangup"])

menus = st.builds(
    Menu,
    name=st.just("main"),
    greeting=st.sampled_from([(), (Prompt(text="Welcome."),)]),
    fallback=st.just("phone:999"),
    closed_greeting=st.sampled_from([(), (Prompt(text="Closed."),)]),
    schedule=st.sampled_from([None, UTC_CLOCK, MORNINGS]),
    options=st.dictionaries(st.sampled_from("0123456789*#"), DESTINATIONS, max_size=4),
    closed_options=st.none() | st.dictionaries(st.sampled_from("0123456789*#"), DESTINATIONS, max_size=2),
    on_closed=st.none() | st.just("voicemail:101"),
    extensions=st.dictionaries(st.sampled_from(["10", "101", "8xx", "8.", "*9", "3"]), DESTINATIONS).map(
        DialPlan.build
    ),
    on_invalid=st.sampled_from([(), (Prompt(text="Wrong."),)]),
    timeout=st.floats(0.1, 10),
    inter_digit=st.floats(0.1, 5),
    tries=st.integers(1, 12),
)
events = st.one_of(
    st.builds(Digit, st.sampled_from(KEYS) | st.text(max_size=2)),
    st.builds(PromptFinished, st.sampled_from([f"main/{n}" for n in range(12)]) | st.text(max_size=3)),
    st.just(Ended()),
    st.builds(Started, st.integers(0, 20_000).map(lambda minutes: MONDAY + timedelta(minutes=minutes))),
    st.floats(0, 200),
)


class Watcher:
    """Looks over the shoulder of a session."""

    def __init__(self, menu: Menu) -> None:
        self.session = MenuSession(menu)
        self.now = 0.0
        self.plays = 0
        self.over = False

    def step(self, event: Event | float) -> None:
        if isinstance(event, float):
            self.now += event
            self.judge(self.session.handle_timer(self.now))
            return
        self.judge(self.session.handle(event, self.now))
        self.over = self.over or event == Ended()

    def judge(self, actions: list[Action]) -> None:
        assert not (self.over and actions)
        for index, action in enumerate(actions):
            match action:
                case Play(prompts):
                    assert prompts
                    self.plays += 1
                case StopPlaying():
                    assert index == 0
                case Go():
                    assert index == len(actions) - 1
                    self.over = True
        waiting = self.session.state in (State.WAITING, State.DONE)
        assert (self.session.next_deadline is None) == waiting
        assert self.session.next_deadline is None or self.session.next_deadline <= self.now + 120.0
        assert self.plays <= MAX_PLAYS


@given(menus, st.lists(events, max_size=60))
def test_whatever_happens_a_session_stays_sound(menu: Menu, story: list[Event | float]) -> None:
    watcher = Watcher(menu)
    watcher.step(Started(MONDAY))
    for event in story:
        watcher.step(event)


@given(menus, st.lists(events, max_size=30))
def test_a_caller_who_does_nothing_more_leaves_every_menu(menu: Menu, story: list[Event | float]) -> None:
    watcher = Watcher(menu)
    watcher.step(Started(MONDAY))
    for event in story:
        watcher.step(event)
    for _ in range(3 * MAX_PLAYS):
        deadline = watcher.session.next_deadline
        if deadline is None:
            break
        watcher.step(max(0.0, deadline - watcher.now) + 0.001)
    assert watcher.session.state is State.DONE


@given(menus, st.lists(st.sampled_from(KEYS), max_size=40))
def test_two_sessions_with_the_same_story_end_the_same_way(menu: Menu, keys: list[str]) -> None:
    first, second = MenuSession(menu), MenuSession(menu)
    story: list[Event] = [Started(MONDAY), *map(Digit, keys)]
    for now, event in enumerate(story):
        assert first.handle(event, float(now)) == second.handle(event, float(now))
        assert first.next_deadline == second.next_deadline
