"""How a leg takes part in a room, and how loud everybody hears everybody there because of it.

A plain member hears all others and is heard by them. Members may be muted, deaf, louder or softer; supervisors listen
(heard by nobody), whisper (heard by one leg) or barge in (heard by all).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import BadCommand
from media.legs import NOBODY
from media.protocol import MOST_GAIN, Role

ROLES: Final = ("member", "listen", "whisper", "barge")

Factors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Membership:
    """A leg in a room."""

    muted: bool = False
    """Heard by nobody."""
    deaf: bool = False
    """Hears nobody."""
    gain: float = 0.0
    """dB, added to what it says."""
    role: Role = "member"
    ear: int = NOBODY
    """Row of the one leg that hears a whisper."""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise BadCommand(f"{self.role!r} is no role in a room, those are {', '.join(ROLES)}")
        if not isinstance(self.gain, int | float) or not abs(self.gain) <= MOST_GAIN:
            raise BadCommand(f"a gain is -{MOST_GAIN:g} to {MOST_GAIN:g} dB, not {str(self.gain)[:80]}")

    @property
    def supervises(self) -> bool:
        """Whether it is there beside those who talk."""
        return self.role != "member"

    @property
    def audible(self) -> bool:
        """Whether all others hear it."""
        return not self.muted and self.role in ("member", "barge")

    @property
    def plain(self) -> bool:
        """Whether it hears all others as they are, and they hear it so."""
        return self.audible and not self.deaf and not self.gain


PLAIN: Final = Membership()


def factors(members: Sequence[tuple[int, Membership]]) -> Factors:
    """How loud everybody in a room hears everybody, for `mixer.mix_by_matrix`.

    Parameters
    ----------
    members : sequence of k (row, membership)

    Returns
    -------
    float32[k, k]
        [i, j]: factor for what member j says in what member i hears; 0 on the diagonal.
    """
    heard = np.empty((len(members), len(members)), np.float32)
    for place, (_, member) in enumerate(members):
        heard[:, place] = 10 ** (member.gain / 20) if member.audible else 0.0
        if member.role == "whisper" and not member.muted:
            heard[[row == member.ear for row, _ in members], place] = 10 ** (member.gain / 20)
    heard[[member.deaf for _, member in members]] = 0.0
    np.fill_diagonal(heard, 0.0)
    return heard
