"""The branches that a proxy made of our INVITE: each To tag is a user agent of its own (RFC 3261 13.2.2.4)."""

from softswitch.dialog.dialog import Dialog
from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response

MOST = 16
"""Branches that we remember; what comes from more is ignored."""


class Forks:
    """Early dialogs, and the branches that answered too late, by To tag."""

    __slots__ = ("_dropped", "_invite", "early")

    def __init__(self, invite: Request) -> None:
        self._invite = invite
        self.early: dict[str, Dialog] = {}
        """Branches that ring."""
        self._dropped: dict[str | None, tuple[Request, Dialog]] = {}

    def hear(self, response: Response) -> Dialog | None:
        """Remember the early dialog of a 101-199; None when it makes none."""
        tag = response.to.tag
        if tag is None:
            return None
        if response.status == 199:
            self.early.pop(tag, None)
            return None
        if tag not in self.early and len(self.early) < MOST:
            try:
                self.early[tag] = Dialog.from_client(self._invite, response)
            except BadHeader:
                return None
        return self.early.get(tag)

    def answer(self, response: Response) -> Dialog | None:
        """The dialog of a 2xx that was not heard before; None when there are too many branches.

        Its route set is that of the 2xx, whatever the early dialog had (13.2.2.4).
        """
        if len(self._dropped) >= MOST:
            return None
        tag = response.to.tag
        dialog = Dialog.from_client(self._invite, response)
        early = self.early.pop(tag, None) if tag is not None else None
        if early is not None:
            dialog.local_seq = max(early.local_seq, dialog.local_seq)
            dialog.remote_seq = early.remote_seq
        return dialog

    def drop(self, dialog: Dialog) -> tuple[Request, Request]:
        """Build the ACK and the BYE for a branch that answered although another one has the call (13.2.2.4)."""
        ack = dialog.build("ACK", number=self._invite.cseq.number)
        self._dropped[dialog.remote.tag] = ack, dialog
        return ack, dialog.build("BYE")

    def dropped(self, tag: str | None) -> tuple[Request, Dialog] | None:
        """The ACK that a dropped branch got before, with its dialog."""
        return self._dropped.get(tag)
