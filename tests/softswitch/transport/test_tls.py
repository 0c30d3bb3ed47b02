"""TLS connections over the loopback: who is believed, what is reused, what a reload changes, and who is let go."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from softswitch.sip.errors import SipError
from softswitch.sip.message import Message, Request
from softswitch.sip.peer import Peer
from softswitch.transport import tcp
from softswitch.transport.tcp import TcpTransport
from softswitch.transport.tls import DAY, CertificateError, CertificateFiles, Certificates
from tests.softswitch.transport.certificates import Authority
from tests.softswitch.transport.test_udp import has_ipv6

HURRY = 0.4
"""Seconds for a handshake and a whole message in these tests."""


def options(number: int) -> bytes:
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


class End:
    """A transport, what came to it, and which of its connections ended."""

    def __init__(self, files: CertificateFiles, hurry: float = 10.0) -> None:
        self.received: list[tuple[Message | SipError, Peer]] = []
        self.closed: list[Peer] = []
        self.certificates = Certificates()
        self.certificates.load(files)
        self.transport = TcpTransport(
            lambda item, peer: self.received.append((item, peer)), self.closed.append, hurry, name="tls",
            certificates=self.certificates,
        )  # fmt: skip

    @property
    def peer(self) -> Peer:
        return Peer("tls", "127.0.0.1", self.transport.port)

    @property
    def numbers(self) -> list[str]:
        return [item.call_id for item, _ in self.received if isinstance(item, Request)]


Opened = Callable[..., Awaitable[End]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Makes ends that listen; they leave nothing behind."""
    ends: list[End] = []

    async def opened(files: CertificateFiles, hurry: float = 10.0) -> End:
        end = End(files, hurry)
        ends.append(end)
        await end.transport.listen("127.0.0.1", 0)
        return end

    yield opened
    for end in ends:
        await end.transport.close()
    await until(lambda: not any(end.transport._flows for end in ends))
    assert all(end.transport._dialling == {} and end.transport._per_host == {} for end in ends)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


def files(authority: Authority, *names: str) -> CertificateFiles:
    certificate, key = authority.issue(*names)
    return CertificateFiles(str(certificate), str(key), ca=str(authority.file))


async def test_who_carries_the_name_is_sent_to_and_his_connection_is_used_again(authority, opened):
    far, near = await opened(files(authority, "far.example")), await opened(files(authority, "near.example"))
    peer = far.peer._replace(name="far.example")
    near.transport.send(options(1), peer)
    near.transport.send(options(2), peer)
    await until(lambda: far.numbers == ["1", "2"])
    near.transport.send(options(3), peer)
    await until(lambda: far.numbers == ["1", "2", "3"])
    assert len({peer.flow for _, peer in far.received}) == 1
    assert far.received[0][1].transport == "tls"
    far.transport.send(options(4), far.received[0][1])  # back over the same connection
    await until(lambda: near.numbers == ["4"])


@pytest.mark.parametrize("name", ["other.example", ""])
async def test_nothing_is_sent_to_who_carries_another_name(authority, opened, name):
    """Without a name the certificate must carry the address."""
    far, near = await opened(files(authority, "far.example")), await opened(files(authority, "near.example"))
    near.transport.send(options(1), far.peer._replace(name=name))
    await until(lambda: bool(near.closed))
    assert near.closed[0][:3] == far.peer[:3]
    assert far.numbers == []


async def test_an_address_in_the_certificate_is_a_name_as_well(authority, opened):
    far, near = await opened(files(authority, "127.0.0.1")), await opened(files(authority, "near.example"))
    near.transport.send(options(1), far.peer)
    await until(lambda: far.numbers == ["1"])


async def test_a_certificate_of_an_unknown_authority_is_refused(authority, opened, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    far, near = await opened(files(stranger, "far.example")), await opened(files(authority, "near.example"))
    near.transport.send(options(1), far.peer._replace(name="far.example"))
    await until(lambda: bool(near.closed))
    assert far.numbers == []


async def test_with_client_ca_who_shows_no_certificate_is_refused(authority, opened):
    guarded = files(authority, "far.example")._replace(client_ca=str(authority.file))
    far = await opened(guarded)
    anonymous = End(CertificateFiles(ca=str(authority.file)))
    known = await opened(files(authority, "near.example"))
    anonymous.transport.send(options(1), far.peer._replace(name="far.example"))
    known.transport.send(options(2), far.peer._replace(name="far.example"))
    await until(lambda: bool(anonymous.closed) and far.numbers == ["2"])
    await anonymous.transport.close()


async def test_a_reload_changes_new_connections_and_keeps_the_old_ones(authority, opened):
    far, near = await opened(files(authority, "old.example")), await opened(files(authority, "near.example"))
    near.transport.send(options(1), far.peer._replace(name="old.example"))
    await until(lambda: far.numbers == ["1"])
    far.certificates.load(files(authority, "new.example"))
    near.transport.send(options(2), far.peer._replace(name="old.example"))
    near.transport.send(options(3), far.peer._replace(name="new.example"))
    await until(lambda: sorted(far.numbers) == ["1", "2", "3"])
    assert near.closed == []
    assert far.closed == []


def test_files_that_cannot_be_used_change_nothing(authority, tmp_path):
    certificates = Certificates()
    certificates.load(files(authority, "a.example"))
    before = certificates.server, certificates.client, certificates.ends_at
    other = files(authority, "b.example")
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    for bad in (
        other._replace(key=files(authority, "c.example").key),
        other._replace(certificate=str(broken)),
        other._replace(certificate=str(tmp_path / "missing.pem")),
        other._replace(client_ca=str(broken)),
        other._replace(ca=str(tmp_path / "missing.pem")),
    ):
        with pytest.raises(CertificateError, match="cannot be used"):
            certificates.load(bad)
    assert (certificates.server, certificates.client, certificates.ends_at) == before


@pytest.mark.parametrize(
    ("days", "trouble"),
    [(15, ""), (13.5, "The certificate expires in 13 days."), (-1, "The certificate has expired.")],
)
def test_the_end_of_a_certificate_is_told_14_days_before(authority, days, trouble):
    certificate, key = authority.issue("a.example", days=days)
    certificates = Certificates()
    certificates.load(CertificateFiles(str(certificate), str(key)))
    assert certificates.trouble(time.time()) == trouble
    assert certificates.trouble(time.time() - 30 * DAY) == ""


async def test_who_does_not_shake_hands_is_let_go(authority, opened):
    far = await opened(files(authority, "far.example"), HURRY)
    for said in (b"", b"\x16\x03\x01\x02\x00\x01", options(1)):
        reader, writer = await asyncio.open_connection("127.0.0.1", far.transport.port)
        writer.write(said)
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                await reader.read()
        writer.close()
    assert far.numbers == []


async def test_connections_count_before_hands_are_shaken(authority, opened, monkeypatch):
    monkeypatch.setattr(tcp, "MAX_PER_ADDRESS", 2)
    far = await opened(files(authority, "far.example"))
    held = [await asyncio.open_connection("127.0.0.1", far.transport.port) for _ in range(2)]
    reader, writer = await asyncio.open_connection("127.0.0.1", far.transport.port)
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    for one in (writer, *(other for _, other in held)):
        one.close()


async def test_a_client_that_cuts_its_messages_anywhere_is_understood(authority, opened):
    far = await opened(files(authority, "far.example"))
    context = ssl.create_default_context(cafile=str(authority.file))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", far.transport.port, ssl=context, server_hostname="far.example"
    )
    for octet in options(1) + b"\r\n\r\n":
        writer.write(bytes([octet]))
    async with asyncio.timeout(10):
        assert await reader.readexactly(2) == b"\r\n"  # the pong
    assert far.numbers == ["1"]
    writer.close()
    with suppress(ssl.SSLError):
        await writer.wait_closed()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
async def test_over_ipv6_the_certificate_must_carry_the_address_as_well(authority, opened):
    far, near = End(files(authority, "::1")), End(files(authority, "near.example"))
    for end in (far, near):
        await end.transport.listen("::1", 0)
    near.transport.send(options(1), Peer("tls", "::1", far.transport.port))
    await until(lambda: far.numbers == ["1"])
    far.transport.send(options(2), far.received[0][1])
    await until(lambda: near.numbers == ["2"])
    far.certificates.load(files(authority, "::2"))
    other = await opened(files(authority, "other.example"))
    other.transport.send(options(3), Peer("tls", "::1", far.transport.port))
    await until(lambda: bool(other.closed))
    assert far.numbers == ["1"]
    for end in (far, near):
        await end.transport.close()
