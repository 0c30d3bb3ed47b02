"""Stories of callers in a menu, told with a clock turned by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ivr.actions import Action, Go, Play, Reason, StopPlaying
from ivr.digits import DialPlan
from ivr.events import Digit, Ended, PromptFinished, Started
from ivr.menu import Menu
from ivr.prompts import Prompt
from ivr.schedule import UTC_CLOCK, PartOfDay, Schedule, parse_hours
from ivr.session import MAX_PLAYS, MenuSession, State

GREETING = (Prompt(text="Welcome."),)
WRONG = (Prompt(text="That was wrong."),)
NOTHING = (Prompt(text="Are you there?"),)
CLOSED = (Prompt(text="We are closed."),)
HOLIDAY = (Prompt(text="We celebrate."),)
MORNING = (Prompt(text="Good morning."),)
EVENING = (Prompt(text="Good evening."),)

NUMBERS = DialPlan.build({"101": "phone:101", "102": "phone:102", "110": "phone:110", "500": "menu:main",
                          "800": "voicemail:own", "8xxx": "voicemail:*"})  # fmt: skip
MAIN = Menu(
    name="main",
    greeting=GREETING,
    fallback="phone:101",
    options={"1": "queue:support", "2": "queue:sales", "3": "prompt:information", "0": "phone:101"},
    extensions=NUMBERS,
    on_invalid=WRONG,
    on_no_input=NOTHING,
)
OFFICE = replace(UTC_CLOCK, week=(parse_hours("09:00-18:00"),) * 5 + ((), ()))
MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MONDAY_NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


class Caller:
    """A caller in a menu: presses keys, listens to the end, waits, and remembers what happened."""

    def __init__(self, menu: Menu = MAIN, wall: datetime = MONDAY_NOON) -> None:
        self.session = MenuSession(menu)
        self.now = 100.0
        self.heard: list[tuple[Prompt, ...]] = []
        self.gone: Go | None = None
        self.silenced = 0
        self.token = ""
        self.note(self.session.handle(Started(wall), self.now))

    def note(self, actions: list[Action]) -> None:
        for action in actions:
            assert self.gone is None, "something was ordered after the caller had left"
            match action:
                case Play(prompts, token):
                    self.heard.append(prompts)
                    self.token = token
                case StopPlaying():
                    self.silenced += 1
                case Go():
                    self.gone = action

    def press(self, digits: str, pause: float = 0.5) -> None:
        for digit in digits:
            self.wait(pause)
            self.note(self.session.handle(Digit(digit), self.now))

    def listen(self, seconds: float = 10.0) -> None:
        """Hear the prompt to its end."""
        self.now += seconds
        self.note(self.session.handle(PromptFinished(self.token), self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, with every timer at its exact moment."""
        until = self.now + seconds
        while self.session.next_deadline is not None and self.session.next_deadline <= until:
            self.now = self.session.next_deadline
            self.note(self.session.handle_timer(self.now))
        self.now = until


def test_a_caller_hears_the_greeting_and_chooses_an_option() -> None:
    caller = Caller()
    caller.listen()
    caller.press("2")
    assert caller.heard == [GREETING]
    assert caller.gone == Go("queue:sales", Reason.OPTION, "2")
    assert caller.session.next_deadline is None


def test_a_key_that_can_mean_nothing_else_works_at_once_and_cuts_the_greeting() -> None:
    caller = Caller()
    caller.press("3")
    assert caller.silenced == 1
    assert caller.gone == Go("prompt:information", Reason.OPTION, "3")


def test_a_key_that_begins_an_extension_waits_for_the_next_digit() -> None:
    caller = Caller()
    caller.listen()
    caller.press("1")
    assert caller.gone is None
    caller.wait(1.9)
    assert caller.gone is None
    caller.wait(0.1)
    assert caller.gone == Go("queue:support", Reason.OPTION, "1")


def test_an_extension_dialled_during_the_greeting_is_reached_at_once() -> None:
    caller = Caller()
    caller.press("102")
    assert caller.silenced == 1
    assert caller.gone == Go("phone:102", Reason.EXTENSION, "102")


def test_an_extension_that_begins_another_number_is_reached_after_the_pause() -> None:
    caller = Caller()
    caller.press("800")
    assert caller.gone is None
    caller.wait(2.0)
    assert caller.gone == Go("voicemail:own", Reason.EXTENSION, "800")


def test_a_pattern_passes_on_what_was_dialled() -> None:
    caller = Caller()
    caller.press("8102")
    assert caller.gone == Go("voicemail:102", Reason.EXTENSION, "8102")


def test_a_hash_ends_a_number_without_waiting() -> None:
    caller = Caller()
    caller.press("800#")
    assert caller.gone == Go("voicemail:own", Reason.EXTENSION, "800")
    caller = Caller()
    caller.press("1#", pause=0.1)
    assert caller.gone == Go("queue:support", Reason.OPTION, "1")


def test_a_slow_caller_has_the_pause_anew_for_each_digit() -> None:
    caller = Caller()
    caller.press("101", pause=1.9)
    assert caller.gone == Go("phone:101", Reason.EXTENSION, "101")


def test_an_unknown_number_is_told_so_and_the_greeting_comes_again() -> None:
    caller = Caller()
    caller.press("109")
    assert caller.heard == [GREETING, WRONG + GREETING]
    assert caller.gone is None
    caller.press("101")
    assert caller.gone == Go("phone:101", Reason.EXTENSION, "101")


def test_a_number_left_unfinished_counts_as_wrong() -> None:
    caller = Caller()
    caller.press("50")
    caller.wait(2.0)
    assert caller.heard == [GREETING, WRONG + GREETING]


def test_the_second_wrong_number_goes_to_the_operator() -> None:
    caller = Caller()
    caller.press("9")
    caller.listen()
    caller.press("7")
    assert caller.gone == Go("phone:101", Reason.WRONG_INPUT, "7")


def test_silence_twice_goes_to_the_operator() -> None:
    caller = Caller()
    caller.listen()
    caller.wait(4.9)
    assert caller.heard == [GREETING]
    caller.wait(0.1)
    assert caller.heard == [GREETING, NOTHING + GREETING]
    caller.listen()
    caller.wait(5.0)
    assert caller.gone == Go("phone:101", Reason.NO_INPUT)


def test_silence_and_a_wrong_number_together_count_as_two() -> None:
    caller = Caller()
    caller.listen()
    caller.wait(5.0)
    caller.press("9")
    assert caller.gone == Go("phone:101", Reason.WRONG_INPUT, "9")


@pytest.mark.parametrize("tries", [1, 3])
def test_the_menu_says_how_often_the_greeting_is_heard(tries: int) -> None:
    caller = Caller(replace(MAIN, tries=tries))
    for _ in range(tries):
        assert caller.gone is None
        caller.listen()
        caller.wait(5.0)
    assert len(caller.heard) == tries
    assert caller.gone == Go("phone:101", Reason.NO_INPUT)


def test_a_star_says_the_greeting_again_without_counting_as_a_mistake() -> None:
    caller = Caller()
    caller.press("*")
    caller.press("10*")
    assert caller.heard == [GREETING] * 3
    caller.press("1")
    caller.wait(2.0)
    assert caller.gone == Go("queue:support", Reason.OPTION, "1")


def test_nobody_hears_the_greeting_for_ever() -> None:
    caller = Caller()
    for _ in range(MAX_PLAYS):
        assert caller.gone is None
        caller.press("*")
    assert caller.gone is not None
    assert caller.gone.destination == "phone:101"
    assert len(caller.heard) == MAX_PLAYS


def test_a_hash_alone_cuts_the_greeting_short() -> None:
    caller = Caller()
    caller.press("#")
    assert caller.silenced == 1
    assert caller.session.state is State.LISTENING
    caller.wait(5.0)
    assert caller.heard == [GREETING, NOTHING + GREETING]


def test_star_and_hash_may_be_options_and_parts_of_numbers() -> None:
    menu = replace(
        MAIN, options={"*": "menu:language", "#": "hangup"}, extensions=DialPlan.build({"*98": "voicemail:own"})
    )
    caller = Caller(menu)
    caller.press("#")
    assert caller.gone == Go("hangup", Reason.OPTION, "#")
    caller = Caller(menu)
    caller.press("*98")
    assert caller.gone == Go("voicemail:own", Reason.EXTENSION, "*98")
    caller = Caller(menu)
    caller.press("*")
    caller.wait(2.0)
    assert caller.gone == Go("menu:language", Reason.OPTION, "*")


def test_a_menu_without_extensions_takes_options_only() -> None:
    caller = Caller(replace(MAIN, extensions=DialPlan({})))
    caller.press("1")
    assert caller.gone == Go("queue:support", Reason.OPTION, "1")


def test_a_menu_with_nothing_to_choose_is_an_announcement() -> None:
    caller = Caller(replace(MAIN, options={}, extensions=DialPlan({})))
    caller.listen()
    assert caller.gone == Go("phone:101", Reason.NO_INPUT)


def test_a_menu_that_says_nothing_listens_at_once() -> None:
    caller = Caller(replace(MAIN, greeting=(), on_no_input=()))
    assert caller.heard == []
    caller.wait(10.0)
    assert caller.gone == Go("phone:101", Reason.NO_INPUT)


def test_a_prompt_whose_end_is_never_reported_does_not_hold_the_caller() -> None:
    caller = Caller()
    caller.wait(120.0 + 5.0)
    assert caller.heard == [GREETING, NOTHING + GREETING]
    caller.wait(120.0 + 5.0)
    assert caller.gone == Go("phone:101", Reason.NO_INPUT)


def test_the_end_of_an_older_prompt_is_ignored() -> None:
    caller = Caller()
    old = caller.token
    caller.press("9")
    assert caller.token != old
    caller.session.handle(PromptFinished(old), caller.now)
    assert caller.session.state is State.PLAYING


def test_the_end_of_a_prompt_that_was_cut_short_is_ignored() -> None:
    caller = Caller()
    caller.press("1")
    deadline = caller.session.next_deadline
    caller.note(caller.session.handle(PromptFinished(caller.token), caller.now))
    assert caller.session.next_deadline == deadline


def test_after_the_caller_hung_up_nothing_is_ordered() -> None:
    caller = Caller()
    caller.note(caller.session.handle(Ended(), caller.now))
    assert caller.session.next_deadline is None
    caller.press("102")
    caller.note(caller.session.handle_timer(caller.now + 1000))
    assert caller.gone is None
    assert caller.heard == [GREETING]


@pytest.mark.parametrize("key", ["", "x", "11", "é", "\n", "A"])
def test_a_key_that_is_no_key_or_means_nothing_never_raises(key: str) -> None:
    caller = Caller()
    caller.note(caller.session.handle(Digit(key), caller.now))
    assert caller.gone is None
    assert len(caller.heard) == (2 if key == "A" else 1)


def test_a_timer_that_comes_too_early_does_nothing() -> None:
    caller = Caller()
    caller.listen()
    assert caller.session.handle_timer(caller.now + 4.999) == []
    assert caller.session.handle_timer(caller.now + 5.0) != []


def test_a_second_start_is_ignored() -> None:
    caller = Caller()
    assert caller.session.handle(Started(MONDAY_NOON), caller.now) == []


# ------------------------------------------------------------------------------------------ by time of day and calendar


@pytest.mark.parametrize(
    ("hour", "expected"), [(6, MORNING + GREETING), (13, GREETING), (20, EVENING + GREETING), (2, GREETING)]
)
def test_the_greeting_begins_with_the_time_of_day(hour: int, expected: tuple[Prompt, ...]) -> None:
    salutations = {PartOfDay.MORNING: MORNING, PartOfDay.EVENING: EVENING}
    caller = Caller(replace(MAIN, salutations=salutations), MONDAY_NOON.replace(hour=hour))
    assert caller.heard == [expected]


def test_the_time_of_day_is_that_of_the_office() -> None:
    tokyo = replace(UTC_CLOCK, zone=ZoneInfo("Asia/Tokyo"))
    menu = replace(MAIN, salutations={PartOfDay.EVENING: EVENING}, schedule=tokyo)
    assert Caller(menu, datetime(2026, 11, 23, 11, tzinfo=UTC)).heard == [EVENING + GREETING]


def test_good_morning_is_wished_once() -> None:
    caller = Caller(replace(MAIN, salutations={PartOfDay.DAY: MORNING}))
    caller.press("9")
    assert caller.heard == [MORNING + GREETING, WRONG + GREETING]


def test_a_closed_office_says_so_and_its_menu_still_works() -> None:
    menu = replace(MAIN, schedule=OFFICE, closed_greeting=CLOSED, holiday_greeting=HOLIDAY)
    caller = Caller(menu, MONDAY_NIGHT)
    assert caller.heard == [CLOSED]
    assert not caller.session.open
    caller.press("102")
    assert caller.gone == Go("phone:102", Reason.EXTENSION, "102")


def test_an_open_office_has_its_usual_greeting() -> None:
    caller = Caller(replace(MAIN, schedule=OFFICE, closed_greeting=CLOSED), MONDAY_NOON)
    assert caller.heard == [GREETING]
    assert caller.session.open


def test_a_holiday_has_a_greeting_of_its_own() -> None:
    holiday = replace(OFFICE, holidays=frozenset({date(2026, 11, 23)}))
    menu = replace(MAIN, schedule=holiday, closed_greeting=CLOSED, holiday_greeting=HOLIDAY)
    assert Caller(menu, MONDAY_NOON).heard == [HOLIDAY]
    assert Caller(replace(menu, holiday_greeting=()), MONDAY_NOON).heard == [CLOSED]
    assert Caller(replace(menu, holiday_greeting=(), closed_greeting=()), MONDAY_NOON).heard == [GREETING]


def test_a_closed_office_has_options_of_its_own_and_a_place_for_the_silent() -> None:
    menu = replace(
        MAIN, schedule=OFFICE, closed_greeting=CLOSED, closed_options={"1": "voicemail:101"}, on_closed="voicemail:102"
    )
    caller = Caller(menu, MONDAY_NIGHT)
    caller.listen()
    caller.press("1#")
    assert caller.gone == Go("voicemail:101", Reason.OPTION, "1")
    caller = Caller(menu, MONDAY_NIGHT)
    caller.listen()
    caller.wait(5.0)
    assert caller.gone == Go("voicemail:102", Reason.CLOSED)


def test_a_wrong_number_in_a_closed_office_is_repeated_and_then_goes_where_the_silent_go() -> None:
    menu = replace(MAIN, schedule=OFFICE, closed_greeting=CLOSED, on_closed="voicemail:102")
    caller = Caller(menu, MONDAY_NIGHT)
    caller.press("9")
    assert caller.heard == [CLOSED, WRONG + CLOSED]
    caller.press("9")
    assert caller.gone == Go("voicemail:102", Reason.CLOSED, "9")


def test_a_closed_office_without_options_sends_the_caller_on_after_its_greeting() -> None:
    menu = replace(
        MAIN, schedule=OFFICE, closed_greeting=CLOSED, closed_options={}, extensions=DialPlan({}), on_closed="hangup"
    )
    caller = Caller(menu, MONDAY_NIGHT)
    caller.listen()
    assert caller.gone == Go("hangup", Reason.CLOSED)


def test_an_emergency_closes_the_menu_at_noon() -> None:
    forced: Schedule = replace(OFFICE, force=False)
    assert Caller(replace(MAIN, schedule=forced, closed_greeting=CLOSED), MONDAY_NOON).heard == [CLOSED]
