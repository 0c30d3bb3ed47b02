"""What becomes of offers and talks: the facts about them, brought onto the floor."""

from acd import events
from acd.agent import Seat
from acd.caller import Caller
from acd.commands import StartMusic
from acd.floor import Floor
from acd.lease import Lease, Outcome
from acd.offers import connect, end_offer, end_talk, undo_connect
from acd.reload import dismiss
from acd.waiting import begin_wait, send_on


def offer_ringing(floor: Floor, event: events.OfferRinging) -> None:
    """The agent's phone rings."""
    if event.lease in floor.leases:
        floor.leases[event.lease].ringing = True


def offer_answered(floor: Floor, event: events.OfferAnswered) -> None:
    """The first of a caller's offers wins; an answer that comes too late gets the withdrawal again."""
    lease = floor.leases.get(event.lease)
    if lease is not None and lease.answered_at is None:
        connect(floor, lease)
        return
    withdrawal = floor.ended.get(event.lease)
    if lease is None and withdrawal is not None:
        floor.orders.append(withdrawal)


def offer_rejected(floor: Floor, event: events.OfferRejected) -> None:
    """The agent pressed reject."""
    _offer_failed_as(floor, event.lease, Outcome.REJECTED)


def offer_busy(floor: Floor, event: events.OfferBusy) -> None:
    """The agent's phone says busy."""
    _offer_failed_as(floor, event.lease, Outcome.BUSY)


def offer_failed(floor: Floor, event: events.OfferFailed) -> None:
    """The agent's phone could not be reached."""
    _offer_failed_as(floor, event.lease, Outcome.UNREACHABLE)


def _offer_failed_as(floor: Floor, number: int, outcome: Outcome) -> None:
    lease = floor.leases.get(number)
    if lease is not None and lease.answered_at is None:
        end_offer(floor, lease, outcome, "agent_gone")


def connect_failed(floor: Floor, event: events.ConnectFailed) -> None:
    """The agent was gone before the two could talk: the caller stands where he stood."""
    lease = floor.leases.get(event.lease)
    if lease is None or lease.answered_at is None:
        _offer_failed_as(floor, event.lease, Outcome.UNREACHABLE)
        return
    caller = lease.caller
    undo_connect(floor, lease)
    drop_if_leaving(floor, lease.seat)
    stand_again(floor, caller)


def stand_again(floor: Floor, caller: Caller) -> None:
    """Back into the place he had; when his queue is gone meanwhile, to where its other callers went."""
    caller.line.put_back(caller)
    if floor.lines.get(caller.line.settings.name) is not caller.line:
        send_on(floor, caller, "closed", caller.line.settings.on_closed)
        return
    if caller.callback is None:
        floor.orders.append(StartMusic(caller.id, caller.music))
    begin_wait(floor, caller)


def contact_ended(floor: Floor, event: events.ContactEnded) -> None:
    """The talk is over for this agent."""
    seat = floor.seats.get(event.agent)
    if seat is not None and seat.talk is not None and seat.talk.caller.id == event.caller:
        finish_talk(floor, seat.talk)


def finish_talk(floor: Floor, lease: Lease) -> None:
    """The talk is over; a removed agent goes now."""
    end_talk(floor, lease)
    drop_if_leaving(floor, lease.seat)


def drop_if_leaving(floor: Floor, seat: Seat) -> None:
    """Forget an agent who was removed while he talked."""
    if seat.leaving:
        dismiss(floor, seat)
