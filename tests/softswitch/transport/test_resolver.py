"""From URIs to addresses (RFC 3263): literals at once, names by a name server on the loopback."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import dns.rdata
import pytest

from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri
from softswitch.transport import names as module
from softswitch.transport.names import Names, ServersSilent, read_hosts
from softswitch.transport.resolver import MAX_PEERS, Resolver, literal_peer, order_srv, transport_of
from tests.softswitch.transport.name_server import NameServer

ZONE = (
    "plain.example 60 A 192.0.2.7",
    "plain.example 60 AAAA 2001:db8::7",
    "srv.example 60 A 192.0.2.8",
    "_sip._udp.srv.example 60 SRV 20 0 5062 b.srv.example.",
    "_sip._udp.srv.example 60 SRV 10 0 5061 a.srv.example.",
    "_sip._tcp.srv.example 60 SRV 10 0 5063 a.srv.example.",
    "_sips._tcp.srv.example 60 SRV 10 0 5064 a.srv.example.",
    "a.srv.example 60 A 192.0.2.10",
    "b.srv.example 60 A 192.0.2.11",
    'naptr.example 60 NAPTR 20 0 "s" "SIP+D2U" "" _sip._udp.srv.example.',
    'naptr.example 60 NAPTR 10 0 "s" "SIP+D2T" "" _sip._tcp.srv.example.',
    'naptr.example 60 NAPTR 5 0 "s" "SIP+D2S" "" _sip._sctp.srv.example.',
    "closed.example 60 A 192.0.2.9",
    "_sip._udp.closed.example 60 SRV 0 0 0 .",
    "short.example 5 A 192.0.2.12",
)


class Desk:
    """A resolver that asks our name server, and a clock turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.server = NameServer(*ZONE)
        self.reachable = lambda peer: True

    async def open(self) -> None:
        self.names = Names({"host.example": ("192.0.2.99",)}, await self.server.open(), lambda: self.now)
        self.resolver = Resolver(
            self.names, lambda peer: self.reachable(peer), clock=lambda: self.now, rng=random.Random(1)
        )

    async def find(self, uri: str) -> list[str]:
        return [str(peer) for peer in await self.resolver.candidates(Uri.parse(uri))]


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    desk = Desk()
    await desk.open()
    yield desk
    await desk.names.close()
    desk.server.close()


@pytest.mark.parametrize(
    ("uri", "peer"),
    [
        ("sip:101@192.0.2.1", Peer("udp", "192.0.2.1", 5060)),
        ("sip:101@192.0.2.1:5070;transport=TCP", Peer("tcp", "192.0.2.1", 5070)),
        ("sip:101@[2001:db8::1]:5070", Peer("udp", "2001:db8::1", 5070)),
        ("sip:101@example.com;maddr=192.0.2.9", Peer("udp", "192.0.2.9", 5060)),
        ("sips:101@192.0.2.1", Peer("tls", "192.0.2.1", 5061)),
        ("sips:101@192.0.2.1;transport=tcp", Peer("tls", "192.0.2.1", 5061)),
        ("sip:101@example.com;transport=tls;maddr=192.0.2.9", Peer("tls", "192.0.2.9", 5061, name="example.com")),
        ("sip:101@example.com", None),
        ("sip:101@999.0.2.1", None),
    ],
)
def test_literal_addresses_need_nobody(uri: str, peer: Peer | None) -> None:
    assert literal_peer(Uri.parse(uri)) == peer


def test_udp_is_what_nobody_asked_for() -> None:
    assert transport_of(Uri.parse("sip:a@b")) == "udp"
    assert transport_of(Uri.parse("sip:a@b;transport=WS")) == "ws"


@pytest.mark.parametrize(
    ("uri", "peers"),
    [
        # a port, or no SRV record: addresses alone
        ("sip:a@plain.example:5080", ["udp:192.0.2.7:5080", "udp:[2001:db8::7]:5080"]),
        ("sip:a@plain.example", ["udp:192.0.2.7:5060", "udp:[2001:db8::7]:5060"]),
        ("sip:a@srv.example:5060", ["udp:192.0.2.8:5060"]),
        # a transport: its SRV records, by priority
        ("sip:a@srv.example;transport=udp", ["udp:192.0.2.10:5061", "udp:192.0.2.11:5062"]),
        ("sip:a@srv.example;transport=tcp", ["tcp:192.0.2.10:5063"]),
        ("sips:a@srv.example", ["tls:192.0.2.10:5064"]),
        # neither: NAPTR, else every transport of ours
        ("sip:a@naptr.example", ["tcp:192.0.2.10:5063", "udp:192.0.2.10:5061", "udp:192.0.2.11:5062"]),
        (
            "sip:a@srv.example",
            ["udp:192.0.2.10:5061", "udp:192.0.2.11:5062", "tcp:192.0.2.10:5063", "tls:192.0.2.10:5064"],
        ),
        ("sip:a@closed.example", []),
        ("sip:a@nobody.example", []),
        ("sip:a@host.example:5060", ["udp:192.0.2.99:5060"]),
        (f"sip:a@{'x' * 70}.example", []),
    ],
)
async def test_a_name_is_where_dns_says(desk: Desk, uri: str, peers: list[str]) -> None:
    assert await desk.find(uri) == peers
    cached = desk.resolver.cached(Uri.parse(uri))
    assert (str(cached) if cached else None) == (peers[0] if peers else None)


async def test_a_certificate_must_carry_the_name_that_was_asked_for_and_not_that_of_the_record(desk: Desk) -> None:
    (peer,) = await desk.resolver.candidates(Uri.parse("sips:a@srv.example"))
    assert peer.name == "srv.example"


async def test_peers_that_cannot_be_sent_to_are_left_out(desk: Desk) -> None:
    desk.reachable = lambda peer: peer.transport == "udp" and ":" not in peer.host
    assert await desk.find("sip:a@naptr.example") == ["udp:192.0.2.10:5061", "udp:192.0.2.11:5062"]
    assert await desk.find("sip:a@plain.example") == ["udp:192.0.2.7:5060"]


async def test_a_peer_that_failed_is_the_last_resort_for_a_while(desk: Desk) -> None:
    uri = "sip:a@srv.example;transport=udp"
    first, second = await desk.find(uri)
    desk.resolver.avoid(Peer("udp", "192.0.2.10", 5061))
    assert await desk.find(uri) == [second, first]
    assert str(desk.resolver.cached(Uri.parse(uri))) == second
    desk.now += 31
    assert await desk.find(uri) == [first, second]


async def test_a_configured_peer_keeps_its_name_and_takes_the_ports_that_dns_says(desk: Desk) -> None:
    found = await desk.resolver.locate(Peer("tls", "srv.example", 0, name="srv.example"))
    assert found == [Peer("tls", "192.0.2.10", 5064, name="srv.example")]
    assert await desk.resolver.locate(Peer("udp", "192.0.2.1", 5070)) == [Peer("udp", "192.0.2.1", 5070)]


async def test_answers_hold_as_long_as_they_say(desk: Desk) -> None:
    for _ in range(3):
        await desk.find("sip:a@short.example:5060")
    assert Counter(desk.server.asked) == {("short.example", "A"): 1, ("short.example", "AAAA"): 1}
    desk.now += 5.5
    await desk.find("sip:a@short.example:5060")
    assert Counter(desk.server.asked)["short.example", "A"] == 2


async def test_that_there_is_none_holds_as_well(desk: Desk) -> None:
    for _ in range(3):
        assert await desk.find("sip:a@nobody.example:5060") == []
    assert len(desk.server.asked) == 2
    desk.now += 31
    await desk.find("sip:a@nobody.example:5060")
    assert len(desk.server.asked) == 4


async def test_what_was_known_serves_while_the_servers_are_silent_and_nobody_waits_twice(desk: Desk) -> None:
    uri = "sip:a@short.example:5060"
    before = await desk.find(uri)
    desk.now += 6
    desk.server.silent = True
    assert await desk.find(uri) == before
    asked = len(desk.server.asked)
    assert await desk.find(uri) == before
    assert len(desk.server.asked) == asked
    assert await desk.find("sip:a@unheard.example:5060") == []
    with pytest.raises(ServersSilent):
        await desk.names.addresses("unheard.example")


async def test_servers_that_refuse_new_types_still_give_addresses(desk: Desk) -> None:
    desk.server.refuses = {"NAPTR", "SRV"}
    assert await desk.find("sip:a@plain.example") == ["udp:192.0.2.7:5060", "udp:[2001:db8::7]:5060"]


async def test_a_crowd_of_records_is_cut(desk: Desk) -> None:
    for number in range(100):
        desk.server.add(f"_sip._udp.crowd.example 60 SRV 1 1 {6000 + number} a.srv.example.")
    assert len(await desk.find("sip:a@crowd.example;transport=udp")) <= MAX_PEERS


async def test_the_cache_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 3)
    for number in range(5):
        await desk.find(f"sip:host{number}.example:5060")
    assert len(desk.names._cache) <= 3


def test_equal_priorities_are_shared_by_weight() -> None:
    records = tuple(
        dns.rdata.from_text("IN", "SRV", f"1 {weight} 5060 {name}.")
        for name, weight in (("heavy", 90), ("light", 10), ("none", 0))
    )
    rng = random.Random(1)
    first = Counter(order_srv(records, rng)[0][0] for _ in range(1000))
    assert 860 < first["heavy"] < 940
    assert first["none"] < 10
    assert len(order_srv(records, rng)) == 3


def test_the_file_of_hosts_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("# nothing\n::1 localhost Local\n127.0.0.1\tlocalhost # here\nnonsense x\n\n")
    assert read_hosts(file) == {"localhost": ("127.0.0.1", "::1"), "local": ("::1",)}
    assert read_hosts(tmp_path / "missing") == {}
