"""`softswitch room`: who is in the conference rooms, and what an operator does about it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from softswitch.commands.common import DEFAULT, Json, Where, console, order, show

room = App(name="room", help="Conference rooms: who is in them; mute, deafen, make louder, kick.")

Room = Annotated[str, Parameter(help="The room's name in the configuration.")]
Member = Annotated[str, Parameter(help="A member's number, or his leg as the list shows it.")]


def show_rooms(rooms: dict[str, Any]) -> None:
    """Print who is in the rooms."""
    rows = [(name, *_member_row(member)) for name, room in rooms.items() for member in room["members"]]
    show("Rooms", ("room", "member", "number", "name", "since", "is"), rows)


def _member_row(member: dict[str, Any]) -> tuple[str, ...]:
    since = datetime.fromtimestamp(member["since"]).astimezone().strftime("%H:%M:%S")
    states = [state for state in ("muted", "deaf", "talking") if member[state]]
    states += [f"{member['gain']:+g} dB"] if member["gain"] else []
    return member["member"], member["number"], member["name"], since, ", ".join(states)


@room.command(name="list")
def room_list(path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Show who is in the conference rooms."""
    rooms = order(path, "rooms")["rooms"]
    if as_json:
        print(json.dumps(rooms))
        return
    show_rooms(rooms)
    console.print(f"{sum(len(one['members']) for one in rooms.values())} members in {len(rooms)} rooms")


@room.command(name="mute")
def room_mute(name: Room, member: Member, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Let nobody hear a member."""
    _change_member(path, as_json, name, member, muted=True)


@room.command(name="unmute")
def room_unmute(name: Room, member: Member, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Let a member be heard again."""
    _change_member(path, as_json, name, member, muted=False)


@room.command(name="deafen")
def room_deafen(name: Room, member: Member, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Let a member hear nobody."""
    _change_member(path, as_json, name, member, deaf=True)


@room.command(name="undeafen")
def room_undeafen(name: Room, member: Member, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Let a member hear the others again."""
    _change_member(path, as_json, name, member, deaf=False)


@room.command(name="gain")
def room_gain(name: Room, member: Member, decibels: float, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Make a member louder or softer, by -20 to 20 dB."""
    _change_member(path, as_json, name, member, gain=decibels)


@room.command(name="kick")
def room_kick(name: Room, member: Member, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Hang up a member."""
    _tell_member(order(path, "room_kick", room=name, member=member), as_json, "is out")


def _change_member(path: Path, as_json: bool, name: str, member: str, **changes: Any) -> None:
    _tell_member(order(path, "room_change", room=name, member=member, **changes), as_json)


def _tell_member(found: dict[str, Any], as_json: bool, what: str = "") -> None:
    if as_json:
        print(json.dumps(found["member"]))
        return
    leg, number, _, _, states = _member_row(found["member"])
    print(f"{number} ({leg}) {what or f'is {states}' if what or states else 'hears and is heard'}.")
