"""What is too old or too much goes, oldest first; what is held, and what may be running, stays."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.retention import YOUNG, Forgotten, Rule, forget

NOW = 1_800_000_000.0
DAY = 86400.0


def keep(folder: Path, name: str, days: float, size: int = 1000) -> Path:
    """A recording that was written so many days ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    return path


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_too_old_goes_and_its_empty_folders_too(tmp_path: Path) -> None:
    keep(tmp_path, "2026/11/01/n-1-2.wav", 31, 500)
    keep(tmp_path, "2026/11/01/n-2-2.flac", 30.5)
    keep(tmp_path, "2026/11/03/n-3-2.ogg", 29)
    keep(tmp_path, "2026/11/01/notes.txt", 99)
    keep(tmp_path, "2026/10/01/n-4-2.to-gsm-mixed.wav", 60)
    assert forget(str(tmp_path), [Rule("", 30 * DAY, None)], (), NOW) == Forgotten(3, 2500)
    assert names(tmp_path) == {"2026/11/03/n-3-2.ogg", "2026/11/01/notes.txt"}
    assert not (tmp_path / "2026" / "10").exists()


def test_a_queue_may_keep_longer_or_shorter_than_the_rest(tmp_path: Path) -> None:
    for folder in ("2026", "queues/sales/2026", "queues/support/2026", "queues/sales2/2026"):
        keep(tmp_path, f"{folder}/n-1-2.wav", 50)
        keep(tmp_path, f"{folder}/n-2-2.wav", 5)
    rules = [Rule("", 30 * DAY, None), Rule("queues/sales", None, None), Rule("queues/support", DAY, None)]
    forget(str(tmp_path), rules, (), NOW)
    assert names(tmp_path) == {
        "2026/n-2-2.wav", "queues/sales/2026/n-1-2.wav", "queues/sales/2026/n-2-2.wav", "queues/sales2/2026/n-2-2.wav",
    }  # fmt: skip


def test_of_too_much_the_oldest_goes_first_in_a_queue_and_then_of_all(tmp_path: Path) -> None:
    for days in range(1, 7):
        keep(tmp_path, f"queues/sales/n-{days}-2.wav", days)
        keep(tmp_path, f"2026/m-{days}-2.wav", days + 0.5)
    rules = [Rule("", None, 5000), Rule("queues/sales", None, 3500)]
    assert forget(str(tmp_path), rules, (), NOW).files == 7
    assert names(tmp_path) == {
        *("queues/sales/n-1-2.wav", "queues/sales/n-2-2.wav", "queues/sales/n-3-2.wav"),
        *("2026/m-1-2.wav", "2026/m-2-2.wav"),
    }  # fmt: skip


def test_what_is_held_stays_for_ever_and_counts(tmp_path: Path) -> None:
    keep(tmp_path, "n-1-2.wav", 900)
    keep(tmp_path, "n-1-3.wav", 900)
    keep(tmp_path, "n-11-2.wav", 900)
    keep(tmp_path, "n-2-2.wav", 2)
    forget(str(tmp_path), [Rule("", 30 * DAY, 2000)], {"n-1"}, NOW)
    assert names(tmp_path) == {"n-1-2.wav", "n-1-3.wav"}


def test_what_was_written_a_moment_ago_stays_however_little_room_there_is(tmp_path: Path) -> None:
    keep(tmp_path, "n-1-2.wav", (YOUNG - 1) / DAY)
    keep(tmp_path, "n-2-2.wav", (YOUNG + 1) / DAY)
    forget(str(tmp_path), [Rule("", 1.0, 1)], (), NOW)
    assert names(tmp_path) == {"n-1-2.wav"}


@pytest.mark.parametrize("rules", [[], [Rule("", None, None)]])
def test_without_limits_everything_stays(tmp_path: Path, rules: list[Rule]) -> None:
    keep(tmp_path, "n-1-2.wav", 10_000)
    assert forget(str(tmp_path), rules, (), NOW) == Forgotten(0, 0)
    assert forget(str(tmp_path / "nowhere"), rules, (), NOW) == Forgotten(0, 0)


FILES = st.lists(
    st.tuples(st.sampled_from(["", "queues/a/", "queues/b/"]), st.integers(0, 40), st.integers(1, 50), st.booleans()),
    max_size=12,
)
LIMITS = st.tuples(st.none() | st.integers(1, 40), st.none() | st.integers(1, 200))


def naive(files: list[tuple[str, str, int, int, bool]], rules: list[Rule]) -> set[str]:
    """The names that stay, one decision at a time."""
    stay = dict.fromkeys(files)
    for file in files:
        under, _, days, _, held = file
        mine = [rule for rule in rules if (under + "/").startswith(rule.under + "/") or not rule.under]
        limit = max(mine, key=lambda rule: len(rule.under)).seconds
        if not held and days and limit is not None and days * DAY > limit:
            del stay[file]
    for rule in sorted(rules, key=lambda rule: -len(rule.under)):
        while rule.size is not None:
            inside = [file for file in stay if not rule.under or file[0].rstrip("/") == rule.under]
            removable = [file for file in inside if file[2] and not file[4]]
            if sum(file[3] for file in inside) <= rule.size or not removable:
                break
            del stay[max(removable, key=lambda file: file[2])]
    return {file[1] for file in stay}


@settings(max_examples=60, deadline=None)
@given(FILES, LIMITS, LIMITS)
def test_what_stays_is_what_a_naive_twin_keeps(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[str, int, int, bool]],
    general: tuple[int | None, int | None],
    special: tuple[int | None, int | None],
) -> None:
    folder = tmp_path_factory.mktemp("r")
    days = {}
    files = []
    for number, (under, age, size, held) in enumerate(drawn):
        while age and age in days:  # no two of the same age: which goes first would be open
            age += 1
        days[age] = number
        name = f"{under}n-{number}-2.wav"
        keep(folder, name, age, size)
        files.append((under, name, age, size, held))
    rules = [Rule(under, None if age is None else age * DAY, size)
             for under, (age, size) in (("", general), ("queues/a", special))]  # fmt: skip
    held = {f"n-{number}" for number, (*_, is_held) in enumerate(drawn) if is_held}
    forget(str(folder), rules, held, NOW)
    assert names(folder) == naive(files, rules)
