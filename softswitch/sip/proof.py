"""Proving who we are to somebody who challenges us: digest as a client (RFC 3261 section 22.2, RFC 8760)."""

import secrets
from dataclasses import dataclass, field

from softswitch.sip.digest import build_credentials, choose
from softswitch.sip.errors import SipError
from softswitch.sip.fields import Challenge
from softswitch.sip.message import Request, Response

_ANSWERS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
MOST_CHALLENGES = 10
"""Challenges looked at in one response."""


@dataclass(frozen=True, slots=True)
class Account:
    """What we are known by at somebody else's."""

    user: str
    password: str = field(repr=False)
    realm: str = ""
    """The only realm that is answered; empty: any that the peer names."""


class Proof:
    """Answers the challenges of one peer; an account is shown to nobody else, for each peer has its own proof."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[str, Challenge] = {}
        """Name of our header to the challenge that it answers."""
        self._counts: dict[str, int] = {}
        self._settled = False

    def learn(self, response: Response) -> bool:
        """Take the challenge of a 401 or 407: whether another try, with other credentials, may succeed.

        A challenge that comes again without `stale` says that the credentials are wrong.
        """
        names = _ANSWERS.get(response.status)
        if names is None:
            return False
        challenge = choose(self._read(response, names[0]))
        if challenge is None:
            return False
        before = self._known.get(names[1])
        again = before is not None and not self._settled
        if again and challenge.params.get("stale", "").lower() != "true":
            return False
        if before is not None and before.nonce == challenge.nonce:
            return False
        self._known[names[1]], self._counts[names[1]] = challenge, 0
        self._settled = False
        return True

    def settle(self) -> None:
        """It is over, well or not: the next challenge is no answer to our credentials, but a new one."""
        self._settled = True

    def headers(self, method: str, uri: str, body: bytes = b"") -> list[tuple[str, str]]:
        """The headers that answer what has been learned, none before the first challenge."""
        found = []
        for name, challenge in self._known.items():
            self._counts[name] += 1
            account = self._account
            credentials = build_credentials(
                challenge, account.user, account.password, method, uri, self._counts[name], secrets.token_hex(8), body
            )
            found.append((name, str(credentials)))
        return found

    def repeat(self, request: Request) -> Request:
        """The same request with the next CSeq number and with credentials, without Via (RFC 3261 section 22.2)."""
        kept = [
            (name, value)
            for name, value in request.headers
            if name not in ("Via", "CSeq", "Authorization", "Proxy-Authorization", "Content-Length")
        ]
        sequence = ("CSeq", f"{request.cseq.number + 1} {request.method}")
        proof = self.headers(request.method, str(request.uri), request.body)
        return Request(request.method, request.uri, [*kept, sequence, *proof], request.body)

    def _read(self, response: Response, name: str) -> list[Challenge]:
        """Challenges of the realm that we have an account in; malformed ones are none."""
        found = []
        for text in response.headers.get_all(name)[:MOST_CHALLENGES]:
            try:
                challenge = Challenge.parse(text)
            except SipError:
                continue
            if self._account.realm in ("", challenge.realm):
                found.append(challenge)
        return found
