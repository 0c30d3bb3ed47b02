"""A telephone made of text: it sends what it is told to, and keeps what comes in until somebody asks for it."""

import asyncio
from dataclasses import dataclass, field
from itertools import count

from softswitch.sip.digest import build_credentials
from softswitch.sip.fields import Challenge
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from tests.softswitch.wire import Wire

SWITCH = Peer("udp", "127.0.0.1", 5060)
PCMA, PCMU, EVENTS = "8 PCMA/8000", "0 PCMU/8000", "101 telephone-event/8000"
_numbers = count(1)


def sdp(
    port: int = 4000,
    *,
    codecs: tuple[str, ...] = (PCMA, PCMU, EVENTS),
    direction: str = "sendrecv",
    version: int = 1,
    host: str = "127.0.0.1",
) -> bytes:
    """A session description of a phone."""
    types = " ".join(codec.split()[0] for codec in codecs)
    lines = [
        "v=0",
        f"o=- 1 {version} IN IP4 127.0.0.1",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {types}",
        *(f"a=rtpmap:{codec}" for codec in codecs),
        f"a={direction}",
        "",
    ]
    return "\r\n".join(lines).encode()


@dataclass(eq=False)
class Phone:
    """A telephone at an address of the wire."""

    wire: Wire
    number: str
    peer: Peer
    password: str = ""
    contact: str = ""
    switch: Peer = SWITCH
    nonce: Challenge | None = None
    nonce_count: int = 0
    repeats: list[str] = field(default_factory=list)
    """Start lines of what came more than once."""
    _inbox: "asyncio.Queue[Request | Response]" = field(default_factory=asyncio.Queue)
    _seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.password = self.password or f"demo-{self.number}"
        self.contact = self.contact or f"<sip:{self.number}@{self.peer.host}:{self.peer.port}>"
        self.wire.plug(self.peer, self._receive)

    # what comes

    @property
    def has_news(self) -> bool:
        """Whether something has come that nobody asked for yet."""
        return not self._inbox.empty()

    async def next(self, within: float = 5.0) -> Request | Response:
        """The next message that is not a 100."""
        async with asyncio.timeout(within):
            while True:
                message = await self._inbox.get()
                if not isinstance(message, Response) or message.status != 100:
                    return message

    async def request(self, method: str, within: float = 5.0) -> Request:
        """The next message, which must be a request of this method."""
        message = await self.next(within)
        assert isinstance(message, Request), message.start_line
        assert message.method == method, message.start_line
        return message

    async def response(self, status: int, method: str | None = None, within: float = 5.0) -> Response:
        """The next message, which must be a response with this status."""
        message = await self.next(within)
        assert isinstance(message, Response), message.start_line
        assert message.status == status, message.start_line
        assert method in (None, message.cseq.method), message.headers.get("CSeq")
        return message

    async def answer(self, within: float = 5.0) -> Response:
        """The 200 to an INVITE, whatever rings before it."""
        while True:
            message = await self.next(within)
            assert isinstance(message, Response), message.start_line
            if message.status >= 200:
                assert message.start_line.startswith("SIP/2.0 200"), message.start_line
                return message

    async def hears_nothing(self, seconds: float) -> None:
        """Nothing new comes for so long."""
        try:
            message = await self.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"{self.number} got {message.start_line}")

    async def rings(self, within: float = 5.0) -> "Line":
        """An INVITE comes; the line that it opens."""
        return Line.of_invite(self, await self.request("INVITE", within))

    def _receive(self, data: bytes, source: Peer) -> None:
        message = parse(data)
        if data in self._seen:
            self.repeats.append(message.start_line)
            return
        self._seen.add(data)
        self._inbox.put_nowait(message)

    # what goes

    def send(self, text: str, body: bytes = b"") -> None:
        """Send a message; `text` is its start line and headers but for Content-Length."""
        head = text.strip().replace("\r\n", "\n").replace("\n", "\r\n")
        self.wire.send(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body, self.peer, self.switch)

    def via(self, branch: str | None = None) -> str:
        branch = branch or f"z9hG4bK-{self.number}-{next(_numbers)}"
        return f"Via: SIP/2.0/{self.peer.transport.upper()} {self.peer.host}:{self.peer.port};branch={branch};rport"

    def credentials(self, method: str, uri: str) -> str:
        """An Authorization header line for the challenge that was kept, or nothing."""
        if self.nonce is None:
            return ""
        self.nonce_count += 1
        made = build_credentials(self.nonce, self.number, self.password, method, uri, self.nonce_count, "cn")
        return f"\nAuthorization: {made}"

    def keep(self, challenge: Response) -> None:
        """Answer this challenge from now on."""
        self.nonce, self.nonce_count = Challenge.parse(challenge.headers.get("WWW-Authenticate") or ""), 0

    async def register(self, expires: int = 600, status: int = 200) -> Response:
        """Register, answering the challenge."""
        call_id = f"register-{self.number}-{next(_numbers)}"
        for number in (1, 2):
            self.send(
                f"REGISTER sip:localhost SIP/2.0\n{self.via()}\nMax-Forwards: 70\n"
                f"From: <sip:{self.number}@localhost>;tag=r{number}\nTo: <sip:{self.number}@localhost>\n"
                f"Call-ID: {call_id}\nCSeq: {number} REGISTER\nContact: {self.contact}\nExpires: {expires}"
                f"{self.credentials('REGISTER', 'sip:localhost')}"
            )
            answer = await self.next()
            assert isinstance(answer, Response)
            if answer.status != 401:
                break
            self.keep(answer)
        assert answer.status == status, answer.start_line
        return answer

    def line(self, called: str, *, caller: str | None = None) -> "Line":
        """A line on which nothing was sent yet."""
        number = next(_numbers)
        local = f"<sip:{caller or self.number}@localhost>;tag=from-{self.number}-{number}"
        return Line(self, f"call-{number}", local, f"<sip:{called}@localhost>", f"sip:{called}@127.0.0.1:5060")

    async def call(self, called: str, offer: bytes | None = None, *headers: str, caller: str | None = None) -> "Line":
        """Send an INVITE, and again with credentials when it is challenged."""
        line = self.line(called, caller=caller)
        offer = sdp() if offer is None else offer
        line.invite(offer, *headers)
        if self.nonce is None and self.password != "none":
            challenge = await self.response(401)
            line.acknowledge_refusal(challenge)
            self.keep(challenge)
            line.invite(offer, *headers)
        return line


@dataclass(eq=False)
class Line:
    """One call on a phone, in or out."""

    phone: Phone
    call_id: str
    local: str
    """Our From (To in a call that came in), with our tag."""
    remote: str
    """The other side's address, with its tag once that is known."""
    target: str
    """Where requests go."""
    cseq: int = 0
    branch: str = ""
    incoming: Request | None = None
    """The INVITE that came in."""
    offer: bytes = b""
    _text: str = ""

    @classmethod
    def of_invite(cls, phone: Phone, invite: Request) -> "Line":
        return cls(
            phone,
            invite.call_id,
            f"{invite.headers.get('To')};tag=to-{phone.number}-{next(_numbers)}",
            invite.headers.get("From") or "",
            str(invite.contacts[0].uri),
            cseq=100,
            incoming=invite,
            offer=invite.body,
        )

    # as the caller

    def invite(self, offer: bytes, *headers: str) -> None:
        """Send an INVITE outside or inside of the dialog."""
        self.cseq += 1
        self.branch = f"z9hG4bK-{self.phone.number}-{next(_numbers)}"
        self.offer = offer
        more = "".join(f"\n{header}" for header in headers)
        self._text = (
            f"INVITE {self.target} SIP/2.0\n{self.phone.via(self.branch)}\n{self._common('INVITE', self.cseq)}\n"
            f"Contact: {self.phone.contact}{more}{self.phone.credentials('INVITE', self.target)}"
            + ("\nContent-Type: application/sdp" if offer else "")
        )
        if "Max-Forwards:" in more:
            self._text = self._text.replace("Max-Forwards: 70\n", "", 1)
        self.repeat_invite()

    def repeat_invite(self) -> None:
        """Send the same INVITE again, as a phone that got no answer."""
        self.phone.send(self._text, self.offer)

    def acknowledge_refusal(self, response: Response) -> None:
        """The ACK of a 300-699 is part of the INVITE's transaction."""
        self.phone.send(
            f"ACK {self.target} SIP/2.0\n{self.phone.via(self.branch)}\nMax-Forwards: 70\nFrom: {self.local}\n"
            f"To: {response.headers.get('To')}\nCall-ID: {self.call_id}\nCSeq: {response.cseq.number} ACK"
        )

    def acknowledge(self, response: Response, answer: bytes = b"") -> None:
        """The ACK of a 2xx; from now on the dialog is known."""
        self.remote = response.headers.get("To") or ""
        self.target = str(response.contacts[0].uri)
        self.send("ACK", body=answer, number=response.cseq.number, content_type="application/sdp")

    def cancel(self) -> None:
        """Take the INVITE back."""
        self.phone.send(
            f"CANCEL {self.target} SIP/2.0\n{self.phone.via(self.branch)}\n{self._common('CANCEL', self.cseq)}"
        )

    # as the one who is called

    def reply(self, status: int, answer: bytes = b"", *headers: str, to: Request | None = None) -> None:
        """Answer the INVITE, or another request."""
        request = to or self.incoming
        assert request is not None
        vias = "\n".join(f"Via: {value}" for value in request.headers.get_all("Via"))
        routes = "".join(f"\nRecord-Route: {value}" for value in request.headers.get_all("Record-Route"))
        to_header = request.headers.get("To") if "tag=" in (request.headers.get("To") or "") else self.local
        more = "".join(f"\n{header}" for header in headers)
        kind = "\nContent-Type: application/sdp" if answer else ""
        self.phone.send(
            f"SIP/2.0 {status} Whatever\n{vias}{routes}\nFrom: {request.headers.get('From')}\nTo: {to_header}\n"
            f"Call-ID: {self.call_id}\nCSeq: {request.headers.get('CSeq')}\nContact: {self.phone.contact}{more}{kind}",
            answer,
        )

    async def answer(self, answer: bytes | None = None) -> Request:
        """Pick up; the ACK."""
        self.reply(200, sdp(4002) if answer is None else answer)
        return await self.phone.request("ACK")

    # either

    def send(
        self, method: str, *headers: str, body: bytes = b"", number: int | None = None, content_type: str = ""
    ) -> None:
        """Send a request inside of the dialog."""
        if number is None:
            self.cseq += 1
            number = self.cseq
        more = "".join(f"\n{header}" for header in headers)
        kind = f"\nContent-Type: {content_type}" if body else ""
        self.phone.send(
            f"{method} {self.target} SIP/2.0\n{self.phone.via()}\n{self._common(method, number)}{more}{kind}", body
        )

    async def hang_up(self) -> None:
        """Send BYE and get its 200."""
        self.send("BYE")
        await self.phone.response(200, "BYE")

    async def is_hung_up(self, within: float = 5.0) -> Request:
        """Get BYE and answer it."""
        bye = await self.phone.request("BYE", within)
        assert bye.call_id == self.call_id
        self.reply(200, to=bye)
        return bye

    async def is_cancelled(self, within: float = 5.0) -> Request:
        """Get CANCEL, answer it, and end the INVITE with 487."""
        cancel = await self.phone.request("CANCEL", within)
        assert cancel.call_id == self.call_id
        assert self.incoming is not None
        assert cancel.via.branch == self.incoming.via.branch
        self.reply(200, to=cancel)
        await self.refuse(487)
        return cancel

    async def refuse(self, status: int, *headers: str) -> None:
        """Refuse the INVITE and get the ACK."""
        self.reply(status, b"", *headers)
        await self.phone.request("ACK")

    def info(self, digit: str) -> None:
        """Press a key, told by INFO."""
        self.send("INFO", body=f"Signal={digit}\r\nDuration=160\r\n".encode(), content_type="application/dtmf-relay")

    async def reinvite(self, offer: bytes) -> Response:
        """Offer anew and acknowledge the answer."""
        self.invite(offer)
        answer = await self.phone.response(200, "INVITE")
        self.acknowledge(answer)
        return answer

    def _common(self, method: str, number: int) -> str:
        return (
            f"Max-Forwards: 70\nFrom: {self.local}\nTo: {self.remote}\nCall-ID: {self.call_id}\nCSeq: {number} {method}"
        )


async def talk(caller: Phone, callee: Phone) -> tuple[Line, Line]:
    """The caller rings the callee, who answers; the lines of both."""
    mine = await caller.call(callee.number)
    theirs = await callee.rings()
    await theirs.answer()
    mine.acknowledge(await caller.response(200, "INVITE"))
    return mine, theirs
