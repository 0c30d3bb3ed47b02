"""Which number leads where: pure, from plain values.

A phone reaches the numbers inside first: plain numbers, then the most exact pattern. Then, and for trunks at once,
come the routes in the order of the file; the first that fits is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ivr.digits import DialPlan, Pattern
from softswitch.call.destination import Destination, Refuse, read
from softswitch.call.policy import Recorded

NOT_FOUND = Refuse(404)
MAX_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is calling, as far as the switch has made sure of it."""

    kind: str
    """`phone` or `trunk`."""
    name: str
    """The extension or the trunk."""
    number: str
    """The caller's number, as shown to whoever is called."""
    display: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the routing table."""

    called: Pattern
    """A number, or a pattern such as `0x.`"""
    to: str
    """Where it leads."""
    origin: str = "any"
    """`any`, `phones`, `trunks`, `phone:101` or `trunk:provider`."""
    caller: str | None = None
    """Exact number, or a prefix that ends with `*`."""
    schedule: str | None = None
    """Leads to `to` while this is open, and to `otherwise` while it is closed."""
    otherwise: str | None = None
    strip: int = 0
    """How many leading digits of the number are dropped before it is dialled on."""
    prepend: str = ""
    """What is put before it then."""
    record: Recorded | None = None
    """How its calls are recorded."""


class Router:
    """Numbers to destinations."""

    def __init__(self, inside: DialPlan, routes: Sequence[Route], is_open: Callable[[str, datetime], bool]) -> None:
        self._inside = inside
        self._routes = routes
        self._is_open = is_open

    def route(self, origin: Origin, called: str, wall: datetime) -> Destination:
        """Where a call goes; `Refuse(404)` when no rule fits. `wall` knows its time zone."""
        if not called or len(called) > MAX_NUMBER:
            return NOT_FOUND
        inside = self._inside_of(origin, called)
        if inside is not None:
            return read(inside, called, origin.name)
        route = self._route_of(origin, called)
        return self._follow(route, origin, called, wall) if route is not None else NOT_FOUND

    def record(self, origin: Origin, called: str) -> Recorded | None:
        """How the route of a call wants it recorded; None when it comes by none, or by one that does not."""
        if not called or len(called) > MAX_NUMBER or self._inside_of(origin, called) is not None:
            return None
        route = self._route_of(origin, called)
        return route.record if route is not None else None

    def _inside_of(self, origin: Origin, called: str) -> str | None:
        return self._inside.find(called).destination if origin.kind == "phone" else None

    def _route_of(self, origin: Origin, called: str) -> Route | None:
        return next((route for route in self._routes if self._fits(route, origin, called)), None)

    def _fits(self, route: Route, origin: Origin, called: str) -> bool:
        if route.origin not in ("any", origin.kind + "s", str(origin)):
            return False
        if route.called.match(called) is None:
            return False
        if route.caller is None:
            return True
        if route.caller.endswith("*"):
            return origin.number.startswith(route.caller[:-1])
        return origin.number == route.caller

    def _follow(self, route: Route, origin: Origin, called: str, wall: datetime) -> Destination:
        to = route.to
        if route.schedule is not None and not self._is_open(route.schedule, wall):
            if route.otherwise is None:
                return Refuse(480)
            to = route.otherwise
        return read(to, route.prepend + called[route.strip :], origin.name)
