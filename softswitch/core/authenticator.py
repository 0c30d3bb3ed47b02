"""Digest authentication of requests as a server (RFC 8760, RFC 7616; RFC 2069 for old phones).

Nothing is remembered of a request that is not authorised, but for the failures that count towards a ban: a nonce proves
itself. A nonce also carries a mark of the address that asked for it, so a failure counts only when the challenge really
reached the sender: with a forged source address nobody else can be locked out.
"""

import hmac
import random
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any, NamedTuple, TypeVar

from softswitch.sip.digest import ALGORITHMS, FORGED, NONCE_LIFETIME, STALE, Nonces, challenge, hash_a1, verify
from softswitch.sip.errors import SipError
from softswitch.sip.fields import Credentials
from softswitch.sip.message import Request

LEGACY = "Digest legacy-algorithm=MD5, "
"""Clients that know MD5 only and look at the first challenge only, SIPp among them, search it for the text
"algorithm=" and find this; to all others it is a parameter without meaning, to be ignored (RFC 7616 section 3.3)."""
MD5_ONLY = re.compile(r"baresip v?[01]\.")
"""User agents that give up at the sight of any other algorithm, wherever it stands, against RFC 8760 section 2.4;
Debian 12 has such a one. They are shown MD5 alone, which all others are shown as well."""
MAX_CREDENTIALS = 4
"""Authorization headers of one request that are looked at; one per realm is usual."""
MAX_NONCES = 50_000
"""Nonces whose counts are remembered, the oldest forgotten first."""
COUNT_WINDOW = 64
"""How far behind the highest count a request may come that was overtaken on its way."""
MAX_FAILURES = 10
"""Wrong answers of one address for one user, each at most `BAN_SECONDS` after the one before, that lead to a ban."""
BAN_SECONDS = 300.0
MAX_OFFENDERS = 20_000
"""Pairs of address and user whose failures are remembered, the oldest forgotten first."""


_NONCE = "0123456789-nonce"


class Ha1(NamedTuple):
    """What may be stored instead of a password: the results of `hash_a1` for one user and realm."""

    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Authorized:
    """The sender knows the password of this user."""

    user: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """The sender is to prove who he is: 401, or 407 of a proxy, with these headers."""

    headers: list[tuple[str, str]]
    stale: bool = False
    """Whether he may try again with what he has, without asking anybody."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The answer to the challenge was wrong: 403. Unknown users and wrong passwords look alike."""

    user: str
    reason: str
    """For the log, never for the sender: ``wrong``, ``unknown`` or ``banned``."""


Verdict = Authorized | Challenge | Forbidden


class Authenticator:
    """Decides who sent a request."""

    def __init__(
        self,
        users: Mapping[str, str | Ha1],
        realm: str,
        nonces: Nonces,
        rng: random.Random,
        algorithms: Sequence[str] = ALGORITHMS,
    ) -> None:
        """``users`` gives the password, or what is stored instead of it, by user name; it may be replaced any time.

        ``algorithms`` are those that are offered and accepted, see `accept`.
        """
        self.users = users
        self.realm = realm
        self._nonces = nonces
        self._mark_key = rng.getrandbits(256).to_bytes(32, "big")
        self.accept(algorithms)
        self._counts: OrderedDict[str, _Counts] = OrderedDict()
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def accept(self, algorithms: Sequence[str]) -> None:
        """Offer these algorithms from now on, in this order, and take no other: `SHA-256`, `MD5`."""
        self._algorithms = tuple(algorithms)
        self._forms = {
            (stale, plain): _challenges(self.realm, ("MD5",) if plain else self._algorithms, stale=stale)
            for stale in (False, True)
            for plain in (False, True)
        }

    def check(self, request: Request, now: float, *, proxy: bool = False, source: str = "") -> Verdict:
        """Say who sent a request.

        Parameters
        ----------
        now
            Wall seconds, of the same clock for all callers: a phone uses one nonce for REGISTER and INVITE.
        proxy
            Look at Proxy-Authorization and challenge with Proxy-Authenticate.
        source
            Host that the request came from; without it nobody is banned.
        """
        credentials = self._credentials(request, "Proxy-Authorization" if proxy else "Authorization")
        if credentials is None:
            return self._challenge(request, now, proxy, source)
        freshness = self._nonces.check(credentials.nonce.partition(".")[0], now)
        if freshness is FORGED:
            return self._challenge(request, now, proxy, source)
        user = credentials.username
        if self._failures and self._is_banned(source, user, now):
            return Forbidden(user, "banned")
        if not self._is_right(credentials, request):
            if freshness is STALE:
                return self._challenge(request, now, proxy, source)
            self._note_failure(credentials, source, now)
            return Forbidden(user, "wrong" if user in self.users else "unknown")
        if freshness is STALE or not self._count(credentials, now):
            return self._challenge(request, now, proxy, source, stale=True)
        if self._failures:
            self._failures.pop((source, user), None)
        return Authorized(user)

    def _credentials(self, request: Request, header: str) -> Credentials | None:
        """The credentials for our realm; broken ones are no credentials."""
        for text in request.headers.get_all(header)[:MAX_CREDENTIALS]:
            try:
                credentials = Credentials.parse(text)
            except SipError:
                continue
            if not credentials.is_digest or credentials.realm != self.realm:
                continue
            if credentials.algorithm.removesuffix("-SESS") in self._algorithms and _is_complete(credentials):
                return credentials
        return None

    def _is_right(self, credentials: Credentials, request: Request) -> bool:
        """Whether the sender knows the password; the same work is done for a user that does not exist."""
        user = credentials.username
        secret = self.users.get(user)
        known = secret is not None
        if secret is None:
            secret = next(iter(self.users.values()), "")
        algorithm = credentials.algorithm.removesuffix("-SESS")
        if isinstance(secret, Ha1):
            ha1 = secret.sha256 if algorithm == "SHA-256" else secret.md5
        else:
            ha1 = hash_a1(user, self.realm, secret, algorithm)
        return verify(credentials, request.method, ha1, request.body) and known

    def _challenge(self, request: Request, now: float, proxy: bool, source: str, *, stale: bool = False) -> Challenge:
        made = self._nonces.make(now)
        nonce = f"{made}.{self._mark(made, source)}"
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        plain = "MD5" in self._algorithms and MD5_ONLY.match(request.headers.get("User-Agent") or "") is not None
        return Challenge([(name, f"{before}{nonce}{behind}") for before, behind in self._forms[stale, plain]], stale)

    def _mark(self, nonce: str, source: str) -> str:
        """What shows that a nonce was given to this address."""
        return blake2s(f"{nonce} {source}".encode(), key=self._mark_key, digest_size=6).hexdigest()

    def _count(self, credentials: Credentials, now: float) -> bool:
        """Whether this use of a nonce is new (RFC 7616 section 3.4.6); without qop a nonce is good for one use."""
        nonce = credentials.nonce
        counts = self._counts.get(nonce)
        if counts is None:
            counts = self._counts[nonce] = _Counts(now)
            _forget_oldest(self._counts, MAX_NONCES, now - NONCE_LIFETIME)
        count = 1 if credentials.qop is None else credentials.nonce_count
        return count is not None and counts.take(count)

    def _is_banned(self, source: str, user: str, now: float) -> bool:
        failures = self._failures.get((source, user))
        return failures is not None and failures.number >= MAX_FAILURES and now - failures.since < BAN_SECONDS

    def _note_failure(self, credentials: Credentials, source: str, now: float) -> None:
        nonce, _, mark = credentials.nonce.partition(".")
        if not source or not hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark(nonce, source).encode()):
            return
        key = (source, credentials.username[:64])
        failures = self._failures.pop(key, None)
        if failures is None or now - failures.since >= BAN_SECONDS:
            failures = _Failures(now)
        failures.number += 1
        failures.since = now
        self._failures[key] = failures
        _forget_oldest(self._failures, MAX_OFFENDERS, now - BAN_SECONDS)


class _Counts:
    """The counts of one nonce that were used: the highest, and a bit for each of the 64 up to it."""

    __slots__ = ("highest", "seen", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.highest = 0
        self.seen = 0

    def take(self, count: int) -> bool:
        """Use a count; False when it was used before or is too old to know."""
        ahead = count - self.highest
        if ahead > 0:
            self.seen = 1 if ahead >= COUNT_WINDOW else (self.seen << ahead | 1) & (1 << COUNT_WINDOW) - 1
            self.highest = count
            return True
        bit = 1 << -ahead if -ahead < COUNT_WINDOW else 0
        if count < 1 or not bit or self.seen & bit:
            return False
        self.seen |= bit
        return True


class _Failures:
    """Wrong answers of one address for one user."""

    __slots__ = ("number", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        """When the last one came."""
        self.number = 0


def _challenges(realm: str, algorithms: Sequence[str], *, stale: bool) -> list[tuple[str, str]]:
    """The challenges, in order, each as what stands before and behind its nonce."""
    forms = []
    for algorithm in algorithms:
        before, _, behind = challenge(realm, _NONCE, algorithm, stale).rpartition(_NONCE)
        if algorithm != "MD5":
            before = before.replace("Digest ", LEGACY, 1)
        forms.append((before, behind))
    return forms


def _is_complete(credentials: Credentials) -> bool:
    if credentials.qop is None:
        return True
    return credentials.qop in ("auth", "auth-int") and bool(credentials.cnonce) and credentials.nonce_count is not None


Kept = TypeVar("Kept", _Counts, _Failures)


def _forget_oldest(kept: OrderedDict[Any, Kept], limit: int, before: float) -> None:
    """Forget from the front what is too old to matter, and what is too much."""
    while kept:
        first = next(iter(kept.values()))
        if len(kept) <= limit and first.since >= before:
            return
        kept.popitem(last=False)
