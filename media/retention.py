"""Which recordings are no longer kept: those that are too old, then the oldest of what takes too much room.

A recording whose call is held is kept for ever; its octets count, for they fill the disk all the same.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from media.wish import KEPT

YOUNG: Final = 3600.0
"""Seconds since the last write in which nothing is removed, however little room there is: it may be running."""


class Rule(NamedTuple):
    """How long, and how much, is kept under a folder."""

    under: str
    """Relative to the folder of all recordings; empty for all of them."""
    seconds: float | None
    """How old a recording may become; None: any age. An age of an inner folder counts instead of that of all."""
    size: int | None
    """Octets of all recordings there; None: any."""


class Forgotten(NamedTuple):
    """What was removed."""

    files: int
    size: int
    """Octets."""


class _File(NamedTuple):
    written: float
    path: str
    size: int
    place: str
    """Its folder, relative to that of all recordings."""
    held: bool


def forget(folder: str, rules: Sequence[Rule], held: Collection[str], now: float) -> Forgotten:
    """Remove what the rules say, and the folders that this empties; `now` in wall seconds.

    `held` are the stems of recordings without what follows their last dash, which is the name of their call.
    """
    files = sorted(_files(folder, frozenset(held)))
    gone = [file for file in files if _is_too_old(file, rules, now)]
    removed = {file.path for file in gone}
    for rule in sorted(rules, key=lambda rule: -len(rule.under)):
        if rule.size is not None:
            left = [file for file in files if file.path not in removed and _is_under(file, rule)]
            surplus = list(_surplus(left, rule.size, now))
            gone += surplus
            removed.update(file.path for file in surplus)
    size = sum(file.size for file in gone if _remove(file.path))
    _remove_empty(folder)
    return Forgotten(len(gone), size)


def _files(folder: str, held: frozenset[str]) -> Iterator[_File]:
    for place, _, names in os.walk(folder):
        inner = os.path.relpath(place, folder)
        for name in names:
            if name.startswith(".") or os.path.splitext(name)[1] not in KEPT:  # noqa: PTH122 (half a million files)
                continue
            path = os.path.join(place, name)  # noqa: PTH118
            with suppress(FileNotFoundError):
                status = os.stat(path)  # noqa: PTH116
                call = name.partition(".")[0].rpartition("-")[0]
                yield _File(status.st_mtime, path, status.st_size, inner, call in held)


def _is_too_old(file: _File, rules: Sequence[Rule], now: float) -> bool:
    """Whether its age is beyond what the innermost rule about ages allows."""
    ages = [rule for rule in rules if _is_under(file, rule)]
    if file.held or not ages or now - file.written < YOUNG:
        return False
    limit = max(ages, key=lambda rule: len(rule.under)).seconds
    return limit is not None and now - file.written > limit


def _is_under(file: _File, rule: Rule) -> bool:
    return not rule.under or file.place == rule.under or file.place.startswith(rule.under + "/")


def _surplus(files: Sequence[_File], size: int, now: float) -> Iterator[_File]:
    """The oldest, until what is left has room."""
    total = sum(file.size for file in files)
    for file in files:
        if total <= size:
            return
        if not file.held and now - file.written >= YOUNG:
            total -= file.size
            yield file


def _remove(path: str) -> bool:
    try:
        os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        return False
    return True


def _remove_empty(folder: str) -> None:
    for place, _, _ in os.walk(folder, topdown=False):
        if place != folder:
            with suppress(OSError):  # it is not empty
                os.rmdir(place)  # noqa: PTH106
