"""Digest authentication (RFC 8760, with RFC 2617 and RFC 2069 for old phones). Pure: the time is handed in."""

import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from enum import Enum
from itertools import count
from typing import Any

from softswitch.sip.errors import BadHeader
from softswitch.sip.fields import Challenge, Credentials

# Strongest first: the order in which challenges are offered (RFC 8760 section 2.3).
ALGORITHMS = ("SHA-256", "MD5")
_HASHES: dict[str, Callable[[bytes], Any]] = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}

_QOPS = frozenset(("auth", "auth-int"))

NONCE_LIFETIME = 300.0
"""Seconds for which a nonce is good."""
_STAMP = 6
_SERIAL = 4
_MAC = 16


class Freshness(Enum):
    """What a nonce turns out to be."""

    VALID = "valid"
    """Ours and young enough."""
    STALE = "stale"
    """Ours, but too old: challenge again with stale=true and the phone tries again without asking anybody."""
    FORGED = "forged"
    """Not ours."""


VALID, STALE, FORGED = Freshness.VALID, Freshness.STALE, Freshness.FORGED


class Nonces:
    """Makes nonces that carry their own proof: time, serial number and a keyed hash, so that none is remembered."""

    def __init__(self, secret: bytes, lifetime: float = NONCE_LIFETIME) -> None:
        self._secret = hashlib.sha256(secret).digest()  # the longest key of BLAKE2s, a MAC at a fifth of HMAC's cost
        self._lifetime = lifetime
        self._serial = count()

    def make(self, now: float) -> str:
        """Return a new nonce; no two are alike within one second and process."""
        stamp = (int(now * 1000) % 2 ** (8 * _STAMP)).to_bytes(_STAMP, "big")
        serial = (next(self._serial) % 2 ** (8 * _SERIAL)).to_bytes(_SERIAL, "big")
        return urlsafe_b64encode(stamp + serial + self._mac(stamp + serial)).decode("ascii").rstrip("=")

    def check(self, nonce: str, now: float) -> Freshness:
        """Say whether a nonce is ours and how old it is."""
        try:
            octets = b64decode(nonce + "=" * (-len(nonce) % 4), b"-_", validate=True)
        except ValueError:
            return FORGED
        head, mac = octets[: _STAMP + _SERIAL], octets[_STAMP + _SERIAL :]
        if not hmac.compare_digest(mac, self._mac(head)):
            return FORGED
        age = now - int.from_bytes(head[:_STAMP], "big") / 1000
        return VALID if -1.0 <= age <= self._lifetime else STALE

    def _mac(self, head: bytes) -> bytes:
        return hashlib.blake2s(head, key=self._secret, digest_size=_MAC).digest()


def hash_a1(user: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    """Return what may be stored instead of a password, in hexadecimal digits (RFC 7616 section 3.4.2)."""
    return _hash(_base(algorithm.upper()), f"{user}:{realm}:{password}")


def challenge(realm: str, nonce: str, algorithm: str = "MD5", stale: bool = False) -> str:
    """Return the value of a WWW-Authenticate or Proxy-Authenticate header."""
    params = {"realm": realm, "nonce": nonce, "algorithm": algorithm, "qop": "auth"}
    if stale:
        params["stale"] = "true"
    return str(Challenge("Digest", params))


def verify(credentials: Credentials, method: str, ha1: str, body: bytes = b"") -> bool:
    """Say whether credentials were made by somebody who knows the password.

    The nonce and its count are for the caller to check, and so is the user; the URI is taken as the client hashed it,
    because phones and proxies change the Request-URI on the way.

    Parameters
    ----------
    ha1
        Result of `hash_a1` for `credentials.algorithm`.
    body
        Only looked at for qop=auth-int.
    """
    if _base(credentials.algorithm) not in _HASHES or not credentials.is_digest or not credentials.response:
        return False
    if credentials.qop not in (None, "auth", "auth-int"):
        return False
    if credentials.qop and not (credentials.cnonce and credentials.nc):
        return False
    expected = _response(credentials, method, ha1, body)
    return hmac.compare_digest(expected.encode("ascii"), credentials.response.encode("utf-8", "surrogateescape"))


def choose(challenges: Iterable[Challenge]) -> Challenge | None:
    """Return the first challenge that we can answer (RFC 8760 section 2.4: the server puts its favourite first)."""
    for item in challenges:
        if item.is_digest and _base(item.algorithm) in _HASHES and (not item.qop or _QOPS & set(item.qop)):
            return item
    return None


def build_credentials(
    challenge: Challenge, user: str, password: str, method: str, uri: str, nc: int, cnonce: str, body: bytes = b""
) -> Credentials:
    """Answer a challenge as a client; the result as text is the value of the Authorization header.

    Parameters
    ----------
    nc
        How often this nonce is used by now, from 1.
    cnonce
        Random text of the client.

    Raises
    ------
    BadHeader
        The challenge is none that `choose` would return.
    """
    if choose((challenge,)) is None:
        raise BadHeader("Cannot answer this challenge")
    params = {"username": user, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri, "response": ""}
    if "algorithm" in challenge.params:
        params["algorithm"] = challenge.params["algorithm"]
    if challenge.opaque is not None:
        params["opaque"] = challenge.opaque
    if challenge.qop:
        qop = "auth" if "auth" in challenge.qop else "auth-int"
        params |= {"qop": qop, "nc": f"{nc:08x}", "cnonce": cnonce}
    elif challenge.algorithm.endswith("-SESS"):
        params["cnonce"] = cnonce
    credentials = Credentials("Digest", params)
    ha1 = hash_a1(user, challenge.realm, password, _base(challenge.algorithm))
    params["response"] = _response(credentials, method, ha1, body)
    return credentials


def _response(credentials: Credentials, method: str, ha1: str, body: bytes) -> str:
    """Compute the proof (RFC 7616 section 3.4.1; without qop RFC 2069 section 2.1.2)."""
    algorithm = _base(credentials.algorithm)
    if credentials.algorithm.endswith("-SESS"):
        ha1 = _hash(algorithm, f"{ha1}:{credentials.nonce}:{credentials.cnonce or ''}")
    a2 = f"{method}:{credentials.uri}"
    qop = credentials.params.get("qop")
    if credentials.qop == "auth-int":
        a2 = f"{a2}:{_HASHES[algorithm](body).hexdigest()}"
    if not qop:
        return _hash(algorithm, f"{ha1}:{credentials.nonce}:{_hash(algorithm, a2)}")
    middle = f"{credentials.nonce}:{credentials.nc}:{credentials.cnonce}:{qop}"
    return _hash(algorithm, f"{ha1}:{middle}:{_hash(algorithm, a2)}")


def _base(algorithm: str) -> str:
    return algorithm.removesuffix("-SESS")


def _hash(algorithm: str, text: str) -> str:
    digest: str = _HASHES[algorithm](text.encode("utf-8", "surrogateescape")).hexdigest()
    return digest
