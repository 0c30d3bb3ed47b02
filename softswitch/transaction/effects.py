"""What a transaction asks of the stack: plain orders, compared by value.

They are made once per packet, so they are not frozen: a frozen one costs three times as much to build.
"""

from dataclasses import dataclass
from typing import Literal

from softswitch.sip.message import Request, Response


@dataclass(slots=True)
class Send:
    """Put this message on the wire, towards the transaction's peer."""

    message: Request | Response


@dataclass(slots=True)
class Deliver:
    """Hand this message to the transaction user."""

    message: Request | Response


@dataclass(slots=True)
class Fail:
    """Tell the transaction user that no good end is to be expected."""

    cause: Literal["timeout", "transport"]


@dataclass(slots=True)
class Finished:
    """The transaction is over: take it out of the table."""


Effect = Send | Deliver | Fail | Finished
