"""A bad network between phones and the switch, for their signalling and for their sound.

    async with SdpProxy(("127.0.0.1", switch.sip_port), rtp_up=Impairment(loss=0.05)) as proxy:
        ...  a phone that registers at proxy.port is heard through a loss of 5 %

Session descriptions that pass through get the addresses of an `RtpRelay`, the Contact of the switch becomes the
proxy's, so that requests inside a dialog come this way too.
"""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from tests.impairment.departures import Departures
from tests.impairment.description import call_id, replace_audio, replace_contact
from tests.impairment.impairment import Impairment
from tests.impairment.port import Address
from tests.impairment.rtp_relay import RtpRelay
from tests.impairment.udp_proxy import UdpProxy

MOST_RELAYS = 32
"""Audio streams at once; more than a test needs."""


class SdpProxy:
    """Impairs SIP by `sip_up` and `sip_down`, and the sound of all calls by `rtp_up` and `rtp_down`."""

    def __init__(
        self,
        switch: Address,
        *,
        sip_up: Impairment | None = None,
        sip_down: Impairment | None = None,
        rtp_up: Impairment | None = None,
        rtp_down: Impairment | None = None,
    ) -> None:
        self.rtp_up, self.rtp_down = rtp_up or Impairment(), rtp_down or Impairment()
        self.sip = UdpProxy(switch, sip_up, sip_down, change_up=self._change_up, change_down=self._change_down)
        self.relays: dict[tuple[bytes, int], RtpRelay] = {}
        """By Call-ID and number of the audio stream."""
        self._stack = AsyncExitStack()

    @property
    def address(self) -> Address:
        """Where phones register."""
        return self.sip.address

    @property
    def port(self) -> int:
        return self.sip.port

    def rebind(self) -> None:
        """Other sources for signalling and sound, as after a NAT forgot all bindings."""
        self.sip.rebind()
        self.rebind_sound()

    def rebind_sound(self) -> None:
        for relay in self.relays.values():
            relay.rebind()

    async def __aenter__(self) -> Self:
        self._departures = Departures()
        await self._stack.enter_async_context(self.sip)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        self._departures.close()
        for relay in self.relays.values():
            relay.close()
        self.relays.clear()

    def _change_up(self, message: bytes) -> bytes:
        call = call_id(message)

        def replace(number: int, phone: Address) -> Address:
            relay = self._relay(call, number)
            relay.phone = phone
            return relay.back

        return replace_audio(message, replace)

    def _change_down(self, message: bytes) -> bytes:
        call = call_id(message)

        def replace(number: int, switch: Address) -> Address:
            relay = self._relay(call, number)
            relay.switch = switch
            return relay.front

        return replace_contact(replace_audio(message, replace), self.sip.target, self.address)

    def _relay(self, call: bytes, number: int) -> RtpRelay:
        """The relay of a stream, opened when it is first described; the oldest makes room when there are too many."""
        if (call, number) not in self.relays:
            if len(self.relays) >= MOST_RELAYS:
                self.relays.pop(next(iter(self.relays))).close()
            self.relays[call, number] = RtpRelay(self.rtp_up, self.rtp_down, self._departures)
        return self.relays[call, number]
