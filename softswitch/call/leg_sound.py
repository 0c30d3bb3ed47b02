"""The sound of a leg: its row in a media worker, and what was negotiated for it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from media.client import MediaClient
from media.errors import MediaError
from media.protocol import LegReport, SrtpKeys
from softswitch.call.info import KeyMode
from softswitch.records import events as fact
from softswitch.sip.crypto import SrtpPolicy
from softswitch.sip.errors import SipError
from softswitch.sip.negotiate import LocalMedia, Negotiated, accept_answer, answer_offer, make_offer
from softswitch.sip.peer import Peer
from softswitch.sip.tag import make_tag

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

log = structlog.get_logger("call.leg")

Reoffer = Callable[[bytes], Awaitable[bytes | None]]
"""Sends an offer in a re-INVITE: the answer, or None when there is none."""


class LegSound:
    """What a leg sends and hears, and where.

    `open` takes the row; then either `choose` answers the phone's offer or `offer` makes ours and `take_answer` reads
    what came back; `apply` tells the media worker. `close` gives the row back.

    Parameters
    ----------
    leg
        Whose sound it is: the row has its name, and its target decides about encryption and what is listened to.
    tell_held
        Is told when the phone puts us on hold and when it takes us back.
    """

    def __init__(self, leg: "Leg", tell_held: Callable[[bool], None]) -> None:
        self.negotiated: Negotiated | None = None
        self.held = False
        self._exchange = leg.exchange
        self._owner = leg
        self._leg = leg.name
        self._target = leg.target
        self._tell_held = tell_held
        self._worker: MediaClient | None = None
        self._bound = ""
        self._local: LocalMedia | None = None
        self._offer: bytes | None = None
        """Ours, while it waits for its answer."""
        self._description: bytes | None = None
        """The last session description of ours."""
        self._shown = False
        """Whether the phone has seen our answer, so that there is nothing left to choose."""
        self._listens = False
        self._keys: KeyMode = "auto"
        self._toned = False
        """Whether its sound is searched for keys."""

    # ---- the row ----------------------------------------------------------------------------------------------

    @property
    def worker(self) -> MediaClient:
        """The media worker that carries this leg, or would. Raises MediaError while there is none."""
        return self._worker or self._exchange.media.choose()

    @property
    def is_open(self) -> bool:
        """Whether there is a row."""
        return self._local is not None

    @property
    def codec(self) -> str | None:
        """The codec that was agreed on."""
        return self.negotiated.codec.name if self.negotiated is not None else None

    @property
    def keys_by_info(self) -> bool:
        """Whether keys go to this phone in SIP INFO."""
        return self._keys == "info"

    async def open(
        self, peer: Peer, preferred: Sequence[str], beside: "LegSound | None", srtp: SrtpPolicy | None = None
    ) -> None:
        """Take a row and a pair of ports, in the worker of `beside` if there is such a one: it will be talked to.

        Comfort noise is offered to those whose partner sends it. Raises MediaError when there are no ports.
        """
        exchange = self._exchange
        address = self._bound = exchange.media_address(peer)
        self._worker = exchange.media.choose() if beside is None else beside.worker
        port = await self._worker.open(self._leg, address)
        ordered = [codec for codec in preferred if codec in exchange.codecs]
        ordered += [codec for codec in exchange.codecs if codec not in ordered]
        session_id = int(make_tag()[:7], 16)
        shown = exchange.shown_address(address, peer)
        policy = srtp or exchange.srtp_of(self._target)
        noise = beside is not None and beside.negotiated is not None and beside.negotiated.comfort_noise
        self._keys = exchange.keys_of(self._target)
        self._local = LocalMedia(
            shown, port, tuple(ordered), telephone_event=self._keys == "auto", comfort_noise=noise,
            session_id=session_id, version=session_id, srtp=policy,
        )  # fmt: skip

    async def move(self, worker: MediaClient, reoffer: Reoffer | None) -> None:
        """Go over to another media worker. Raises MediaError when the phone does not agree; all stays as it was then.

        `reoffer` is None as long as the phone knows no ports of ours: it notices nothing.
        """
        local = self._opened()
        port = await worker.open(self._leg, self._bound)
        moved = replace(local, port=port)
        try:
            if reoffer is None:
                self._go_over(moved, worker, None)
            else:
                await self._offer_ports(moved, worker, reoffer)
        finally:
            if self._worker is not worker:
                with suppress(MediaError):
                    await worker.close_leg(self._leg)

    async def _offer_ports(self, moved: LocalMedia, worker: MediaClient, reoffer: Reoffer) -> None:
        offer = make_offer(moved, previous=self._description)
        answer = await reoffer(offer)
        if answer is None:
            raise MediaError(f"leg {self._leg} did not take its new ports")
        try:
            negotiated = accept_answer(offer, answer, moved)
        except SipError as error:
            raise MediaError(f"leg {self._leg} did not take its new ports: {error}") from error
        self._description = offer
        self._go_over(moved, worker, negotiated)

    def _go_over(self, moved: LocalMedia, worker: MediaClient, negotiated: Negotiated | None) -> None:
        before = self.worker
        self._local, self._worker, self._listens, self._toned = moved, worker, False, False
        self._exchange.spawn(self._leave(before))
        if negotiated is None:
            self._description = self.negotiated = None
        else:
            self._apply(negotiated)

    async def _leave(self, worker: MediaClient) -> None:
        """Give the ports of another worker back and write down how the leg fared there."""
        quality = await self._report(worker)
        if quality is not None and quality["packets_received"]:
            self._owner.journal.note(fact.LegMoved, leg=self._leg, quality=dict(quality))

    async def close(self) -> LegReport | None:
        """Give the row back: how the leg fared, if that can be told."""
        return await self._report(self.worker) if self.is_open else None

    async def _report(self, worker: MediaClient) -> LegReport | None:
        try:
            return await worker.close_leg(self._leg)
        except MediaError as error:
            log.info("no media report", leg=self._leg, error=str(error))
            return None

    # ---- offers and answers -----------------------------------------------------------------------------------

    def offer(self) -> bytes:
        """Our offer: the first one, or one in place of what was agreed."""
        self._offer = self._description = make_offer(self._opened(), previous=self._description)
        return self._offer

    def take_answer(self, sdp: bytes) -> bool:
        """The answer to our offer; whether it will do."""
        if self._local is None or self._offer is None:
            return False
        try:
            self._apply(accept_answer(self._offer, sdp, self._local))
        except SipError as error:
            log.info("bad answer", leg=self._leg, error=str(error))
            return False
        return True

    @property
    def waits_for_answer(self) -> bool:
        """Whether our offer is open."""
        return self._offer is not None

    def settle_offer(self) -> None:
        """Our offer is answered for good."""
        self._offer = None

    def choose(self, offered: bytes | None, preferred: str | None = None) -> None:
        """Choose from the caller's offer. Raises SipError (488) when nothing fits.

        `preferred` is the codec that the other side speaks: taken if the caller offered it, for then packets pass
        without being decoded. What the phone has been told already stays.
        """
        if self._local is None or offered is None or self._shown:
            return
        if self.negotiated is not None and preferred in (None, self.codec):
            return
        local = self._local
        if preferred in local.codecs:
            local = replace(local, codecs=(preferred, *(codec for codec in local.codecs if codec != preferred)))
        self._description, self.negotiated = answer_offer(offered, local)

    def answer(self) -> bytes:
        """What goes into our 183 or 2xx: the answer that was chosen, or our offer when the caller made none."""
        sdp = self._description
        if sdp is None:
            return self.offer()
        self._shown = True
        return sdp

    def apply(self, negotiated: Negotiated | None = None) -> None:
        """Use what was chosen, or what `answer_again` found."""
        negotiated = negotiated or self.negotiated
        if negotiated is not None:
            self._apply(negotiated)

    def answer_again(self, sdp: bytes) -> tuple[bytes, Negotiated]:
        """Answer another offer of the phone: hold, resume, another address (RFC 3264 section 8).

        Raises SipError when it cannot be accepted; all stays as it was then.
        """
        agreed = self.negotiated.srtp if self.negotiated else None
        answer, negotiated = answer_offer(sdp, self._opened(), previous=self._description, agreed=agreed)
        self._description = answer
        return answer, negotiated

    def _apply(self, negotiated: Negotiated) -> None:
        """Tell the media worker what was negotiated, and whoever listens when the call was held or taken back."""
        self.negotiated = negotiated
        keys = negotiated.srtp
        if keys is not None and self._local is not None:
            self._local = replace(self._local, srtp="required")  # what is encrypted once never becomes plain again
        worker = self.worker
        worker.configure(
            self._leg,
            remote_host=negotiated.remote_host,
            remote_port=negotiated.remote_port,
            codec=negotiated.codec.name,
            clock=negotiated.codec.clock_rate,
            payload_type=negotiated.codec.payload_type,
            receive_payload_type=negotiated.receive_payload_type,
            dtmf_send=negotiated.dtmf_send,
            dtmf_receive=negotiated.dtmf_receive,
            send=negotiated.direction in ("sendrecv", "sendonly"),
            receive=negotiated.direction in ("sendrecv", "recvonly"),
            ptime=negotiated.ptime,
            srtp=None if keys is None else SrtpKeys(keys.suite, keys.send, keys.receive),
            comfort_noise=negotiated.comfort_noise,
            dtmf_by_info=self.keys_by_info,
        )
        toned = negotiated.dtmf_receive is None and not self.keys_by_info
        if toned != self._toned:
            self._toned = toned
            worker.detect_inband(self._leg, toned)
        if not self._listens:
            self.listen()
        if negotiated.held != self.held:
            self.held = negotiated.held
            self._tell_held(self.held)

    def listen(self) -> None:
        """Listen for the signals that are wanted of this leg, from here on."""
        if not self._exchange.plan.signals_of(self._target):
            return
        if self._listens:
            self.worker.detect_progress(self._leg, False)
        self._listens = True
        self.worker.detect_progress(self._leg, True)

    def _opened(self) -> LocalMedia:
        if self._local is None:
            raise MediaError(f"leg {self._leg} has no media")
        return self._local
