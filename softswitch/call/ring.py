"""Ringing several telephones at once: the first that answers wins (in the manner of RFC 3261 section 16.7)."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from media.errors import MediaError
from softswitch.call.events import Event, LegAnswered, LegEnded, LegProgressed, RingAnswered, RingFailed, RingProgressed
from softswitch.call.leg import Leg
from softswitch.call.target import Target
from softswitch.sip.crypto import SrtpPolicy

if TYPE_CHECKING:
    from softswitch.call.call import Call

log = structlog.get_logger("call.ring")

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'  # RFC 3326 section 3.1
MAX_TARGETS = 64
UNREACHABLE = 480
NOT_TAKEN = (408, 503)
"""Statuses after which another address of the same name is asked (RFC 3263 section 4.3): silence, and no service."""
PREFERRED_4XX = (401, 407, 415, 420, 484)  # RFC 3261 section 16.7, item 6
OFFER_REFUSED = (415, 488, 606)  # what is said to a description that will not do (RFC 3261 sections 21.4.26 and 21.6.4)


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
        self._called = ""
        self._codecs: Sequence[str] = ()
        self._dialled: dict[str, Target] = {}
        """By leg: whom it may be tried with once more."""
        self._insisting = 0
        """Telephones that are just being asked again."""
        self._elsewhere: dict[str, list[Target]] = {}
        """By leg: where else its target may be found, the better address first."""
        self.winner: Leg | None = None

    async def start(self, called: str, preferred: Sequence[str] = ()) -> None:
        """Send the INVITEs. Failure is an event like any other."""
        self._called, self._codecs = called, preferred
        opened = []
        for target in self._targets:
            if self._is_unwanted():
                break
            found = await self._open(target)
            if found is not None:
                opened.append(found)
        self._legs = [leg for leg, _ in opened]
        for leg, target in opened:
            self._dialled[leg.name] = target
            self._dial(leg, target)
        self._conclude()

    def _dial(self, leg: Leg, target: Target) -> None:
        if self._is_unwanted():
            leg.hangup()
            return
        leg.listener = self._hear
        call = self._call
        leg.dial(target, call.caller_id, self._called, call.hops_left, call.headers_to(target.name))

    async def _insist(self, target: Target) -> None:
        """Ask a telephone once more that has refused our offer: now nothing but encrypted sound is offered.

        Where SRTP is preferred the first offer is RTP/AVP with keys, which those refuse that demand RTP/SAVP.
        There is no way down: what was required is never asked for again in plain.
        """
        found = await self._open(target, "required")
        self._insisting -= 1
        if found is not None:
            leg, target = found
            self._legs.append(leg)
            self._dial(leg, target)
        self._conclude()

    async def _try_elsewhere(self, targets: list[Target]) -> None:
        """Ask at the next address of a target whose last one did not take the request (RFC 3263 section 4.3)."""
        found = await self._open(targets[0])
        self._insisting -= 1
        if found is not None:
            leg, target = found
            self._elsewhere[leg.name] = targets[1:]
            self._legs.append(leg)
            self._dialled[leg.name] = target
            self._dial(leg, target)
        self._conclude()

    def _retry(self, ended: LegEnded) -> Coroutine[object, object, None] | None:
        """What is to be tried in place of a leg that has failed."""
        elsewhere = self._elsewhere.pop(ended.leg.name, [])
        dialled = self._dialled.get(ended.leg.name)
        if dialled is not None and ended.status in NOT_TAKEN:
            self._call.exchange.avoid(dialled.peer)
        target = self._may_demand_keys(ended)
        if target is not None:
            return self._insist(target)
        if elsewhere and not self._over and ended.status in NOT_TAKEN:
            return self._try_elsewhere(elsewhere)
        return None

    def _may_demand_keys(self, ended: LegEnded) -> Target | None:
        """The target of a leg that may be asked once more, with RTP/SAVP."""
        target = self._dialled.pop(ended.leg.name, None)
        if target is None or self._over or ended.by != "remote" or ended.status not in OFFER_REFUSED:
            return None
        return target if self._call.exchange.srtp_of(target.name) == "preferred" else None

    async def _open(self, target: Target, srtp: SrtpPolicy | None = None) -> tuple[Leg, Target] | None:
        """A leg with ports towards a target's address; None, and the refusal noted, when there can be none.

        `srtp` stands in place of what is configured for it.
        """
        leg = self._call.new_leg(self._role, target.name)
        peers = await self._call.exchange.locate(target.peer)
        if not peers:
            log.warning("name does not resolve", target=target.name, host=target.peer.host)
            self._refusals.append(503)
            leg.hangup(cause="unresolved")
            return None
        try:
            await leg.open(peers[0], self._codecs, self._call.caller, srtp)
        except MediaError as error:
            log.error("no media", leg=leg.name, error=str(error))
            self._refusals.append(503)
            leg.hangup(cause="no_media")
            return None
        if self._is_unwanted():
            leg.hangup()
            return None
        self._elsewhere[leg.name] = [replace(target, peer=peer) for peer in peers[1:]]
        return leg, replace(target, peer=peers[0])

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
                retry = self._retry(event)
                if retry is not None:
                    self._insisting += 1
                    self._call.exchange.spawn(retry)
                    return
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
        if self._over or self._legs or self._insisting:
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
