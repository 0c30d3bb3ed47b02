"""What import-linter cannot say: whose names are ours, and that chance is handed in instead of taken."""

import ast
import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOP_LEVEL_NAMES = ("softswitch", "media", "acd", "ivr", "config", "benchmarks")
PURE_FOLDERS = ("softswitch/sip", "softswitch/transaction", "softswitch/dialog", "softswitch/core", "acd", "ivr")


@pytest.mark.parametrize("name", TOP_LEVEL_NAMES)
def test_no_other_distribution_owns_one_of_our_names(name: str) -> None:
    owners = importlib.metadata.packages_distributions().get(name, [])
    assert set(owners) == {"softswitch"}, f"{name} is also installed by {owners}: use an environment of its own"


def test_every_folder_with_code_is_listed_as_a_package() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for name in TOP_LEVEL_NAMES
        for init in (ROOT / name).rglob("__init__.py")
    }
    assert listed == found


def test_every_tests_folder_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def names_taken_from_random(tree: ast.Module) -> Iterator[str]:
    """Every name a module takes from `random`, in both ways of importing it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random":
            yield node.attr


@pytest.mark.parametrize("folder", PURE_FOLDERS)
def test_pure_packages_are_handed_their_chance(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        taken = set(names_taken_from_random(ast.parse(path.read_text())))
        assert taken <= {"Random"}, f"{path.relative_to(ROOT)} uses the shared state of random: {taken - {'Random'}}"
