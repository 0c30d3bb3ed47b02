"""Leading the other party elsewhere: what a REFER of a phone asks for, whether it may have that, and carrying it out.

    REFER -> `ask` decides: 202, or why not -> `TransferAsked` in the inbox of the call -> `carry_out`

A Replaces in the Refer-To names another line of the transferor (RFC 5589): whoever is there is taken over.

The one who asks (the transferor) stays on the line until somebody has taken the other one over; when nobody does, the
two are together again. The call goes on with the one who remains as its caller, by the transferor's rights.
"""

from typing import TYPE_CHECKING

import structlog

from media.errors import MediaError
from softswitch.call.destination import (
    Destination,
    Hangup,
    Refuse,
    ToGroup,
    ToLeg,
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
from softswitch.sip.refer import Replaces, read_refer

if TYPE_CHECKING:
    from softswitch.call.call import Call

log = structlog.get_logger("call.transfer")

MOST = 50
"""Transfers of one call."""
MOST_FORWARDS = 20
"""Destinations that a transfer may be sent on to, from one to the next."""


class Transfer:
    """One transfer, from its REFER to its end."""

    def __init__(
        self,
        transferor: Leg,
        origin: Origin,
        number: str,
        destination: Destination | None,
        note: str = "",
        consulted: Leg | None = None,
    ) -> None:
        self.transferor = transferor
        self.origin = origin
        """Who that is: it goes by his rights."""
        self.number = number
        self.destination = destination
        """Who is rung, or where else it goes; None: whoever the transferor talks to on the line `consulted`."""
        self.note = note
        self.consulted = consulted
        """The transferor's line to whom he has called before; he is done with it."""
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
    if call.transfer is not None or call.giving:
        return 491
    if call.partner_of(leg) is None:
        return 403
    if call.transfers >= MOST:
        return 603
    asked = read_refer(request)
    if asked.uri.is_sip and not exchange.is_ours(asked.uri):
        return 404
    number, consulted = asked.number, None
    origin = exchange.origin_of(leg)
    if asked.replaces is not None:
        consulted = _find_consulted(leg, asked.replaces)
        if consulted is None:
            return 603
        if consulted.call.partner_of(consulted) is not None:
            call.begin_transfer(Transfer(leg, origin, number, None, asked.note, consulted))
            return 202
        number = consulted.call.called  # it rings there: the one who is led on rings there instead
    destination = exchange.route(origin, number)
    status = _objection(call, origin, destination)
    if status:
        log.info("transfer refused", call=call.id, by=str(origin), to=number, status=status)
        return status
    call.begin_transfer(Transfer(leg, origin, number, destination, asked.note, consulted))
    return 202


def _find_consulted(leg: Leg, replaces: Replaces) -> Leg | None:
    """Another line of the same phone, as its Replaces names it; nobody names a line of somebody else."""
    consulted = leg.exchange.find_dialog(replaces.call_id, replaces.to_tag, replaces.from_tag)
    if consulted is None or consulted.target != leg.target or consulted.call is leg.call:
        return None
    call = consulted.call
    rings = call.caller is consulted and not consulted.answered
    talks = call.partner_of(consulted) is not None and call.transfer is None and not call.giving
    return consulted if talks or rings else None


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
        fact.TransferStarted, leg=leaving.name, by=str(transfer.origin), to=transfer.number,
        mode="blind" if transfer.consulted is None else "attended", note=transfer.note,
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
    if transfer.destination is None:
        return await _take_over(call, transfer)
    if transfer.consulted is not None:
        transfer.consulted.hangup(cause="transferred")
    destination = transfer.destination
    for _ in range(MOST_FORWARDS):
        if not isinstance(destination, ToPhone | ToGroup | ToTrunk):
            return Refuse(480) if isinstance(destination, Hangup) else destination
        destination = await call.reach(destination, transfer.progress)
    return Refuse(482)


async def _take_over(call: "Call", transfer: Transfer) -> Destination:
    """Whoever the transferor talked to on his other line comes into this call, and that line is free."""
    line = transfer.consulted
    other = line.call.partner_of(line) if line is not None else None
    if line is None or other is None or line.call.transfer is not None or line.call.giving:
        return Refuse(480)
    line.call.giving = True  # nobody leads him elsewhere while he goes over to our media worker
    try:
        await other.move(call.caller.media)
    except MediaError as error:
        log.warning("not moved", leg=other.name, error=str(error))
        return Refuse(503)
    finally:
        line.call.giving = False
    if line.call.partner_of(line) is not other:
        return Refuse(480)  # one of the two hung up meanwhile
    line.call.release(other)
    call.adopt(other)
    return ToLeg(other, call.exchange.record_with(call, other))


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
