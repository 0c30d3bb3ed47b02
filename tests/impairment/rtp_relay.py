"""The sound of one audio stream through a bad network: a pair of ports before the phone, one before the switch."""

from functools import partial

from tests.impairment.departures import Departures
from tests.impairment.impairment import Impairment
from tests.impairment.port import Address, Port
from tests.impairment.ports import open_udp_pair

SIDES = (0, 1)
"""RTP and RTCP: the port and the one after it."""


class RtpRelay:
    """Relays RTP and RTCP between the two addresses that the session descriptions named."""

    def __init__(self, up: Impairment, down: Impairment, departures: Departures) -> None:
        self.phone: Address | None = None
        """Where the phone wants to hear."""
        self.switch: Address | None = None
        """Where the switch wants to hear."""
        self._up, self._down = up, down
        self._departures = departures
        self._front = [
            Port(opened, partial(self._from_phone, side)) for side, opened in zip(SIDES, open_udp_pair(), strict=True)
        ]
        self._back = self._open_back()

    @property
    def front(self) -> Address:
        """Where the phone sends its sound to."""
        return self._front[0].address

    @property
    def back(self) -> Address:
        """Where the switch sends its sound to, and where it sees the phone's coming from."""
        return self._back[0].address

    def rebind(self) -> None:
        """Another source towards the switch; the old one is dead at once."""
        old, self._back = self._back, self._open_back()
        for port in old:
            port.close()

    def close(self) -> None:
        for port in (*self._front, *self._back):
            port.close()

    def _open_back(self) -> list[Port]:
        return [
            Port(opened, partial(self._from_switch, side)) for side, opened in zip(SIDES, open_udp_pair(), strict=True)
        ]

    def _from_phone(self, side: int, packet: bytes, _source: Address) -> None:
        for at, copy in self._up.decide(packet, self._departures.now):
            self._departures.add(at, partial(self._send_up, side, copy))

    def _from_switch(self, side: int, packet: bytes, source: Address) -> None:
        if self.switch is None or source != (self.switch[0], self.switch[1] + side):
            return
        for at, copy in self._down.decide(packet, self._departures.now):
            self._departures.add(at, partial(self._send_down, side, copy))

    def _send_up(self, side: int, packet: bytes) -> None:
        if self.switch is not None:
            self._back[side].send(packet, (self.switch[0], self.switch[1] + side))

    def _send_down(self, side: int, packet: bytes) -> None:
        if self.phone is not None:
            self._front[side].send(packet, (self.phone[0], self.phone[1] + side))
