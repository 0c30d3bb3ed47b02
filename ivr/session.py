"""One caller in one menu, as a machine without a clock.

                 Started                    PromptFinished
    WAITING ──────────────> PLAYING ─────────────────────────> LISTENING ──── timeout ──> repeat or Go
                              │  ^                                 │
                        Digit │  └────── repeat, wrong input ──────┤ Digit
                              v                                    v
                           DIALLING ── unambiguous, or inter-digit timeout ──> Go or repeat

Keys that the menu gives no meaning: `#` ends a number at once, or else cuts the greeting short; `*` says the greeting
again. What does not belong to a state is ignored, so late news of the media engine does no harm.
"""

from collections.abc import Mapping
from enum import IntEnum

from ivr.actions import Action, Go, Play, Reason, StopPlaying
from ivr.digits import MAX_DIGITS, Found
from ivr.events import Digit, Ended, Event, PromptFinished, Started
from ivr.menu import Menu
from ivr.prompts import Prompt
from ivr.schedule import UTC_CLOCK

KEYS = frozenset("0123456789*#ABCD")
MAX_PLAYS = 10


class State(IntEnum):
    """Where the caller stands."""

    WAITING = 0
    PLAYING = 1
    LISTENING = 2
    DIALLING = 3
    DONE = 4


class MenuSession:
    """One caller in one menu."""

    def __init__(self, menu: Menu) -> None:
        self.menu = menu
        self.state = State.WAITING
        self.digits = ""
        """What was dialled since the greeting began."""
        self.open = True
        """Whether the office was open when the caller came in."""
        self.next_deadline: float | None = None
        """When `handle_timer` is to be called, in the seconds of `now`."""
        self._greeting: tuple[Prompt, ...] = ()
        self._plays = 0
        self._mistakes = 0

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in what happened and say what to do."""
        match event:
            case Started() if self.state is State.WAITING:
                return self._start(event, now)
            case Digit(digit) if State.WAITING < self.state < State.DONE and digit in KEYS:
                return self._press(digit, now)
            case PromptFinished(token) if self.state is State.PLAYING and token == self._token:
                return self._listen(now)
            case Ended():
                self._finish()
        return []

    def handle_timer(self, now: float) -> list[Action]:
        """Do what the deadline asks for; too early a call does nothing."""
        if self.next_deadline is None or now < self.next_deadline:
            return []
        if self.state is State.PLAYING:
            return self._listen(now)
        if self.state is State.DIALLING:
            return self._decide(self._look_up(), now)
        return self._miss(Reason.NO_INPUT, now)

    @property
    def _token(self) -> str:
        return f"{self.menu.name}/{self._plays}"

    def _start(self, event: Started, now: float) -> list[Action]:
        menu, schedule = self.menu, self.menu.schedule
        self.open = schedule is None or schedule.is_open(event.wall)
        self._greeting = menu.greeting
        if schedule is not None and not self.open:
            holiday = menu.holiday_greeting if schedule.is_holiday(event.wall) else ()
            self._greeting = holiday or menu.closed_greeting or menu.greeting
        part = (schedule or UTC_CLOCK).part_of_day(event.wall)
        return self._play(menu.salutations.get(part, ()) + self._greeting, now)

    def _play(self, prompts: tuple[Prompt, ...], now: float) -> list[Action]:
        """Forget what was dialled, say something, and listen afterwards."""
        self.digits = ""
        self._plays += 1
        if not prompts:
            return self._listen(now)
        self.state = State.PLAYING
        self.next_deadline = now + self.menu.max_prompt
        return [Play(prompts, self._token)]

    def _listen(self, now: float) -> list[Action]:
        """Wait for the first digit, unless there is nothing to dial."""
        if not self._options and not self.menu.extensions:
            return self._give_up(Reason.NO_INPUT)
        self.state = State.LISTENING
        self.next_deadline = now + self.menu.timeout
        return []

    def _press(self, digit: str, now: float) -> list[Action]:
        """Take one more digit, and act as soon as it is clear what the caller wants."""
        silence: list[Action] = [StopPlaying()] if self.state is State.PLAYING else []
        before, self.digits = self.digits, self.digits + digit
        found = self._look_up()
        if found.destination is None and not found.more and digit in "*#":
            self.digits = before
            return silence + self._control(digit, now)
        if found.more and len(self.digits) < MAX_DIGITS:
            self.state = State.DIALLING
            self.next_deadline = now + self.menu.inter_digit
            return silence
        return silence + self._decide(found, now)

    def _control(self, key: str, now: float) -> list[Action]:
        """Obey `*` and `#` where the menu gives them no meaning."""
        if key == "*":
            return self._repeat((), Reason.NO_INPUT, now)
        return self._decide(self._look_up(), now) if self.digits else self._listen(now)

    def _look_up(self) -> Found:
        """Say what the digits so far mean in this menu. An option wins over an extension of one digit."""
        found = self.menu.extensions.find(self.digits)
        option = self._options.get(self.digits)
        return found if option is None else Found(option, found.more)

    def _decide(self, found: Found, now: float) -> list[Action]:
        """Nothing more is dialled: go there, or say that it was wrong."""
        if found.destination is None:
            return self._miss(Reason.WRONG_INPUT, now)
        reason = Reason.OPTION if self.digits in self._options else Reason.EXTENSION
        return self._go(found.destination, reason)

    def _miss(self, reason: Reason, now: float) -> list[Action]:
        """Count a greeting without a useful answer: once more, or to the operator."""
        self._mistakes += 1
        closed = not self.open and self.menu.on_closed is not None and reason is Reason.NO_INPUT
        if closed or self._mistakes >= self.menu.tries:
            return self._give_up(reason)
        before = self.menu.on_invalid if reason is Reason.WRONG_INPUT else self.menu.on_no_input
        return self._repeat(before, reason, now)

    def _repeat(self, before: tuple[Prompt, ...], reason: Reason, now: float) -> list[Action]:
        """Say the greeting again, but not to somebody who wants to hear it for ever."""
        if self._plays >= MAX_PLAYS:
            return self._give_up(reason)
        return self._play(before + self._greeting, now)

    def _give_up(self, reason: Reason) -> list[Action]:
        """Send the caller to the operator, or to where callers go when the office is closed."""
        if self.open or self.menu.on_closed is None:
            return self._go(self.menu.fallback, reason)
        return self._go(self.menu.on_closed, Reason.CLOSED)

    def _go(self, destination: str, reason: Reason) -> list[Action]:
        self._finish()
        return [Go(destination, reason, self.digits)]

    def _finish(self) -> None:
        self.state = State.DONE
        self.next_deadline = None

    @property
    def _options(self) -> Mapping[str, str]:
        """The options that count now."""
        if self.open or self.menu.closed_options is None:
            return self.menu.options
        return self.menu.closed_options
