"""Our registration at somebody else's registrar: when to ask, what to ask for, and what the answer means.

    TRYING --- 200: REGISTERED for so long ---> asks again after four fifths of it
       ^  \\___ 401, 407, 423: at once, with what was missing
       |______ anything else: FAILED, later and later (RFC 5626 section 4.5)

Pure: the time is handed in, requests come out without Via.
"""

from enum import Enum
from random import Random

from softswitch.core.user_agent import ALLOW
from softswitch.sip.errors import SipError
from softswitch.sip.message import Request, Response
from softswitch.sip.proof import Account, Proof
from softswitch.sip.tag import make_tag
from softswitch.sip.uri import Uri

BASE = 30.0
"""Seconds after the first failure; each further one doubles them."""
LONGEST = 1800.0
"""Seconds between two tries at most."""
REFRESH = 0.8
"""Share of the time granted after which we ask again."""
MOST_CHANGES = 4
"""Requests that follow at once on a refusal, until it is a failure."""
USER_AGENT = "softswitch"


class Standing(Enum):
    """How a registration stands."""

    TRYING = "trying"
    REGISTERED = "registered"
    FAILED = "failed"


class Registration:
    """One account at one registrar.

    Parameters
    ----------
    account
        User, password and realm.
    domain
        What stands after the @ of our address there, and in the Request-URI.
    contact
        Value of our Contact header.
    expires
        Seconds to ask for.
    """

    def __init__(self, account: Account, domain: str, contact: str, expires: int, rng: Random) -> None:
        self.standing = Standing.TRYING
        self.trouble = ""
        """Why it is not registered, in one sentence."""
        self.expires_at = 0.0
        """Until when the registrar knows us."""
        self.next_deadline: float | None = 0.0
        """When `handle_timer` is wanted; None while an answer is awaited."""
        self._account = account
        self._registrar = Uri("sip", None, host=domain)
        self._address = f"<{Uri('sip', account.user, host=domain)}>"
        self._contact = contact
        self._wanted = expires
        self._rng = rng
        self._proof = Proof(account)
        self._call_id = f"{make_tag()}{make_tag()}@softswitch"
        self._tag = make_tag()
        self._sequence = 0
        self._failures = 0
        self._changes = 0

    def handle_timer(self, now: float) -> Request | None:
        """The REGISTER that is due."""
        if self.next_deadline is None or now < self.next_deadline:
            return None
        self._changes = 0
        return self._ask(self._wanted)

    def leave(self) -> Request:
        """Be registered no more."""
        return self._ask(0)

    def receive_response(self, response: Response, now: float) -> Request | None:
        """Take the final answer to the last REGISTER; what is to be sent at once, if anything."""
        if response.status < 200 or self.next_deadline is not None:
            return None
        if response.status < 300:
            self._be_registered(self._granted(response), now)
            return None
        if self._changes < MOST_CHANGES and self._may_try_again(response):
            self._changes += 1
            return self._ask(self._wanted)
        self._fail(f"The registrar says {response.status} {response.reason}.", now, _retry_after(response))
        return None

    def request_failed(self, cause: str, now: float) -> None:
        """No answer came: "timeout", "transport" or "unresolved"."""
        reasons = {"timeout": "does not answer", "unresolved": "has a name that leads nowhere"}
        self._fail(f"The registrar {reasons.get(cause, 'cannot be reached')}.", now, 0.0)

    def _may_try_again(self, response: Response) -> bool:
        if response.status == 423:
            least = response.headers.get("Min-Expires") or ""
            if least.isascii() and least.isdigit() and self._wanted < int(least[:6]):
                self._wanted = int(least[:6])
                return True
            return False
        return self._proof.learn(response)

    def _be_registered(self, granted: int, now: float) -> None:
        self.standing, self.trouble, self._failures = Standing.REGISTERED, "", 0
        self._proof.settle()
        self.expires_at = now + granted
        self.next_deadline = now + max(granted * REFRESH, 1.0)

    def _fail(self, trouble: str, now: float, at_least: float) -> None:
        self.standing, self.trouble = Standing.FAILED, trouble
        self._proof.settle()
        wait = min(BASE * 2**self._failures, LONGEST) * self._rng.uniform(0.5, 1.0)
        self._failures = min(self._failures + 1, 10)
        self.next_deadline = now + min(max(wait, at_least), LONGEST)

    def _granted(self, response: Response) -> int:
        """Seconds for which the registrar knows us: of our Contact, else of Expires, else what we asked for."""
        ours = self._contact.strip("<>").partition(";")[0]
        try:
            for contact in response.contacts:
                granted = contact.params.get("expires") or ""
                if str(contact.uri).partition(";")[0] == ours and granted.isascii() and granted.isdigit():
                    return int(granted[:6])
        except SipError:
            return self._wanted
        return self._wanted if response.expires is None else response.expires

    def _ask(self, expires: int) -> Request:
        self.next_deadline = None
        self._sequence += 1
        proof = self._proof.headers("REGISTER", str(self._registrar))
        return Request(
            "REGISTER",
            self._registrar,
            [
                ("Max-Forwards", "70"),
                ("From", f"{self._address};tag={self._tag}"),
                ("To", self._address),
                ("Call-ID", self._call_id),
                ("CSeq", f"{self._sequence} REGISTER"),
                ("Contact", self._contact),
                ("Expires", str(expires)),
                ("Allow", ALLOW),
                ("User-Agent", USER_AGENT),
                *proof,
            ],
            b"",
        )


def _retry_after(response: Response) -> float:
    """Seconds that the registrar wants us to wait."""
    text = (response.headers.get("Retry-After") or "").split(";")[0].split("(")[0].strip()
    return float(text[:6]) if text.isascii() and text.isdigit() else 0.0
