"""A REGISTER from a given port, so that another program can take the port over and be called there."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.live.ports import free_port


class Mailbox(asyncio.DatagramProtocol):
    """Keeps what arrives, in order."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[str] = asyncio.Queue()
        self.closed = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.put_nowait(data.decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def authorization(response: str, number: str, password: str, uri: str) -> str:
    """The MD5 answer (RFC 2617, qop=auth) to the MD5 challenge among those of a 401."""
    challenges = re.findall(r"(?im)^www-authenticate:\s*digest\s+(.*?)\r?$", response)
    parameters = [dict(re.findall(r'(\w+)="?([^",]+)"?', challenge)) for challenge in challenges]
    chosen = next(each for each in parameters if each.get("algorithm", "MD5").upper() == "MD5")
    cnonce = secrets.token_hex(8)
    first, second = md5(f"{number}:{chosen['realm']}:{password}"), md5(f"REGISTER:{uri}")
    digest = md5(f"{first}:{chosen['nonce']}:00000001:{cnonce}:auth:{second}")
    return (
        f'Authorization: Digest username="{number}", realm="{chosen["realm"]}", nonce="{chosen["nonce"]}", '
        f'uri="{uri}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}", response="{digest}"\r\n'
    )


@asynccontextmanager
async def registered(number: str, server_port: int) -> AsyncIterator[int]:
    """A free port at which `number` is called while the context lasts."""
    port = free_port()
    await register(number, server_port, port)
    try:
        yield port
    finally:
        await register(number, server_port, free_port(), expires=0)


async def register(
    number: str, server_port: int, local_port: int, password: str | None = None, expires: int = 600
) -> str:
    """Let `number` be at 127.0.0.1:`local_port` and nowhere else; the final response is returned and must be a 200."""
    server, call_id, tag = f"127.0.0.1:{server_port}", secrets.token_hex(8), secrets.token_hex(4)
    transport, mailbox = await asyncio.get_running_loop().create_datagram_endpoint(
        Mailbox, local_addr=("127.0.0.1", local_port), remote_addr=("127.0.0.1", server_port)
    )
    answer = ""
    here = f"Contact: <sip:{number}@127.0.0.1:{local_port}>\r\nExpires: {expires}\r\n"
    nowhere = "Contact: *\r\nExpires: 0\r\n"
    try:
        for sequence, contact in enumerate((nowhere, nowhere, here, here), start=1):
            credentials = ""
            if answer.startswith("SIP/2.0 401"):
                credentials = authorization(answer, number, password or f"demo-{number}", f"sip:{server}")
            transport.sendto(
                (
                    f"REGISTER sip:{server} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP 127.0.0.1:{local_port};branch=z9hG4bK{secrets.token_hex(8)};rport\r\n"
                    f"From: <sip:{number}@{server}>;tag={tag}\r\nTo: <sip:{number}@{server}>\r\n"
                    f"Call-ID: {call_id}\r\nCSeq: {sequence} REGISTER\r\nMax-Forwards: 70\r\n"
                    f"{contact}{credentials}Content-Length: 0\r\n\r\n"
                ).encode()
            )
            async with asyncio.timeout(5):
                answer = await mailbox.received.get()
    finally:
        transport.close()
        await mailbox.closed.wait()
    if not answer.startswith("SIP/2.0 200"):
        raise AssertionError(f"{number} could not register: {answer.splitlines()[0]}")
    return answer
