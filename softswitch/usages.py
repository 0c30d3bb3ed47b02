"""The sessions that are not over, and how a request finds its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from softswitch.dialog.session import Session, State
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer

Listener = Callable[[object], None]
"""Is told the events of a session (`softswitch.dialog.events`)."""


def nobody(event: object) -> None:
    """Hears the events of a session that nobody listens to yet."""


@dataclass(slots=True, eq=False)
class Usage:
    """A session with what is kept beside it."""

    session: Session
    listener: Listener
    peer: Peer
    symmetric: bool
    """True: in-dialog requests go to `peer`, where the other side really is, and not to its Contact."""

    @property
    def next_deadline(self) -> float | None:
        """When the session's own timer is due."""
        return self.session.next_deadline


class Usages:
    """Every session, by itself, by Call-ID and our tag, and those that came in by the caller's tag."""

    def __init__(self) -> None:
        self._by_session: dict[Session, Usage] = {}
        self._by_local: dict[tuple[str, str], Usage] = {}
        self._by_remote: dict[tuple[str, str], Usage] = {}

    def __len__(self) -> int:
        return len(self._by_session)

    def __iter__(self) -> Iterator[Usage]:
        return iter(self._by_session.values())

    def keep(self, usage: Usage) -> None:
        """Take a new session in."""
        session = usage.session
        self._by_session[session] = usage
        self._by_local[session.call_id, session.local_tag] = usage
        if session.state is State.RINGING:
            self._by_remote[session.call_id, session.remote_tag or ""] = usage

    def forget(self, usage: Usage) -> None:
        """A session is over."""
        session = usage.session
        self._by_session.pop(session, None)
        self._by_local.pop((session.call_id, session.local_tag), None)
        key = session.call_id, session.remote_tag or ""
        if self._by_remote.get(key) is usage:
            del self._by_remote[key]

    def of(self, session: Session) -> Usage | None:
        """What is kept of a session; None when it is over."""
        return self._by_session.get(session)

    def find(self, request: Request) -> Usage | None:
        """The session that a request inside of a dialog belongs to."""
        return self._by_local.get((request.call_id, request.to.tag or ""))

    def find_caller(self, request: Request) -> Usage | None:
        """The session of a caller, by his own tag: an INVITE has no tag of ours, and some ACKs have an invented one."""
        return self._by_remote.get((request.call_id, request.from_.tag or ""))
