"""All sessions that are alive, and how a request of a peer finds its own."""

from softswitch.dialog.session import Session
from softswitch.sip.message import Request

Tag = str | None


class SessionTable:
    """Sessions by Call-ID and our tag; for an ACK with a made-up To tag by Call-ID and the peer's tag."""

    def __init__(self) -> None:
        self._by_local: dict[tuple[str, Tag], Session] = {}
        self._by_remote: dict[tuple[str, Tag], Session] = {}

    def __len__(self) -> int:
        return len(self._by_local)

    def add(self, session: Session) -> None:
        """Take a new session in."""
        self._by_local[session.request_key] = session
        if session.remote_tag is not None:
            self._by_remote[session.call_id, session.remote_tag] = session

    def remove(self, session: Session) -> None:
        """Let a closed session go; one that is not there is no mistake."""
        if self._by_local.get(session.request_key) is session:
            del self._by_local[session.request_key]
        remote = session.call_id, session.remote_tag
        if self._by_remote.get(remote) is session:
            del self._by_remote[remote]

    def find(self, request: Request) -> Session | None:
        """The session that a request with a To tag belongs to; without one an ACK is dropped, any other gets 481."""
        call_id = request.call_id
        session = self._by_local.get((call_id, request.to.tag))
        if session is None and request.method == "ACK":
            return self._by_remote.get((call_id, request.from_.tag))
        return session
