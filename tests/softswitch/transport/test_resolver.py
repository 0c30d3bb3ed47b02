"""From URIs to addresses: literals at once, names once a minute."""

import asyncio
import time
from typing import Any

import pytest

from softswitch.sip.peer import Peer
from softswitch.sip.uri import Uri
from softswitch.transport import resolver as module
from softswitch.transport.resolver import Resolver, literal_peer, transport_of


class Names:
    """Stands for the system's resolver."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str | Exception, delay: float = 0.0) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._delay = delay
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self._look_up)

    async def _look_up(self, host: str, port: object, **fields: object) -> list[Any]:
        self.asked.append(host)
        await asyncio.sleep(self._delay)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [(2, 2, 17, "", (answer, 0))]


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


async def test_a_name_is_asked_for_once_and_then_known(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, "192.0.2.7")
    resolver = Resolver()
    uri = Uri.parse("sip:101@Example.COM:5080")
    assert resolver.cached(uri) is None
    for _ in range(3):
        assert await resolver.resolve(uri) == Peer("udp", "192.0.2.7", 5080)
    assert resolver.cached(uri) == Peer("udp", "192.0.2.7", 5080)
    assert names.asked == ["example.com"]


async def test_a_literal_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    assert await Resolver().resolve(Uri.parse("sip:192.0.2.1")) == Peer("udp", "192.0.2.1", 5060)
    assert names.asked == []


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
async def test_a_name_that_does_not_exist_is_none(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    Names(monkeypatch, error, "192.0.2.7")
    resolver = Resolver()
    assert await resolver.resolve(Uri.parse("sip:nobody.example")) is None
    assert await resolver.resolve(Uri.parse("sip:nobody.example")) == Peer("udp", "192.0.2.7", 5060)


async def test_a_slow_name_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.02)
    Names(monkeypatch, "192.0.2.7", delay=10.0)
    assert await Resolver().resolve(Uri.parse("sip:slow.example")) is None


async def test_an_old_answer_is_asked_for_again_and_serves_while_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(monkeypatch, "192.0.2.7", OSError("away"), "192.0.2.8")
    resolver = Resolver()
    uri = Uri.parse("sip:example.com")
    await resolver.resolve(uri)
    later = time.monotonic() + 61
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    assert await resolver.resolve(uri) == Peer("udp", "192.0.2.7", 5060)
    assert await resolver.resolve(uri) == Peer("udp", "192.0.2.8", 5060)
    assert len(names.asked) == 3


async def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 3)
    Names(monkeypatch, *["192.0.2.7"] * 10)
    resolver = Resolver()
    for number in range(10):
        await resolver.resolve(Uri.parse(f"sip:host{number}.example"))
    assert len(resolver._cache) <= 3
