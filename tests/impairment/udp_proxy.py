"""A bad network over UDP between clients and one target.

async with UdpProxy(("127.0.0.1", 5060), up=Impairment(loss=0.1), down=Impairment(loss=0.1)) as proxy:
    ...  clients talk to proxy.address; the target sees one source per client
    proxy.rebind()      # and from now on other sources, as after a NAT forgot its bindings
"""

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from tests.impairment.departures import Departures
from tests.impairment.impairment import Impairment
from tests.impairment.port import Address, Port
from tests.impairment.ports import open_udp

Change = Callable[[bytes], bytes]


def unchanged(datagram: bytes) -> bytes:
    return datagram


class UdpProxy:
    """Forwards both ways through one `Impairment` per direction; `change_up` and `change_down` see datagrams first."""

    def __init__(
        self,
        target: Address,
        up: Impairment | None = None,
        down: Impairment | None = None,
        *,
        port: int = 0,
        most_clients: int = 32,
        change_up: Change = unchanged,
        change_down: Change = unchanged,
    ) -> None:
        self.target = target
        self.up, self.down = up or Impairment(), down or Impairment()
        self.refused = 0
        """Datagrams of clients for whom there was no room."""
        self._wanted_port = port
        self._most_clients = most_clients
        self._change_up, self._change_down = change_up, change_down
        self._front: Port | None = None
        self._upstream: dict[Address, Port] = {}

    @property
    def address(self) -> Address:
        """Where clients send to."""
        return self._opened.address

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def upstream(self) -> dict[Address, Address]:
        """The source that the target sees, by client."""
        return {client: port.address for client, port in self._upstream.items()}

    def rebind(self) -> None:
        """Give every client another source; what the target still sends to the old one is lost."""
        for client, old in list(self._upstream.items()):
            self._upstream[client] = self._open_upstream(client)
            old.close()

    async def __aenter__(self) -> Self:
        self._departures = Departures()
        self._front = Port(open_udp(self._wanted_port), self._from_client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._departures.close()
        self._opened.close()
        for port in self._upstream.values():
            port.close()
        self._upstream.clear()

    @property
    def _opened(self) -> Port:
        if self._front is None:
            raise RuntimeError("the proxy is not open")
        return self._front

    def _open_upstream(self, client: Address) -> Port:
        return Port(open_udp(), lambda datagram, source: self._from_target(datagram, source, client))

    def _from_client(self, datagram: bytes, client: Address) -> None:
        if client not in self._upstream:
            if len(self._upstream) >= self._most_clients:
                self.refused += 1
                return
            self._upstream[client] = self._open_upstream(client)
        for at, copy in self.up.decide(self._change_up(datagram), self._departures.now):
            self._departures.add(at, partial(self._send_up, copy, client))

    def _from_target(self, datagram: bytes, source: Address, client: Address) -> None:
        if source != self.target:
            return
        for at, copy in self.down.decide(self._change_down(datagram), self._departures.now):
            self._departures.add(at, partial(self._opened.send, copy, client))

    def _send_up(self, datagram: bytes, client: Address) -> None:
        """From the source the client has when the datagram leaves, not when it came."""
        self._upstream[client].send(datagram, self.target)
