"""Who hears whom: rooms, echoes, players and listeners, turned into arrays that hold until something changes.

Two legs in a room are relayed, packet by packet, in each direction that nothing is mixed into; everything else is
mixed once per tick. Recording and digit detection listen to what comes in and do not disturb a relay. A room in which
somebody is not plain (see `media.membership`) is mixed by a matrix, and goes back to what it was when he is gone.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import BadCommand
from media.legs import NOBODY, Legs
from media.membership import PLAIN, Factors, Membership, factors
from media.mixer import NO_ROOM, Seating, seat
from media.relay import NOWHERE, Relay
from media.talkers import Watched

SPARE_EARS: Final = 64
"""Free places in the arrays of a tick that are left before they are packed anew."""

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A room whose members do not all hear the same."""

    ears: Rows
    """intp[k]"""
    factors: Factors
    """float32[k, k], see `membership.factors`."""


@dataclass(slots=True)
class Plan:
    """What a tick does, as arrays. An *ear* is a place in the arrays of sound; free ears stand for `NOBODY`."""

    ears: Rows
    """intp[e]: row of each ear."""
    new: list[int]
    """Ears that stood for somebody else before."""
    place: Rows
    """intp[capacity]: ear of each row, negative for none."""
    room: Rows
    """intp[e]: number of the room, `NO_ROOM` for none and in rooms with a matrix."""
    seating: Seating
    """The same, as the mixer wants it."""
    mixes: bool
    """Whether anybody is mixed without a matrix."""
    matrices: list[Matrix]
    """The rooms that are mixed by one."""
    wide: list[Rows]
    """intp[k]: rows of the members of each room that is mixed at 16 kHz, since all of them carry it."""
    spoken: Rows
    """intp[s]: ears whose rows are sent sound."""
    spoken_rows: Rows
    """intp[s]: their rows."""
    heard_rows: Rows
    """intp[h]: rows whose sound is taken from the jitter buffer."""
    watched: list[Watched]
    """Rooms whose talkers are wanted."""
    watched_rows: Rows
    """intp[w]: their members, one after another."""


@dataclass(slots=True)
class _Room:
    number: int
    members: list[int] = field(default_factory=list)


class Rooms:
    """Rooms and what else decides who hears whom."""

    def __init__(self, legs: Legs, relay: Relay) -> None:
        self._legs = legs
        self._relay = relay
        self._rooms: dict[str, _Room] = {}
        self._room_of: dict[int, str] = {}
        self._last_number = 0
        self._memberships: dict[int, Membership] = {}
        """Of rows that are more than plain members."""
        self._watched: set[str] = set()
        self._echoes: set[int] = set()
        self._overlaid: set[int] = set()
        self._taps: dict[int, int] = {}
        self._toned: set[int] = set()
        """Rows whose keys come as tones in their sound."""
        self._alone: set[int] = set()
        """Rows that were left alone in their rooms and hear nothing yet."""
        self._mixes: set[int] = set()
        self._feeds: set[int] = set()
        self.pair = np.full(legs.capacity, NOBODY, np.intp)
        """The other one of each row's room of two, `NOBODY` for none."""
        self.listens = np.zeros(legs.capacity, bool)
        """Rows whose packets go into the jitter buffer."""
        self._ears: list[int] = []
        self._place = np.full(legs.capacity, -1, np.intp)
        self._plan: Plan | None = None
        none = np.empty(0, np.intp)
        self._nothing = Plan(none, [], self._place, none, Seating(none, []), False, [], [], none, none, none, [], none)

    def __len__(self) -> int:
        return len(self._rooms)

    def join(self, row: int, room: str, membership: Membership = PLAIN) -> None:
        """Put a row into a room, out of another one; or change how it takes part."""
        if self._room_of.get(row) == room:
            self._change(row, membership)
            return
        self.leave(row)
        if room not in self._rooms:
            self._last_number += 1
            self._rooms[room] = _Room(self._last_number)
        self._room_of[row] = room
        self._rooms[room].members.append(row)
        if membership != PLAIN:
            self._memberships[row] = membership
        self._refresh(self._rooms[room].members)

    def leave(self, row: int) -> None:
        """Take a row out of its room; an empty room is gone."""
        name = self._room_of.pop(row, None)
        if name is None:
            return
        room = self._rooms[name]
        room.members.remove(row)
        self._memberships.pop(row, None)
        if not room.members:
            del self._rooms[name]
            self._watched.discard(name)
        self._refresh([row])
        self._refresh(room.members)

    def forget(self, row: int) -> None:
        """A leg is gone."""
        self._echoes.discard(row)
        self._overlaid.discard(row)
        self._taps.pop(row, None)
        self._toned.discard(row)
        for whisperer, membership in self._memberships.items():
            if membership.ear == row:
                self._memberships[whisperer] = replace(membership, ear=NOBODY)
        if row in self._room_of:
            self.leave(row)
            return
        self._refresh([row])

    def watch(self, room: str, *, on: bool) -> None:
        """Somebody wants to know who talks in a room, as long as it exists; or no more."""
        if room not in self._rooms:
            raise BadCommand(f"nobody is in the room {room!r}")
        (self._watched.add if on else self._watched.discard)(room)
        self._plan = None

    def partner(self, row: int) -> int | None:
        """The other one of two who talk; who supervises them is not counted."""
        two = [member for member in self._members(row) if not self._membership(member).supervises]
        return two[two[0] == row] if len(two) == 2 and row in two else None

    def echo(self, row: int, *, on: bool) -> None:
        """Send a row its own sound."""
        (self._echoes.add if on else self._echoes.discard)(row)
        self._refresh(self._members(row))

    def overlay(self, row: int, *, on: bool) -> None:
        """Something is played to a row: what it hears is made here and not relayed."""
        if on != (row in self._overlaid):
            (self._overlaid.add if on else self._overlaid.discard)(row)
            self._refresh(self._members(row))

    def tap(self, row: int, change: int) -> None:
        """One listener more, or less, wants the sound that comes from a row."""
        count = self._taps.get(row, 0) + change
        if count > 0:
            self._taps[row] = count
        else:
            self._taps.pop(row, None)
        self._plan = None

    def search(self, row: int, *, on: bool) -> None:
        """Keys of a row come as tones in its sound, which are kept from a partner whom they reach otherwise."""
        (self._toned.add if on else self._toned.discard)(row)
        self.tap(row, 1 if on else -1)
        self.refresh(row)

    def refresh(self, row: int) -> None:
        """The row was configured anew."""
        self._plan = None
        if row in self._room_of or row in self._echoes:
            self._refresh(self._members(row))

    def settle(self) -> None:
        """Who is still alone is sent silence from now on, so that his telephone does not take us for gone.

        Called once in a while and not at once: most who are left alone hang up in the same moment.
        """
        if self._alone:
            self._mixes |= self._alone
            self._alone.clear()
            self._plan = None

    def plan(self) -> Plan:
        """The arrays of a tick."""
        if self._plan is None:
            self._plan = self._make_plan()
        else:
            self._plan.new = []
        return self._plan

    def _members(self, row: int) -> list[int]:
        name = self._room_of.get(row)
        return [row] if name is None else self._rooms[name].members

    def _membership(self, row: int) -> Membership:
        return self._memberships.get(row, PLAIN)

    def _change(self, row: int, membership: Membership) -> None:
        if self._membership(row) == membership:
            return
        self._memberships.pop(row, None)
        if membership != PLAIN:
            self._memberships[row] = membership
        self._refresh(self._members(row))

    def _refresh(self, members: list[int]) -> None:
        """Decide anew for a room, or for a row that is in none."""
        self._plan = None
        self._alone.difference_update(members)
        self._mixes.difference_update(members)
        self._feeds.difference_update(members)
        self.pair[members] = members[::-1] if len(members) == 2 else NOBODY
        if len(members) == 1:
            self._refresh_alone(members[0])
            return
        if len(members) == 2 and self._memberships.keys().isdisjoint(members):
            self._refresh_pair(members[0], members[1])
            self._refresh_pair(members[1], members[0])
            return
        for row in members:
            self._relay.connect(row, NOWHERE)
        self._mixes.update(members)
        self._feeds.update(members)

    def _refresh_alone(self, row: int) -> None:
        echoes = row in self._echoes and row not in self._overlaid and self._legs.negotiated[row] is not None
        self._relay.connect(row, row if echoes else NOWHERE)
        if row in self._room_of and not echoes:
            self._alone.add(row)

    def _refresh_pair(self, source: int, target: int) -> None:
        configured = self._legs.negotiated[source] is not None and self._legs.negotiated[target] is not None
        alike = self._legs.coding[source] == self._legs.coding[target]
        if configured and alike and target not in self._overlaid and not self._filters(source, target):
            self._relay.connect(source, target)
            return
        self._relay.connect(source, NOWHERE)
        self._mixes.add(target)
        self._feeds.add(source)

    def _filters(self, source: int, target: int) -> bool:
        """Whether tones are to be kept from a target: packets are gone before a tone in them is recognised."""
        negotiated = self._legs.negotiated[target]
        return source in self._toned and negotiated is not None and negotiated.takes_keys

    def _make_plan(self) -> Plan:
        if not (self._feeds or self._taps or self._mixes or self._overlaid or self._watched or self._ears):
            return self._nothing
        watched = self._make_watched()
        heard = self._feeds.union(self._taps, *(one.rows.tolist() for one in watched))
        sends = self._legs.sends
        spoken = {row for row in self._mixes | self._overlaid if sends[row]}
        new = self._seat(heard | spoken)
        ears = np.array(self._ears, np.intp)
        self.listens[:] = False
        heard_rows = np.fromiter(heard, np.intp, len(heard))
        self.listens[heard_rows] = True
        spoken_ears = np.array([ear for ear, row in enumerate(self._ears) if row in spoken], np.intp)
        matrices, apart = self._make_matrices()
        wide = self._make_wide(apart)
        mixed = (self._mixes | self._feeds) - apart.union(*wide)
        numbers = [self._rooms[self._room_of[row]].number if row in mixed else NO_ROOM for row in self._ears]
        room = np.array(numbers, np.intp)
        return Plan(
            ears=ears,
            new=new,
            place=self._place,
            room=room,
            seating=seat(room),
            mixes=any(number != NO_ROOM for number in numbers),
            matrices=matrices,
            wide=[np.array(members, np.intp) for members in wide],
            spoken=spoken_ears,
            spoken_rows=ears[spoken_ears],
            heard_rows=heard_rows,
            watched=watched,
            watched_rows=np.concatenate([one.rows for one in watched] or [ears[:0]]),
        )

    def _make_matrices(self) -> tuple[list[Matrix], set[int]]:
        """The rooms that are mixed by a matrix, and everybody in them."""
        matrices, apart = [], set[int]()
        for name in dict.fromkeys(self._room_of[row] for row, one in self._memberships.items() if not one.plain):
            members = self._rooms[name].members
            if len(members) < 2:
                continue
            apart.update(members)
            heard = factors([(row, self._membership(row)) for row in members])
            matrices.append(Matrix(self._place[members], heard))
        return matrices, apart

    def _make_wide(self, apart: set[int]) -> list[list[int]]:
        """The members of each plain room in which everybody carries more than the telephone band."""
        wide = self._legs.wide
        names = {self._room_of[row] for row in np.flatnonzero(wide).tolist() if row in self._room_of}
        both = self._mixes & self._feeds
        rooms = [self._rooms[name].members for name in sorted(names)]
        return [one for one in rooms if both.issuperset(one) and wide[one].all() and apart.isdisjoint(one)]

    def _make_watched(self) -> list[Watched]:
        audible = {
            name: [row for row in self._rooms[name].members if self._membership(row).audible] for name in self._watched
        }
        return [Watched(name, np.array(rows, np.intp)) for name, rows in audible.items()]

    def _seat(self, live: set[int]) -> list[int]:
        """Give every live row an ear; rows keep theirs until too many ears are free."""
        self._place[self._ears] = -1
        kept = [row if row in live else NOBODY for row in self._ears]
        while kept and kept[-1] == NOBODY:
            kept.pop()
        if len(kept) - len(live) > SPARE_EARS:
            kept = [row for row in kept if row != NOBODY]
        free = [ear for ear, row in enumerate(kept) if row == NOBODY]
        for row in live.difference(kept):
            if free:
                kept[free.pop()] = row
            else:
                kept.append(row)
        before = self._ears
        self._ears = kept
        self._place[kept] = np.arange(len(kept))
        self._place[NOBODY] = -1
        return [ear for ear, row in enumerate(kept) if ear >= len(before) or before[ear] != row]
