"""A telephone that speaks SRTP, with the library at its end of the line."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pylibsrtp import Policy, Session

from media.protocol import SUITES, SrtpKeys
from media.rtp import RtpPacket, parse
from tests.media.studio import Studio, Talker, decode, encode

KEYS = SrtpKeys(SUITES[0], bytes(range(30)), bytes(range(50, 80)))
"""As our side has them: what we send is made with the first."""
SHORT_KEYS = SrtpKeys(SUITES[1], bytes(range(90, 120)), bytes(range(120, 150)))


def make_session(suite: str, key: bytes, *, inbound: bool) -> Session:
    """One direction."""
    profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    if suite == SUITES[1]:
        profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_32
    kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    return Session(Policy(key=key, ssrc_type=kind, srtp_profile=profile))


@dataclass
class SecureTalker:
    """A talker whose packets are sealed and who hears nothing but sealed ones."""

    studio: Studio
    name: str
    keys: SrtpKeys = KEYS
    codec: str = "PCMU"
    sent: list[bytes] = field(default_factory=list)
    """Everything as it was sent."""

    def __post_init__(self) -> None:
        self.talker: Talker = self.studio.open(self.name, self.codec, srtp=self.keys)
        self.row = self.talker.row
        self.rekey(self.keys)

    def rekey(self, keys: SrtpKeys) -> None:
        """Begin anew with these keys."""
        self.keys = keys
        self.outbound = make_session(keys.suite, keys.receive, inbound=False)
        self.inbound = make_session(keys.suite, keys.send, inbound=True)

    def seal(self, samples: NDArray[np.int16]) -> bytes:
        """The next packet, sealed and not sent."""
        return self.outbound.protect(bytes(self.talker.next_packet(encode(samples, self.codec))))

    def say(self, samples: NDArray[np.int16]) -> None:
        """Send one packet."""
        self.send(self.seal(samples))

    def send(self, datagram: bytes) -> None:
        """Send octets as they are."""
        self.sent.append(datagram)
        self.talker.send(datagram)

    def press(self, payload: bytes) -> None:
        """Send one telephone event."""
        packet = self.talker.next_packet(payload, payload_type=101, advance=0)
        self.send(self.outbound.protect(bytes(packet)))

    def raw(self) -> list[bytes]:
        """What came here since the last look, as it came."""
        io = self.studio.io
        mine = [datagram for row, datagram in io.sent if row == self.row]
        io.sent = [(row, datagram) for row, datagram in io.sent if row != self.row]
        return mine

    def packets(self) -> list[RtpPacket]:
        """The same, opened; whatever does not authenticate raises."""
        return [parse(self.inbound.unprotect(datagram)) for datagram in self.raw()]

    def hears(self) -> NDArray[np.int16]:
        """The same as samples."""
        sound = [decode(p.payload, self.codec) for p in self.packets() if p.payload_type == self.talker.payload_type]
        return np.concatenate(sound or [np.empty(0, np.int16)])
