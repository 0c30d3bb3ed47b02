"""A network in memory: what transports send arrives, is lost by pattern, or is lost on the way out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from softswitch.sip.peer import Peer

Receiver = Callable[[bytes, Peer], None]


class HandClock:
    """Time that is turned by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Packet:
    """What somebody sent."""

    at: float
    source: Peer
    target: Peer
    data: bytes
    lost: bool

    @property
    def start_line(self) -> str:
        return self.data.partition(b"\r\n")[0].decode()

    @property
    def kind(self) -> str:
        """`INVITE`, or `200 INVITE` for the answer to it."""
        first = self.start_line.split(" ")
        if first[0] != "SIP/2.0":
            return first[0]
        method = self.data.partition(b"\r\nCSeq: ")[2].partition(b"\r\n")[0].split()[1].decode()
        return f"{first[1]} {method}"


def lose_nothing(packet: Packet) -> bool:
    return False


def lose(kind: str, *which: int) -> Callable[[Packet], bool]:
    """Lose packets of a kind by their number, counted from 1; all of them when no number is given."""
    seen = 0

    def decide(packet: Packet) -> bool:
        nonlocal seen
        if packet.kind != kind:
            return False
        seen += 1
        return not which or seen in which

    return decide


@dataclass
class Wire:
    """Who is reached at which address, and what went there."""

    clock: Callable[[], float]
    lose: Callable[[Packet], bool] = lose_nothing
    schedule: Callable[[Callable[[], None]], object] | None = None
    """Calls a delivery soon; None: `deliver` is called by hand."""
    log: list[Packet] = field(default_factory=list)
    _places: dict[tuple[str, str, int], Receiver] = field(default_factory=dict)
    _under_way: deque[Packet] = field(default_factory=deque)

    def plug(self, peer: Peer, receive: Receiver) -> None:
        """From now on `receive` gets what is sent to an address."""
        self._places[peer.transport, peer.host, peer.port] = receive

    def unplug(self, peer: Peer) -> None:
        """Nobody is there any more."""
        del self._places[peer.transport, peer.host, peer.port]

    def send(self, data: bytes, source: Peer, target: Peer) -> None:
        """Bring something on its way."""
        packet = Packet(self.clock(), source, target, data, lost=False)
        packet.lost = self.lose(packet)
        self.log.append(packet)
        if packet.lost:
            return
        if self.schedule is not None:
            self.schedule(lambda: self._arrive(packet))
            return
        self._under_way.append(packet)

    def deliver(self) -> None:
        """Let everything arrive, and what is sent because of it."""
        while self._under_way:
            self._arrive(self._under_way.popleft())

    def sent(self, kind: str, source: Peer | None = None) -> list[Packet]:
        """What was sent of a kind (`INVITE`, `200 BYE`), lost or not."""
        return [one for one in self.log if one.kind == kind and source in (None, one.source)]

    def _arrive(self, packet: Packet) -> None:
        receive = self._places.get((packet.target.transport, packet.target.host, packet.target.port))
        if receive is not None:
            receive(packet.data, packet.source)


class MemoryTransport:
    """A transport of the stack that ends in a wire."""

    def __init__(self, wire: Wire, name: str, host: str, port: int) -> None:
        self.name, self.host, self.port = name, host, port
        self.wire = wire
        self.broken = False
        """True: every `send` fails at once, as on a connection that is closed."""

    @property
    def peer(self) -> Peer:
        return Peer(self.name, self.host, self.port)

    def send(self, data: bytes, peer: Peer) -> None:
        if self.broken:
            raise OSError("the wire is cut")
        self.wire.send(data, self.peer, peer)
