"""Who may come in, and what strangers can find out."""

import random
import statistics
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.core import authenticator as module
from softswitch.core.authenticator import MAX_FAILURES, Authenticator, Authorized, Forbidden, Ha1, Verdict, _Counts
from softswitch.core.authenticator import Challenge as Challenged
from softswitch.sip.digest import NONCE_LIFETIME, Nonces, build_credentials, hash_a1
from softswitch.sip.fields import Challenge
from softswitch.sip.message import Request
from tests.softswitch.core.phone import NOW, request

USERS = {"101": "demo-101", "102": "demo-102"}
SOURCE = "192.0.2.1"


@pytest.fixture
def door() -> Authenticator:
    return Authenticator(dict(USERS), "localhost", Nonces(b"secret"), random.Random(1))


def invite(*authorizations: str, header: str = "Authorization", method: str = "INVITE") -> Request:
    lines = [
        f"{method} sip:600@localhost SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1",
        "From: <sip:101@localhost>;tag=a",
        "To: <sip:600@localhost>",
        "Call-ID: c",
        f"CSeq: 1 {method}",
        *[f"{header}: {value}" for value in authorizations],
        "Content-Length: 0",
    ]
    return request("\r\n".join([*lines, "", ""]))


def offer(door: Authenticator, now: float = NOW, source: str = SOURCE) -> list[Challenge]:
    verdict = door.check(invite(), now, source=source)
    assert isinstance(verdict, Challenged)
    return [Challenge.parse(value) for _, value in verdict.headers]


def answer(challenge: Challenge, user: str = "101", password: str = "demo-101", nc: int = 1) -> str:
    return str(build_credentials(challenge, user, password, "INVITE", "sip:600@localhost", nc, "cnonce"))


def knock(door: Authenticator, credentials: str, now: float = NOW, source: str = SOURCE) -> Verdict:
    return door.check(invite(credentials), now, source=source)


def stale(verdict: Verdict) -> bool:
    return isinstance(verdict, Challenged) and verdict.stale


# ---- challenges ----------------------------------------------------------------------------------------------------


def test_sha_256_is_offered_first_then_md5(door: Authenticator) -> None:
    first, second = offer(door)
    assert (first.algorithm, second.algorithm) == ("SHA-256", "MD5")
    assert first.realm == second.realm == "localhost"
    assert "auth" in first.qop
    assert "auth" in second.qop
    assert first.nonce == second.nonce


@pytest.mark.parametrize("place", [0, 1], ids=["SHA-256", "MD5"])
def test_the_right_password_opens(door: Authenticator, place: int) -> None:
    assert knock(door, answer(offer(door)[place])) == Authorized("101")


@pytest.mark.parametrize("place", [0, 1], ids=["SHA-256", "MD5"])
def test_a_stored_hash_does_instead_of_a_password(place: int) -> None:
    stored = Ha1(hash_a1("101", "localhost", "demo-101"), hash_a1("101", "localhost", "demo-101", "SHA-256"))
    door = Authenticator({"101": stored}, "localhost", Nonces(b"secret"), random.Random(1))
    assert knock(door, answer(offer(door)[place])) == Authorized("101")
    assert isinstance(knock(door, answer(offer(door)[place], password="wrong")), Forbidden)


def test_a_proxy_asks_with_its_own_headers(door: Authenticator) -> None:
    verdict = door.check(invite(), NOW, proxy=True)
    assert isinstance(verdict, Challenged)
    assert [name for name, _ in verdict.headers] == ["Proxy-Authenticate"] * 2
    credentials = answer(Challenge.parse(verdict.headers[0][1]))
    assert isinstance(door.check(invite(credentials), NOW, proxy=True), Challenged)
    proxied = invite(credentials, header="Proxy-Authorization")
    assert door.check(proxied, NOW, proxy=True) == Authorized("101")


def test_a_realm_with_quotes_is_written_so_that_it_can_be_read() -> None:
    door = Authenticator(USERS, 'the "best" \\ realm', Nonces(b"secret"), random.Random(1))
    assert offer(door)[0].realm == 'the "best" \\ realm'
    assert knock(door, answer(offer(door)[0])) == Authorized("101")


def test_credentials_for_another_realm_are_passed_over(door: Authenticator) -> None:
    (first, _) = offer(door)
    foreign = str(
        build_credentials(Challenge("Digest", {**first.params, "realm": "x"}), "101", "p", "INVITE", "u", 1, "c")
    )
    assert isinstance(knock(door, foreign), Challenged)
    assert door.check(invite(foreign, answer(first)), NOW, source=SOURCE) == Authorized("101")


@pytest.mark.parametrize(
    "credentials",
    [
        "Basic MTAxOmRlbW8tMTAx",
        "Digest",
        "Bearer abc.def",
        'Digest username="101"',
        'Digest username="101", realm="localhost", nonce="x", uri="u", response="0"',
        'Digest username="101", realm="localhost", nonce="", uri="u", response="0", algorithm=SHA-512-256',
        'Digest realm="localhost", nonce="x.y.z", uri="u", response="0", qop=auth, nc=1, cnonce="c"',
        'Digest username="101", realm="localhost", nonce="\udce9", uri="u", response="0"',
        'Digest username="101",,,=;"',
        "\x7f" * 200,
    ],
)
def test_what_is_no_answer_to_our_challenge_gets_a_new_challenge(door: Authenticator, credentials: str) -> None:
    verdict = knock(door, credentials)
    assert isinstance(verdict, Challenged)
    assert not verdict.stale


def test_users_can_be_replaced_while_running(door: Authenticator) -> None:
    door.users = {"103": "new"}
    assert knock(door, answer(offer(door)[0], "103", "new")) == Authorized("103")
    assert isinstance(knock(door, answer(offer(door)[0])), Forbidden)


def test_without_any_user_nobody_comes_in() -> None:
    door = Authenticator({}, "localhost", Nonces(b"secret"), random.Random(1))
    assert knock(door, answer(offer(door)[0], "101", "")) == Forbidden("101", "unknown")


def test_a_request_of_another_method_needs_its_own_credentials(door: Authenticator) -> None:
    credentials = answer(offer(door)[0])
    assert isinstance(door.check(invite(credentials, method="MESSAGE"), NOW), Forbidden)


def test_the_uri_of_the_digest_may_differ_from_the_request(door: Authenticator) -> None:
    credentials = build_credentials(offer(door)[0], "101", "demo-101", "INVITE", "sip:other@192.0.2.9", 1, "c")
    assert knock(door, str(credentials)) == Authorized("101")


# ---- nonces and their counts ---------------------------------------------------------------------------------------


def test_a_nonce_that_is_too_old_is_stale_for_who_knows_the_password(door: Authenticator) -> None:
    credentials = answer(offer(door)[0])
    assert stale(knock(door, credentials, NOW + NONCE_LIFETIME + 1))


def test_a_nonce_that_is_too_old_is_not_stale_for_who_does_not(door: Authenticator) -> None:
    credentials = answer(offer(door)[0], password="wrong")
    verdict = knock(door, credentials, NOW + NONCE_LIFETIME + 1)
    assert isinstance(verdict, Challenged)
    assert not verdict.stale


def test_a_nonce_of_somebody_else_is_refused(door: Authenticator) -> None:
    other = Authenticator(USERS, "localhost", Nonces(b"other"), random.Random(1))
    verdict = knock(door, answer(offer(other)[0]))
    assert isinstance(verdict, Challenged)
    assert not verdict.stale


def test_the_same_request_twice_is_a_replay(door: Authenticator) -> None:
    credentials = answer(offer(door)[0])
    assert knock(door, credentials) == Authorized("101")
    assert stale(knock(door, credentials))


def test_a_nonce_is_used_many_times_with_rising_counts(door: Authenticator) -> None:
    challenge = offer(door)[0]
    for nc in (1, 2, 3, 10, 4, 200):
        assert knock(door, answer(challenge, nc=nc)) == Authorized("101")
    for nc in (1, 4, 200, 0):
        assert stale(knock(door, answer(challenge, nc=nc)))
    assert knock(door, answer(challenge, nc=199)) == Authorized("101")


def test_a_phone_whose_count_never_rises_comes_in_with_a_new_nonce_each_time(door: Authenticator) -> None:
    challenge = offer(door)[0]
    assert knock(door, answer(challenge)) == Authorized("101")
    again = knock(door, answer(challenge))
    assert isinstance(again, Challenged)
    assert again.stale
    assert knock(door, answer(Challenge.parse(again.headers[0][1]))) == Authorized("101")


def old_form(challenge: Challenge) -> Challenge:
    """The challenge as a phone of RFC 2069 understands it."""
    return Challenge("Digest", {name: value for name, value in challenge.params.items() if name != "qop"})


def test_the_form_of_rfc_2069_opens_once_per_nonce(door: Authenticator) -> None:
    credentials = answer(old_form(offer(door)[1]))
    assert "qop" not in credentials
    assert knock(door, credentials) == Authorized("101")
    assert stale(knock(door, credentials))


@given(st.lists(st.integers(-2, 300) | st.integers(2**62, 2**63), max_size=60))
def test_a_count_is_taken_at_most_once(counts: list[int]) -> None:
    window = _Counts(0.0)
    taken = [count for count in counts if window.take(count)]
    assert len(taken) == len(set(taken))
    assert all(count > 0 for count in taken)
    assert window.seen < 1 << 64


@given(st.permutations(list(range(1, 40))))
def test_counts_that_overtook_each_other_are_all_taken(counts: list[int]) -> None:
    window = _Counts(0.0)
    assert all(window.take(count) for count in counts)


def test_counts_of_old_nonces_are_forgotten(door: Authenticator) -> None:
    for number in range(20):
        assert knock(door, answer(offer(door, NOW + number)[0]), NOW + number) == Authorized("101")
    assert len(door._counts) == 20
    later = NOW + NONCE_LIFETIME + 10
    assert knock(door, answer(offer(door, later)[0]), later) == Authorized("101")
    assert len(door._counts) == 11


def test_the_memory_for_counts_is_bounded(door: Authenticator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NONCES", 10)
    for _ in range(30):
        assert knock(door, answer(offer(door)[0])) == Authorized("101")
    assert len(door._counts) == 10


def test_a_flood_of_strangers_leaves_nothing_behind(door: Authenticator) -> None:
    for number in range(500):
        offer(door, source=f"192.0.2.{number % 250}")
        knock(door, 'Digest username="x", realm="localhost", nonce="x", uri="u", response="0"')
    assert len(door._counts) == len(door._failures) == 0


# ---- wrong passwords -----------------------------------------------------------------------------------------------


def fail(door: Authenticator, times: int, user: str = "101", source: str = SOURCE, now: float = NOW) -> list[Verdict]:
    return [knock(door, answer(offer(door, now, source)[1], user, "wrong"), now, source) for _ in range(times)]


def test_a_wrong_password_and_an_unknown_user_differ_only_for_the_log(door: Authenticator) -> None:
    assert fail(door, 1) == [Forbidden("101", "wrong")]
    assert fail(door, 1, "999") == [Forbidden("999", "unknown")]


def test_the_password_of_another_user_does_not_open(door: Authenticator) -> None:
    assert knock(door, answer(offer(door)[0], "101", "demo-102")) == Forbidden("101", "wrong")


def test_many_failures_ban_address_and_user_for_a_while(door: Authenticator) -> None:
    fail(door, MAX_FAILURES)
    assert knock(door, answer(offer(door)[0])) == Forbidden("101", "banned")
    assert knock(door, answer(offer(door)[0], "102", "demo-102")) == Authorized("102")
    assert knock(door, answer(offer(door, source="192.0.2.2")[0]), source="192.0.2.2") == Authorized("101")
    later = NOW + module.BAN_SECONDS
    assert knock(door, answer(offer(door, later)[0]), later) == Authorized("101")


def test_unknown_users_are_banned_just_as_known_ones(door: Authenticator) -> None:
    fail(door, MAX_FAILURES, "999")
    assert fail(door, 1, "999") == [Forbidden("999", "banned")]


def test_a_right_password_clears_the_failures(door: Authenticator) -> None:
    for _ in range(3):
        fail(door, MAX_FAILURES - 1)
        assert knock(door, answer(offer(door)[0])) == Authorized("101")


def test_a_forged_source_address_locks_nobody_out(door: Authenticator) -> None:
    mine = offer(door, source="198.51.100.66")[1]
    for nc in range(1, 100):
        assert knock(door, answer(mine, password="wrong", nc=nc), source=SOURCE) == Forbidden("101", "wrong")
    assert knock(door, answer(offer(door)[0])) == Authorized("101")


def test_the_right_password_opens_although_the_address_has_changed(door: Authenticator) -> None:
    assert knock(door, answer(offer(door)[0]), source="192.0.2.77") == Authorized("101")


def test_the_memory_for_failures_is_bounded(door: Authenticator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OFFENDERS", 10)
    for number in range(30):
        fail(door, 1, f"user{number}")
    assert len(door._failures) == 10


def test_unknown_and_known_users_take_the_same_time(door: Authenticator) -> None:
    def timed(user: str) -> Callable[[], float]:
        def once() -> float:
            challenge = offer(door)[1]
            message = invite(answer(challenge, user, "wrong"))
            start = time.perf_counter()
            door.check(message, NOW)
            return time.perf_counter() - start

        return once

    known, unknown = timed("101"), timed("999")
    pairs = [(known(), unknown()) for _ in range(1000)]
    gap = abs(statistics.median(one for one, _ in pairs) - statistics.median(two for _, two in pairs))
    assert gap < 0.0002


# ---- whatever comes ------------------------------------------------------------------------------------------------

PARAMS = st.dictionaries(
    st.sampled_from(["username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque"]),
    st.sampled_from(
        ["101", "localhost", "MD5", "MD5-sess", "SHA-256", "auth", "auth-int", "00000001", "zz", "", "é\udce9"]
    )
    | st.text(alphabet=st.characters(exclude_characters='\r\n"\\'), max_size=20),
)


@given(PARAMS, st.booleans())
def test_no_credentials_break_the_door_or_open_it(params: dict[str, str], ours: bool) -> None:
    door = Authenticator(USERS, "localhost", Nonces(b"secret"), random.Random(1))
    if ours:
        params = {**params, "realm": "localhost", "nonce": offer(door)[0].nonce}
    message = invite()
    message.headers.add("Authorization", "Digest " + ", ".join(f'{name}="{value}"' for name, value in params.items()))
    assert isinstance(door.check(message, NOW, source=SOURCE), Challenged | Forbidden)


# ---- algorithms ----------------------------------------------------------------------------------------------------


def shown_to(door: Authenticator, agent: str) -> list[str]:
    asked = invite()
    asked.headers.add("User-Agent", agent)
    verdict = door.check(asked, NOW, source=SOURCE)
    assert isinstance(verdict, Challenged)
    return [Challenge.parse(value).algorithm for _, value in verdict.headers]


def test_a_user_agent_that_gives_up_at_sha_256_is_shown_md5_alone(door: Authenticator) -> None:
    assert shown_to(door, "baresip v1.0.0 (x86_64/linux)") == ["MD5"]
    assert shown_to(door, "baresip v3.10.1 (x86_64/linux)") == ["SHA-256", "MD5"]
    assert shown_to(door, "") == ["SHA-256", "MD5"]


def test_an_algorithm_that_is_switched_off_is_neither_offered_nor_taken(door: Authenticator) -> None:
    both = offer(door)
    door.accept(["SHA-256"])
    assert shown_to(door, "baresip v1.0.0 (x86_64/linux)") == ["SHA-256"]
    assert isinstance(knock(door, answer(both[1])), Challenged)
    assert knock(door, answer(both[0])) == Authorized("101")
    door.accept(["MD5"])
    assert shown_to(door, "any") == ["MD5"]
    assert knock(door, answer(offer(door)[0])) == Authorized("101")
