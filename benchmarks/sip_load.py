"""SIP phones as thin as possible, to load a switch: they register, call, answer and hang up, without sound.

Every message is a text template; what is read of an answer is its status, its To tag and its challenge.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

Address = tuple[str, int]

NONCE = re.compile(r'nonce="([^"]+)"[^\r\n]*algorithm=MD5')
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 0 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def credentials(number: str, method: str, uri: str, nonce: str, count: int) -> str:
    """An Authorization header for the example configuration."""
    first, second = _md5(f"{number}:localhost:demo-{number}"), _md5(f"{method}:{uri}")
    answer = _md5(f"{first}:{nonce}:{count:08x}:0a4f113b:auth:{second}")
    return (
        f'Authorization: Digest username="{number}", realm="localhost", nonce="{nonce}", uri="{uri}", algorithm=MD5, '
        f'qop=auth, nc={count:08x}, cnonce="0a4f113b", response="{answer}"\r\n'
    )


def header(message: str, name: str) -> str:
    """The value of the first header of a name, or nothing."""
    start = message.find(f"\r\n{name}: ")
    return "" if start < 0 else message[start + len(name) + 4 : message.index("\r\n", start + 2)]


@dataclass(slots=True)
class Transaction:
    """One call or registration that is under way."""

    number: int
    done: "asyncio.Future[bool]"
    to: str = ""
    nonce: str = ""
    target: str = ""


@dataclass(slots=True)
class Counts:
    """What became of the load."""

    good: int = 0
    failed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)


class Phone(asyncio.DatagramProtocol):
    """A socket that plays one extension."""

    def __init__(self, number: str, server: Address) -> None:
        self.number = number
        self.server = server
        self.counts = Counts()
        self._uri = f"sip:{server[0]}:{server[1]}"
        self._wire: asyncio.DatagramTransport | None = None
        self._port = 0
        self._pending: dict[str, Transaction] = {}
        self._serial = 0

    @classmethod
    async def open(cls, number: str, server: Address) -> "Phone":
        """Bind a loopback port."""
        _, phone = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(number, server), local_addr=("127.0.0.1", 0)
        )
        return phone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.DatagramTransport, transport)
        self._port = transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        """Close the socket."""
        if self._wire is not None:
            self._wire.close()

    def _send(self, text: str) -> None:
        if self._wire is not None:
            self._wire.sendto(text.encode(), self.server)

    def _request(self, method: str, uri: str, call: str, cseq: int, to: str, extra: str = "", body: str = "") -> None:
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._send(
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK{call}{cseq}{method};rport\r\n"
            f"From: <sip:{self.number}@localhost>;tag={call}\r\nTo: {to}\r\n"
            f"Call-ID: {call}\r\nCSeq: {cseq} {method}\r\n"
            f"Max-Forwards: 70\r\nContact: <sip:{self.number}@127.0.0.1:{self._port}>\r\n{extra}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _answer(self, request: str, status: str, body: str = "") -> None:
        vias = "".join(f"Via: {via}\r\n" for via in re.findall(r"\r\nVia: ([^\r\n]+)", request))
        to = header(request, "To")
        tag = "" if ";tag=" in to else ";tag=called"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._send(
            f"SIP/2.0 {status}\r\n{vias}From: {header(request, 'From')}\r\nTo: {to}{tag}\r\n"
            f"Call-ID: {header(request, 'Call-ID')}\r\nCSeq: {header(request, 'CSeq')}\r\n"
            f"Contact: <sip:{self.number}@127.0.0.1:{self._port}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    async def register(self) -> bool:
        """Register once: two requests."""
        self._serial += 1
        call = f"r{self.number}x{self._serial}"
        transaction = self._begin(call)
        self._request("REGISTER", self._uri, call, 1, f"<sip:{self.number}@localhost>")
        return await self._end(call, transaction)

    async def call(self, called: str) -> bool:
        """Call, wait for the answer, hang up: INVITE challenged, INVITE, ACK, BYE."""
        self._serial += 1
        call = f"c{self.number}x{self._serial}"
        transaction = self._begin(call)
        transaction.target = f"sip:{called}@127.0.0.1:{self.server[1]}"
        self._request("INVITE", transaction.target, call, 1, f"<{transaction.target}>", body=SDP)
        return await self._end(call, transaction)

    def _begin(self, call: str) -> Transaction:
        transaction = self._pending[call] = Transaction(1, asyncio.get_running_loop().create_future())
        return transaction

    async def _end(self, call: str, transaction: Transaction) -> bool:
        try:
            async with asyncio.timeout(10):
                good = await transaction.done
        except TimeoutError:
            good = False
        self._pending.pop(call, None)
        self.counts.good += good
        self.counts.failed += not good
        return good

    def datagram_received(self, data: bytes, addr: Address) -> None:
        message = data.decode()
        if message.startswith("SIP/2.0 "):
            self._hear_response(message)
        elif message.startswith("INVITE "):
            self._answer(message, "180 Ringing")
            self._answer(message, "200 OK", SDP)
        elif message.startswith("BYE "):
            self._answer(message, "200 OK")

    def _hear_response(self, message: str) -> None:
        status, cseq, call = message[8:11], header(message, "CSeq"), header(message, "Call-ID")
        transaction = self._pending.get(call)
        if transaction is None or status < "200":
            return
        number, _, method = cseq.partition(" ")
        if status == "401" and number == "1":
            self._authorize(message, call, method, transaction)
        elif method == "INVITE" and status == "200":
            transaction.to = header(message, "To")
            contact = header(message, "Contact").strip("<>")
            self._request("ACK", contact, call, 2, transaction.to)
            self._request("BYE", contact, call, 3, transaction.to)
        elif not transaction.done.done():
            transaction.done.set_result(status == "200")

    def _authorize(self, message: str, call: str, method: str, transaction: Transaction) -> None:
        found = NONCE.search(message)
        if found is None:
            transaction.done.set_result(False)
            return
        uri = self._uri if method == "REGISTER" else transaction.target
        to = header(message, "To")
        if method == "INVITE":
            self._send(
                f"ACK {uri} SIP/2.0\r\nVia: {header(message, 'Via')}\r\nFrom: {header(message, 'From')}\r\nTo: {to}\r\n"
                f"Call-ID: {call}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            to = f"<{uri}>"
        else:
            to = f"<sip:{self.number}@localhost>"
        extra = credentials(self.number, method, uri, found.group(1), 1)
        self._request(method, uri, call, 2, to, extra, SDP if method == "INVITE" else "")


async def repeat(act: Callable[[], Awaitable[bool]], count: int, at_once: int) -> None:
    """Do something `count` times, so many of them at the same time."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            await act()

    await asyncio.gather(*(one() for _ in range(count)))
