"""Which number leads where: pure, from plain values.

The order: one's own extension table (exact numbers first, then patterns by length), then phones by their own number,
then the routes in the order of the file. The first that fits is taken.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from softswitch.call.destination import Destination, Refuse, ToPhone, read

NOT_FOUND = Refuse(404)
MAX_NUMBER = 64

CLASSES = {"x": "[0-9]", "z": "[1-9]", "n": "[2-9]", ".": ".+"}  # as dial plans write them


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

    called: str
    """An exact number or a pattern (`0X.`, `8xxx`)."""
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


class Router:
    """Numbers to destinations."""

    def __init__(
        self,
        phones: Mapping[str, object],
        extensions: Mapping[str, str],
        routes: Sequence[Route],
        is_open: Callable[[str, datetime], bool],
    ) -> None:
        self._phones = phones
        self._exact = {called: to for called, to in extensions.items() if not is_pattern(called)}
        patterns = [called for called in extensions if is_pattern(called)]
        self._patterns = [(called, extensions[called]) for called in sorted(patterns, key=len, reverse=True)]
        self._routes = routes
        self._is_open = is_open

    def route(self, origin: Origin, called: str, wall: datetime) -> Destination:
        """Where a call goes; `Refuse(404)` when no rule fits. `wall` knows its time zone."""
        if not called or len(called) > MAX_NUMBER:
            return NOT_FOUND
        if origin.kind == "phone":
            inside = self._inside(origin, called)
            if inside is not None:
                return inside
        for route in self._routes:
            if self._fits(route, origin, called):
                return self._follow(route, origin, called, wall)
        return NOT_FOUND

    def _inside(self, origin: Origin, called: str) -> Destination | None:
        """Extensions: only phones dial them; a trunk reaches what a route gives it."""
        to = self._exact.get(called)
        if to is not None:
            return read(to, called, origin.name)
        if called in self._phones:
            return ToPhone(called)
        for pattern, leads_to in self._patterns:
            if matches(pattern, called):
                return read(leads_to, variable_part(pattern, called), origin.name)
        return None

    def _fits(self, route: Route, origin: Origin, called: str) -> bool:
        if route.origin not in ("any", origin.kind + "s", str(origin)):
            return False
        if not matches(route.called, called):
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


def is_pattern(called: str) -> bool:
    """Whether a number in the configuration stands for many.

    >>> is_pattern("8xxx"), is_pattern("0X."), is_pattern("500")
    (True, True, False)
    """
    return any(letter in CLASSES for letter in called.lower())


def matches(pattern: str, called: str) -> bool:
    """Whether a number fits an exact number or a pattern.

    >>> matches("0X.", "0441234"), matches("8xxx", "8101"), matches("8xxx", "81011")
    (True, True, False)
    """
    if not is_pattern(pattern):
        return pattern == called
    return _compiled(pattern.lower()).fullmatch(called) is not None


def variable_part(pattern: str, called: str) -> str:
    """What stands for the variable part of a pattern.

    >>> variable_part("8xxx", "8101")
    '101'
    """
    fixed = len(pattern) - len(pattern.lower().lstrip("0123456789*#+"))
    return called[fixed:]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(CLASSES.get(letter, re.escape(letter)) for letter in pattern))
