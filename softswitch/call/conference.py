"""Conference rooms: who is in them, how they hear each other, and what a member or somebody outside may change."""

from typing import TYPE_CHECKING, Any

from media.client import MediaClient
from media.protocol import MOST_GAIN, Sound
from softswitch.call.destination import Destination, Hangup, Refuse
from softswitch.call.errors import NoSuchDestination, NoSuchMember
from softswitch.call.events import DigitPressed, LegHeld, LegResumed
from softswitch.call.plan import Member, Room
from softswitch.call.room_tape import RoomTape
from softswitch.call.services import say
from softswitch.records import events as fact

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.exchange import Exchange

ENTRY: Sound = {"tone": 880, "seconds": 0.15}
EXIT: Sound = {"tone": 440, "seconds": 0.25}
MOST_TOLD = 50  # members of a room up to which it hears a tone when somebody comes or goes: later that never ends
TOGGLE = "*6"  # keys by which a member mutes himself, or speaks again
PIN_TRIES = 3
PIN_PAUSE = 10.0  # seconds without a key after which an entry is over


async def conference(call: "Call", name: str) -> Destination:
    """Be in a room, where everybody hears everybody, until the caller hangs up."""
    exchange, caller = call.exchange, call.caller
    room = exchange.rooms.get(name)
    if room is None:
        raise NoSuchDestination(f"conference:{name}")
    if len(room.members) >= room.max_members:
        return Refuse(486)
    if not await _go_there(call, room):
        return Refuse(503)
    caller.answer()
    call.state = f"conference:{name}"
    if room.pin is not None and not await _knows_pin(call, room.pin):
        return Hangup("refused")
    if room.greeting is not None:
        await say(call, await exchange.speech.sounds([room.greeting]), "greeting")
    if not await _go_there(call, room):
        return Refuse(503)
    if len(room.members) >= room.max_members:  # others came in while he keyed or listened
        return Refuse(486)
    member = Member(caller.name, call.origin.number, call.origin.display, exchange.wall())
    room.members.append(member)
    call.journal.note(fact.RoomJoined, room=name)
    try:
        call.room = media_room(name)
        _seat(exchange, name, member)
        _tell(exchange, room, ENTRY)
        _tape(call, room, member)
        await _stay(call, name, member)
    finally:
        call.end_conversation()
        room.members.remove(member)
        _untape(call, name)
        call.journal.note(fact.RoomLeft, room=name, cause=caller.cause)
        _tell(exchange, room, EXIT)
    return Hangup()


async def _go_there(call: "Call", room: Room) -> bool:
    """Be on the media worker of those who are in the room already; whether that is so."""
    while (home := _home(call.exchange, room)) not in (None, call.caller.media):
        if not await call.go_to(home):
            return False
    return True


def _home(exchange: "Exchange", room: Room) -> "MediaClient | None":
    legs = (exchange.legs.get(member.name) for member in room.members)
    return next((leg.media for leg in legs if leg is not None and not leg.ended), None)


def media_room(name: str) -> str:
    """What the media engine calls a conference room."""
    return f"conference:{name}"


async def _stay(call: "Call", name: str, member: Member) -> None:
    """Until the caller is gone, which `call.next` raises."""
    caller, keyed = call.caller, ""
    while True:
        match await call.next():
            case LegHeld(leg):
                leg.media.leave(leg.name)
                _retape(call.exchange, name)
            case LegResumed():
                _seat(call.exchange, name, member)
            case DigitPressed(leg, digit, _) if leg is caller:
                keyed = (keyed + digit)[-len(TOGGLE) :]
                if keyed == TOGGLE:
                    _change(call.exchange, name, member, by="member", muted=not member.muted)
                    caller.play([EXIT if member.muted else ENTRY], "room")


def _seat(exchange: "Exchange", name: str, member: Member) -> None:
    """Let a member take part as it stands in the roster; not while he is on hold."""
    leg = exchange.legs.get(member.name)
    if leg is None or leg.ended or leg.held:
        return
    room = media_room(name)
    leg.media.join(leg.name, room, muted=member.muted, deaf=member.deaf, gain=member.gain)
    leg.media.watch(room, True)
    _retape(exchange, name)


def _tape(call: "Call", room: Room, member: Member) -> None:
    """Record a member, where his room is recorded."""
    tapes = call.exchange.room_tapes
    if room.record is not None and room.name not in tapes:
        tapes[room.name] = RoomTape(call.exchange, room.name, room.record, call)
    if room.name in tapes:
        tapes[room.name].join(call, member)


def _untape(call: "Call", name: str) -> None:
    tape = call.exchange.room_tapes.get(name)
    if tape is not None and tape.leave(call):
        del call.exchange.room_tapes[name]


def _retape(exchange: "Exchange", name: str) -> None:
    if name in exchange.room_tapes:
        exchange.room_tapes[name].hear()


def _tell(exchange: "Exchange", room: Room, sound: Sound) -> None:
    """Let everybody in a room hear that somebody came or went."""
    if len(room.members) > MOST_TOLD:
        return
    for member in room.members:
        leg = exchange.legs.get(member.name)
        if leg is not None and not (leg.ended or leg.held):
            leg.play([sound], "room")


async def _knows_pin(call: "Call", pin: str) -> bool:
    """Ask for the room's number by a beep; `#` ends an entry."""
    for _ in range(PIN_TRIES):
        call.caller.play([call.exchange.tone("beep")], "pin")
        entered = ""
        while len(entered) < len(pin):
            match await call.next(PIN_PAUSE):
                case None:
                    break
                case DigitPressed(leg, digit, _) if leg is call.caller:
                    if digit != "#":
                        entered += digit
                    elif entered:  # else it ends the entry before, which was as long as the PIN
                        break
        if entered == pin:
            return True
    return False


# ---- from outside ---------------------------------------------------------------------------------------------


def roster(exchange: "Exchange") -> dict[str, dict[str, Any]]:
    """Every room and its members, as plain values."""
    return {
        name: {"members": [_plain(member) for member in room.members], "max_members": room.max_members}
        for name, room in exchange.rooms.items()
    }


def _plain(member: Member) -> dict[str, Any]:
    return {
        "member": member.name, "number": member.number, "name": member.display, "since": round(member.since, 3),
        "muted": member.muted, "deaf": member.deaf, "gain": member.gain, "talking": member.talking,
    }  # fmt: skip


def change(exchange: "Exchange", room: str, who: str, **changes: Any) -> dict[str, Any]:
    """Mute, deafen, make louder: `muted`, `deaf`, `gain` in dB. Raises NoSuchMember, or ValueError with a sentence."""
    gain = changes.get("gain", 0.0)
    if isinstance(gain, bool) or not isinstance(gain, int | float) or not abs(gain) <= MOST_GAIN:
        raise ValueError(f"A gain is a number of decibels from -{MOST_GAIN:g} to {MOST_GAIN:g}.")
    member = find(exchange, room, who)
    _change(exchange, room, member, by="operator", **changes)
    return _plain(member)


def kick(exchange: "Exchange", room: str, who: str) -> dict[str, Any]:
    """Hang up a member. Raises NoSuchMember."""
    member = find(exchange, room, who)
    leg = exchange.legs.get(member.name)
    if leg is not None:
        leg.hangup(cause="kicked")
    return _plain(member)


def find(exchange: "Exchange", room: str, who: str) -> Member:
    """A member by the name of his leg, or by his number when it is the only one. Raises NoSuchMember."""
    if room not in exchange.rooms:
        known = ", ".join(sorted(exchange.rooms)) or "none"
        raise NoSuchMember(f"There is no room {room!r}; known are: {known}.")
    found = [member for member in exchange.rooms[room].members if who in (member.name, member.number)]
    if not found:
        raise NoSuchMember(f"Nobody in the room {room!r} is {who!r}.")
    if len(found) > 1:
        names = ", ".join(member.name for member in found)
        raise NoSuchMember(f"More than one in the room {room!r} is {who!r}: say which of {names}.")
    return found[0]


def hear_talker(exchange: "Exchange", room: str, leg: str) -> None:
    """Another one talks in a room of the media engine, or nobody."""
    found = exchange.rooms.get(room.removeprefix(media_room("")))
    for member in found.members if found is not None else ():
        member.talking = member.name == leg


def _change(exchange: "Exchange", room: str, member: Member, *, by: str, **changes: Any) -> None:
    before = member.muted, member.deaf, member.gain
    for name, value in changes.items():
        setattr(member, name, value)
    if (member.muted, member.deaf, member.gain) == before:
        return
    leg = exchange.legs.get(member.name)
    if leg is None:  # he is just leaving
        return
    leg.journal.note(
        fact.MemberChanged, room=room, muted=member.muted, deaf=member.deaf, gain=float(member.gain), by=by
    )
    _seat(exchange, room, member)
