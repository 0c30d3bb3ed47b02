"""Which backend carries the media: io_uring where the kernel lets us, sockets polled each tick everywhere else."""

from media.errors import BackendUnavailable, BadCommand
from media.io.poll import Poll
from media.io.uring import Uring

BACKENDS = ("auto", "uring", "poll")


def choose(wanted: str, capacity: int) -> tuple[Poll | Uring, str]:
    """The backend and, in a sentence, why it is this one."""
    if wanted not in BACKENDS:
        raise BadCommand(f"{wanted!r} is no backend; there are {', '.join(BACKENDS)}")
    if wanted == "poll":
        return Poll(capacity), "polled sockets, as configured"
    try:
        uring = Uring(capacity)
    except BackendUnavailable as error:
        if wanted == "uring":
            raise
        return Poll(capacity), f"polled sockets, because {error.text}"
    return uring, "io_uring, as configured" if wanted == "uring" else "io_uring, because the kernel offers it"
