"""Leading the other party elsewhere: what a REFER of a phone asks for, whether it may have that, and carrying it out.

    REFER -> `ask` decides: 202, or why not -> `TransferAsked` in the inbox of the call -> `carry_out`

The one who asks (the transferor) stays on the line until somebody has taken the other one over; when nobody does, the
two are together again. The call goes on with the one who remains as its caller, by the transferor's rights.
"""

from typing import TYPE_CHECKING

import structlog

from softswitch.call.destination import (
    Destination,
    Hangup,
    Refuse,
    ToGroup,
    ToPhone,
    ToSupervision,
    ToTrunk,
    ToVoicemail,
)
from softswitch.call.events import TransferAsked
from softswitch.call.leg import Leg
from softswitch.call.router import Origin
from softswitch.records import events as fact
from softswitch.sip.message import Request
from softswitch.sip.refer import read_refer

if TYPE_CHECKING:
    from softswitch.call.call import Call

log = structlog.get_logger("call.transfer")

MOST = 50
"""Transfers of one call."""
MOST_FORWARDS = 20
"""Destinations that a transfer may be sent on to, from one to the next."""


class Transfer:
    """One transfer, from its REFER to its end."""

    def __init__(self, transferor: Leg, origin: Origin, number: str, destination: Destination, note: str = "") -> None:
        self.transferor = transferor
        self.origin = origin
        """Who that is: it goes by his rights."""
        self.number = number
        self.destination = destination
        self.note = note
        self.was_caller = False
        """Whether the transferor had called, so that the call has another caller now."""

    def progress(self, status: int) -> None:
        """Tell the transferor that it rings."""
        self.transferor.notify_referral(status)

    def headers(self, domain: str) -> list[tuple[str, str]]:
        """What whoever is called now is told of it (RFC 3892)."""
        told = [("Referred-By", f"<sip:{self.origin.number}@{domain}>")]
        return [*told, ("Subject", self.note)] if self.note else told


def ask(call: "Call", leg: Leg, request: Request) -> int:
    """Decide about a REFER: the status of its answer; with 202 the transfer begins. Raises SipError."""
    exchange = call.exchange
    if not leg.target.startswith("phone:"):
        return 403
    if call.transfer is not None:
        return 491
    if call.partner_of(leg) is None:
        return 403
    if call.transfers >= MOST:
        return 603
    asked = read_refer(request)
    if asked.uri.is_sip and not exchange.is_ours(asked.uri):
        return 404
    if asked.replaces is not None:
        return 603  # attended transfer is not served; ringing the consulted phone anew would be something else
    origin = exchange.origin_of(leg)
    destination = exchange.route(origin, asked.number)
    status = _objection(call, origin, destination)
    if status:
        log.info("transfer refused", call=call.id, by=str(origin), to=asked.number, status=status)
        return status
    call.begin_transfer(Transfer(leg, origin, asked.number, destination, asked.note))
    return 202


def _objection(call: "Call", origin: Origin, destination: Destination) -> int:
    """The status of a refusal, 0 when there is none."""
    if isinstance(destination, Refuse):
        return destination.status
    personal = isinstance(destination, ToSupervision) or (isinstance(destination, ToVoicemail) and destination.own)
    if personal or not call.exchange.may_reach(origin, destination):
        return 403
    return 0


async def carry_out(call: "Call", asked: TransferAsked) -> Destination | None:
    """Lead the one who remains elsewhere: where the call goes, or None when the two talk on. Raises CallerGone."""
    transfer = asked.transfer
    leaving = transfer.transferor
    call.journal.note(
        fact.TransferStarted, leg=leaving.name, by=str(transfer.origin), to=transfer.number, mode="blind",
        note=transfer.note,
    )  # fmt: skip
    before = call.called, call.sought, call.authority
    call.called = call.sought = transfer.number
    call.authority = transfer.origin
    call.state = f"transferred to {transfer.number}"
    call.end_conversation()
    _part(call, leaving)
    status = 487
    try:
        found = await _lead(call, transfer)
        status = found.status if isinstance(found, Refuse) else 200
    finally:
        call.journal.note(fact.TransferEnded, leg=leaving.name, status=status)
        leaving.notify_referral(status)
        if status == 200:
            call.caller.leave_queue()
        call.transfer = None
    if not isinstance(found, Refuse):
        return found
    if leaving.ended:
        return _recall(call, transfer, found)
    call.called, call.sought, call.authority = before
    if transfer.was_caller:
        call.put_first(leaving)
    return None


async def _lead(call: "Call", transfer: Transfer) -> Destination:
    """Ring whoever is to be reached, and whoever he is forwarded to: somebody who answered, a service, or Refuse."""
    destination = transfer.destination
    for _ in range(MOST_FORWARDS):
        if not isinstance(destination, ToPhone | ToGroup | ToTrunk):
            return Refuse(480) if isinstance(destination, Hangup) else destination
        destination = await call.reach(destination, transfer.progress)
    return Refuse(482)


def _part(call: "Call", leaving: Leg) -> None:
    """The two hear each other no more, and no music of a hold."""
    for leg in (call.caller, leaving):
        if not leg.ended:
            leg.stop_playing()
            leg.media.leave(leg.name)


def _recall(call: "Call", transfer: Transfer, refusal: Refuse) -> Destination:
    """Nobody took the one who remains, and the transferor has hung up: he is rung once before all is lost."""
    if refusal.status == 403 or call.recalled:
        return refusal
    call.recalled = True
    return ToPhone(transfer.origin.name)
