"""Callers come into a line, wait, and go: hung up, sent on, or because there is nobody."""

from fractions import Fraction

from acd.alarm import WAITING_ALARMS, Alarm
from acd.announcing import start_announcing
from acd.caller import Caller
from acd.commands import LeaveQueue, StartMusic, WithdrawReason
from acd.events import CallerJoined
from acd.floor import Floor
from acd.lease import Outcome
from acd.line import Line
from acd.memory import KeptPlace
from acd.offers import withdraw_all
from acd.queue import Overflow
from acd.reserve import await_reserve
from acd.skills import Need, read_need


def join(floor: Floor, event: CallerJoined) -> None:
    """Let the caller into the line, or refuse him."""
    line = floor.lines.get(event.queue)
    if line is None:
        floor.orders.append(LeaveQueue(event.caller, event.queue, "closed", None))
        return
    refusal = _refusal(line, read_need(line.settings.requires, *event.requires))
    if refusal is not None:
        outcome, destination = refusal
        line.counts.blocked[outcome] += 1
        floor.orders.append(LeaveQueue(event.caller, event.queue, outcome, destination))
        return
    caller = _admit(floor, line, event)
    overflow = _overflow(line)
    if overflow is not None:
        send_on(floor, caller, "overflow", overflow.to)
        return
    floor.orders.append(StartMusic(caller.id, caller.music))
    begin_wait(floor, caller)
    if line.settings.leave_empty:
        floor.emptied[line.settings.name] = line


def _admit(floor: Floor, line: Line, event: CallerJoined) -> Caller:
    since = floor.now if event.since is None else min(event.since, floor.now)
    rank: int | Fraction = floor.next_caller_rank()
    kept = _merged_callback(floor, line, event) or _kept_place(floor, line, event)
    if kept is not None:
        since, rank = min(since, kept.since), kept.rank
    music = line.settings.music if event.music is None else event.music
    caller = Caller(event.caller, line, event.priority, event.requires, since, floor.now, music)
    caller.relaxed = _steps_behind(line, since, floor.now)
    caller.need = line.need_of(caller)
    caller.width = starting_width(line)
    caller.customer = event.customer
    caller.preferred = _preferred(floor, line, event)
    caller.held = bool(caller.preferred) and line.settings.preferred_wait > 0
    floor.callers[caller.id] = caller
    line.counts.offered += 1
    if not line.waiting:
        line.pace.line_formed(floor.now)
    line.place(caller, rank, event.position)
    return caller


def _kept_place(floor: Floor, line: Line, event: CallerJoined) -> KeptPlace | None:
    within = line.settings.keep_place
    if within is None or not event.customer:
        return None
    return floor.memory.take_place(line.settings.name, event.customer, within, floor.now)


def _merged_callback(floor: Floor, line: Line, event: CallerJoined) -> KeptPlace | None:
    """He was to be called back and calls himself: the callback is over, and its place is his."""
    caller = line.callbacks.get(event.customer) if event.customer else None
    if caller is None or caller.talk is not None:
        return None
    place = KeptPlace(caller.since, caller.key[2], floor.now)
    send_on(floor, caller, "merged", None)
    return place


def _preferred(floor: Floor, line: Line, event: CallerJoined) -> tuple[str, ...]:
    """Those he asks for, and then the agent he talked to last, as far as they serve this queue."""
    agents = event.preferred
    within = line.settings.last_agent
    if within is not None and event.customer:
        last = floor.memory.last_agent(event.customer, within, floor.now)
        agents = (*agents, last) if last is not None else agents
    return tuple(agent for agent in dict.fromkeys(agents) if agent in line.posts)


def starting_width(line: Line) -> int | None:
    """How many agents may ring at once at first."""
    return None if line.strategy.rings_all and line.settings.progressive is None else 1


def begin_wait(floor: Floor, caller: Caller) -> None:
    """Look for an agent, and set everything that the time waited brings."""
    settings = caller.line.settings
    if settings.max_wait is not None and caller.callback is None:
        floor.alarms.set(Alarm.MAX_WAIT, caller.id, max(caller.entered_at + settings.max_wait, floor.now))
    if settings.progressive is not None and caller.offers:
        floor.alarms.set(Alarm.WIDEN, caller.id, floor.now + settings.progressive)
    await_next_tier(floor, caller)
    await_relaxing(floor, caller)
    await_reserve(floor, caller)
    if caller.callback is None:
        _await_overflow(floor, caller)
    if caller.held:
        at = caller.entered_at + settings.preferred_wait
        floor.alarms.set(Alarm.PREFERRED, caller.id, max(at, floor.now))
    if caller.callback is None:
        start_announcing(floor, caller)
    floor.reconsider(caller)
    floor.seeking[caller.id] = caller


def _overflow(line: Line) -> Overflow | None:
    """The first overflow that is reached with the caller who has just come into the line."""
    return next((overflow for overflow in line.settings.overflows if _is_reached(line, overflow)), None)


def _is_reached(line: Line, overflow: Overflow) -> bool:
    waiting = len(line.waiting)
    if overflow.length is not None and waiting > overflow.length:
        return True
    if overflow.estimated_wait is not None:
        estimate = line.pace.wait(waiting)
        if estimate is not None and estimate > overflow.estimated_wait:
            return True
    if overflow.ratio is None:
        return False
    return waiting > overflow.ratio * sum(post.seat.at_work for post in line.posts.values())


def _await_overflow(floor: Floor, caller: Caller) -> None:
    """Set the time at which the caller has waited long enough in this queue."""
    waits = [overflow.wait for overflow in caller.line.settings.overflows if overflow.wait is not None]
    if waits:
        floor.alarms.set(Alarm.OVERFLOW, caller.id, max(caller.entered_at + min(waits), floor.now))


def overflow_by_wait(floor: Floor, caller: Caller) -> None:
    """Send on who has waited long enough; whom somebody is ringing for goes when that has come to nothing."""
    if caller.away:
        return
    if caller.offers:
        caller.overflowing = True
        return
    waited = floor.now - caller.entered_at
    reached = (o for o in caller.line.settings.overflows if o.wait is not None and waited >= o.wait)
    overflow = next(reached, None)
    if overflow is not None:
        send_on(floor, caller, "overflow", overflow.to)


def await_next_tier(floor: Floor, caller: Caller) -> None:
    """Every tier_wait seconds of wait open one more tier."""
    tier_wait = caller.line.settings.tier_wait
    if tier_wait is not None and caller.open_tiers < len(caller.line.tiers):
        floor.alarms.set(Alarm.TIER, caller.id, max(caller.since + caller.open_tiers * tier_wait, floor.now))


def await_relaxing(floor: Floor, caller: Caller) -> None:
    """Set the time at which the queue asks for less."""
    relax = caller.line.settings.relax
    if caller.relaxed < len(relax):
        at = caller.since + relax[caller.relaxed].after
        floor.alarms.set(Alarm.RELAX, caller.id, max(at, floor.now))


def ask_again(floor: Floor, caller: Caller) -> None:
    """What is needed of an agent may have changed."""
    line = caller.line
    need = line.need_of(caller)
    if need == caller.need:
        return
    line.unwant(caller)
    caller.need = need
    floor.reconsider(caller)
    floor.seeking[caller.id] = caller


def _steps_behind(line: Line, since: float, now: float) -> int:
    """Steps of relaxing that are behind a caller who waits since then."""
    return sum(step.after <= now - since for step in line.settings.relax)


def _refusal(line: Line, need: Need) -> tuple[str, str | None] | None:
    settings = line.settings
    if not settings.open:
        return "closed", settings.on_closed
    if settings.max_length is not None and len(line.waiting) >= settings.max_length:
        return "full", settings.on_full
    if settings.join_empty and not anybody_present(line, need, frozenset(settings.join_empty)):
        return "empty", settings.on_empty
    return None


def anybody_present(line: Line, need: Need, absences: frozenset[str]) -> bool:
    """Whether any member is there for a caller with these needs, none of the named absences being true of him."""
    asks_skills = "incapable" in absences
    return any(
        absences.isdisjoint(post.seat.conditions()) and (not asks_skills or post.seat.able(need))
        for post in line.posts.values()
    )


def hang_up(floor: Floor, caller: Caller) -> None:
    """The caller has gone while waiting."""
    counts, settings = caller.line.counts, caller.line.settings
    counts.abandoned += 1
    counts.short_abandoned += floor.now - caller.since <= settings.short_abandon
    if settings.keep_place is not None and caller.customer:
        kept = KeptPlace(caller.since, caller.key[2], floor.now)
        floor.memory.keep_place(settings.name, caller.customer, kept)
    _forget(floor, caller, Outcome.CALLER_GONE, "caller_gone")


def send_on(floor: Floor, caller: Caller, outcome: str, destination: str | None) -> None:
    """The caller leaves the line alive without an agent."""
    line = caller.line
    line.counts.flow_outs[outcome] += 1
    timed_out = outcome == "timeout"
    ending = Outcome.WITHDRAWN if timed_out else Outcome.CALLER_GONE
    _forget(floor, caller, ending, "timeout" if timed_out else "caller_gone")
    floor.orders.append(LeaveQueue(caller.id, line.settings.name, outcome, destination))


def _forget(floor: Floor, caller: Caller, outcome: Outcome, reason: WithdrawReason) -> None:
    withdraw_all(floor, caller, outcome, reason)
    line = caller.line
    line.remove(caller)
    if not line.waiting:
        line.pace.line_gone()
    del floor.callers[caller.id]
    if caller.callback is not None:
        line.callbacks.pop(caller.customer, None)
    floor.seeking.pop(caller.id, None)
    for kind in WAITING_ALARMS:
        floor.alarms.cancel(kind, caller.id)


def time_out(floor: Floor, caller: Caller) -> None:
    """The maximum wait is over; who is just ringing may still answer if the queue says so."""
    settings = caller.line.settings
    if caller.away:
        return
    if caller.offers and settings.one_more_chance:
        caller.overdue = True
        floor.reconsider(caller)
        return
    send_on(floor, caller, "timeout", settings.on_timeout)


def end_last_chances(floor: Floor) -> None:
    """Send on those who live on offers that have failed."""
    for caller in list(floor.seeking.values()):
        if caller.offers or caller.talk is not None:
            continue
        if caller.overdue:
            send_on(floor, caller, "timeout", caller.line.settings.on_timeout)
        elif caller.overflowing:
            caller.overflowing = False
            overflow_by_wait(floor, caller)


def leave_empty_lines(floor: Floor) -> None:
    """Send on who waits for nobody. Whom somebody is ringing for stays until that offer has ended."""
    for line in floor.emptied.values():
        for caller in list(line.waiting):
            if not (caller.offers or caller.away or caller.callback) and _waits_for_nobody(line, caller):
                send_on(floor, caller, "empty", line.settings.on_empty)
    floor.emptied.clear()


def _waits_for_nobody(line: Line, caller: Caller) -> bool:
    if line.present == 0:
        return True
    absences = line.settings.leave_empty
    return "incapable" in absences and bool(caller.need) and not anybody_present(line, caller.need, frozenset(absences))
