"""Sounds on their way from the disk to the players, in a thread of their own so that no disk delays a tick."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError, SoundError
from media.player import BUILTIN_MUSIC, SoundCache, make_sound

MOST_WAITING: Final = 1000
"""Orders that may wait for the disk."""

Samples = NDArray[np.int16]
Sound = str | Mapping[str, Any]
Loaded = tuple[str, str, bool, Sequence[Samples] | MediaError]
"""Leg, token, repeat, and the sounds or why there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """One `play` that waits for its sounds."""

    leg: str
    token: str
    repeat: bool
    sounds: Sequence[Sound]


class Loader:
    """Loads what `play` names; the latest order of a leg counts.

    Parameters
    ----------
    wake : Callable[[], None]
        Called from the thread when there is something to `poll`.
    """

    def __init__(self, cache: SoundCache, wake: Callable[[], None]) -> None:
        self._cache = cache
        self._wake = wake
        self._thread = ThreadPoolExecutor(1, "sounds")
        self._wanted: dict[str, _Wanted] = {}
        self._loaded: deque[tuple[_Wanted, Sequence[Samples] | MediaError]] = deque()
        self._thread.submit(cache.get, BUILTIN_MUSIC)  # composing it takes a while

    def load(self, leg: str, token: str, repeat: bool, sounds: Sequence[Sound]) -> Sequence[Samples] | None:
        """The sounds, if they are at hand; else None, and `poll` has them later."""
        self._wanted.pop(leg, None)
        ready = [self._cache.peek(sound) if isinstance(sound, str) else None for sound in sounds]
        at_hand = [samples for samples in ready if samples is not None]
        if len(at_hand) == len(sounds):
            return at_hand
        if len(self._wanted) >= MOST_WAITING:
            raise SoundError("too many sounds wait for the disk")
        wanted = self._wanted[leg] = _Wanted(leg, token, repeat, sounds)
        self._thread.submit(self._fetch, wanted)
        return None

    def poll(self) -> list[Loaded]:
        """What was loaded since, leaving out what nobody wants any more."""
        done = []
        while self._loaded:
            wanted, sounds = self._loaded.popleft()
            if self._wanted.get(wanted.leg) is wanted:
                del self._wanted[wanted.leg]
                done.append((wanted.leg, wanted.token, wanted.repeat, sounds))
        return done

    def forget(self, leg: str) -> None:
        """A leg no longer wants what it waits for."""
        self._wanted.pop(leg, None)

    def forget_all(self) -> None:
        """Nobody wants anything."""
        self._wanted.clear()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, wanted: _Wanted) -> None:
        try:
            sounds: Sequence[Samples] | MediaError = [make_sound(sound, self._cache) for sound in wanted.sounds]
        except MediaError as error:
            sounds = error
        except (TypeError, ValueError, MemoryError) as error:
            sounds = SoundError(f"a sound cannot be made: {error}")
        self._loaded.append((wanted, sounds))
        self._wake()
