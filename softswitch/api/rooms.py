"""Conference rooms on the control socket.

{"do": "rooms"}                                                  ->  {"rooms": {"lobby": {"members": [...]}}}
{"do": "room_change", "room": "lobby", "member": "101", "muted": true}   ->  {"member": {...}}
{"do": "room_kick", "room": "lobby", "member": "101"}                    ->  {"member": {...}}
"""

from typing import Any

from softswitch.api.control import ControlError, Handler
from softswitch.call import conference
from softswitch.call.errors import NoSuchMember
from softswitch.call.exchange import Exchange

CHANGES: dict[str, type | tuple[type, ...]] = {"muted": bool, "deaf": bool, "gain": (int, float)}


def handlers(exchange: Exchange) -> dict[str, Handler]:
    """What the control socket answers about rooms."""

    async def rooms(order: dict[str, Any]) -> dict[str, Any]:
        return {"rooms": conference.roster(exchange)}

    async def change(order: dict[str, Any]) -> dict[str, Any]:
        changes = {name: order[name] for name in CHANGES if name in order}
        wrong = [name for name, value in changes.items() if not isinstance(value, CHANGES[name])]
        if wrong or not changes:
            raise ControlError("A change is muted or deaf, true or false, or gain in decibels.")
        try:
            return {"member": conference.change(exchange, *_whom(order), **changes)}
        except (NoSuchMember, ValueError) as error:
            raise ControlError(str(error)) from error

    async def kick(order: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"member": conference.kick(exchange, *_whom(order))}
        except NoSuchMember as error:
            raise ControlError(str(error)) from error

    return {"rooms": rooms, "room_change": change, "room_kick": kick}


def _whom(order: dict[str, Any]) -> tuple[str, str]:
    room, member = order.get("room"), order.get("member")
    if not isinstance(room, str) or not isinstance(member, str):
        raise ControlError("Say which room and which member.")
    return room, member
