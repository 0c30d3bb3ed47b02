"""A phone as text: what it sends to a registrar, and how it answers a challenge."""

from dataclasses import dataclass, field
from itertools import count

from softswitch.sip.digest import build_credentials
from softswitch.sip.fields import Challenge
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer

PEER = Peer("udp", "127.0.0.1", 5070)
NOW = 1_790_000_000.0
_branches = count(1)


def request(text: str) -> Request:
    message = parse(text.encode("utf-8", "surrogateescape"))
    assert isinstance(message, Request)
    return message


def challenge_of(response: Response, algorithm: str = "SHA-256", header: str = "WWW-Authenticate") -> Challenge:
    found = [Challenge.parse(value) for value in response.headers.get_all(header)]
    return next(challenge for challenge in found if challenge.algorithm == algorithm)


@dataclass
class Phone:
    """One user agent that registers itself."""

    user: str = "101"
    password: str = "demo-101"
    domain: str = "localhost"
    contact: str = "<sip:101@127.0.0.1:5070>"
    call_id: str = "register-1"
    cseq: int = 0
    algorithm: str = "SHA-256"
    challenge: Challenge | None = None
    nonce_count: int = 0
    extra: list[str] = field(default_factory=list)

    def register(
        self,
        *headers: str,
        contact: str | None = None,
        to: str | None = None,
        from_: str | None = None,
        cseq: int | None = None,
        authorize: bool = True,
    ) -> Request:
        """A REGISTER, with credentials once it has been challenged. ``contact=""`` is a query."""
        self.cseq = self.cseq + 1 if cseq is None else cseq
        me = f"<sip:{self.user}@{self.domain}>"
        contact = self.contact if contact is None else contact
        lines = [
            f"REGISTER sip:{self.domain} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{next(_branches)};rport",
            "Max-Forwards: 70",
            f"From: {from_ or me};tag=abc",
            f"To: {to or me}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} REGISTER",
            *([f"Contact: {contact}"] if contact else []),
            *headers,
            *([f"Authorization: {self.authorization()}"] if authorize and self.challenge else []),
            *self.extra,
            "Content-Length: 0",
        ]
        return request("\r\n".join([*lines, "", ""]))

    def authorization(self, method: str = "REGISTER", uri: str | None = None) -> str:
        """Credentials for the challenge that was kept."""
        assert self.challenge is not None
        self.nonce_count += 1
        return str(
            build_credentials(
                self.challenge, self.user, self.password, method, uri or f"sip:{self.domain}", self.nonce_count, "cn"
            )
        )

    def keep(self, response: Response) -> None:
        """Keep the challenge of a 401."""
        self.challenge, self.nonce_count = challenge_of(response, self.algorithm), 0
