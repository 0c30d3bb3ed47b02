"""New settings under running calls: nobody loses his place, his talk, his wrap-up or his pointer."""

import math

from acd.agent import Agent, Seat
from acd.alarm import WAITING_ALARMS, Alarm
from acd.errors import SettingsError
from acd.events import SettingsChanged
from acd.floor import Floor
from acd.lease import Outcome
from acd.line import Line
from acd.offers import must_dispose, withdraw
from acd.post import Post
from acd.queue import Member, QueueSettings
from acd.staff import await_pause_limit, end_wrap_up
from acd.waiting import ask_again, begin_wait, send_on, starting_width


def apply_settings(floor: Floor, event: SettingsChanged) -> None:
    """Bring the floor into the shape of the new settings, which `check_settings` has found to be good."""
    agents = _all_agents(event)
    floor.pauses = {reason.name: reason for reason in event.pauses}
    _rename(floor, event)
    _close_lines(floor, {settings.name for settings in event.queues})
    _seat(floor, agents)
    for settings in event.queues:
        _set_up_line(floor, settings)
    for seat in list(floor.seats.values()):
        if seat.agent.id not in agents:
            _unseat(floor, seat)
    _start_again(floor)


def check_settings(floor: Floor, event: SettingsChanged) -> None:
    """Raise SettingsError when the settings do not fit together, or not to what there is."""
    names = [settings.name for settings in event.queues]
    if len(set(names)) != len(names):
        raise SettingsError("two queues have the same name")
    ids = [agent.id for agent in event.agents]
    if len(set(ids)) != len(ids):
        raise SettingsError("two agents have the same id")
    names_of_breaks = [reason.name for reason in event.pauses]
    if len(set(names_of_breaks)) != len(names_of_breaks):
        raise SettingsError("two reasons for breaks have the same name")
    for old, new in event.renamed.items():
        if new not in names:
            raise SettingsError(f"queue {old!r} is renamed to {new!r}, which does not exist")
        if new in floor.lines and new not in event.renamed:
            raise SettingsError(f"queue {old!r} is renamed to {new!r}, which was another queue before")
    if len(set(event.renamed.values())) != len(event.renamed):
        raise SettingsError("two queues are renamed to the same name")


def _all_agents(event: SettingsChanged) -> dict[str, Agent]:
    """The agents named, and plain ones for members who are not."""
    agents = {agent.id: agent for agent in event.agents}
    for settings in event.queues:
        for member in settings.members:
            agents.setdefault(member.agent, Agent(member.agent))
    return agents


def _rename(floor: Floor, event: SettingsChanged) -> None:
    """Settings carry the name, so `_set_up_line` does the rest."""
    renamed = {old: new for old, new in event.renamed.items() if old in floor.lines}
    if not renamed:
        return
    floor.lines = {renamed.get(name, name): line for name, line in floor.lines.items()}
    for seat in floor.seats.values():
        seat.posts = {renamed.get(name, name): post for name, post in seat.posts.items()}
    for name, line in floor.lines.items():
        line.settings = line.settings.under_name(name)


def _close_lines(floor: Floor, names: set[str]) -> None:
    for name, line in list(floor.lines.items()):
        if name in names:
            continue
        for caller in list(line.waiting):
            send_on(floor, caller, "closed", line.settings.on_closed)
        for post in line.posts.values():
            line.set_taken(post)
            del post.seat.posts[name]
        line.posts.clear()
        del floor.lines[name]


def _seat(floor: Floor, agents: dict[str, Agent]) -> None:
    for name, agent in agents.items():
        seat = floor.seats.get(name)
        if seat is None:
            floor.seats[name] = Seat(agent, floor.now)
            continue
        seat.take_settings(agent)
        seat.leaving = False


def _unseat(floor: Floor, seat: Seat) -> None:
    """Who talks stays until the end of the talk."""
    seat.leaving = True
    if seat.talk is None:
        dismiss(floor, seat)


def dismiss(floor: Floor, seat: Seat) -> None:
    """Forget an agent who is in no queue any more."""
    del floor.seats[seat.agent.id]
    floor.freed.pop(seat.agent.id, None)
    for kind in (Alarm.REST, Alarm.WRAP_UP, Alarm.PAUSE):
        floor.alarms.cancel(kind, seat.agent.id)


def _set_up_line(floor: Floor, settings: QueueSettings) -> None:
    line = floor.lines.get(settings.name)
    if line is None:
        line = floor.lines[settings.name] = Line(settings, floor.line_rng(settings.name))
    old, line.settings = line.settings, settings
    for post in line.posts.values():
        line.set_taken(post)
        post.present = False
    line.present = 0
    if old.priority_age != settings.priority_age:
        line.order_callers()
    if not old.same_order(settings):
        line.change_strategy(settings)
    _staff(floor, line, settings.members)


def _staff(floor: Floor, line: Line, members: tuple[Member, ...]) -> None:
    """Post the members in their order; who stays keeps what the queue remembers of him."""
    old = line.posts
    line.posts = {}
    for order, member in enumerate(members):
        post = old.pop(member.agent, None)
        if post is None:
            post = Post(floor.seats[member.agent], member, order)
        post.member, post.order = member, order
        line.posts[member.agent] = post
        post.seat.posts[line.settings.name] = post
    for post in old.values():
        _remove_post(floor, line, post)
    line.set_tiers()


def _remove_post(floor: Floor, line: Line, post: Post) -> None:
    """Take away what rings for him, unless another queue rings him."""
    seat = post.seat
    seat.posts.pop(line.settings.name, None)
    if seat.lease is not None and seat.lease.line is line:
        withdraw(floor, seat.lease, Outcome.WITHDRAWN, "agent_gone")


def _start_again(floor: Floor) -> None:
    """Order everybody anew and let all look at all."""
    for line in floor.lines.values():
        line.order_anew(floor.now)
        if line.settings.leave_empty:
            floor.emptied[line.settings.name] = line
    for seat in floor.seats.values():
        await_pause_limit(floor, seat)
        if seat.wrap_up_until == math.inf and not must_dispose(seat):
            end_wrap_up(floor, seat)
        floor.refresh(seat)
    for caller in floor.callers.values():
        if caller.talk is None:
            caller.overdue = caller.overflowing = False
            wide = starting_width(caller.line)
            caller.width = wide if wide is None or caller.width is None else max(wide, caller.width)
            for kind in WAITING_ALARMS:
                floor.alarms.cancel(kind, caller.id)
            caller.preferred = tuple(agent for agent in caller.preferred if agent in caller.line.posts)
            caller.relaxed = min(caller.relaxed, len(caller.line.settings.relax))
            ask_again(floor, caller)
            if caller.callback is not None:
                caller.width = 1
            if not caller.away:
                begin_wait(floor, caller)
