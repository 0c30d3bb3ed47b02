"""The proxies that a dialog's requests pass, and how they are written down (RFC 3261 12.2.1.1).

first route has ;lr (loose)         Request-URI: remote target       Route: all routes
first route has not (strict)        Request-URI: first route         Route: the other routes, remote target
no routes                           Request-URI: remote target       no Route
"""

from softswitch.dialog.target import as_request_uri
from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri

LONGEST = 30
"""No sane path has more proxies."""


def read_route_set(message: Request | Response) -> list[Address]:
    """The Record-Route values in the order of the message. Raises BadHeader."""
    routes = message.record_routes
    if not routes:
        return []
    if len(routes) > LONGEST:
        raise BadHeader("Too many Record-Route values")
    if not all(route.uri.is_sip for route in routes):
        raise BadHeader("Record-Route is not a SIP address")
    return list(routes)


def first_hop(routes: list[Address], target: Uri) -> Uri:
    """Where the request goes, before resolving: with a strict router this is the Request-URI as well."""
    return routes[0].uri if routes else target


def requested_uri(routes: list[Address], target: Uri) -> Uri:
    """What to write in the request line."""
    if routes and not is_loose(routes[0]):
        return as_request_uri(routes[0].uri)
    return target


def routes_to_write(routes: list[Address], target: Uri) -> list[str]:
    """Values of the Route header fields."""
    if not routes or is_loose(routes[0]):
        return [str(route) for route in routes]
    return [*(str(route) for route in routes[1:]), f"<{target}>"]


def is_loose(route: Address) -> bool:
    """Whether this proxy follows RFC 3261 and not RFC 2543."""
    return "lr" in route.uri.params
