"""The timers of SIP: RFC 3261 table 4 (Appendix A), with L and M of RFC 6026. All values are seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """The three base values; the lettered timers follow from them.

    I, J, K, D are the values for unreliable transports; over reliable ones they are zero.
    """

    t1: float = 0.5
    """Round trip time estimate."""
    t2: float = 4.0
    """Longest interval between two repetitions of a request other than INVITE, or of a response to INVITE."""
    t4: float = 5.0
    """How long a message may live in the network."""

    @property
    def a(self) -> float:
        """First repetition of an INVITE; doubles without limit (17.1.1.2)."""
        return self.t1

    @property
    def b(self) -> float:
        """An INVITE without any response fails (17.1.1.2)."""
        return 64 * self.t1

    @property
    def c(self) -> float:
        """An INVITE without a new provisional response is cancelled: more than three minutes (16.6 item 11)."""
        return 181.0

    @property
    def d(self) -> float:
        """Repetitions of a refusal of INVITE are acknowledged at least so long (17.1.1.2)."""
        return 64 * self.t1

    @property
    def e(self) -> float:
        """First repetition of another request; doubles up to T2 (17.1.2.2)."""
        return self.t1

    @property
    def f(self) -> float:
        """Another request without a final response fails (17.1.2.2)."""
        return 64 * self.t1

    @property
    def g(self) -> float:
        """First repetition of a refusal of INVITE; doubles up to T2 (17.2.1)."""
        return self.t1

    @property
    def h(self) -> float:
        """A refusal of INVITE that nobody acknowledged is given up (17.2.1)."""
        return 64 * self.t1

    @property
    def i(self) -> float:
        """Repetitions of the ACK are absorbed so long (17.2.1)."""
        return self.t4

    @property
    def j(self) -> float:
        """Repetitions of an answered request are absorbed so long (17.2.2)."""
        return 64 * self.t1

    @property
    def k(self) -> float:
        """Repetitions of a final response are absorbed so long (17.1.2.2)."""
        return self.t4

    @property
    def l(self) -> float:  # noqa: E743 - the letter is the RFC's
        """An accepted INVITE is still recognised when repeated (RFC 6026 8.6)."""
        return 64 * self.t1

    @property
    def m(self) -> float:
        """Further 2xx, from other branches too, are passed up so long (RFC 6026 8.4)."""
        return 64 * self.t1
