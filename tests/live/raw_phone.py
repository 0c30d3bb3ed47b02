"""A telephone made of strings and sockets: cheap enough to have twenty of, over UDP and TCP, IPv4 and IPv6.

    async with RawPhone("101", switch.sip_port) as caller, RawPhone("102", switch.sip_port) as callee:
        await callee.register()
        call = await caller.call("102")       # established: the callee answers at once
        assert await caller.hears(callee.voice)
        await caller.hang_up()

It says what it is told to, also nonsense, and reads answers with nothing of ours, so it can judge.
"""

import asyncio
import hashlib
import io
import re
import secrets
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.live import sound

FRAME = 160
"""Octets of a packet: 20 ms of G.711."""
PATIENCE = 15.0
"""Seconds to wait for anything; a healthy switch needs milliseconds."""
RESEND = 1.0
"""Seconds after which a request over UDP is sent again."""


@dataclass
class Message:
    """A message as it came."""

    first: str
    headers: list[tuple[str, str]]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        fields = (line.partition(":") for line in lines)
        return cls(first, [(name.strip().lower(), value.strip()) for name, _, value in fields], body)

    @property
    def status(self) -> int:
        """Of a response; 0 for a request."""
        return int(self.first[8:11]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """Of the request, or of the request that a response answers."""
        return self["cseq"].split()[1]

    @property
    def tag(self) -> str:
        """Of the To header."""
        return self["to"].partition(";tag=")[2].partition(";")[0]

    @property
    def media(self) -> tuple[str, int]:
        """Where the sender of this session description wants to hear."""
        address = re.search(r"(?m)^c=IN IP[46] (\S+)", self.body)
        port = re.search(r"(?m)^m=audio (\d+)", self.body)
        assert address, self.body
        assert port, self.body
        return address[1], int(port[1])

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.headers if one == name]

    def __getitem__(self, name: str) -> str:
        return next((value for one, value in self.headers if one == name), "")


def split_stream(data: bytearray) -> Iterator[bytes]:
    """Take the whole messages off the front of what a connection brought."""
    while (end := data.find(b"\r\n\r\n")) >= 0:
        length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", bytes(data[: end + 2]))
        size = end + 4 + (int(length[1]) if length else 0)
        if len(data) < size:
            return
        yield bytes(data[:size])
        del data[:size]


def digest(challenge: str, number: str, password: str, method: str, uri: str, nonce_count: int = 1) -> str:
    """The value of Authorization for one challenge (RFC 7616, MD5 and SHA-256)."""
    found = dict(re.findall(r'[ ,](\w+)="?([^",]*)"?', f" {challenge.partition(' ')[2]}"))
    algorithm = found.get("algorithm", "MD5")
    kind = hashlib.sha256 if algorithm.upper() == "SHA-256" else hashlib.md5

    def h(text: str) -> str:
        return kind(text.encode()).hexdigest()

    cnonce, count = secrets.token_hex(4), f"{nonce_count:08x}"
    ha1, ha2 = h(f"{number}:{found['realm']}:{password}"), h(f"{method}:{uri}")
    response = h(f"{ha1}:{found['nonce']}:{count}:{cnonce}:auth:{ha2}")
    return (
        f'Digest username="{number}", realm="{found["realm"]}", nonce="{found["nonce"]}", uri="{uri}", '
        f'algorithm={algorithm}, qop=auth, nc={count}, cnonce="{cnonce}", response="{response}"'
    )


class Sound(asyncio.DatagramProtocol):
    """An RTP socket that says one octet over and over and remembers which octets it heard."""

    def __init__(self, voice: int) -> None:
        self.voice = voice
        self.heard: set[int] = set()
        self.packets = 0
        self.target: tuple[str, int] | None = None
        self.kept: bytearray | None = None
        """Everything that is heard, while somebody wants to know."""
        self.frames: list[bytes] = []
        """What is said over and over instead of the octet."""
        self._sequence = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._ssrc = secrets.token_bytes(4)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.packets += 1
        if self.kept is not None:
            self.kept += data[12:]
        if len(set(data[12:])) == 1:
            self.heard.add(data[12])

    def say(self) -> None:
        """One packet of PCMA."""
        if self.target is None or self._transport is None or self._transport.is_closing():
            return
        self._sequence += 1
        numbers = (self._sequence & 0xFFFF).to_bytes(2, "big") + (self._sequence * FRAME).to_bytes(4, "big")
        said = self.frames[self._sequence % len(self.frames)] if self.frames else bytes([self.voice]) * FRAME
        self._transport.sendto(b"\x80\x08" + numbers + self._ssrc + said, self.target)


@dataclass
class Dialog:
    """A call as one side knows it."""

    call_id: str
    here: str
    there: str
    target: str
    sequence: int = 1
    route: list[str] = field(default_factory=list)


class RawPhone(asyncio.Protocol, asyncio.DatagramProtocol):
    """One phone with one call at a time."""

    _voices = iter(range(10**9))

    def __init__(
        self,
        number: str,
        server_port: int,
        *,
        host: str = "127.0.0.1",
        transport: str = "udp",
        password: str | None = None,
        answers: bool = True,
        local_port: int = 0,
        security: ssl.SSLContext | None = None,
    ) -> None:
        self.number = number
        self.host = host
        self.transport = transport
        self.password = f"demo-{number}" if password is None else password
        self.answers = answers
        self.security = security
        self.voice = 0x80 + next(self._voices) % 0x50
        self.invited: Message | None = None
        self.received: list[Message] = []
        self.dialog: Dialog | None = None
        self.ended_by_far_side = asyncio.Event()
        self.answered = asyncio.Event()
        self.closed = asyncio.Event()
        self.server = f"[{host}]:{server_port}" if ":" in host else f"{host}:{server_port}"
        self.port = local_port
        self.wire: Any = None
        """The transport, of either kind."""
        self._server = (host, server_port)
        self._stream = bytearray()
        self._changed = asyncio.Event()
        self._sound = Sound(self.voice)
        self._sound_transport: asyncio.DatagramTransport | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._sequence = secrets.randbelow(1000)
        self._answers: dict[tuple[str, str], bytes] = {}

    # ---- life -------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self.transport == "udp":
            self.wire, _ = await loop.create_datagram_endpoint(lambda: self, (self.host, self.port), self._server)
        else:
            self.wire, _ = await loop.create_connection(lambda: self, *self._server, ssl=self.security)
        self.port = self.wire.get_extra_info("sockname")[1]
        self._sound_transport, _ = await loop.create_datagram_endpoint(lambda: self._sound, (self.host, 0))
        self._speaking = asyncio.create_task(self._speak())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._speaking is not None
        assert self._sound_transport is not None
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)
        self._sound_transport.close()
        self.wire.close()
        async with asyncio.timeout(5):
            await self.closed.wait()

    # ---- what a phone does ------------------------------------------------------------------------------------

    def say(self, frames: list[bytes]) -> None:
        """Say these frames of PCMA over and over."""
        self._sound.frames = frames

    def send_tone(self, hz: float) -> None:
        """Say a tone from now on."""
        octets = io.BytesIO()
        soundfile.write(octets, sound.tone(hz, 1.0), 8000, format="RAW", subtype="ALAW")
        said = octets.getvalue()
        self.say([said[start : start + FRAME] for start in range(0, len(said), FRAME)])

    async def register(self, expires: int = 600) -> Message:
        """Be reachable here; the final answer."""
        return await self.request("REGISTER", f"sip:{self.server}", lines=[f"Expires: {expires}"])

    async def call(self, called: str, lines: list[str] | None = None) -> Message:
        """Call somebody: the 200, or the refusal."""
        uri = f"sip:{called}@{self.server}"
        self.ended_by_far_side.clear()
        answer = await self.request("INVITE", uri, lines=lines, body=self.offer())
        if answer.status == 200:
            self._sound.heard.clear()
            self._sound.target = answer.media
        return answer

    async def hang_up(self) -> Message:
        """BYE, and its answer."""
        assert self.dialog is not None
        self._sound.target = None
        return await self.within("BYE")

    async def within(self, method: str, lines: list[str] | None = None) -> Message:
        """A request inside of the call."""
        dialog = self.dialog
        assert dialog is not None
        dialog.sequence += 1
        text = self._text(method, dialog.target, dialog.sequence, dialog=dialog, lines=lines or [])
        return await self._ask(text, method)

    async def hears(self, voice: int, timeout: float = PATIENCE) -> bool:
        """Whether somebody's voice arrives, from now on."""
        self._sound.heard.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while voice not in self._sound.heard:
                    await asyncio.sleep(0.02)
        return voice in self._sound.heard

    async def hear(self, seconds: float) -> NDArray[np.int16]:
        """The sound of the next seconds, decoded from PCMA."""
        kept = self._sound.kept = bytearray()
        async with asyncio.timeout(seconds + PATIENCE):
            while len(kept) < seconds * 8000:
                await asyncio.sleep(0.02)
        self._sound.kept = None
        pcm, _ = soundfile.read(
            io.BytesIO(kept), dtype="int16", samplerate=8000, channels=1, format="RAW", subtype="ALAW"
        )
        return np.asarray(pcm, np.int16)

    def send_sound(self, datagram: bytes, target: tuple[str, int]) -> None:
        """Send anything from the socket that sound comes from."""
        assert self._sound_transport is not None
        self._sound_transport.sendto(datagram, target)

    @property
    def heard(self) -> set[int]:
        """The octets of which whole packets were heard since `hears` was last asked."""
        return self._sound.heard

    @property
    def packets(self) -> int:
        """RTP packets heard so far."""
        return self._sound.packets

    # ---- requests ---------------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        uri: str,
        *,
        lines: list[str] | None = None,
        body: str = "",
        sender: str | None = None,
        user: str | None = None,
        authorize: bool = True,
        algorithm: str = "SHA-256",
    ) -> Message:
        """Send a request outside of any call and prove who we are when asked: the final answer.

        `sender` is the number in From and To, `user` the name that the password is proved for.
        """
        self._sequence += 1
        dialog = Dialog(secrets.token_hex(8), secrets.token_hex(4), "", uri)
        lines = lines or []
        answer = await self._ask(
            self._text(method, uri, self._sequence, dialog=dialog, lines=lines, body=body, sender=sender), method
        )
        if answer.status == 401 and authorize:
            challenge = next(one for one in answer.all("www-authenticate") if f"algorithm={algorithm}" in one)
            proof = digest(challenge, user or self.number, self.password, method, uri)
            self._sequence += 1
            more = [*lines, f"Authorization: {proof}"]
            answer = await self._ask(
                self._text(method, uri, self._sequence, dialog=dialog, lines=more, body=body, sender=sender), method
            )
        if method == "INVITE" and answer.status == 200:
            self._adopt(dialog, answer)
        return answer

    def send(self, text: str | bytes) -> None:
        """Send octets as they are."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        if self.transport == "udp":
            self.wire.sendto(data)
        else:
            self.wire.write(data)

    def raw(self, method: str, uri: str, lines: list[str], body: str = "") -> str:
        """A request of our own making, to be sent with `send`."""
        self._sequence += 1
        dialog = Dialog(secrets.token_hex(8), secrets.token_hex(4), "", uri)
        return self._text(method, uri, self._sequence, dialog=dialog, lines=lines, body=body)

    async def answer_to(self, text: str) -> Message:
        """Send a request and wait for its final answer."""
        return await self._ask(text, text.partition(" ")[0])

    async def until(self, count: int) -> None:
        """Wait until so many messages have come."""
        async with asyncio.timeout(PATIENCE):
            while len(self.received) < count:
                self._changed.clear()
                await self._changed.wait()

    def offer(self) -> str:
        """What we would like to talk with."""
        assert self._sound_transport is not None
        family, port = ("IP6" if ":" in self.host else "IP4"), self._sound_transport.get_extra_info("sockname")[1]
        return (
            f"v=0\r\no=- 1 1 IN {family} {self.host}\r\ns=-\r\nc=IN {family} {self.host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )

    def _text(
        self,
        method: str,
        uri: str,
        sequence: int,
        *,
        dialog: Dialog,
        lines: list[str] | None = None,
        body: str = "",
        sender: str | None = None,
    ) -> str:
        here, number = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}", self.number
        parameter = "" if self.transport == "udp" else f";transport={self.transport}"
        to = f"<sip:{sender or number}@{self.server}>" if method == "REGISTER" else f"<{uri}>"
        fields = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {here};branch=z9hG4bK{secrets.token_hex(8)};rport",
            f"From: <sip:{sender or number}@{self.server}>;tag={dialog.here}",
            f"To: {to}" + (f";tag={dialog.there}" if dialog.there else ""),
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:{number}@{here}{parameter}>",
            "Max-Forwards: 70",
            *(lines or []),
        ]
        if body and not any(line.startswith("Content-Type:") for line in fields):
            fields.append("Content-Type: application/sdp")
        return "\r\n".join([*fields, f"Content-Length: {len(body)}", "", body])

    async def _ask(self, text: str, method: str) -> Message:
        call_id, sequence = _field(text, "Call-ID"), _field(text, "CSeq")
        seen = len(self.received)
        async with asyncio.timeout(PATIENCE):
            while True:
                self.send(text)
                with suppress(TimeoutError):
                    async with asyncio.timeout(RESEND if self.transport == "udp" else PATIENCE):
                        answer = await self._final(seen, call_id, sequence)
                        break
        if method == "INVITE":
            self.send(_ack(text, answer))
        return answer

    async def _final(self, seen: int, call_id: str, sequence: str) -> Message:
        while True:
            for one in self.received[seen:]:
                if one.status >= 200 and (one["call-id"], one["cseq"]) == (call_id, sequence):
                    return one
            self._changed.clear()
            await self._changed.wait()

    def _adopt(self, dialog: Dialog, answer: Message) -> None:
        dialog.there = answer.tag
        dialog.target = answer["contact"].strip("<>")
        dialog.sequence = self._sequence
        self.dialog = dialog

    # ---- what comes in ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The wire is `__aenter__`'s to keep."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def eof_received(self) -> bool:
        return False

    def error_received(self, exc: Exception) -> None:
        """The switch is down for a moment."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data)

    def data_received(self, data: bytes) -> None:
        self._stream += data
        for one in split_stream(self._stream):
            self._take(one)

    def _take(self, data: bytes) -> None:
        if not data.strip():
            return
        message = Message.parse(data)
        self.received.append(message)
        self._changed.set()
        if not message.status:
            self._serve(message)

    def _serve(self, request: Message) -> None:
        method = request.method
        known = self._answers.get((request["call-id"], request["cseq"]))
        if known is not None:
            self.send(known)
        elif method == "INVITE":
            self.invited = request
            self._reply(request, 180, "Ringing")
            if self.answers:
                self._accept(request)
        elif method == "CANCEL":
            self._reply(request, 200, "OK")
            cancelled = [one for one in self.received if one.status == 0 and one["call-id"] == request["call-id"]]
            self._reply(cancelled[0], 487, "Request Terminated")
        elif method == "BYE":
            self._sound.target = None
            self._reply(request, 200, "OK")
            self.ended_by_far_side.set()
        elif method != "ACK":
            self._reply(request, 200, "OK")

    def _accept(self, invite: Message) -> None:
        self.ended_by_far_side.clear()
        tag = secrets.token_hex(4)
        sender = invite["from"]
        contact = invite["contact"].strip("<>")
        self.dialog = Dialog(invite["call-id"], tag, sender.partition(";tag=")[2], contact)
        self._sound.heard.clear()
        self._sound.target = invite.media
        self._reply(invite, 200, "OK", self.offer(), tag)
        self.answered.set()

    def _reply(self, request: Message, status: int, reason: str, body: str = "", tag: str = "r") -> None:
        here = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        to = request["to"] if ";tag=" in request["to"] else f"{request['to']};tag={tag}"
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {via}" for via in request.all("via"))]
        lines += [f"From: {request['from']}", f"To: {to}", f"Call-ID: {request['call-id']}"]
        lines += [f"CSeq: {request['cseq']}", f"Contact: <sip:{self.number}@{here};transport={self.transport}>"]
        if body:
            lines.append("Content-Type: application/sdp")
        data = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()
        if status >= 200:
            self._answers[request["call-id"], request["cseq"]] = data
        self.send(data)

    async def _speak(self) -> None:
        """A packet every 20 ms of the clock, as phones do: sleeps in a row would fall behind it."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._sound.say()
            due = max(due + 0.02, loop.time() - 0.2)
            await asyncio.sleep(due - loop.time())


def _field(text: str, name: str) -> str:
    found = re.search(rf"(?m)^{name}: (.*?)\r?$", text)
    assert found, text
    return found[1]


def _ack(invite: str, answer: Message) -> str:
    """To a 200 with a branch of its own and to the Contact, to a refusal as hop by hop (RFC 3261 section 17.1.1.3)."""
    uri, via = invite.split(" ")[1], _field(invite, "Via")
    if answer.status == 200:
        uri = answer["contact"].strip("<>")
        via = re.sub(r"branch=[^;]+", f"branch=z9hG4bK{secrets.token_hex(8)}", via)
    sequence = _field(invite, "CSeq").split()[0]
    lines = [f"ACK {uri} SIP/2.0", f"Via: {via}", f"From: {_field(invite, 'From')}", f"To: {answer['to']}"]
    lines += [f"Call-ID: {_field(invite, 'Call-ID')}", f"CSeq: {sequence} ACK", "Max-Forwards: 70"]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""])
