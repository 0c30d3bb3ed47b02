"""The registrar (RFC 3261 section 10.3): who may say where a user is, and what is remembered of it.

All contacts of a request are checked before the first is written: a refused REGISTER changes nothing.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from ipaddress import ip_address

from softswitch.core.authenticator import Authenticator, Authorized, Challenge
from softswitch.core.location import MAX_CONTACTS, Binding, Location, address_of_record
from softswitch.core.user_agent import tokens
from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader, SipError
from softswitch.sip.grammar import quote, split_list
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.peer import Peer
from softswitch.sip.tag import make_tag
from softswitch.sip.uri import Uri

MAX_CONTACT_LENGTH = 1024
MAX_USER_AGENT = 100
SUPPORTED = frozenset({"path", "outbound"})
"""Extensions that a REGISTER may require."""
FLOW_TIMER = 120
"""Seconds within which a phone with an outbound flow shows that it is there (RFC 5626 section 4.4.1)."""
JITTER = 0.1
"""Part by which granted times are shortened at random, so that phones do not come back all at once."""


class RefusedError(SipError):
    """A REGISTER that is understood and not done."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(status, reason)
        self.headers = headers


@dataclass(slots=True)
class _Wish:
    """One contact of a request: what it is and for how long."""

    contact: str
    uri: Uri
    seconds: int
    """0 to remove it."""
    q: float
    instance: str | None
    reg_id: int | None

    def is_for(self, binding: Binding) -> bool:
        """Whether a binding is of this contact: the same device (RFC 5626 section 4.1), else the same URI (19.1.4).

        Two devices behind different address translators may have the same contact; their instances tell them apart.
        """
        if self.instance is not None and binding.instance is not None:
            return (self.instance, self.reg_id) == (binding.instance, binding.reg_id)
        return self.contact == binding.contact or self.uri.matches(Uri.parse(binding.contact))


class Registrar:
    """Answers REGISTER."""

    def __init__(
        self,
        location: Location,
        authenticator: Authenticator,
        domains: Sequence[str],
        *,
        min_expires: int = 60,
        default_expires: int = 3600,
        max_expires: int = 7200,
        service_route: str | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Serve some domains.

        Parameters
        ----------
        domains
            The first is the one under which bindings are kept; the others, and literal addresses, mean the same.
        service_route
            Value of the Service-Route header (RFC 3608), when phones are to send through somebody.
        rng
            With it, granted times of more than twice the minimum are shortened by up to a tenth.
        """
        self._location = location
        self._authenticator = authenticator
        self._domain = domains[0]
        self._domains = frozenset(domain.lower() for domain in domains)
        self._min = min_expires
        self._default = default_expires
        self._max = max_expires
        self._service_route = service_route
        self._rng = rng
        self._date = (0, "")

    def handle(self, request: Request, peer: Peer, now: float) -> Response:
        """Answer one REGISTER that came from ``peer`` at wall time ``now``; never raises on what a sender wrote."""
        tag = make_tag()
        try:
            headers = self._register(request, peer, now)
        except RefusedError as refused:
            return respond(request, refused.status, refused.reason or None, to_tag=tag, headers=refused.headers)
        except SipError as error:
            return respond(request, error.status or 400, error.reason, to_tag=tag)
        return respond(request, 200, to_tag=tag, headers=headers)

    def _register(self, request: Request, peer: Peer, now: float) -> list[tuple[str, str]]:
        """The headers of the 200; the order of the steps is that of section 10.3."""
        _check_extensions(request)
        self._authorize(request, peer, now)
        user = self._user(request)
        aor = address_of_record(user, self._domain)
        contacts = request.contacts
        flow = _is_outbound(request, peer)
        if contacts:
            bindings = self._bindings(request, contacts, aor, peer, now)
            self._location.replace(aor, bindings)
        headers = self._describe(request, self._location.bindings(aor, now), now)
        return [*headers, ("Require", "outbound"), ("Flow-Timer", str(FLOW_TIMER))] if flow else headers

    def _user(self, request: Request) -> str:
        """The user of the address of record, which must be one of ours."""
        uri = request.to.uri
        if not uri.is_sip or not uri.user or not self._is_ours(uri.host):
            raise RefusedError(404, "")
        return uri.user

    def _is_ours(self, host: str) -> bool:
        return host.lower() in self._domains or _is_literal(host)

    def _authorize(self, request: Request, peer: Peer, now: float) -> None:
        """Nobody but the user himself says where he is."""
        verdict = self._authenticator.check(request, now, source=peer.host)
        if isinstance(verdict, Challenge):
            raise RefusedError(401, "", *verdict.headers)
        if not isinstance(verdict, Authorized) or not verdict.user == request.to.uri.user == request.from_.uri.user:
            raise RefusedError(403, "")

    def _bindings(
        self, request: Request, contacts: list[Address], aor: str, peer: Peer, now: float
    ) -> Iterable[Binding]:
        """All contacts of the user after this request."""
        before = self._location.bindings(aor, now)
        if contacts[0] is Address.WILDCARD:
            _check_wildcard(request, before)
            return ()
        if len(contacts) > MAX_CONTACTS:
            raise RefusedError(403, "Too Many Contacts")
        default = self._header_expires(request)
        after = before
        for wish in [self._wish(contact, default) for contact in contacts]:
            _check_order(request, [binding for binding in before if wish.is_for(binding)])
            after = [binding for binding in after if not wish.is_for(binding)]
            if wish.seconds:
                after.insert(0, self._bind(request, wish, aor, peer, now))
        if len(after) > MAX_CONTACTS:
            raise RefusedError(403, "Too Many Contacts")
        return after

    def _wish(self, contact: Address, default: int) -> _Wish:
        if not contact.uri.is_sip or contact.uri.headers:
            raise BadHeader("Contact must be a plain SIP URI")
        text = str(contact.uri)
        if len(text) > MAX_CONTACT_LENGTH or not text.isascii():
            raise BadHeader("Unusable Contact")
        seconds = _number(contact.params.get("expires"), default)
        if 0 < seconds < self._min:
            raise RefusedError(423, "", ("Min-Expires", str(self._min)))
        instance = contact.params.get("+sip.instance")
        return _Wish(
            contact=text,
            uri=contact.uri,
            seconds=min(seconds, self._max),
            q=_quality(contact.params.get("q")),
            instance=str(instance)[:MAX_CONTACT_LENGTH] if instance else None,
            reg_id=_number(contact.params.get("reg-id"), 0) or None,
        )

    def _bind(self, request: Request, wish: _Wish, aor: str, peer: Peer, now: float) -> Binding:
        return Binding(
            aor=aor,
            contact=wish.contact,
            received=peer,
            expires_at=now + self._shorten(wish.seconds),
            call_id=request.call_id,
            cseq=request.cseq.number,
            q=wish.q,
            instance=wish.instance,
            reg_id=wish.reg_id,
            user_agent=(request.headers.get("User-Agent") or "")[:MAX_USER_AGENT],
            path=tuple(request.headers.get_all("Path")),
        )

    def _shorten(self, seconds: int) -> int:
        if self._rng is None or seconds <= 2 * self._min:
            return seconds
        return seconds - int(seconds * JITTER * self._rng.random())

    def _header_expires(self, request: Request) -> int:
        """Expires of the request; a malformed one counts as missing (section 10.2.1.1)."""
        try:
            expires = request.expires
        except BadHeader:
            return self._default
        return self._default if expires is None else expires

    def _describe(self, request: Request, bindings: list[Binding], now: float) -> list[tuple[str, str]]:
        """The headers of the 200: all contacts that are known now."""
        headers = [("Contact", _contact(binding, now)) for binding in bindings]
        headers += [("Path", path) for path in request.headers.get_all("Path")]
        if self._service_route:
            headers.append(("Service-Route", self._service_route))
        headers.append(("Date", self._now_as_date(now)))
        return headers

    def _now_as_date(self, now: float) -> str:
        """Date header, made once per second."""
        second, text = self._date
        if second != int(now):
            second, text = self._date = int(now), formatdate(now, usegmt=True)
        return text


def _check_extensions(request: Request) -> None:
    required = [tag.strip() for value in request.headers.get_all("Require") for tag in value.split(",")]
    unknown = [tag for tag in required if tag and tag.lower() not in SUPPORTED]
    if unknown:
        raise RefusedError(420, "", ("Unsupported", ", ".join(unknown)))


def _is_outbound(request: Request, peer: Peer) -> bool:
    """Whether this registers a flow (RFC 5626 section 6): a connection to us, of a phone that knows what that is.

    Over UDP there is none: it would be kept open by STUN, which is not spoken here. The binding is a plain one then.
    """
    marked = [one for one in request.contacts if one is not Address.WILDCARD and "reg-id" in one.params]
    if not marked or not peer.reliable or "outbound" not in tokens(request, "Supported"):
        return False
    if len(request.contacts) > 1:
        raise BadHeader("One Contact for each flow")
    proxied = len(split_list(", ".join(request.headers.get_all("Via")))) > 1
    if proxied and not any(";ob" in path.lower() for path in request.headers.get_all("Path")):
        raise RefusedError(439, "First Hop Lacks Outbound Support")
    return "+sip.instance" in marked[0].params


def _check_wildcard(request: Request, bindings: list[Binding]) -> None:
    """ "*" removes everything, and only together with Expires: 0."""
    if request.expires != 0:
        raise BadHeader("Contact * needs Expires: 0")
    _check_order(request, bindings)


def _check_order(request: Request, bindings: Iterable[Binding]) -> None:
    """A request that was overtaken by a later one of the same phone must not undo it (section 10.3 step 7)."""
    call_id, number = request.call_id, request.cseq.number
    if any(binding.call_id == call_id and number <= binding.cseq for binding in bindings):
        raise RefusedError(500, "Old CSeq")


def _contact(binding: Binding, now: float) -> str:
    text = f"<{binding.contact}>;expires={max(1, round(binding.expires_at - now))}"
    if binding.q != 1.0:
        text += f";q={binding.q:.3g}"
    if binding.instance is not None:
        text += f";+sip.instance={quote(binding.instance)}"
    return text if binding.reg_id is None else f"{text};reg-id={binding.reg_id}"


def _number(text: str | None, default: int) -> int:
    """A delta-seconds or small number; what is none counts as missing."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 10:
        return default
    return int(text)


def _quality(text: str | None) -> float:
    """qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )"""
    if text is None:
        return 1.0
    whole, _, part = text.partition(".")
    if whole not in ("0", "1") or len(part) > 3 or (part and not (part.isascii() and part.isdigit())):
        raise BadHeader("Malformed q")
    value = float(f"{whole}.{part or 0}")
    if value > 1.0:
        raise BadHeader("Malformed q")
    return value


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
