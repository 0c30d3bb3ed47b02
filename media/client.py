"""The switch's end of a media worker: orders out, events in.

Orders that ask for no answer are gathered and written once per turn of the loop, so a call that configures, joins and
plays costs one system call here and one wake-up there.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from media import protocol
from media.errors import BadCommand, MediaError, WorkerGone, from_code
from media.protocol import LegReport, MediaEvent, Role, Sound, SrtpKeys, WorkerLost

ANSWER_WITHIN: Final = 5.0
"""Seconds to wait for an answer before the worker is taken for dead."""


USUAL: Final[dict[str, Any]] = {"muted": False, "deaf": False, "gain": 0.0, "role": "member", "ear": ""}
"""How most legs are in their rooms, which needs no words."""


class _Wire(asyncio.Protocol):
    """Lines from the worker's socket, handed to the client."""

    def __init__(self, client: "MediaClient") -> None:
        self._client = client
        self._splitter = protocol.LineSplitter()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for line in self._splitter.feed(data):
                self._client.receive(protocol.read_line(line))
        except BadCommand:
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lose_worker()


class MediaClient:
    """One connection to one media worker.

    Legs, rooms and recordings are named by the caller; names are free after `close_leg` and `stop_record`.
    """

    def __init__(self, on_event: Callable[[MediaEvent], None]) -> None:
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._lines: list[bytes] = []
        self._last_id = 0
        self._closing = False
        self.leg_count = 0
        """Legs that are open, or being opened."""

    @classmethod
    async def connect(cls, path: str, on_event: Callable[[MediaEvent], None]) -> "MediaClient":
        """Join the worker that listens on the Unix socket `path`; `on_event` is called from the loop."""
        client = cls(on_event)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_unix_connection(lambda: _Wire(client), path)
        except OSError as error:
            raise WorkerGone(f"no media worker on {path}: {error.strerror or error}") from error
        client._transport = transport
        return client

    def close(self) -> None:
        """Leave the worker; it closes every leg and finalises every recording. No event follows."""
        self._closing = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    @property
    def is_gone(self) -> bool:
        """Whether there is nobody at the other end any more."""
        return self._closing

    # legs

    async def open(self, leg: str, address: str) -> int:
        """Open a leg on a local address (IPv4 or IPv6) and return its RTP port (even; RTCP is the next one)."""
        self.leg_count += 1
        try:
            answer = await self._ask("open", leg=leg, address=address)
        except MediaError:
            self.leg_count -= 1
            raise
        return int(answer["port"])

    def configure(
        self,
        leg: str,
        *,
        remote_host: str,
        remote_port: int,
        codec: str,
        payload_type: int,
        receive_payload_type: int,
        dtmf_send: int | None,
        dtmf_receive: int | None,
        send: bool,
        receive: bool,
        ptime: int = 20,
        clock: int = 8000,
        srtp: SrtpKeys | None = None,
        comfort_noise: bool = False,
        dtmf_by_info: bool = False,
    ) -> None:
        """Tell a leg what was negotiated; again after every re-INVITE. A direction keeps its key or begins anew."""
        secret = {} if srtp is None else {"srtp": srtp.to_fields()}
        self._tell(
            "configure",
            leg=leg,
            remote_host=remote_host,
            remote_port=remote_port,
            codec=codec,
            payload_type=payload_type,
            receive_payload_type=receive_payload_type,
            dtmf_send=dtmf_send,
            dtmf_receive=dtmf_receive,
            send=send,
            receive=receive,
            ptime=ptime,
            clock=clock,
            comfort_noise=comfort_noise,
            dtmf_by_info=dtmf_by_info,
            **secret,
        )

    async def close_leg(self, leg: str) -> LegReport:
        """Close a leg, give its ports back and learn how it fared."""
        self.leg_count -= 1
        report = await self._ask("close", leg=leg)
        return cast(LegReport, {**protocol.UNHEARD, **report})

    # what a leg hears and says

    def join(
        self,
        leg: str,
        room: str,
        *,
        muted: bool = False,
        deaf: bool = False,
        gain: float = 0.0,
        role: Role = "member",
        ear: str = "",
    ) -> None:
        """Put a leg into a room, where everybody hears everybody but himself; or change how it takes part there.

        `gain` is -20 to 20 dB on what it says. Roles beside "member": who listens is heard by nobody, who whispers by
        the leg `ear` only, who barges in by all.
        """
        given = {"muted": muted, "deaf": deaf, "gain": gain, "role": role, "ear": ear}
        self._tell("join", leg=leg, room=room, **{name: value for name, value in given.items() if value != USUAL[name]})

    def watch(self, room: str, on: bool) -> None:
        """Be told who talks in a room that somebody is in, until it is empty; or no more."""
        self._tell("watch", room=room, on=on)

    def leave(self, leg: str) -> None:
        """Take a leg out of its room."""
        self._tell("leave", leg=leg)

    def play(self, leg: str, sounds: Sequence[Sound], token: str, repeat: bool = False) -> None:
        """Play sounds to a leg one after another, in place of what was playing."""
        self._tell("play", leg=leg, sounds=list(sounds), token=token, repeat=repeat)

    def stop(self, leg: str) -> None:
        """Stop what is playing to a leg; no event follows."""
        self._tell("stop", leg=leg)

    def echo(self, leg: str, on: bool) -> None:
        """Send a leg its own sound back, or cease to."""
        self._tell("echo", leg=leg, on=on)

    def send_digits(self, leg: str, digits: str) -> None:
        """Press keys towards a leg: RFC 4733 events if negotiated, else tones in band; not if it takes SIP INFO."""
        self._tell("send_digits", leg=leg, digits=digits)

    def detect_inband(self, leg: str, on: bool) -> None:
        """Listen for DTMF tones in a leg's sound, or cease to."""
        self._tell("detect_inband", leg=leg, on=on)

    def detect_progress(self, leg: str, on: bool) -> None:
        """Listen for busy tone, information tone, fax and who answers in a leg's sound, or cease to."""
        self._tell("detect_progress", leg=leg, on=on)

    # recordings

    async def record(self, recording: str, path: str, left: Sequence[str], right: Sequence[str]) -> None:
        """Record what comes from the `left` legs and from the `right` legs into the channels of a WAV file."""
        await self._ask("record", recording=recording, path=path, left=list(left), right=list(right))

    def record_change(self, recording: str, left: Sequence[str], right: Sequence[str]) -> None:
        """Put other legs on the channels of a running recording."""
        self._tell("record_change", recording=recording, left=list(left), right=list(right))

    async def stop_record(self, recording: str) -> dict[str, Any]:
        """Finish a recording; its seconds, path and error (None when all was written)."""
        return await self._ask("stop_record", recording=recording)

    # the worker itself

    async def statistics(self) -> dict[str, Any]:
        """Counters of the worker: backend, reason, legs, rooms, ticks, late_ticks, tick_p99_ms, cpu_seconds ..."""
        return await self._ask("statistics")

    # wire

    def receive(self, fields: dict[str, Any]) -> None:
        """One decoded line from the worker."""
        if "event" in fields:
            if not self._closing:
                self._on_event(protocol.read_event(fields))
            return
        future = self._waiting.pop(fields.get("id", 0), None)
        if future is None or future.done():
            return
        error = fields.get("error")
        if isinstance(error, dict):
            future.set_exception(from_code(str(error.get("code")), str(error.get("text"))))
            return
        future.set_result(fields.get("ok") or {})

    def lose_worker(self) -> None:
        """The connection is gone: fail who waits and say so."""
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(WorkerGone("the media worker closed its socket"))
        if not self._closing:
            self._closing = True
            self._on_event(WorkerLost())

    async def _ask(self, do: str, **fields: Any) -> dict[str, Any]:
        if self._transport is None or self._closing:
            raise WorkerGone("not connected to a media worker")
        self._last_id += 1
        number = self._last_id
        future: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._waiting[number] = future
        self._write({"id": number, "do": do, **fields})
        late = self._loop.call_later(ANSWER_WITHIN, self._give_up, number, do)
        try:
            return await future
        finally:
            late.cancel()
            self._waiting.pop(number, None)

    def _give_up(self, number: int, do: str) -> None:
        future = self._waiting.pop(number, None)
        if future is not None and not future.done():
            text = f"the media worker did not answer {do!r} within {ANSWER_WITHIN:g} s"
            future.set_exception(MediaError(text))

    def _tell(self, do: str, **fields: Any) -> None:
        """Orders to a worker that is gone are dropped: `WorkerLost` has told the story."""
        if self._transport is not None and not self._closing:
            self._write({"do": do, **fields})

    def _write(self, fields: dict[str, Any]) -> None:
        if not self._lines:
            self._loop.call_soon(self._flush)
        self._lines.append(protocol.write_line(fields))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines and self._transport is not None:
            self._transport.write(b"".join(lines))
