"""The remote target: the Contact that requests inside a dialog are sent to (RFC 3261 12.1, 12.2)."""

from dataclasses import replace

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri


def read_target(message: Request | Response) -> Uri | None:
    """The URI of the first Contact, None without one. Raises BadHeader when nothing can be sent there."""
    contacts = message.contacts
    if not contacts:
        return None
    contact = contacts[0]
    if contact is Address.WILDCARD or not contact.uri.is_sip:
        raise BadHeader("Contact is not a SIP address")
    return as_request_uri(contact.uri)


def as_request_uri(uri: Uri) -> Uri:
    """The same URI without what may not stand in a request line: headers and method (19.1.1)."""
    if not uri.headers and "method" not in uri.params:
        return uri
    params = {name: value for name, value in uri.params.items() if name != "method"}
    return replace(uri, headers={}, params=params)
