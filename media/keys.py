"""Keys pressed on the legs: telephone events in and out, and tones in band where events were not negotiated."""

from typing import Final

import numpy as np

from media import rtp, telephone_event
from media.dtmf import make_digits
from media.errors import BadCommand
from media.io.sockets import MediaIo
from media.legs import G711, Legs
from media.players import Players
from media.relay import Relay
from media.rooms import Rooms
from media.telephone_event import KEYS, EventReceiver, EventSender, Pressed

HUSH_TICKS: Final = 3
"""Ticks without audio after an event packet was handed on to a leg that is mixed."""


class Keys:
    """Counts, hands on and sends digits."""

    def __init__(self, io: MediaIo, legs: Legs, relay: Relay, rooms: Rooms) -> None:
        self._io = io
        self._legs = legs
        self._relay = relay
        self._rooms = rooms
        self._receivers: dict[int, EventReceiver] = {}
        self._pressing: set[int] = set()
        self._senders: dict[int, EventSender] = {}
        self._handed_on: dict[int, tuple[int, int]] = {}
        """Target to the event's timestamp on its way in and on its way out."""
        self.tones = Players()
        """Digits in band, heard over everything else."""
        self.hush_until = np.zeros(legs.capacity, np.int64)
        """First tick in which a row is sent audio again."""

    def forget(self, row: int) -> None:
        """A leg is gone."""
        self._receivers.pop(row, None)
        self._pressing.discard(row)
        self._senders.pop(row, None)
        self._handed_on.pop(row, None)
        self.tones.stop(row)
        self.hush_until[row] = 0

    def is_sending(self, row: int) -> bool:
        """Whether digits are on their way to a leg."""
        return row in self._senders or row in self.tones

    def press(self, row: int, digits: str, tick: int) -> None:
        """Send digits to a leg, as events if it negotiated them."""
        negotiated = self._legs.negotiated[row]
        if negotiated is None:
            raise BadCommand(f"the leg {self._legs.names[row]!r} is not configured")
        if negotiated.dtmf_by_info:
            raise BadCommand(f"keys reach the leg {self._legs.names[row]!r} in SIP INFO: send one")
        if negotiated.dtmf_send is None:
            self._press_in_band(row, digits, tick)
            return
        sender = self._senders.get(row) or EventSender(negotiated.dtmf_send)
        sender.press(digits)
        if digits:
            self._senders[row] = sender
            self._rooms.overlay(row, on=True)

    def receive(self, row: int, packet: rtp.RtpPacket, extended: int, now: float, tick: int) -> list[Pressed]:
        """An event packet that came from a leg; the digits that it completes."""
        event = telephone_event.parse_event(packet.payload)
        if event is None or event.code >= len(KEYS):
            return []
        receiver = self._receivers.setdefault(row, EventReceiver())
        pressed = receiver.receive(event, packet.timestamp, now)
        (self._pressing.add if receiver.waiting else self._pressing.discard)(row)
        self._hand_on(row, packet, extended, pressed, tick)
        return pressed

    def handle_timer(self, now: float, tick: int) -> list[tuple[int, Pressed]]:
        """Digits whose ends were lost."""
        over = []
        for row in list(self._pressing):
            pressed = self._receivers[row].handle_timer(now)
            if pressed:
                self._pressing.discard(row)
                over += [(row, digit) for digit in pressed]
                self._press_for_partner(row, pressed, tick)
        return over

    def send(self, tick: int) -> list[int]:
        """This tick's event packets; rows whose digits are all sent."""
        done = []
        for row, sender in self._senders.items():
            self.hush_until[row] = tick + 1
            packet = sender.next_packet(self._legs.clock(row, tick))
            if packet is not None:
                payload, timestamp, marker = packet
                self._send_event(row, payload, timestamp, sender.payload_type, marker=marker)
            elif sender.idle:
                done.append(row)
        for row in done:
            del self._senders[row]
        return done

    def _press_in_band(self, row: int, digits: str, tick: int) -> None:
        wrong = [digit for digit in digits if digit not in KEYS]
        if wrong or len(digits) > telephone_event.MOST_WAITING:
            raise BadCommand(f"{digits[:80]!r} are no keys of a telephone, or too many")
        if digits:
            self.tones.start(row, [make_digits(digits)], "", tick, repeat=False)
            self._rooms.overlay(row, on=True)

    def _hand_on(self, row: int, packet: rtp.RtpPacket, extended: int, pressed: list[Pressed], tick: int) -> None:
        """Let the other one of the room hear the key."""
        relayed = int(self._relay.target[row])
        target = relayed if relayed >= 0 else self._rooms.partner(row)
        negotiated = None if target is None else self._legs.negotiated[target]
        if target is None or negotiated is None or not (self._legs.sends[target] and self._legs.receives[row]):
            return
        if negotiated.dtmf_send is None:
            if target != row:
                self._press_for_partner(row, pressed, tick)  # or nothing, for the switch sends INFO
            return
        if relayed >= 0 and self._legs.coding[row] == G711:
            self._relay_event(row, target, packet, extended, negotiated.dtmf_send, tick)
            return
        self._send_among_audio(target, packet, negotiated.dtmf_send, tick)

    def _press_for_partner(self, row: int, pressed: list[Pressed], tick: int) -> None:
        """Play the digits in band to a partner that negotiated no events."""
        partner = self._rooms.partner(row)
        negotiated = None if partner is None else self._legs.negotiated[partner]
        if partner is None or negotiated is None or negotiated.takes_keys or not pressed:
            return
        self._press_in_band(partner, "".join(digit.key for digit in pressed), tick)

    def _relay_event(
        self, row: int, target: int, packet: rtp.RtpPacket, extended: int, payload_type: int, tick: int
    ) -> None:
        """Numbered like the audio that is relayed, so order and gaps stay."""
        stamp = np.array([packet.timestamp])
        numbers = self._relay.number(np.array([row]), np.array([target]), np.array([extended]), stamp, tick)
        self._send(target, payload_type, packet.marker, int(numbers[0][0]), int(numbers[1][0]), packet.payload)

    def _send_among_audio(self, target: int, packet: rtp.RtpPacket, payload_type: int, tick: int) -> None:
        """Numbered among the mixed audio of the target, which pauses."""
        known = self._handed_on.get(target)
        if known is None or known[0] != packet.timestamp:
            known = packet.timestamp, self._legs.clock(target, tick)
            self._handed_on[target] = known
        self.hush_until[target] = tick + HUSH_TICKS
        self._send_event(target, packet.payload, known[1], payload_type, marker=packet.marker)

    def _send_event(self, row: int, payload: bytes, timestamp: int, payload_type: int, *, marker: bool) -> None:
        legs = self._legs
        if not legs.sends[row]:
            return
        self._send(row, payload_type, marker, int(legs.sequence[row]), timestamp, payload)
        legs.sequence[row] += 1
        legs.packets_sent[row] += 1

    def _send(self, row: int, payload_type: int, marker: bool, sequence: int, timestamp: int, payload: bytes) -> None:
        """A packet with a timestamp of 8 kHz; on the wire it has the clock of the leg's codec."""
        ssrc = int(self._legs.ssrc[row])
        timestamp *= int(self._legs.clock_factor[row])
        self._io.send_one(row, bytes(rtp.RtpPacket(payload_type, marker, sequence, timestamp, ssrc, payload)))
