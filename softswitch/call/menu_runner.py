"""Runs menu sessions for live callers: what `ivr` decides is played, what the caller keys goes back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from ivr import actions, events
from ivr.menu import Menu
from ivr.session import MenuSession
from softswitch.call.destination import Destination, Hangup, read
from softswitch.call.errors import CallerGone, NoSuchDestination
from softswitch.call.events import DigitPressed, PlaybackEnded
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Exchange

log = structlog.get_logger("call.menu")


class MenuRunner:
    """Every menu of the configuration."""

    def __init__(self, exchange: "Exchange", menus: Mapping[str, Menu]) -> None:
        self._exchange = exchange
        self.menus = dict(menus)

    async def run(self, call: "Call", name: str) -> Destination:
        """Be in a menu; where the caller wants to go. Raises NoSuchDestination."""
        menu = self.menus.get(name)
        if menu is None:
            raise NoSuchDestination(f"menu:{name}")
        call.caller.answer()
        call.state = f"menu:{name}"
        call.journal.note(fact.MenuEntered, menu=name)
        session = MenuSession(menu)
        clock = self._exchange.clock
        orders = session.handle(events.Started(self._exchange.wall_time()), clock())
        try:
            while True:
                go = await self._carry_out(call, session, orders)
                if go is not None:
                    return self._leave(call, menu, go)
                orders = await self._wait(call, session)
        except CallerGone:
            session.handle(events.Ended(), clock())
            raise

    async def _wait(self, call: "Call", session: MenuSession) -> list[actions.Action]:
        """The session's answer to whatever happens next."""
        clock = self._exchange.clock
        deadline = session.next_deadline
        match await call.next(None if deadline is None else deadline - clock()):
            case None:
                return session.handle_timer(clock())
            case DigitPressed(leg, digit, _) if leg is call.caller:
                return session.handle(events.Digit(digit), clock())
            case PlaybackEnded(leg, token, _) if leg is call.caller:
                return session.handle(events.PromptFinished(token), clock())
        return []

    async def _carry_out(self, call: "Call", session: MenuSession, orders: list[actions.Action]) -> actions.Go | None:
        for order in orders:
            match order:
                case actions.Play(prompts, token):
                    sounds = await self._exchange.speech.sounds(prompts)
                    if not sounds:
                        further = session.handle(events.PromptFinished(token), self._exchange.clock())
                        return await self._carry_out(call, session, further)
                    call.caller.play(sounds, token)
                case actions.StopPlaying():
                    call.caller.stop_playing()
                case actions.Go():
                    return order
        return None

    def _leave(self, call: "Call", menu: Menu, go: actions.Go) -> Destination:
        call.caller.stop_playing()
        if go.digits:
            call.journal.note(fact.DigitsEntered, menu=menu.name, digits=go.digits)
        log.info("menu left", call=call.id, menu=menu.name, to=go.destination, reason=str(go.reason))
        try:
            return read(go.destination, go.digits, call.origin.name)
        except NoSuchDestination:
            return Hangup()
