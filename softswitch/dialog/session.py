"""One INVITE usage, from the first INVITE to the last BYE, in either role (RFC 3261 sections 13 to 15).

    incoming                                      outgoing

    RINGING ---- refuse, CANCEL, BYE --+          CALLING ---- 300-699, timeout ----------+
       | answer: 2xx, repeated         |             | 1xx                |  cancel        |
       v                               |             v                    v               |
    ANSWERED --- no ACK in 64*T1 ---+  |          PROCEEDING -- cancel -> CANCELLING -----+
       | ACK                        |  |             | 2xx: ACK              | 2xx: ACK   |
       v                            |  |             v                       |            |
    CONFIRMED --- bye, 481, 408 ----+--|-------> CLOSING <-------------------+            |
       | BYE                           |             | response, 64*T1                      |
       +-------------------------------+-------> TERMINATED <-----------------------------+

Orders that come too late for the state do nothing. The session lives in no clock and on no wire: `now` comes in,
effects go out, and `next_deadline` says when `handle_timer` is wanted.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from math import inf
from random import Random

from softswitch.dialog.acceptance import Acceptances
from softswitch.dialog.body import SDP, sdp_of
from softswitch.dialog.capabilities import ACCEPT, ALLOW, METHODS, OPTION_TAGS, SUPPORTED
from softswitch.dialog.dialog import Dialog, Header
from softswitch.dialog.effects import Cancel, Closed, Effect, Respond, SendAck, SendRequest, Tell
from softswitch.dialog.events import Acknowledged, Answered, Cause, Ended, InfoReceived, Progressed, Refused, Side
from softswitch.dialog.forks import Forks
from softswitch.dialog.renegotiation import LONGEST_RETRY, Renegotiation
from softswitch.dialog.route_set import first_hop
from softswitch.sip.fields import parse_tokens
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.status import REASON
from softswitch.sip.uri import Uri
from softswitch.transaction.timers import Timers
