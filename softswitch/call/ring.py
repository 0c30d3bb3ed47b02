"""Ringing several telephones at once: the first that answers wins (in the manner of RFC 3261 section 16.7)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from media.errors import MediaError
from softswitch.call.events import Event, LegAnswered, LegEnded, LegProgressed, RingAnswered, RingFailed, RingProgressed
from softswitch.call.leg import Leg
from softswitch.call.target import Target

if TYPE_CHECKING:
    from softswitch.call.call import Call

log = structlog.get_logger("call.ring")

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'  # RFC 3326 section 3.1
MAX_TARGETS = 64
UNREACHABLE = 480
PREFERRED_4XX = (401, 407, 415, 420, 484)  # RFC 3261 section 16.7, item 6


class Ring:
    """One attempt to reach somebody at all of his telephones."""

    def __init__(self, call: "Call", role: str, targets: Sequence[Target], listener: Callable[[Event], None]) -> None:
        self._call = call
        self._role = role
        self._targets = targets[:MAX_TARGETS]
        self._listener = listener
        self._legs: list[Leg] = []
        self._refusals: list[int] = []
        self._over = False
        self.winner: Leg | None = None

    async def start(self, called: str, preferred: Sequence[str] = ()) -> None:
        """Send the INVITEs. Failure is an event like any other."""
        opened = []
        for target in self._targets:
            if self._is_unwanted():
                break
            found = await self._open(target, preferred)
            if found is not None:
                opened.append(found)
        self._legs = [leg for leg, _ in opened]
        for leg, target in opened:
            if self._is_unwanted():
                leg.hangup()
                continue
            leg.listener = self._hear
            call = self._call
            leg.dial(target, call.caller_id, called, call.hops_left, call.headers_to(target.name))
        self._conclude()

    async def _open(self, target: Target, preferred: Sequence[str]) -> tuple[Leg, Target] | None:
        """A leg with ports towards a target's address; None, and the refusal noted, when there can be none."""
        leg = self._call.new_leg(self._role, target.name)
        peer = await self._call.exchange.locate(target.peer)
        if peer is None:
            log.warning("name does not resolve", target=target.name, host=target.peer.host)
            self._refusals.append(503)
            leg.hangup(cause="unresolved")
            return None
        try:
            await leg.open(peer, preferred, self._call.caller)
        except MediaError as error:
            log.error("no media", leg=leg.name, error=str(error))
            self._refusals.append(503)
            leg.hangup(cause="no_media")
            return None
        if self._is_unwanted():
            leg.hangup()
            return None
        return leg, replace(target, peer=peer)

    def _is_unwanted(self) -> bool:
        """Whether it was given up, or the caller has gone, while ports were being taken."""
        return self._over or self._call.caller.ended

    def cancel(self, reason: str | None = None, cause: str = "cancel") -> None:
        """Stop ringing; whoever has just answered is hung up."""
        self._over = True
        for leg in self._legs:
            leg.listener = _ignore
            leg.hangup(reason, cause)

    def _hear(self, event: Event) -> None:
        match event:
            case LegProgressed(leg, status, early_media) if self.winner is None:
                if status >= 180:
                    self._listener(RingProgressed(self, leg, early_media))
            case LegAnswered(leg) if self.winner is None and not self._over:
                self._win(leg)
            case LegAnswered(leg):
                leg.hangup(ELSEWHERE)  # two answered in the same moment
            case LegEnded(leg, _, _, status):
                self._legs.remove(leg)
                self._refusals.append(status or UNREACHABLE)
                if status is not None and status >= 600:
                    self._stop_others(leg)
                self._conclude()

    def _win(self, leg: Leg) -> None:
        self.winner = leg
        self._over = True
        self._stop_others(leg)
        self._listener(RingAnswered(self, leg))

    def _stop_others(self, leg: Leg) -> None:
        for other in list(self._legs):
            if other is not leg:
                other.listener = _ignore
                other.hangup(ELSEWHERE, "answered_elsewhere")
                self._legs.remove(other)

    def _conclude(self) -> None:
        if self._over or self._legs:
            return
        self._over = True
        self._listener(RingFailed(self, best_response(self._refusals)))


def best_response(statuses: Sequence[int]) -> int:
    """The one refusal to hand on (RFC 3261 section 16.7): 6xx first, else the lowest class, and in it the telling ones.

    A 503 is handed on as 500 by the RFC's letter; here nobody reachable is 480, which callers understand.
    """
    if not statuses:
        return UNREACHABLE
    final = [status for status in statuses if status >= 600]
    if final:
        return final[0]
    lowest = min(status // 100 for status in statuses)
    inside = [status for status in statuses if status // 100 == lowest]
    for status in (486, *PREFERRED_4XX):
        if status in inside:
            return status
    return inside[0]


def _ignore(event: Event) -> None:
    """Hears the legs that have lost."""
