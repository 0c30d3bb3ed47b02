"""Where a message came from, or where it goes."""

from typing import NamedTuple


class Peer(NamedTuple):
    """One end of a transport: protocol, address and, for connections, which connection."""

    transport: str
    """Lower case: "udp", "tcp", "tls", "ws" or "wss"."""
    host: str
    """Literal address without brackets, or a host name that still has to be resolved."""
    port: int
    flow: int = 0
    """Number of the connection; 0 on UDP and when any connection will do."""
    name: str = ""
    """Of one we connect to by TLS: the name its certificate must carry; empty when that is the address."""

    @property
    def reliable(self) -> bool:
        """Whether the transport itself delivers, so that nothing has to be sent twice."""
        return self.transport != "udp"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"
