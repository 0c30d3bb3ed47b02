"""The backend for new Linux: io_uring through ctypes and arrays."""

from media.errors import BackendUnavailable
from media.io.sockets import Arrivals, Rows, Sockets


class Uring(Sockets):
    """Media sockets on one ring."""

    name = "uring"

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        raise BackendUnavailable("io_uring is not there yet")

    def receive(self) -> Arrivals | None:
        """All datagrams that have come since the last call, up to a bound."""
        return None

    def send(self, rows: Rows, size: int) -> None:
        """Send the first `size` octets of the rows' packets, each row at most once."""
